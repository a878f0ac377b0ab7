"""The estimated state: least squares of a textbook, intervals, and what happens when little is known."""

from dataclasses import replace

import numpy as np
import pytest

from grid_model.errors import UnknownElement
from grid_model.estimation.estimate import Estimate, Estimator, NoEstimate
from grid_model.estimation.measurements import Measurement, Measurements, transformer_readings
from grid_model.estimation.priors import from_moments
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from grid_model.violations import Limits, Violation, find_violations
from tests.grid_model.estimation.streets import Street, measured, read, ten_houses, usual
from tests.grid_model.estimation.test_belief import dense
from tests.grid_model.small_networks import loaded, street

P_KW = np.array([1.0, 4.0, 2.5, 0.5, 6.0, 3.0, 2.0, 5.0, 1.5, 3.5])


@pytest.fixture(scope="module")
def houses() -> Street:
    return ten_houses()


def settled(outcome: Estimate | NoEstimate) -> Estimate:
    assert isinstance(outcome, Estimate), outcome
    return outcome


def textbook(houses: Street, measurements: Measurements, prior_mean: Floats, prior_cov: Floats) -> Floats:
    """Normal equations of all readings and pseudo-readings, dense, with numerical derivatives."""
    n = len(prior_mean)
    x = prior_mean.copy()
    values = measurements.meters.values.ravel()
    seen = np.flatnonzero(np.isfinite(values))
    pick = np.eye(n)[seen]
    weight = np.concatenate(
        [1 / measurements.meters.sd.ravel()[seen] ** 2, [1 / m.sd**2 for m in measurements.network]]
    )
    precision = np.linalg.inv(prior_cov)

    def h(state: Floats) -> Floats:
        return houses.estimator.readings_at(state, measurements.network)

    for _ in range(12):
        step = np.where(np.arange(n) == n - 1, 1e-4, 1e-2)
        numeric = np.stack(
            [(h(x + step * unit) - h(x - step * unit)) / (2 * step[k]) for k, unit in enumerate(np.eye(n))],
            axis=1,
        )
        jacobian = np.vstack([pick, numeric])
        residual = np.concatenate([values[seen] - x[seen], [m.value for m in measurements.network] - h(x)])
        normal = jacobian.T @ (weight[:, None] * jacobian) + precision
        x = x + np.linalg.solve(normal, jacobian.T @ (weight * residual) + precision @ (prior_mean - x))
    return np.concatenate([x, np.sqrt(np.diag(np.linalg.inv(normal)))])


@pytest.mark.parametrize("with_voltages", [False, True])
def test_as_the_normal_equations_of_a_textbook(houses: Street, with_voltages: bool) -> None:
    rng = np.random.default_rng(5)
    truth = houses.state(P_KW, 1.01)
    prior = usual(houses, common=0.3)
    exact = (*houses.substation(truth), *(houses.voltages(truth) if with_voltages else ()))
    noisy = tuple(
        Measurement(m.quantity, m.element, float(rng.normal(m.value, m.sd)), m.sd, m.side, m.source)
        for m in exact
    )
    measurements = measured(read(truth, missing=(2, 7, 8)), noisy)
    found = settled(houses.estimator.estimate(measurements, prior, exclude_bad=False))
    expected = textbook(houses, measurements, prior.state, dense(prior))
    state = np.append(np.stack([found.p.value, found.q.value], axis=1).ravel(), found.slack_scale)
    sd = np.append(np.stack([found.p.sd, found.q.sd], axis=1).ravel(), found.slack_sd)
    np.testing.assert_allclose(state, expected[: len(state)], rtol=0, atol=2e-3)
    np.testing.assert_allclose(sd, expected[len(state) :], rtol=5e-3, atol=1e-6)


def test_exact_readings_give_the_truth(houses: Street) -> None:
    truth = houses.state(P_KW, 0.99)
    measurements = measured(read(truth, missing=(4,)), houses.substation(truth))
    found = settled(houses.estimator.estimate(measurements, usual(houses)))
    exact = houses.load_flow.solve(P_KW, P_KW / 5, slack_scale=0.99)
    assert found.p.value[4] == pytest.approx(6.0, abs=0.4)  # to be told from the sum of nine others
    np.testing.assert_allclose(found.lines.value, exact.line_loading_percent, atol=1.0)
    np.testing.assert_allclose(found.voltages.value, exact.v_pu, atol=2e-3)
    assert found.consistency.consistent
    assert not found.suspects


def test_nothing_read_gives_the_prior(houses: Street) -> None:
    nothing = read(houses.state(np.full(10, np.nan)))
    found = settled(houses.estimator.estimate(measured(nothing), usual(houses)))
    np.testing.assert_allclose(found.p.value, 3.0)
    np.testing.assert_allclose(found.p.sd, 2.0)
    assert found.consistency.degrees == 0
    assert found.consistency.p_value == 1.0
    exact = houses.load_flow.solve(np.full(10, 3.0), np.full(10, 0.6))
    np.testing.assert_allclose(found.lines.value, exact.line_loading_percent)


def test_without_the_substation_intervals_are_wider(houses: Street) -> None:
    truth = houses.state(P_KW)
    meters = read(truth, missing=(1, 5, 9))
    with_it = settled(houses.estimator.estimate(measured(meters, houses.substation(truth)), usual(houses)))
    without = settled(houses.estimator.estimate(measured(meters), usual(houses)))
    assert without.lines.sd[0] > 5 * with_it.lines.sd[0]
    assert without.transformers.sd[0] > 5 * with_it.transformers.sd[0]
    lower, upper = without.lines.interval()
    exact = houses.load_flow.solve(P_KW, P_KW / 5)
    assert np.all((lower <= exact.line_loading_percent) & (exact.line_loading_percent <= upper))


def test_voltages_of_houses_sharpen_the_missing_ones(houses: Street) -> None:
    truth = houses.state(P_KW)
    meters = read(truth, missing=tuple(range(10)))
    blunt = settled(houses.estimator.estimate(measured(meters, houses.substation(truth)), usual(houses)))
    sharp_voltages = tuple(
        Measurement(m.quantity, m.element, m.value, 1e-4, m.side, m.source) for m in houses.voltages(truth)
    )
    sharp = settled(
        houses.estimator.estimate(measured(meters, houses.substation(truth), sharp_voltages), usual(houses))
    )
    assert np.all(sharp.p.sd < blunt.p.sd)
    assert np.abs(sharp.p.value - P_KW).mean() < 0.8 * np.abs(blunt.p.value - P_KW).mean()


def test_a_violation_says_how_sure_it_is(houses: Street) -> None:
    truth = houses.state(P_KW * 2.2)
    measurements = measured(read(truth, missing=(3, 6)), houses.substation(truth))
    found = settled(houses.estimator.estimate(measurements, usual(houses, 6.0, 4.0)))
    worst = float(found.lines.value.max())
    for limit, low, high in ((worst - 20, 0.99, 1.0), (worst, 0.49, 0.51), (worst + 20, 0.0, 0.01)):
        violation = Violation("line:0", "line_overload", worst, limit)
        assert low <= found.probability(houses.network, violation) <= high
    for violation in find_violations(houses.network, found.result, Limits(50.0, min_v_pu=0.95)):
        assert found.probability(houses.network, violation) > 0.5
    end = int(np.nanargmin(found.voltages.value))
    under = Violation(f"bus:{end}", "undervoltage", float(found.voltages.value[end]), 0.5)
    assert found.probability(houses.network, under) < 1e-6


def test_intervals_cover_the_truth(houses: Street) -> None:
    rng = np.random.default_rng(8)
    prior = usual(houses, 4.0, 1.5, common=0.2)
    inside = []
    for _ in range(100):
        loads = 4.0 + np.linalg.cholesky(dense(prior)[:-1:2, :-1:2]) @ rng.normal(size=10)
        truth = houses.state(loads, rng.normal(1.0, 0.02))
        network = tuple(
            Measurement(m.quantity, m.element, float(rng.normal(m.value, m.sd)), m.sd, m.side, m.source)
            for m in houses.substation(truth)
        )
        missing = tuple(np.flatnonzero(rng.random(10) < 0.4).tolist())
        found = settled(
            houses.estimator.estimate(
                measured(read(truth, missing=missing), network), prior, exclude_bad=False
            )
        )
        exact = houses.load_flow.solve(truth[:-1:2], truth[1:-1:2], slack_scale=float(truth[-1]))
        lower, upper = found.lines.interval(0.95)
        inside.append((lower <= exact.line_loading_percent) & (exact.line_loading_percent <= upper))
    assert 0.92 < np.mean(inside) < 0.985


def test_no_number_without_a_load_flow(houses: Street) -> None:
    truth = houses.state(np.full(10, 400.0))
    outcome = houses.estimator.estimate(measured(read(truth)), usual(houses, 400.0), exclude_bad=False)
    assert isinstance(outcome, NoEstimate)
    assert "does not converge" in outcome.reason


def test_a_network_that_cannot_be_linearised_says_so() -> None:
    import pandapower as pp

    net = street(3)
    pp.create_gen(net, 2, p_mw=0.002, vm_pu=1.0)
    network = loaded(net)
    n_sp = len(network.service_points)
    estimator = Estimator(network, FactoredLoadFlow(network))
    prior = from_moments(np.ones((n_sp, 2)), np.ones((n_sp, 2)))
    outcome = estimator.estimate(measured(read(np.append(np.ones(2 * n_sp), 1.0))), prior)
    assert isinstance(outcome, NoEstimate)
    assert "linearised" in outcome.reason


def test_a_wrong_element_is_named(houses: Street) -> None:
    reading = Measurement("p_kw", "line:99", 1.0, 0.1)
    with pytest.raises(UnknownElement, match="line:99"):
        houses.estimator.estimate(measured(read(houses.state(P_KW)), (reading,)), usual(houses))


def test_a_reading_of_what_is_out_of_service_is_set_aside() -> None:
    import pandapower as pp

    net = street(4)
    spare = pp.create_line_from_parameters(net, 2, 3, 0.1, 0.3, 0.1, 200.0, 0.1, in_service=False)
    network = loaded(net)
    estimator = Estimator(network, FactoredLoadFlow(network))
    reading = Measurement("i_a", f"line:{spare}", 50.0, 1.0)
    prior = from_moments(np.ones((4, 2)), np.ones((4, 2)))
    found = settled(estimator.estimate(measured(read(np.append(np.ones(8), 1.0)), (reading,)), prior))
    assert found.ignored == (reading,)
    assert found.lines.sd[spare] == 0.0


def test_a_transformer_with_three_windings_has_an_interval_and_is_measured() -> None:
    import pandapower as pp

    net = pp.create_empty_network()
    high, medium, low = (pp.create_bus(net, kv) for kv in (110.0, 20.0, 10.0))
    pp.create_ext_grid(net, high)
    pp.create_transformer3w(net, high, medium, low, "63/25/38 MVA 110/20/10 kV")
    pp.create_load(net, medium, p_mw=12.0, q_mvar=3.0)
    pp.create_load(net, low, p_mw=20.0, q_mvar=5.0)
    network = loaded(net)
    estimator = Estimator(network, FactoredLoadFlow(network))
    prior = from_moments(np.array([[12e3, 3e3], [20e3, 5e3]]), np.full((2, 2), 2e3), slack_sd=1e-4)
    truth = np.array([14e3, 3e3, 20e3, 5e3, 1.0])
    wanted = tuple(
        reading
        for side in ("from", "to")
        for reading in transformer_readings(network, p_kw=0.0, q_kvar=0.0, i_a=0.0, side=side)
    )
    shown = estimator.readings_at(truth, wanted)
    assert shown[0] == pytest.approx(34e3, rel=0.01)
    assert shown[3] == pytest.approx(-20e3, rel=0.01)
    assert shown[5] == pytest.approx(np.hypot(20e3, 5e3) / (np.sqrt(3) * 10.0), rel=0.05)
    nothing = read(np.full(5, np.nan))
    blunt = settled(estimator.estimate(measured(nothing), prior))
    exact = tuple(replace(m, value=float(v), sd=20.0) for m, v in zip(wanted, shown, strict=True))
    sharp = settled(estimator.estimate(measured(nothing, exact[:5]), prior))
    assert blunt.transformers.sd[0] > 5.0
    assert sharp.transformers.sd[0] < 0.2
    assert sharp.p.value[0] == pytest.approx(14e3, rel=0.01)
