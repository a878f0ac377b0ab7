"""What was taken beside an event: the hours that adjust a baseline, or make one. Pure."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from controller.baselines.history import DayHistory, EventWindow, Floats
from controller.baselines.results import AppliedAdjustment, DayVerdict
from controller.baselines.rules import Adjustment, AdjustmentKind, MeterAround, Stretch

_LEAST_MEASURED = 0.5
"""of the intervals beside an event: with fewer they say too little"""


def beside(
    history: DayHistory, window: EventWindow, day: date, before: Stretch | None, after: Stretch | None
) -> Floats:
    """(n,) the intervals before and after the event's hours, on any day.

    Raises ValueError where a stretch does not begin and end with an interval.
    """
    step = history.interval_minutes
    begin = window.begin_minute // step * step
    end = -(-window.end_minute // step) * step
    pieces = []
    for stretch in (before, after):
        if stretch is not None and (stretch.far % step or stretch.near % step):
            raise ValueError(f"{stretch} is not made of intervals of {step} minutes")
    if before is not None:
        pieces.append(history.between(day, begin - before.far, begin - before.near))
    if after is not None:
        pieces.append(history.between(day, end + after.near, end + after.far))
    return np.concatenate(pieces)


def meter_around(history: DayHistory, window: EventWindow, rule: MeterAround) -> Floats | str:
    """The same power for every interval of the event, or why there is none."""
    readings = beside(history, window, window.day, rule.before, rule.after)
    measured = readings[np.isfinite(readings)]
    if len(measured) < _LEAST_MEASURED * len(readings):
        return f"{len(measured)} of {len(readings)} readings beside the event"
    return np.full(len(history.during(window, window.day)), measured.mean())


def adjusted(
    p_kw: Floats, history: DayHistory, window: EventWindow, days: Sequence[DayVerdict], rule: Adjustment
) -> tuple[Floats, AppliedAdjustment | None, str]:
    """The baseline moved by what the event's own day shows beside the event, how much, and in words.

    With means over the hours beside the event, M of the event's day and E of the used days (weighted):
    additive b + (M - E), multiplicative b · M / E, and the mean over the event within the ratios of the rule.
    """
    own = beside(history, window, window.day, rule.before, rule.after)
    others = np.array([beside(history, window, one.day, rule.before, rule.after) for one in days])
    weights = np.array([one.weight for one in days])
    expected = weights @ others / weights.sum()
    both = np.isfinite(own) & np.isfinite(expected)
    if both.sum() < _LEAST_MEASURED * len(own):
        return p_kw, None, f"not adjusted: {both.sum()} of {len(own)} intervals beside the event are known"
    measured_kw, expected_kw = float(own[both].mean()), float(expected[both].mean())
    if rule.kind is AdjustmentKind.ADDITIVE:
        asked, applied = _shift(float(p_kw.mean()), measured_kw - expected_kw, rule)
        moved = p_kw + applied
    elif measured_kw < 0 or expected_kw <= 0 or p_kw.mean() <= 0:
        return p_kw, None, "not adjusted: a ratio needs use above zero, and feeding in is below"
    else:
        asked = measured_kw / expected_kw
        applied = float(np.clip(asked, rule.lowest_ratio, rule.highest_ratio)) if _capped(rule) else asked
        moved = p_kw * applied
    done = AppliedAdjustment(rule.kind, measured_kw, expected_kw, asked, applied)
    return moved, done, _told(done)


def _shift(mean_kw: float, asked_kw: float, rule: Adjustment) -> tuple[float, float]:
    """The shift asked for, and what the ratios let through; the size of a mean below zero counts."""
    low = -np.inf if rule.lowest_ratio is None else (rule.lowest_ratio - 1) * abs(mean_kw)
    high = np.inf if rule.highest_ratio is None else (rule.highest_ratio - 1) * abs(mean_kw)
    return asked_kw, float(np.clip(asked_kw, low, high))


def _capped(rule: Adjustment) -> bool:
    return rule.lowest_ratio is not None or rule.highest_ratio is not None


def _told(done: AppliedAdjustment) -> str:
    unit = " kW" if done.kind is AdjustmentKind.ADDITIVE else ""
    cap = f", capped from {done.asked:.3f}" if done.capped else ""
    return (
        f"{done.kind.value} adjustment {done.applied:.3f}{unit}{cap}: "
        f"{done.measured_kw:.2f} kW beside the event, {done.expected_kw:.2f} kW on the used days"
    )
