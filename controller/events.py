"""[3] Opens, holds and closes one occurrence: persistence and hysteresis (design, rule 4). Pure.

An element's violation is journaled when it appears and when it is below `close_below` of its limit again, not
at every crossing in between. An event opens when one violation persists for `persistence_checks`, at once
above `at_once_percent`, or early, when one that is near (`headroom.py`) stays so for `early_checks`; it
closes when everything was below `close_below` for `close_after_s`, nothing is near and nobody is limited any
more. For voltages all these shares are of the deviation from nominal that is allowed. What the journal knows
(the open event, the violations that appeared) is not kept here a second time.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from controller import settings
from controller.books import EventRecord
from controller.entries import EventClosed, EventOpened, ViolationAppeared, ViolationCleared
from controller.feeder_check import Check
from controller.feeder_control import FeederControl
from controller.requests import event_id
from grid_model.load_flow import LoadFlowResult
from grid_model.violations import Violation

Key = tuple[str, str]
"""(element, kind of violation)"""
OpeningEntry = ViolationAppeared | ViolationCleared | EventOpened


@dataclass(frozen=True)
class Tracker:
    """What the journal does not tell. Replaced, never changed."""

    checks: Mapping[Key, int] = field(default_factory=dict)
    """consecutive checks in which the violation was there"""
    early_checks: Mapping[Key, int] = field(default_factory=dict)
    """consecutive checks in which it was there or expected"""
    below_since: datetime | None = None
    """since when everything is below the closing threshold"""
    peak_percent: float = 0.0
    """highest loading since the violations began that led to the open event"""


def ratio(violation: Violation) -> float:
    """Value by limit: above 1. For voltages the deviation by the one that is allowed."""
    if violation.kind in ("line_overload", "transformer_overload"):
        return violation.value / violation.limit
    return (1 - violation.value) / _allowed(1 - violation.limit)


def _allowed(deviation: float) -> float:
    return max(deviation, 1e-3) if deviation >= 0 else min(deviation, -1e-3)


def observe(
    before: Tracker,
    control: FeederControl,
    check: Check,
    *,
    appeared: Iterable[ViolationAppeared],
    event: EventRecord | None,
    good: bool,
    now: datetime,
    expected: tuple[Violation, ...] = (),
) -> tuple[Tracker, tuple[OpeningEntry, ...]]:
    """One more check: what appeared, cleared, and whether an event opens.

    `appeared` and `event` are what the journal has open, `expected` the violations that are there or near.
    Without a converged load flow, or with data that are not `good`, nothing opens and nothing counts as
    clear.
    """
    if not check.result.converged:
        return replace(before, below_since=None, early_checks={}), ()
    rules = control.site.events
    checks = _counted(before.checks, check.violations)
    early_checks = _counted(before.early_checks, expected)
    entries: list[OpeningEntry] = list(_changes(control, check, appeared, now))
    opens = (
        event is None and good and any(_opens(v, checks[v.element, v.kind], rules) for v in check.violations)
    )
    if opens:
        entries.append(_opening(control, check, check.violations[0], now))
    elif event is None and good:
        enough = control.site.look_ahead.early_checks
        near = [v for v in expected if early_checks[v.element, v.kind] >= enough]
        if near:
            entries.append(_opening(control, check, near[0], now, expected=True))
    since = before.below_since
    if since is None or since > now:  # of a clock that was ahead
        since = now
    below = good and check.worst_ratio < rules.close_below and not expected
    peak = highest_loading(check.result) or 0.0
    tracker = Tracker(
        checks=checks,
        early_checks=early_checks,
        below_since=since if below else None,
        peak_percent=max(peak, before.peak_percent) if event is not None or before.checks else peak,
    )
    return tracker, tuple(entries)


def closes(tracker: Tracker, rules: settings.Events, nobody_limited: bool, now: datetime) -> bool:
    """Whether an open event is over."""
    if tracker.below_since is None or not nobody_limited:
        return False
    return (now - tracker.below_since).total_seconds() >= rules.close_after_s


def closing(event: EventRecord, tracker: Tracker, now: datetime) -> EventClosed:
    """The entry that closes it."""
    opened = event.opened
    was_there = not opened.expected and opened.kind in ("line_overload", "transformer_overload")
    at_least = opened.value if was_there else 0.0
    return EventClosed(
        at=now, event=event.event, feeder=opened.feeder, peak_percent=max(tracker.peak_percent, at_least)
    )


def highest_loading(result: LoadFlowResult) -> float | None:
    """The highest loading of any line or transformer in percent; None when nothing is known."""
    loadings = np.concatenate((result.line_loading_percent, result.transformer_loading_percent))
    return float(np.fmax.reduce(loadings)) if result.converged and loadings.size else None


def _counted(before: Mapping[Key, int], violations: Iterable[Violation]) -> dict[Key, int]:
    return {(v.element, v.kind): before.get((v.element, v.kind), 0) + 1 for v in violations}


def _changes(
    control: FeederControl, check: Check, appeared: Iterable[ViolationAppeared], now: datetime
) -> Iterable[ViolationAppeared | ViolationCleared]:
    known = {(v.element, v.kind): v for v in appeared}
    present = {(v.element, v.kind) for v in check.violations}
    for violation in check.violations:
        if (violation.element, violation.kind) not in known:
            yield ViolationAppeared(
                at=now,
                feeder=control.feeder,
                element=violation.element,
                kind=violation.kind,
                value=violation.value,
                limit=violation.limit,
            )
    for key, gone in known.items():
        if key not in present and _ratio_now(control, check.result, gone) < control.site.events.close_below:
            yield ViolationCleared(at=now, feeder=control.feeder, element=gone.element, kind=gone.kind)


def _ratio_now(control: FeederControl, result: LoadFlowResult, gone: ViolationAppeared) -> float:
    """Where the element stands now; 0 for one that the network does not have any more, or that is switched
    off (a bus: without a voltage).
    """
    kind, place = control.element_place.get(gone.element, ("none", 0))
    match kind:
        case "line":
            return float(result.line_loading_percent[place]) / gone.limit
        case "trafo":
            return float(result.transformer_loading_percent[place]) / gone.limit
        case "bus":
            v_pu = float(result.v_pu[place])
            return 0.0 if math.isnan(v_pu) else (1 - v_pu) / _allowed(1 - gone.limit)
        case _:
            return 0.0


def _opens(violation: Violation, checks: int, rules: settings.Events) -> bool:
    return checks >= rules.persistence_checks or ratio(violation) * 100 > rules.at_once_percent


def _opening(
    control: FeederControl, check: Check, worst: Violation, now: datetime, *, expected: bool = False
) -> EventOpened:
    sure = None if expected else check.certainty(worst)
    return EventOpened(
        at=now,
        event=event_id(control.feeder, now),
        feeder=control.feeder,
        element=worst.element,
        kind=worst.kind,
        value=worst.value,
        limit=worst.limit,
        expected=expected,
        probability=None if sure is None else sure.probability,
    )
