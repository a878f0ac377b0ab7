"""Planted bugs in how long a limit and an event last."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from controller import (
    dispatch,
    events,
    hearing,
    release,
    sending,
)
from controller.situation import Situation
from devices.limit_holder import LimitHolder
from simulations.faults.planted.planting import BUSY, Set, bug
from simulations.faults.planted.wrong_ways import gate_lets_pass, in_message


@bug(**BUSY)
def end_forgotten(put: Set) -> None:
    """The command's end is a year away."""
    in_message(put, lambda told: replace(told, end=told.end + timedelta(days=365)))


@bug(**BUSY)
def renewed_for_ever(put: Set) -> None:
    """A request near its end is always renewed, whatever the programme says."""
    gate_lets_pass(put, "too_long")
    put(release, "_released", lambda *_: [])

    def later(self: Any, now: Any, spread_s: float = 0.0, **_: Any) -> Any:
        return now + timedelta(seconds=self.control.site.requests.duration_s + spread_s)

    put(Situation, "latest_end", later)


@bug(**BUSY)
def device_forgets_the_end(put: Set) -> None:
    """A device holds what it holds."""
    put(LimitHolder, "expired", lambda *_, **__: None)

    def for_ever(self: Any, now: Any, direction: Any = "consumption", *, at_s: Any = None) -> Any:
        held = self._held.get(direction)
        return None if held is None else held.command.limit_kw

    put(LimitHolder, "limit_at", for_ever)


@bug(**BUSY)
def no_deadline(put: Set) -> None:
    """Time moves no request."""
    put(hearing, "due", lambda *_: None)


@bug(**BUSY | {"lost_down": 0.5, "clock_jump": 0.0, "device_clock": 0.0})
def released_once_only(put: Set) -> None:
    """A release that was sent counts as heard."""

    def sent_is_heard(record: Any, memory: Any, now: Any) -> bool:
        return bool(record.sent_sequence < record.sequence)

    put(dispatch, "unconfirmed", sent_is_heard)
    put(sending, "unconfirmed", sent_is_heard)
    put(hearing._Hearing, "_still_holds", lambda *_: False)


@bug(**BUSY, operator=0.4, controller_crash=0.5)
def event_never_closes(put: Set) -> None:
    """An event that is over stays open."""
    put(events, "closes", lambda *_: False)
