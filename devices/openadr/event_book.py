"""Our events in the VTN, and what reports about them mean [1]. Pure: I/O is `channel.py`.

A request is accepted when the VEN says so, and only then: by a report about its event, on the interval of
its newest sequence, with a SETPOINT that is not above the limit, or an OPERATING_STATE that says that it is
curtailed. The VTN's acknowledgement of the event says nothing about the VEN.

| report on the newest interval | before the end | after the end, or after a release |
|---|---|---|
| SETPOINT not above the limit | accepted | – |
| RUNNING_CURTAILED, IDLE_CURTAILED | accepted | – |
| *_OPTED_OUT, ERROR, SGD_ERROR_CONDITION | refused | ended, when it was accepted or released |
| NORMAL, IDLE_NORMAL, RUNNING_NORMAL | from its start on: ended, when it was accepted | ended, likewise |
| SETPOINT above the limit | nothing; the status shows it without a request | – |

A report on an interval of an earlier sequence is late and says nothing about the newest. Interval 0, which
is what VENs write that do not look at ids, is about the newest when it came after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from devices.errors import MalformedMessage
from devices.messages import Answer, AnswerKind, Direction, LimitCommand
from devices.openadr.channel_settings import OpenAdrDevice
from devices.openadr.reports_in import Report, Said

TOLERANCE_KW = 0.05
"""A set-point this little above the limit is the limit: a tenth of an ampere on two phases."""
END_LEEWAY = timedelta(seconds=5)
"""The end on the wire is ours down to the second, and a VEN's clock may be a little ahead."""
_FOLLOWS = frozenset({"RUNNING_CURTAILED", "IDLE_CURTAILED"})
_FREE = frozenset({"NORMAL", "IDLE_NORMAL", "RUNNING_NORMAL"})
_REFUSES = {
    "IDLE_OPTED_OUT": "opted out",
    "RUNNING_OPTED_OUT": "opted out",
    "ERROR": "error",
    "SGD_ERROR_CONDITION": "error",
}
DeviceKey = tuple[str, str]
About = Literal["newest", "earlier", "unknown"]


@dataclass(slots=True)
class OwnEvent:
    """One request as the VTN has it."""

    event_id: str
    device: OpenAdrDevice
    command: LimitCommand
    """the newest that the VTN has taken"""
    written_at: datetime
    """when it took it, by our clock"""
    latest_end: datetime
    """of all that a VEN may have seen"""
    released: bool = False
    accepted: bool = False
    """some version of it was"""
    answer: Answer | None = None
    """to the newest sequence"""
    setpoint_kw: float | None = None
    holds: LimitCommand | None = None
    """the version that the VEN accepted last"""

    def about(self, said: Said, report: Report) -> About:
        """Which version of the request a report's interval is about."""
        if said.interval == self.command.sequence:
            return "newest"
        if said.interval > self.command.sequence or said.interval < 0:
            return "unknown"
        later = report.modified_at is not None and report.modified_at >= self.written_at
        return "newest" if said.interval == 0 and later else "earlier"

    def hear(self, said: Said, now: datetime) -> Answer | None:
        """The VEN's answer to the newest version, when this is one, and news."""
        if said.setpoint_kw is not None:
            self.setpoint_kw = said.setpoint_kw
        verdict = self._verdict(said, now)
        if verdict is None:
            return None
        kind, reason = verdict
        before = self.answer
        self.accepted = self.accepted or kind == "accepted"
        self.holds = self.command if kind == "accepted" else None
        self.answer = Answer(self.device.feeder, self.device.device, self.command.request, kind, reason)
        return None if before is not None and before.answer == kind else self.answer

    def _verdict(self, said: Said, now: datetime) -> tuple[AnswerKind, str | None] | None:
        state, command = said.state, self.command
        over = self.released or now >= command.end
        free = state in _FREE or state in _REFUSES
        if over:
            ended = free and (self.accepted or self.released)
            return ("ended", "released" if self.released else "end reached") if ended else None
        if state in _REFUSES:
            return "refused", _REFUSES[state]
        if state in _FREE and now >= command.start:
            reason = "end reached" if now >= command.end - END_LEEWAY else "let go early"
            return ("ended", reason) if self.accepted else None
        holds = said.setpoint_kw is not None and said.setpoint_kw <= command.limit_kw + TOLERANCE_KW
        return ("accepted", None) if holds or (said.setpoint_kw is None and state in _FOLLOWS) else None

    def shown(self, now: datetime) -> tuple[float | None, str | None] | None:
        """(limit, request) for a status while it is in force by the VEN's word; None while it is not."""
        # until it answers to a newer version, it holds the one before
        held = self.holds
        if self.released or held is None or not held.start <= now < held.end:
            return None
        limit_kw = held.limit_kw if self.setpoint_kw is None else self.setpoint_kw
        above = limit_kw > self.command.limit_kw + TOLERANCE_KW
        return limit_kw, None if above else self.command.request


class EventBook:
    """All our events, by id and by request."""

    def __init__(self) -> None:
        self._by_id: dict[str, OwnEvent] = {}
        self._by_request: dict[tuple[DeviceKey, str], OwnEvent] = {}
        self._by_device: dict[DeviceKey, dict[str, OwnEvent]] = {}

    def __iter__(self) -> Iterator[OwnEvent]:
        return iter(tuple(self._by_id.values()))

    def by_id(self, event_id: str) -> OwnEvent | None:
        """The event of ours with this id."""
        return self._by_id.get(event_id)

    def of_request(self, command: LimitCommand) -> OwnEvent | None:
        """The event of this command's request."""
        return self._by_request.get(_key(command))

    def others(self, command: LimitCommand) -> list[OwnEvent]:
        """Events of other requests that limit the same device in the same direction, and are not over."""
        return [
            own
            for own in self._of_device(_key(command)[0])
            if own.command.direction == command.direction
            and own.command.request != command.request
            and not own.released
        ]

    def write(
        self, event_id: str, device: OpenAdrDevice, command: LimitCommand, now: datetime, *, released: bool
    ) -> OwnEvent:
        """The VTN has this command now."""
        before = self._by_request.get(_key(command))
        own = OwnEvent(event_id, device, command, now, command.end, released)
        if before is not None:
            own.accepted, own.setpoint_kw = before.accepted, before.setpoint_kw
            own.holds = before.holds
            own.latest_end = max(command.end, before.latest_end)
            same = before.command.sequence == command.sequence and before.released == released
            if same:
                own.answer, own.written_at = before.answer, before.written_at
        self.put(own)
        return own

    def put(self, own: OwnEvent) -> None:
        """This is how it is, in place of what was known of its request."""
        key = _key(own.command)
        before = self._by_request.get(key)
        if before is not None:
            self.forget(before)
        self._by_id[own.event_id] = self._by_request[key] = own
        self._by_device.setdefault(key[0], {})[own.event_id] = own

    def forget(self, own: OwnEvent) -> None:
        """The VTN does not have it any more."""
        key = _key(own.command)
        self._by_id.pop(own.event_id, None)
        self._by_device.get(key[0], {}).pop(own.event_id, None)
        if self._by_request.get(key) is own:
            del self._by_request[key]

    def shown(self, key: DeviceKey, now: datetime) -> dict[Direction, tuple[float | None, str | None]]:
        """(limit, request) of a device in each direction that it limits by its VEN's word."""
        found: dict[Direction, tuple[float | None, str | None]] = {}
        for own in self._of_device(key):
            shown = own.shown(now)
            if shown is not None:
                found[own.command.direction] = shown
        return found

    def _of_device(self, key: DeviceKey) -> list[OwnEvent]:
        return list(self._by_device.get(key, {}).values())


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one device beside its limits."""

    at: datetime | None = None
    """last report; None: never, or it counts as offline"""
    p_kw: float | None = None
    p_at: datetime | None = None
    clock_off_s: float | None = None
    """how far its clock is ahead (or, negative, behind); None while it is right, as far as is known"""

    def measured(self, p_kw: float, at: datetime) -> "Heard":
        """With this power, when it is news."""
        return self if self.p_at is not None and at < self.p_at else replace(self, p_kw=p_kw, p_at=at)

    def power_kw(self, now: datetime, fresh: timedelta) -> float | None:
        """The power while it is fresh."""
        return self.p_kw if self.p_at is not None and now - self.p_at <= fresh else None


def measured_at(said: Said, now: datetime, tolerance: timedelta) -> datetime:
    """When the measurement of an interval was true: at its end, or now while it still runs.

    MalformedMessage for one that begins in the future.
    """
    if said.start is not None and said.start > now + tolerance:
        raise MalformedMessage("out_of_range", f"measured at {said.start}, which is still to come")
    return now if said.end is None else min(said.end, now)


def clock_off_s(
    said: Said, report: Report, own: OwnEvent | None, now: datetime, tolerance: timedelta
) -> float | None:
    """How far off the VEN's clock is by an interval that says how it is now; 0.0 when that is right; None
    when it is no witness: without a time, of an old report, or with the event's own window. A measurement is
    one only when it lies in the future: it may be sent as late as the VEN likes.
    """
    tells_now = said.state is not None or said.setpoint_kw is not None
    if (not tells_now and said.p_kw is None) or said.start is None or said.end is None:
        return None
    if report.modified_at is not None and abs(now - report.modified_at) > tolerance:
        return None
    if own is not None and _near(said.start, own.command.start) and _near(said.end, own.command.end):
        return None
    if said.start > now + tolerance:
        return (said.start - now).total_seconds()
    if not tells_now:
        return None
    return (said.end - now).total_seconds() if said.end < now - tolerance else 0.0


def _near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= timedelta(seconds=1)


def _key(command: LimitCommand) -> tuple[DeviceKey, str]:
    return (command.feeder, command.device), command.request
