"""What may come within the next minute: the slope, its width, and when nothing is said."""

import numpy as np
import pytest

from grid_model.forecast.trend import DAMPING, Trend, observe, rise
from grid_model.network import Floats

LEAD_S = 60.0


def _seen(values: Floats, period_s: float, lead_s: float = LEAD_S) -> Trend:
    """A trend that saw the rows of (n_step, n), one each period."""
    trend = Trend(lead_s)
    for step, row in enumerate(values):
        trend = observe(trend, 1000.0 + step * period_s, row)
    return trend


def test_nothing_is_said_before_it_has_learnt() -> None:
    assert rise(Trend(LEAD_S), 1.0) is None
    assert rise(_seen(np.ones((5, 2)), 60.0), 1.0) is None
    assert rise(_seen(np.ones((7, 2)), 60.0), 1.0) is not None


@pytest.mark.parametrize("period_s", [5.0, 60.0])
def test_half_of_a_steady_slope_is_believed(period_s: float) -> None:
    steps = int(7200 / period_s)
    ramp = np.arange(steps)[:, np.newaxis] * period_s * np.array([0.02, -0.02, 0.0])
    rising = rise(_seen(ramp, period_s), 0.0)
    assert rising is not None
    np.testing.assert_allclose(rising, [DAMPING * 0.02 * LEAD_S, 0.0, 0.0], atol=0.01)


@pytest.mark.parametrize(("period_s", "lead_s"), [(60.0, 60.0), (10.0, 60.0), (60.0, 120.0)])
def test_a_random_walk_rises_by_more_as_often_as_was_said(period_s: float, lead_s: float) -> None:
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(0, 1.0, (600, 40)), axis=0)
    ahead = round(lead_s / period_s)
    trend, above, count = Trend(lead_s), 0, 0
    for step, row in enumerate(walk[:-ahead]):
        trend = observe(trend, step * period_s, row)
        said = rise(trend, 0.84)
        if said is not None and step > 100:
            above += int((walk[step + ahead] - row > said).sum())
            count += len(row)
    assert above / count == pytest.approx(0.2, abs=0.03)


def test_a_gap_begins_it_anew() -> None:
    trend = _seen(np.cumsum(np.ones((20, 1)), axis=0), 60.0)
    assert rise(observe(trend, 1000.0 + 19 * 60 + 301.0, np.array([0.0])), 1.0) is None
    assert rise(observe(trend, 1000.0 + 19 * 60 + 60.0, np.array([21.0])), 1.0) is not None


def test_other_columns_and_times_that_run_back_begin_it_anew() -> None:
    trend = _seen(np.ones((20, 1)), 60.0)
    assert rise(observe(trend, 5000.0, np.ones(2)), 1.0) is None
    assert rise(observe(trend, 1000.0, np.ones(1)), 1.0) is None


def test_it_remembers_no_longer_than_its_lead() -> None:
    assert len(_seen(np.ones((500, 3)), 5.0).recent) == LEAD_S / 5.0 + 1
