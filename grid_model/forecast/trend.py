"""[3] Where each element's loading goes within the next minute or so, and how far that may be wrong.

A damped local linear trend: Holt's slope over some ten minutes, of which half is believed (Gardner and
McKenzie, "Forecasting trends in time series", Management Science 31, 1985), and an exponentially weighted
variance of that forecast's own errors over the same lead (as RiskMetrics, 1996, does for prices). Within
minutes a feeder is close to a random walk, so the width says more than the slope: it is large while cars
plug in one after the other, and small at night. Knows no network: a column is any number that is watched.
"""

from dataclasses import dataclass, replace

import numpy as np

from grid_model.network import Floats

SLOPE_TIME_S = 600.0
"""Memory of the slope."""
SPREAD_TIME_S = 900.0
"""Memory of the errors' variance."""
DAMPING = 0.5
"""Share of the slope that is believed to go on."""
_WARM_UP_S = 300.0
"""So long a trend learns before it says anything."""


@dataclass(frozen=True)
class Trend:
    """What is remembered of a row of numbers. Replaced, never changed."""

    lead_s: float
    """how far it looks ahead"""
    recent: tuple[tuple[float, Floats, Floats], ...] = ()
    """(time, (n,) values, (n,) slopes per second) of the last `lead_s`, oldest first"""
    variance: Floats | None = None
    """(n,) of the errors over `lead_s`; None before the first"""
    learnt_s: float = 0.0
    """time that has been watched without a gap"""


def observe(trend: Trend, at_s: float, values: Floats) -> Trend:
    """Take in `values` (n,) at the time `at_s`, which is later than all before.

    After a gap of several leads, or when the columns are others, it begins anew.
    """
    if not trend.recent or _broken(trend, at_s, values):
        return Trend(trend.lead_s, ((at_s, values, np.zeros(len(values))),))
    before_s, before, slope_before = trend.recent[-1]
    passed_s = at_s - before_s
    slope = slope_before + _gain(passed_s, SLOPE_TIME_S) * ((values - before) / passed_s - slope_before)
    kept = [row for row in trend.recent if row[0] >= at_s - trend.lead_s - _TOUCH_S]
    then_s, then, slope_then = kept[0] if kept else trend.recent[-1]
    error = values - then - DAMPING * slope_then * (at_s - then_s)
    squared = error**2 * (trend.lead_s / (at_s - then_s))
    variance = (
        squared
        if trend.variance is None
        else trend.variance + _gain(passed_s, SPREAD_TIME_S) * (squared - trend.variance)
    )
    return replace(
        trend,
        recent=(*kept, (at_s, values, slope)),
        variance=variance,
        learnt_s=trend.learnt_s + passed_s,
    )


def rise(trend: Trend, deviations: float) -> Floats | None:
    """(n,) by how much each value may rise within the lead: the mean and so many standard deviations.

    Never below 0: what may fall is no reason for anything. None while it has not learnt long enough.
    """
    if trend.variance is None or trend.learnt_s < _WARM_UP_S:
        return None
    slope = trend.recent[-1][2]
    mean = DAMPING * slope * trend.lead_s
    return np.maximum(mean + deviations * np.sqrt(trend.variance), 0.0)


_TOUCH_S = 0.5
_GAP_LEADS = 5.0


def _broken(trend: Trend, at_s: float, values: Floats) -> bool:
    before_s, before, _ = trend.recent[-1]
    gap_s = at_s - before_s
    return gap_s <= 0 or gap_s > _GAP_LEADS * trend.lead_s or len(before) != len(values)


def _gain(passed_s: float, time_s: float) -> float:
    return float(-np.expm1(-passed_s / time_s))
