"""The forecast of service points and their sum: means, intervals that hold, and how houses hang together."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grid_model.forecast import forecaster
from grid_model.forecast.forecaster import HORIZONS, Forecast, Forecaster, Slot
from grid_model.forecast.seasonal import SLOTS, WEEKEND, WORKDAY
from grid_model.network import Floats

N = 12


def _slot(step: int) -> Slot:
    day = step // SLOTS % 7
    return Slot(WEEKEND if day >= 5 else WORKDAY, step % SLOTS)


def _slots_after(step: int) -> tuple[Slot, ...]:
    return tuple(_slot(step + h) for h in HORIZONS)


def _learnt(p_kw: Floats, default_kw: Floats | None = None) -> Forecaster:
    known = forecaster.begin(np.ones(p_kw.shape[1]) if default_kw is None else default_kw)
    for step, row in enumerate(p_kw):
        known = forecaster.observe(known, _slot(step), row)
    return known


def _forecast(p_kw: Floats) -> Forecast:
    return forecaster.forecast(_learnt(p_kw), _slots_after(len(p_kw) - 1))


def _houses(days: int, seed: int, common: float = 0.0) -> Floats:
    """Days with an evening, and deviations that fade: partly the same in all houses."""
    rng = np.random.default_rng(seed)
    steps = days * SLOTS
    evening = 1 + 2 * np.exp(-(((np.arange(steps) % SLOTS) - 74) ** 2) / 50)
    noise = np.sqrt(common) * rng.normal(0, 0.3, (steps, 1)) + np.sqrt(1 - common) * rng.normal(
        0, 0.3, (steps, N)
    )
    fading = np.zeros((steps, N))
    for step in range(1, steps):
        fading[step] = 0.85 * fading[step - 1] + noise[step]
    return evening[:, np.newaxis] + fading


def test_before_anything_was_seen_the_default_is_expected_within_wide_intervals() -> None:
    default_kw = np.array([2.0, 4.0])
    said = forecaster.forecast(forecaster.begin(default_kw), _slots_after(0))
    np.testing.assert_allclose(said.mean_kw, np.broadcast_to(default_kw, (len(HORIZONS), 2)))
    assert (said.quantiles_kw[:, 0] < 0).all()
    assert (said.quantiles_kw[:, -1] > 2 * default_kw).all()


def test_a_day_that_comes_back_is_foretold() -> None:
    day = np.where(np.arange(SLOTS) < 48, 1.0, 5.0)
    seen = np.tile(day, 14)[: -SLOTS // 2 - 10]
    said = _forecast(seen[:, np.newaxis] * np.ones(3))
    expected = [day[(len(seen) - 1 + h) % SLOTS] for h in HORIZONS]
    assert min(expected) < max(expected), "the step at noon is still to come"
    away = [abs((len(seen) - 1 + h) % SLOTS - 47.5) > 1 for h in HORIZONS]
    np.testing.assert_allclose(said.mean_kw[away, 0], np.asarray(expected)[away], atol=0.3)


@dataclass
class _Score:
    """Errors and hits of forecasts against what came, beside persistence and the seasonal mean."""

    ours: Floats
    persistence: Floats
    seasonal: Floats
    inside: Floats
    """share of values inside [80 %, 95 %] intervals, of the houses and of their sum: (n_horizon, 4)"""


def _scored(p_kw: Floats, warm_days: int) -> _Score:
    known = forecaster.begin(np.ones(N))
    usual = p_kw[: warm_days * SLOTS].reshape(warm_days, SLOTS, N).mean(axis=0)
    rows: list[list[Floats]] = []
    for step, row in enumerate(p_kw[: -max(HORIZONS)]):
        known = forecaster.observe(known, _slot(step), row)
        if step < warm_days * SLOTS or step % 3:
            continue
        said, came = forecaster.forecast(known, _slots_after(step)), p_kw[[step + h for h in HORIZONS]]
        day = usual[[(step + h) % SLOTS for h in HORIZONS]]
        q, s, total = said.quantiles_kw, said.sum_quantiles_kw, came.sum(axis=1)
        inside = [
            ((q[:, 1] <= came) & (came <= q[:, 3])).mean(axis=1),
            ((q[:, 0] <= came) & (came <= q[:, 4])).mean(axis=1),
            (s[:, 1] <= total) & (total <= s[:, 3]),
            (s[:, 0] <= total) & (total <= s[:, 4]),
        ]
        errors = [np.abs(came - other).mean(axis=1) for other in (said.mean_kw, row, day)]
        rows.append([*errors, *inside])
    mean = np.mean(np.asarray(rows, dtype=np.float64), axis=0)
    return _Score(mean[0], mean[1], mean[2], mean[3:].T)


@pytest.fixture(scope="module")
def score() -> _Score:
    return _scored(_houses(28, seed=1), warm_days=8)


def test_it_is_nearer_than_persistence_and_the_usual_day(score: _Score) -> None:
    near, far = HORIZONS.index(1), HORIZONS.index(24)
    assert score.ours[near] < min(score.persistence[near], score.seasonal[near])
    assert score.ours[far] < 0.8 * score.persistence[far]
    assert score.ours[far] < 1.1 * score.seasonal[far], "six hours ahead nothing is left of the deviation"


def test_the_intervals_hold_what_they_promise(score: _Score) -> None:
    np.testing.assert_allclose(score.inside[:, 0], 0.80, atol=0.05)
    np.testing.assert_allclose(score.inside[:, 1], 0.95, atol=0.04)
    np.testing.assert_allclose(score.inside[:, 2], 0.80, atol=0.12)
    np.testing.assert_allclose(score.inside[:, 3], 0.95, atol=0.08)


@pytest.mark.parametrize(("common", "low", "high"), [(0.0, 0.0, 0.12), (0.5, 0.3, 0.7), (1.0, 0.8, 1.0)])
def test_dependence_is_found(common: float, low: float, high: float) -> None:
    said = _forecast(_houses(14, seed=2, common=common))
    assert low <= said.dependence.mean() <= high


def test_the_parts_add_up_to_the_sum() -> None:
    said = _forecast(_houses(5, seed=3))
    np.testing.assert_allclose(said.mean_kw.sum(axis=1), said.sum_kw)


def test_a_glimpse_moves_the_forecast_and_learns_nothing() -> None:
    known = _learnt(_houses(6, seed=4))
    step = 6 * SLOTS
    seen = forecaster.glimpse(known, _slot(step), np.full(N, 6.0))
    assert seen.seasonal is known.seasonal
    before = forecaster.forecast(known, _slots_after(step)).sum_kw[0]
    assert forecaster.forecast(seen, _slots_after(step)).sum_kw[0] > before + N


def test_a_gap_leaves_the_usual_day() -> None:
    known = _learnt(_houses(10, seed=5))
    for step in range(10 * SLOTS, 10 * SLOTS + 30):
        known = forecaster.observe(known, _slot(step), np.full(N, np.nan))
    assert known.steps == 10 * SLOTS
    said = forecaster.forecast(known, _slots_after(10 * SLOTS + 29))
    assert np.isfinite(said.quantiles_kw).all()
    evening = said.sum_kw[HORIZONS.index(24)]
    assert evening == pytest.approx(N * 1.0, rel=0.5)


_values = st.one_of(st.floats(-50, 50), st.just(float("nan")))


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (30, 3), elements=_values))
def test_whatever_comes_in_numbers_come_out_in_order(p_kw: Floats) -> None:
    said = _forecast(p_kw)
    assert np.isfinite(said.mean_kw).all()
    assert np.isfinite(said.sum_quantiles_kw).all()
    assert (np.diff(said.quantiles_kw, axis=1) >= -1e-9).all()
    assert ((said.dependence >= 0) & (said.dependence <= 1)).all()
