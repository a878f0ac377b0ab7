"""The baseline from customers who were not asked: step [7]. Pure.

As for the control groups of the California ISO's tariff amendment ESDER 2 (2018): the group must show, on
similar days before the event, that it tells what the participants take. Here the older half of those days
sets the level (ratio or difference of the means over the event's hours) and the newer half is predicted
with it, so that the figures of validity are not taken from the days that made them.
"""

from collections.abc import Sequence
from datetime import date
from typing import cast

import numpy as np

from controller.baselines.accuracy import bias_percent, cvrmse_percent
from controller.baselines.history import DayHistory, EventWindow, Floats
from controller.baselines.results import BaselineResult, DayVerdict, GroupValidity
from controller.baselines.rules import ControlGroup, DayRule, PreperiodAdjustment
from controller.baselines.similar_days import gather

_LEAST_MEASURED = 0.5
"""of the group's customers, in every interval of the event"""


def group_baseline(
    history: DayHistory,
    window: EventWindow,
    rule: ControlGroup,
    days: DayRule,
    controls: Sequence[DayHistory],
) -> BaselineResult:
    """What the group took in the event, at the participants' level; without `p_kw` where it is not valid."""
    found = gather(history, window, days)
    pairs = [
        (one, group)
        for one in found.candidates
        if (group := _of_group(controls, window, one.day)) is not None
    ]
    verdicts = _verdicts(found.candidates, {one.day for one, _ in pairs}, found.left_out)
    if len(pairs) < days.at_least:
        why = f"{len(pairs)} days to compare the groups on, {days.at_least} needed"
        return BaselineResult(None, "none", verdicts, reasons=(why,))
    own = np.array([one.mean_kw for one, _ in pairs])
    group = np.array([p_kw.mean() for _, p_kw in pairs])
    validity = _validity(own, group, rule, len(controls))
    reasons = _faults(validity, rule)
    now = _of_group(controls, window, window.day)
    if now is None:
        reasons = (*reasons, "too few readings of the group in the event")
    if reasons or now is None:
        return BaselineResult(None, "none", verdicts, validity=validity, reasons=reasons)
    p_kw = _at_level(now, own, group, rule.preperiod)
    level = f"level by {rule.preperiod.value} over {len(pairs)} days"
    told = f"{len(controls)} customers of the control group, {level}"
    return BaselineResult(p_kw, "control group", verdicts, validity=validity, reasons=(told,))


def _of_group(controls: Sequence[DayHistory], window: EventWindow, day: date) -> Floats | None:
    """(n_interval,) mean of the customers who were not asked that day; None where too few are known."""
    known = [one.during(window, day) for one in controls if day not in one.event_days | one.outage_days]
    if len(known) < _LEAST_MEASURED * len(controls) or not known:
        return None
    table = np.array(known)
    if np.isfinite(table).sum(axis=0).min() < _LEAST_MEASURED * len(controls):
        return None
    return cast("Floats", np.nanmean(table, axis=0))


def _at_level(p_kw: Floats, own: Floats, group: Floats, preperiod: PreperiodAdjustment) -> Floats:
    """The group's power at the level that `own` has beside `group` on the days before."""
    if preperiod is PreperiodAdjustment.DIFFERENCE or group.sum() <= 0:
        return p_kw + float(own.mean() - group.mean())
    return p_kw * float(own.sum() / group.sum())


def _validity(own: Floats, group: Floats, rule: ControlGroup, customers: int) -> GroupValidity:
    """Newest first: the newer half is told from the level of the older half."""
    newer = len(own) // 2
    told = _at_level(group[:newer], own[newer:], group[newer:], rule.preperiod)
    came = own[:newer]
    return GroupValidity(
        customers=customers,
        days=len(own),
        bias_percent=bias_percent(told, came),
        cvrmse_percent=cvrmse_percent(told, came),
        slope=float(told @ came / (told @ told)) if told @ told > 0 else float("nan"),
    )


def _faults(validity: GroupValidity, rule: ControlGroup) -> tuple[str, ...]:
    faults = []
    if validity.customers < rule.customers_at_least:
        faults.append(f"control group of {validity.customers} customers, {rule.customers_at_least} needed")
    # Written so that a figure that cannot be told (NaN) is a fault.
    if not abs(validity.bias_percent) <= rule.most_bias_percent:
        faults.append(
            f"control group off by {validity.bias_percent:.1f} %, {rule.most_bias_percent} % allowed"
        )
    if not validity.cvrmse_percent <= rule.most_cvrmse_percent:
        faults.append(
            f"control group scatters by {validity.cvrmse_percent:.1f} %, {rule.most_cvrmse_percent} % allowed"
        )
    return tuple(faults)


def _verdicts(
    candidates: Sequence[DayVerdict], compared: set[date], left_out: Sequence[DayVerdict]
) -> tuple[DayVerdict, ...]:
    """Days on which the groups are compared carry no weight: they set the level only."""
    told = [
        DayVerdict(one.day, True, "similar day, the groups are compared on it", one.mean_kw)
        if one.day in compared
        else DayVerdict(one.day, False, "too few readings of the group", one.mean_kw)
        for one in candidates
    ]
    return tuple(sorted([*told, *left_out], key=lambda verdict: verdict.day, reverse=True))
