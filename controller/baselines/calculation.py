"""One baseline by the rules of a programme: step [7]. Pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from controller.baselines.beside_event import adjusted, meter_around
from controller.baselines.control_group import group_baseline
from controller.baselines.history import DayHistory, EventWindow
from controller.baselines.results import BaselineResult, DayVerdict
from controller.baselines.rules import (
    ControlGroup,
    DayMatching,
    DayRule,
    MeterAround,
    Method,
    Programme,
    TooLittle,
)
from controller.baselines.similar_days import event_days, gather, picked


def baseline(
    history: DayHistory, window: EventWindow, programme: Programme, controls: Sequence[DayHistory] = ()
) -> BaselineResult:
    """What would have been used in the intervals of `window`, (n_interval,) kW, and why.

    `history` holds the days before the event and, for methods that look beside the event, the event's own
    day; what it shows within the event itself is never read. `controls` are the customers of the control
    group. Raises ValueError where the rules do not fit the length of the intervals.
    """
    result = _by_method(history, window, programme.method, controls)
    if result.p_kw is not None:
        return replace(result, method=programme.name)
    wants = (
        not isinstance(programme.method, DayMatching) or TooLittle.FALL_BACK in programme.method.too_little
    )
    if programme.fall_back is None or not wants:
        return result
    other = _by_method(history, window, programme.fall_back, ())
    told = f"{programme.name} is not possible, so {other.method} is taken"
    return replace(other, days=other.days or result.days, reasons=(*result.reasons, told, *other.reasons))


def _by_method(
    history: DayHistory, window: EventWindow, method: Method, controls: Sequence[DayHistory]
) -> BaselineResult:
    if isinstance(method, MeterAround):
        return _by_meter(history, window, method)
    rule = _rule_for(history, window, method)
    if rule is None:
        kind = history.kind_of(window.day).value
        return BaselineResult(None, "none", reasons=(f"no rule for an event on this kind of day: {kind}",))
    if isinstance(method, ControlGroup):
        return group_baseline(history, window, method, rule, controls)
    return _by_days(history, window, method, rule)


def _rule_for(history: DayHistory, window: EventWindow, method: DayMatching | ControlGroup) -> DayRule | None:
    kind = history.kind_of(window.day)
    return next((rule for rule in method.days if kind in rule.kinds), None)


def _by_meter(history: DayHistory, window: EventWindow, rule: MeterAround) -> BaselineResult:
    p_kw = meter_around(history, window, rule)
    if isinstance(p_kw, str):
        return BaselineResult(None, "none", reasons=(p_kw,))
    return BaselineResult(p_kw, "meter before" if rule.after is None else "meter before and after")


def _by_days(history: DayHistory, window: EventWindow, method: DayMatching, rule: DayRule) -> BaselineResult:
    found = gather(history, window, rule)
    chosen, reasons = _enough(found.candidates, history, window, method, rule)
    if not chosen:
        verdicts = [replace(one, why="similar day, but too few of them") for one in found.candidates]
        return BaselineResult(None, "none", _in_order(verdicts, found.left_out), reasons=reasons)
    verdicts = picked(chosen, rule)
    used = [one for one in verdicts if one.used]
    p_kw = np.array([one.weight for one in used]) @ np.array(
        [history.during(window, one.day) for one in used]
    )
    days = _in_order(verdicts, found.left_out)
    if method.adjustment is None:
        return BaselineResult(p_kw, "day matching", days, reasons=reasons)
    moved, applied, told = adjusted(p_kw, history, window, used, method.adjustment)
    return BaselineResult(moved, "day matching", days, applied, reasons=(*reasons, told))


def _enough(
    candidates: Sequence[DayVerdict],
    history: DayHistory,
    window: EventWindow,
    method: DayMatching,
    rule: DayRule,
) -> tuple[list[DayVerdict], tuple[str, ...]]:
    """The days to choose from, after what the programme does with too few; none of them where that fails."""
    chosen = list(candidates)
    if len(chosen) == rule.gather:
        return chosen, ()
    reasons = [f"{len(chosen)} similar days of {rule.gather} in {rule.look_back_days} days"]
    if len(chosen) >= rule.at_least:
        return chosen, tuple(reasons)
    reasons.append(f"too little history: at least {rule.at_least} are needed")
    for step in method.too_little:
        if step is TooLittle.FALL_BACK:
            break
        if step is TooLittle.EVENT_DAYS_FILL_UP:
            more = event_days(history, window, rule)[: rule.at_least - len(chosen)]
            chosen += more
            reasons.append(f"{len(more)} event days fill up")
        if len(chosen) >= rule.at_least:
            return chosen, tuple(reasons)
        if step is TooLittle.FEWER_DAYS and chosen:
            reasons.append(f"the programme allows fewer: {len(chosen)}")
            return chosen, tuple(reasons)
    return [], tuple(reasons)


def _in_order(verdicts: Sequence[DayVerdict], left_out: Sequence[DayVerdict]) -> tuple[DayVerdict, ...]:
    """Newest first; an event day that fills up is told once."""
    judged = {one.day for one in verdicts}
    rest = [one for one in left_out if one.day not in judged]
    return tuple(sorted([*verdicts, *rest], key=lambda verdict: verdict.day, reverse=True))
