"""[6] The last check of every command, whoever asked. Pure.

It is asked twice: before a request is journaled as intent, with the power it would move, and again at the
last moment before it is sent. It refuses and never corrects: what asks for something unsafe has a fault that
must be seen.

A release always passes: letting go is the safe direction for the customer, and release.py has seen to the
network's.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from devices.messages import Direction

Purpose = Literal["new", "tightened", "renewed", "release"]
Reason = Literal[
    "unknown_target",
    "protected",
    "not_finite",
    "below_floor",
    "wrong_direction",
    "window",
    "too_long",
    "stale_epoch",
    "already_limited",
    "failsafe_unproven",
    "data_not_good",
    "feeder_budget",
    "fleet_budget",
]
BUDGET_WINDOW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Ask:
    """A command as it would go out."""

    target: str
    purpose: Purpose
    limit_kw: float
    start: datetime
    end: datetime
    epoch: int
    moves_kw: float = 0.0
    """how much less the target may take, or feed in, than before this command; 0 where that was counted
    before"""
    direction: Direction = "consumption"
    """of what it may take, or feed in"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the target and the feeder at this moment."""

    now: datetime
    known: bool
    """the target is in the registry"""
    protected: bool
    """it, or its customer, is critical"""
    floor_kw: float
    """its guaranteed minimum, of a device that feeds in what it may always feed in; for a person what nobody
    is asked to go below"""
    epoch: int
    """the epoch in force"""
    event_ends_by: datetime | None
    """when all that the event asks of the target's customer must have ended; None without an event"""
    limited_by_other: bool
    """another request limits this target"""
    data_good: bool
    feeder_budget_kw: float
    """what may still be moved on the feeder in this window"""
    fleet_budget_kw: float
    failsafe_proven: bool = True
    """it is of event mode, or its own word shows what it does in silence"""
    direction: Direction = "consumption"
    """what may be bounded at the target, and what its floor is of"""


@dataclass(frozen=True, slots=True)
class Passed:
    """It may go out."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It must not."""

    reason: Reason


Verdict = Passed | Refused


def judge(ask: Ask, facts: Facts) -> Verdict:
    """Whether this command may go out now."""
    if ask.purpose == "release":
        return Passed()
    reason = _target_fault(ask, facts) or _window_fault(ask, facts) or _reach_fault(ask, facts)
    return Passed() if reason is None else Refused(reason)


def _target_fault(ask: Ask, facts: Facts) -> Reason | None:
    if not facts.known:
        return "unknown_target"
    if facts.protected:
        return "protected"
    if not (math.isfinite(ask.limit_kw) and math.isfinite(ask.moves_kw) and math.isfinite(facts.floor_kw)):
        return "not_finite"
    if ask.direction != facts.direction:
        return "wrong_direction"
    return "below_floor" if ask.limit_kw < facts.floor_kw else None


def _window_fault(ask: Ask, facts: Facts) -> Reason | None:
    if ask.epoch != facts.epoch:
        return "stale_epoch"
    if ask.end <= ask.start or ask.end <= facts.now:
        return "window"
    if facts.event_ends_by is None or ask.end > facts.event_ends_by:
        return "too_long"
    if facts.limited_by_other:
        return "already_limited"
    unproven = ask.purpose in ("new", "renewed") and not facts.failsafe_proven
    return "failsafe_unproven" if unproven else None


def _reach_fault(ask: Ask, facts: Facts) -> Reason | None:
    if not facts.data_good:
        return "data_not_good"
    if ask.moves_kw > facts.feeder_budget_kw:
        return "feeder_budget"
    return "fleet_budget" if ask.moves_kw > facts.fleet_budget_kw else None
