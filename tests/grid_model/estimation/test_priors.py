"""Pseudo-readings: from history, from moments, from defaults; and readings that grow old."""

import numpy as np
import pytest

from grid_model.estimation.belief import join
from grid_model.estimation.intervals import Uncertain
from grid_model.estimation.measurements import (
    CORRELATION_TIME_S,
    MeterReadings,
    feeder_readings,
    meter_readings,
    outgoing_lines,
    transformer_readings,
)
from grid_model.estimation.priors import from_defaults, from_history, from_moments, picked
from tests.grid_model.estimation.test_belief import dense
from tests.grid_model.small_networks import loaded, street


def history(n_day: int, n_sp: int, common: float) -> np.ndarray:
    """Houses of mean 2 kW and standard deviation 1 kW, any two correlated by `common`; Q is a fifth of P."""
    rng = np.random.default_rng(6)
    shared, own = rng.normal(size=(n_day, 1)), rng.normal(size=(n_day, n_sp))
    p = 2.0 + np.sqrt(common) * shared + np.sqrt(1 - common) * own
    return np.stack([p, p / 5], axis=2)


@pytest.mark.parametrize("common", [0.0, 0.4])
def test_history_shows_mean_variance_and_what_is_common(common: float) -> None:
    covariance = dense(from_history(history(600, 12, common)))
    belief = from_history(history(600, 12, common))
    np.testing.assert_allclose(belief.mean[:, 0], 2.0, atol=0.15)
    np.testing.assert_allclose(np.sqrt(belief.variance[:, 0]), 1.0, atol=0.1)
    between = covariance[0:-1:2, 0:-1:2][np.triu_indices(12, 1)]
    np.testing.assert_allclose(between, common, atol=0.08)
    assert covariance[0, 1] == pytest.approx(0.2 * covariance[0, 0], rel=0.02)


def test_few_days_are_drawn_to_what_all_houses_have() -> None:
    samples = history(4, 12, 0.0)
    samples[:, 0] = samples[:1, 0]  # one house that was the same on four days
    belief = from_history(samples)
    assert np.sqrt(belief.variance[0, 0]) > 0.3
    assert np.isfinite(dense(belief)).all()
    assert np.linalg.eigvalsh(dense(belief)).min() > 0


def test_moments_keep_their_variances() -> None:
    mean, sd = np.full((3, 2), 2.0), np.array([[1.0, 0.3]] * 3)
    covariance = dense(from_moments(mean, sd, common=0.3, correlation=0.8))
    np.testing.assert_allclose(np.sqrt(np.diag(covariance))[:-1], [1.0, 0.3] * 3)
    assert covariance[0, 2] == pytest.approx(0.3)
    assert covariance[0, 1] == pytest.approx(0.8 * 0.3)


def test_defaults_take_the_level_of_the_fresh_meters() -> None:
    network = loaded(street(8))
    values = np.full((8, 2), np.nan)
    values[:6, 0] = 5.0 * np.array([0.3, 0.5, 0.4, 0.6, 0.2, 0.4])
    meters = MeterReadings(values, np.full((8, 2), 0.05), np.ones(8, dtype=np.int64))
    belief = from_defaults(network, meters)
    np.testing.assert_allclose(belief.mean[:, 0], 2.0)
    np.testing.assert_allclose(belief.mean[:, 1], 0.4)
    assert 0.5 < np.sqrt(belief.variance[7, 0]) < 0.9  # the houses scatter by 0.65
    alone = from_defaults(network, meters.without(range(8)))
    np.testing.assert_allclose(alone.mean[:, 0], 5.0)
    assert np.sqrt(alone.variance[0, 0]) > 5.0


def test_a_prior_may_be_picked_house_by_house() -> None:
    one, other = (from_moments(np.full((2, 2), value), np.ones((2, 2)), common=0.5) for value in (1.0, 2.0))
    both = picked(one, other, np.array([True, False]))
    np.testing.assert_allclose(both.mean[:, 0], [1.0, 2.0])
    covariance = dense(both)
    assert covariance[0, 2] == 0.0  # what two sources have in common is not known
    np.testing.assert_allclose(np.diag(covariance)[:-1], 1.0)


def test_an_old_reading_gives_way_to_the_prior() -> None:
    prior = from_moments(np.array([[1.0, 0.2]] * 3), np.array([[2.0, 0.4]] * 3))
    age = np.array([0.0, CORRELATION_TIME_S / 2, 20 * CORRELATION_TIME_S])
    meters = meter_readings(np.full(3, 4.0), np.full(3, 0.8), age_s=age, usual_var=prior.variance)
    joined = join(prior, meters).belief
    np.testing.assert_allclose(joined.mean[:, 0], [4.0, 1 + 3 * np.exp(-1), 1.0], atol=2e-3)
    variance = 4.0 * (1 - np.exp(-2 * age / CORRELATION_TIME_S))  # Ornstein and Uhlenbeck
    np.testing.assert_allclose(joined.variance[:, 0], variance, atol=3e-3)


def test_interval_and_probability() -> None:
    known = Uncertain(np.array([100.0, 90.0, 100.0, np.nan]), np.array([10.0, 0.0, 0.0, np.nan]))
    lower, upper = known.interval(0.95)
    assert (lower[0], upper[0]) == (pytest.approx(80.4, abs=0.01), pytest.approx(119.6, abs=0.01))
    above = known.probability_above(100.0)
    np.testing.assert_allclose(above[:3], [0.5, 0.0, 0.0])
    assert np.isnan(above[3])
    np.testing.assert_allclose(known.probability_below(110.0)[:3], [0.8413, 1.0, 1.0], atol=1e-4)


def test_substation_readings_have_the_signs_of_the_branches() -> None:
    network = loaded(street(3))
    p, q, i, v = transformer_readings(network, p_kw=80.0, q_kvar=20.0, i_a=120.0, v_pu=1.01)
    assert (p.element, p.side, p.value, q.value) == ("trafo:0", "to", -80.0, -20.0)
    assert p.sd == pytest.approx(0.01 * np.hypot(80, 20))
    assert (i.value, v.element, v.value) == (120.0, "bus:1", 1.01)
    assert transformer_readings(network, p_kw=80.0, side="from")[0].value == 80.0
    assert outgoing_lines(network, 1) == (("line:0", "from"),)
    assert outgoing_lines(network, 2) == (("line:1", "from"), ("line:0", "to"))
    with pytest.raises(ValueError, match="line:9"):
        feeder_readings(network, "line:9", p_kw=1.0)


@pytest.mark.parametrize("shown", [400.0, 20.0, -8.0])
def test_one_wrong_meter_does_not_move_the_level_of_the_whole_street(shown: float) -> None:
    network = loaded(street(8))
    right = 5.0 * np.array([0.3, 0.32, 0.29, 0.31, 0.3, 0.28, 0.33, 0.3])
    values = np.stack([right, right / 5], axis=1)
    sharp = MeterReadings(values, np.full((8, 2), 0.05), np.ones(8, dtype=np.int64))
    wrong = values.copy()
    wrong[3, 0] = shown
    spoilt = MeterReadings(wrong, sharp.sd, sharp.unchanged)
    expected, found = from_defaults(network, sharp), from_defaults(network, spoilt)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=0.03)
    if shown > 60.0:  # no connection carries that
        np.testing.assert_allclose(found.variance, expected.variance, rtol=0.4)
    else:  # perhaps a charger, which others may have as well
        assert np.all(found.variance[:, 0] > 10 * expected.variance[:, 0])
        assert np.all(np.sqrt(found.variance[:, 0]) < 11.0 / np.sqrt(8) + 1.0)


def test_many_that_differ_are_no_mistake() -> None:
    network = loaded(street(8))
    values = np.full((8, 2), 1.0)
    values[::2, 0] = 11.0  # a charger in every second house
    belief = from_defaults(network, MeterReadings(values, 0.05 * values, np.ones(8, dtype=np.int64)))
    np.testing.assert_allclose(belief.mean[:, 0], 6.0)


def test_houses_that_take_nothing_together_are_still_uncertain() -> None:
    network = loaded(street(8))
    p_kw = np.array([4.0, -4.0, 6.0, -6.0, 3.0, -3.0, 0.0, np.nan])  # a sunny noon
    meters = MeterReadings(
        np.stack([p_kw, p_kw / 5], axis=1), np.full((8, 2), 0.05), np.ones(8, dtype=np.int64)
    )
    belief = from_defaults(network, meters)
    assert belief.mean[7, 0] == pytest.approx(0.0)
    assert 3.0 < np.sqrt(belief.variance[7, 0]) < 6.0


def test_one_meter_is_better_than_none() -> None:
    network = loaded(street(8))
    values = np.full((8, 2), np.nan)
    values[2] = 10.0, 2.0
    belief = from_defaults(network, MeterReadings(values, np.full((8, 2), 0.05), np.ones(8, dtype=np.int64)))
    np.testing.assert_allclose(belief.mean[:, 0], 10.0)
    assert np.all(np.sqrt(belief.variance[:, 0]) > 8.0)


def test_reactive_power_has_a_level_of_its_own() -> None:
    network = loaded(street(8))
    p_kw = np.array([11.5, 0.4, 12.0, 0.6, 11.4, 0.5, np.nan, np.nan])  # cars, which take no Q
    q_kvar = np.array([0.10, 0.12, 0.11, 0.09, 0.10, 0.12, np.nan, np.nan])
    sd, once = np.full((8, 2), 0.05), np.ones(8, dtype=np.int64)
    belief = from_defaults(network, MeterReadings(np.stack([p_kw, q_kvar], axis=1), sd, once))
    assert belief.mean[7, 0] == pytest.approx(6.07, abs=0.01)
    assert belief.mean[7, 1] == pytest.approx(0.107, abs=0.001)
    assert np.sqrt(belief.variance[7, 1]) < 0.05
    assert abs(belief.block[7, 0, 1]) < 0.5 * np.sqrt(belief.block[7, 0, 0] * belief.block[7, 1, 1])
    silent = MeterReadings(np.stack([p_kw, np.full(8, np.nan)], axis=1), sd, once)
    unknown = from_defaults(network, silent)
    assert unknown.mean[7, 1] == pytest.approx(6.07 / 5, abs=0.01)
    assert np.sqrt(unknown.variance[7, 1]) > 1.0  # Q may be next to nothing
    assert unknown.block[7, 0, 1] == 0.0


def test_reactive_power_that_goes_with_active_is_seen_to() -> None:
    network = loaded(street(8))
    p_kw = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, np.nan])
    meters = MeterReadings(
        np.stack([p_kw, p_kw / 5], axis=1), np.full((8, 2), 0.05), np.ones(8, dtype=np.int64)
    )
    block = from_defaults(network, meters).block[7]
    assert 0.4 < block[0, 1] / np.sqrt(block[0, 0] * block[1, 1]) < 0.7  # seven meters show it, not more
