"""Which days are compared with the day of an event, and why each other one is not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from controller.baselines.history import DAY_MINUTES, DayHistory, EventWindow, days_before
from controller.baselines.results import DayVerdict
from controller.baselines.rules import DayRule, Pick

_SEED_DAYS = 30


@dataclass(slots=True)
class Gathered:
    """The similar days that count, newest first, and all that were looked at."""

    candidates: list[DayVerdict] = field(default_factory=list)
    left_out: list[DayVerdict] = field(default_factory=list)


def gather(history: DayHistory, window: EventWindow, rule: DayRule) -> Gathered:
    """Walk back from the event, until there are enough days or the look-back ends."""
    found = Gathered()
    level = _seed(history, window) if rule.low_usage_share is not None else 0.0
    for ago in range(rule.begins_days_before, rule.look_back_days + 1):
        if len(found.candidates) == rule.gather:
            break
        day = days_before(window.day, ago)
        why = _unfit(history, day, window, rule, event_days=history.event_days)
        mean_kw = None if why else float(history.during(window, day).mean())
        if (
            mean_kw is not None
            and rule.low_usage_share is not None
            and mean_kw <= rule.low_usage_share * level
        ):
            why = f"low use: {mean_kw:.2f} kW, at most {rule.low_usage_share:.0%} of {level:.2f} kW"
        if why:
            found.left_out.append(DayVerdict(day, used=False, why=why, mean_kw=mean_kw))
            continue
        found.candidates.append(DayVerdict(day, used=False, why="", mean_kw=mean_kw))
        if rule.low_usage_share is not None:
            level = float(np.mean([_kw(one) for one in found.candidates]))
    return found


def event_days(history: DayHistory, window: EventWindow, rule: DayRule) -> list[DayVerdict]:
    """The event days of the look-back that would count otherwise, the highest use first."""
    days = [days_before(window.day, ago) for ago in range(rule.begins_days_before, rule.look_back_days + 1)]
    asked = [day for day in days if day in history.event_days]
    fit = [day for day in asked if not _unfit(history, day, window, rule, event_days=frozenset())]
    why = "event day, for want of other days"
    return sorted(
        (
            DayVerdict(day, used=False, why=why, mean_kw=float(history.during(window, day).mean()))
            for day in fit
        ),
        key=_kw,
        reverse=True,
    )


def picked(candidates: Sequence[DayVerdict], rule: DayRule) -> list[DayVerdict]:
    """The same days with the verdict of the rule: used with which weight, or why not. Newest first.

    With fewer days than `rule.gather`, as many as that are missing are used less.
    """
    ranked = sorted(candidates, key=_kw, reverse=True)  # stable: of equal ones the newer counts as higher
    last = len(ranked)
    first = 0
    if rule.pick is Pick.HIGHEST:
        last = min(rule.use, last)
    elif rule.pick is Pick.MIDDLE:
        # Too few for leaving out at both ends, which only fewer days than `at_least` can be: all count.
        first = rule.trimmed if last > 2 * rule.trimmed else 0
        last -= first
    weights = np.asarray(rule.weights[: last - first] or [1.0] * (last - first))
    weights /= weights.sum()
    verdicts = [_verdict(one, n, first, last, weights) for n, one in enumerate(ranked)]
    return sorted(verdicts, key=lambda verdict: verdict.day, reverse=True)


def _verdict(one: DayVerdict, rank: int, first: int, last: int, weights: np.ndarray) -> DayVerdict:
    told = f"similar day; {rank + 1}. highest use"
    if rank < first:
        return replace(one, why=f"{told}, among the {first} highest left out")
    if rank >= last:
        return replace(one, why=f"{told}, below the {last} that count" if not first else f"{told}, left out")
    return replace(one, used=True, why=f"{one.why or told}, used", weight=float(weights[rank - first]))


def _unfit(
    history: DayHistory, day: date, window: EventWindow, rule: DayRule, *, event_days: frozenset[date]
) -> str:
    """Why a day cannot be compared; empty where it can."""
    kind = history.kind_of(day)
    if kind not in rule.kinds:
        return "holiday" if day in history.holidays else f"another kind of day: {kind.value}"
    touched = {day}
    if window.end_minute > DAY_MINUTES:
        touched.add(days_before(day, -1))
        touched.discard(window.day)
    if touched & event_days:
        return "event day"
    if touched & history.outage_days:
        return "outage"
    readings = history.during(window, day)
    missing = int(np.isnan(readings).sum())
    return f"{missing} of {len(readings)} readings missing" if missing else ""


def _seed(history: DayHistory, window: EventWindow) -> float:
    """The highest whole hour within the event's hours of the last 30 days, in kW; 0 where none is known."""
    a_hour = max(60 // history.interval_minutes, 1)
    days = [history.during(window, days_before(window.day, ago)) for ago in range(1, _SEED_DAYS + 1)]
    table = np.array(days)
    hours = sliding_window_view(table, min(a_hour, table.shape[1]), axis=1).mean(axis=2)
    return float(np.nanmax(hours, initial=0.0))


def _kw(verdict: DayVerdict) -> float:
    assert verdict.mean_kw is not None
    return verdict.mean_kw
