"""Each kind of wrong reading is found and left out; clean readings are left alone."""

from dataclasses import replace

import numpy as np
import pytest

from grid_model.estimation.estimate import Estimate
from grid_model.estimation.measurements import Measurement, Measurements, MeterReadings
from grid_model.estimation.priors import from_moments
from grid_model.network import Floats
from tests.grid_model.estimation.streets import Street, measured, read, ten_houses, usual
from tests.grid_model.estimation.test_estimate import P_KW, settled

WRONG = 4
"""The house whose meter is wrong: it takes 6 kW."""


@pytest.fixture(scope="module")
def houses() -> Street:
    return ten_houses()


def spoilt(meters: MeterReadings, shown: Floats, *, unchanged: int = 1) -> MeterReadings:
    values, counted = meters.values.copy(), meters.unchanged.copy()
    values[WRONG], counted[WRONG] = shown, unchanged
    return MeterReadings(values, meters.sd, counted)


def found(houses: Street, meters: MeterReadings, *network: tuple[Measurement, ...]) -> Estimate:
    return settled(houses.estimator.estimate(measured(meters, *network), usual(houses)))


@pytest.mark.parametrize(
    ("shown", "unchanged", "fault"),
    [
        ((-6.0, -1.2), 1, "sign"),
        ((0.006, 0.0012), 1, "thousandth"),
        ((6000.0, 1200.0), 1, "impossible"),
        ((2.0, 0.4), 6, "stuck"),
        ((41.0, 0.1), 1, "wrong"),
        ((6.0, 35.0), 1, "impossible"),
    ],
)
def test_a_wrong_meter_is_found_and_left_out(
    houses: Street, shown: tuple[float, float], unchanged: int, fault: str
) -> None:
    truth = houses.state(P_KW)
    meters = spoilt(read(truth), np.array(shown), unchanged=unchanged)
    estimate = found(houses, meters, houses.substation(truth))
    (suspect,) = estimate.suspects
    assert (suspect.place, suspect.fault) == (WRONG, fault)
    assert suspect.source == houses.network.service_points[WRONG]
    assert suspect.reason
    exact = houses.load_flow.solve(P_KW, P_KW / 5)
    np.testing.assert_allclose(estimate.lines.value, exact.line_loading_percent, atol=1.5)
    assert estimate.p.value[WRONG] == pytest.approx(6.0, abs=0.6)
    assert estimate.p.sd[WRONG] > 0.1
    assert estimate.consistency.consistent


def test_a_thousandfold_reading_within_the_bound_is_named(houses: Street) -> None:
    loads = P_KW.copy()
    loads[WRONG] = 0.03
    truth = houses.state(loads)
    estimate = found(houses, spoilt(read(truth), np.array([30.0, 6.0])), houses.substation(truth))
    (suspect,) = estimate.suspects
    assert suspect.place == WRONG
    assert suspect.fault in {"thousand", "wrong"}  # a house at rest: 30 W cannot be told from nothing


def test_believed_when_asked_to(houses: Street) -> None:
    truth = houses.state(P_KW)
    measurements = measured(spoilt(read(truth), np.array([-6.0, -1.2])), houses.substation(truth))
    estimate = settled(houses.estimator.estimate(measurements, usual(houses), exclude_bad=False))
    assert not estimate.suspects
    assert not estimate.consistency.consistent
    flow = next(check for check in estimate.consistency.readings if check.reading.quantity == "p_kw")
    assert abs(flow.normalised_residual) > 5
    assert abs(flow.reading.value - flow.expected) > 5 * flow.expected_sd


def test_feeding_in_is_no_fault_where_a_generator_is(houses: Street) -> None:
    import pandapower as pp

    from grid_model.estimation.estimate import Estimator
    from grid_model.load_flow import FactoredLoadFlow
    from tests.grid_model.small_networks import loaded, street

    net = street(10, kva=160.0, span_km=0.04)
    pp.create_sgen(net, 2 + WRONG, p_mw=0.01)
    network = loaded(net, metered_generation=True)
    load_flow = FactoredLoadFlow(network)
    sunny = Street(network, load_flow, Estimator(network, load_flow))
    loads = P_KW.copy()
    loads[WRONG] = -7.0
    truth = sunny.state(loads)
    estimate = found(sunny, read(truth), sunny.substation(truth))
    assert not estimate.suspects
    assert estimate.p.value[WRONG] == pytest.approx(-7.0, abs=0.2)


def test_an_unusual_load_that_the_substation_confirms_is_believed(houses: Street) -> None:
    loads = P_KW.copy()
    loads[WRONG] = 28.0  # twelve standard deviations above the prior
    truth = houses.state(loads)
    estimate = found(houses, read(truth), houses.substation(truth))
    assert not estimate.suspects
    assert estimate.p.value[WRONG] == pytest.approx(28.0, abs=0.5)


def test_a_house_without_a_meter_may_surprise(houses: Street) -> None:
    loads = P_KW.copy()
    loads[WRONG] = 28.0
    truth = houses.state(loads)
    estimate = found(houses, read(truth, missing=(WRONG,)), houses.substation(truth))
    assert not estimate.suspects
    assert estimate.unusual == (WRONG,)
    assert estimate.p.value[WRONG] == pytest.approx(28.0, abs=1.5)


@pytest.mark.parametrize("quantity", ["p_kw", "i_a", "v_pu"])
def test_a_broken_instrument_of_the_substation_is_found(houses: Street, quantity: str) -> None:
    truth = houses.state(P_KW)
    exact = houses.substation(truth)
    wrong = next(reading for reading in exact if reading.quantity == quantity)
    factor = 1.1 if quantity == "v_pu" else 0.5
    network = tuple(
        replace(reading, value=reading.value * factor) if reading is wrong else reading for reading in exact
    )
    estimate = found(houses, read(truth), network, houses.voltages(truth))
    (suspect,) = estimate.suspects
    assert suspect.place is None
    assert [reading.value for reading in suspect.readings] == [wrong.value * factor]
    assert suspect.expected == pytest.approx(wrong.value, rel=0.06)


def test_voltages_expose_a_meter_where_there_is_no_substation(houses: Street) -> None:
    truth = houses.state(P_KW * 2)
    sharp = tuple(replace(reading, sd=2e-4) for reading in houses.voltages(truth))
    estimate = found(houses, spoilt(read(truth), np.array([-12.0, -2.4])), sharp)
    assert [suspect.place for suspect in estimate.suspects] == [WRONG]


def test_an_impossible_voltage_never_reaches_the_estimate(houses: Street) -> None:
    truth = houses.state(P_KW)
    nonsense = (Measurement("v_pu", "bus:1", 230.0, 0.005), Measurement("v_pu", "bus:2", float("nan"), 0.005))
    estimate = found(houses, read(truth), nonsense)
    assert [suspect.fault for suspect in estimate.suspects] == ["impossible", "impossible"]
    assert np.isfinite(estimate.lines.value).all()


def test_clean_readings_are_left_alone(houses: Street) -> None:
    rng = np.random.default_rng(12)
    accused = 0
    for _ in range(120):
        truth = houses.state(np.maximum(rng.normal(3.0, 2.0, 10), 0.05), rng.normal(1.0, 0.01))
        meters = read(truth, missing=tuple(np.flatnonzero(rng.random(10) < 0.3).tolist()))
        values = meters.values * rng.normal(1.0, 0.01, meters.values.shape)
        noisy = tuple(replace(m, value=float(rng.normal(m.value, m.sd))) for m in houses.substation(truth))
        measurements = Measurements(MeterReadings(values, meters.sd, meters.unchanged), noisy)
        accused += bool(settled(houses.estimator.estimate(measurements, usual(houses))).suspects)
    assert accused <= 1


def test_cross_check_says_how_large_an_error_shows(houses: Street) -> None:
    truth = houses.state(P_KW)
    prior = usual(houses)
    with_it = houses.estimator.cross_check(measured(read(truth), houses.substation(truth)), prior)
    without = houses.estimator.cross_check(measured(read(truth)), prior)
    assert with_it is not None
    assert without is not None
    np.testing.assert_allclose(np.sqrt(without.variance), 2.0, rtol=0.1)  # only the prior speaks
    assert np.all(np.sqrt(with_it.variance) < 0.6)
    np.testing.assert_allclose(with_it.difference, 0.0, atol=0.1)


def test_what_all_others_say_of_a_meter_knows_neither_its_p_nor_its_q(houses: Street) -> None:
    truth = houses.state(P_KW)
    prior = from_moments(np.tile([3.0, 0.6], (10, 1)), np.tile([2.0, 0.4], (10, 1)), correlation=0.99)
    meters = spoilt(read(truth, missing=(1, 7)), np.array([-6.0, -1.2]))
    said = houses.estimator.cross_check(measured(meters, houses.substation(truth)), prior)
    assert said is not None
    apart = houses.estimator.estimate(
        measured(meters.without([WRONG]), houses.substation(truth)), prior, exclude_bad=False
    )
    without = settled(apart)
    assert -6.0 - said.difference[WRONG] == pytest.approx(without.p.value[WRONG], abs=0.02)
    noise = meters.sd[WRONG, 0]
    assert np.sqrt(said.variance[WRONG]) == pytest.approx(np.hypot(without.p.sd[WRONG], noise), rel=0.01)
    assert np.isnan(said.difference[1])
    assert np.isnan(said.variance[7])


def test_a_meter_stuck_near_nothing_is_told_from_its_neighbours(houses: Street) -> None:
    truth = houses.state(P_KW)
    meters = spoilt(read(truth), np.array([0.03, 0.006]), unchanged=20)
    estimate = found(houses, meters, houses.substation(truth))
    (suspect,) = estimate.suspects
    assert (suspect.place, suspect.fault, suspect.instead) == (WRONG, "stuck", ())
