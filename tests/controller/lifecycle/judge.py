"""The judge: looks at the devices' own state, the log of the wire and the text of the journal.

It shares no code with the controller. What the journal tells is read as in the fault simulation
(`simulations.faults.story`); beside it stand rules of this street: its programme, floors, and that every
state has a deadline. `Broken` names the rule; the number in brackets is that of docs/safety_case.md or of the
reliability table.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from devices.messages import Answer, DeviceStatus, Inbound
from simulations.faults import promises
from simulations.faults.site import promised_by
from simulations.faults.story import Story
from simulations.faults.told import OPEN, Raw, Told, expect
from tests.controller.lifecycle.controllers import SITE
from tests.controller.lifecycle.street import (
    CALLS_PER_DAY,
    CRITICAL_CHARGER,
    FLOOR_KW,
    LONGEST_CALL,
    PEOPLE,
    Charger,
    Street,
)
from tests.controller.lifecycle.wire import OnTheWire, Wire

PROMISED = promised_by(SITE, ())
ANSWERS = timedelta(seconds=PROMISED.attempts_s)
SETTLES = timedelta(seconds=20)
CALM_CYCLES = 6
"""in which a release reaches its device, even when the first one was lost"""
PACE = timedelta(seconds=20)
"""so much longer a call may last because all are not freed at once"""


class Broken(AssertionError):
    """A rule does not hold."""


@dataclass
class Own:
    """What only this judge keeps of a request."""

    seq_of: dict[int, int] = field(default_factory=dict)
    """sequence → the journal's number of its command"""
    calm_when_freed: int = 0
    sent: bool = False
    taken_at: datetime | None = None
    """when its device accepted it"""


class StreetStory(Story):
    """The journal of this street, with its programme."""

    def __init__(self, heard: Callable[[str], bool], *, agreed: bool) -> None:
        super().__init__(PROMISED, heard)
        self._agreed = agreed
        self.own: defaultdict[str, Own] = defaultdict(Own)
        self.no_since: dict[tuple[str, str], int] = {}
        """(event, customer) → calm cycles when they said no"""
        self.calm = 0
        """whole cycles in a row with everything in order"""

    def _request_planned(self, entry: Raw, at: datetime) -> None:
        super()._request_planned(entry, at)
        self.own[entry["request"]].seq_of[entry["sequence"]] = len(self.bodies)

    def _request_changed(self, entry: Raw, at: datetime) -> None:
        super()._request_changed(entry, at)
        own = self.own[entry["request"]]
        own.seq_of[entry["sequence"]], own.calm_when_freed = len(self.bodies), self.calm

    def _request_moved(self, entry: Raw, at: datetime) -> None:
        super()._request_moved(entry, at)
        own = self.own[entry["request"]]
        if entry["state"] in ("accepted", "active"):
            own.taken_at = own.taken_at or at

    def _request_sent(self, entry: Raw, at: datetime) -> None:
        self.own[entry["request"]].sent = True

    def _notice_answered(self, entry: Raw, at: datetime) -> None:
        super()._notice_answered(entry, at)
        told = self._of(entry)
        if entry["answer"] == "opted_out":
            self.no_since.setdefault((told.event, told.customer), self.calm)
        else:
            self.no_since.pop((told.event, told.customer), None)

    def _limited(self, told: Told, entry: Raw, at: datetime, end: datetime) -> None:
        if entry.get("ordered") is None and entry.get("reason") != "relaxed":
            self._as_agreed(told, at, end)
        super()._limited(told, entry, at, end)
        if told.ordered_until is not None and at < told.ordered_until:
            gives_back = entry.get("reason") == "relaxed" and entry.get("ordered") is None
            most_kw = max(kw for kw, _ in told.commands.values())
            expect(not gives_back or entry["limit_kw"] <= most_kw, "override", f"{entry}: more than ordered")
        if told.resource == "device":
            expect(entry["limit_kw"] >= FLOOR_KW, "floor", f"{entry}")
            expect(told.target != CRITICAL_CHARGER, "protected", f"{entry}")

    def _as_agreed(self, told: Told, at: datetime, end: datetime) -> None:
        """What the customer's programme says, who can say no."""
        said_no = (told.event, told.customer) in self.no_since
        expect(not said_no, "override", f"{told.request}: who said no is limited anew in this event")
        if not self._agreed or told.customer not in PEOPLE:
            return
        others = [
            t
            for t in self.requests.values()
            if t.customer == told.customer and t is not told and t.ordered_until is None
        ]
        if told.resource == "device":
            before = sum((self._taken(t) for t in others if t.event == told.event), timedelta(0))
            lasts = before + end - (self.own[told.request].taken_at or at)
            longest = LONGEST_CALL + PACE + self.off + (end - at if told.ordered_until else timedelta(0))
            expect(lasts <= longest, "bounded", f"{told.request}: longer than their longest call")
        called = {t.event for t in others if self.own[t.request].sent and t.event != told.event}
        fits = len(called) < CALLS_PER_DAY or bool(self.off)
        expect(fits, "bounded", f"{told.request}: called more often in a day than agreed")

    def _taken(self, told: Told) -> timedelta:
        """For how long its device was limited by it."""
        taken_at = self.own[told.request].taken_at
        if told.resource != "device" or taken_at is None:
            return timedelta(0)
        return max((told.freed_at or told_end(told)) - taken_at, timedelta(0))


class Judge:
    """Called after every step; raises Broken."""

    def __init__(self, street: Street, wire: Wire, *, agreed: bool = False) -> None:
        """`agreed`: the street has its programme."""
        self.street, self.wire = street, wire
        wire.arrived = self.arrived
        wire.hears.append(self.hears)
        self._taken_on: set[str] = set()
        """requests that something from the field showed to be taken on"""
        self.story = StreetStory(self._taken_on.__contains__, agreed=agreed)
        self.requests = self.story.requests
        self._read = 0
        self.epoch_of: dict[int, int] = {}
        """controller → its epoch"""
        self.protected: dict[int, frozenset[str]] = {}
        """controller → devices that its registry marks critical, or does not have"""
        self.broken: Broken | None = None
        """kept: it may be found within a controller's own call, which catches what a channel raises"""
        self._unknown: dict[str, int] = {}
        """charger → calm cycles in which it held what the journal calls over"""
        self._said: dict[tuple[str, int], tuple[str, float, datetime]] = {}

    @property
    def seq(self) -> int:
        """The number of the last entry that was read."""
        return len(self.story.bodies)

    @property
    def off(self) -> timedelta:
        """By how much the controllers' clock may be wrong."""
        return self.story.off

    @off.setter
    def off(self, off: timedelta) -> None:
        self.story.off = off

    @property
    def calm(self) -> int:
        """Whole cycles in a row with everything in order."""
        return self.story.calm

    @calm.setter
    def calm(self, cycles: int) -> None:
        self.story.calm = cycles

    def hears(self, message: Inbound) -> None:
        """Something is delivered to the controllers."""
        match message:
            case Answer(answer="accepted", request=request) | DeviceStatus(request=str(request)):
                self._taken_on.add(request)
            case _:
                pass

    def read(self, rows: list[tuple[int, str]]) -> None:
        """What is new in the journal."""
        try:
            self.story.read(rows, decides=False)
        except promises.Broken as broken:
            raise self.breaks(str(broken)) from broken

    def look_at_what_was_noted(self, noted: list[tuple[str, Any]]) -> None:
        """What people were told that counts."""
        lost = [one for one in noted if one not in self.story.answers]
        self._expect(not lost, "an answer that was acknowledged is in the journal (C20)", lost)

    # --- the wire

    def look_at_wire(self) -> None:
        for passed in self.wire.log[self._read :]:
            self._look(passed)
        self._read = len(self.wire.log)

    def _look(self, passed: OnTheWire) -> None:
        command, at = passed.command, passed.at
        key = (command.request, command.sequence)
        content = (command.device, command.limit_kw, command.end)
        self._expect(command.epoch == self.epoch_of[passed.sender], "each sends under its own epoch", passed)
        told = self.requests.get(command.request)
        if command.end <= at:
            return  # a release may go out without a word in the journal while the record is down (C20)
        self._expect(self._said.setdefault(key, content) == content, "one id, one content", passed)
        self._expect(command.limit_kw >= FLOOR_KW, "nobody below their floor (C1)", passed)
        self._expect(
            command.device not in self.protected[passed.sender], "nobody critical is commanded (C2)", passed
        )
        self._expect(told is not None, "noted before it is sent (C13)", passed)
        assert told is not None
        same = told.commands.get(command.sequence) == (command.limit_kw, command.end)
        noted = same and self.story.own[told.request].seq_of[command.sequence] <= passed.durable
        self._expect(noted, "noted before it is sent (C13)", passed)
        self._expect(told.target == command.device, "sent to whom it was planned for", passed)
        self._expect(
            command.end <= at + PROMISED.soon + self.off, "every command carries its own end (C3)", passed
        )

    def arrived(self, passed: OnTheWire, act: Callable[[], list[Answer]]) -> None:
        """A command reaches its device: before and after, and what the device says to it."""
        charger, command = self.street.chargers[passed.command.device], passed.command
        before, epoch = charger.holder.held, charger.highest_epoch
        said = act()
        after = charger.holder.held
        if command.epoch < epoch:
            ended = before is not None and before.end <= self.wire.now()
            has_say = any(a.answer == "accepted" and a.request == command.request for a in said)
            unchanged = after is before or (after is None and ended)
            self._expect(unchanged and not has_say, "a replaced controller has no say (C11)", passed)
        if after is not None and before is not None and after is not before:
            self._expect(after.epoch >= before.epoch, "no epoch goes back in effect (C11)", passed)
            if after.request == before.request:
                self._expect(after.sequence > before.sequence, "no sequence goes back in effect", passed)

    # --- the devices

    def look_at_devices(self, now: datetime) -> None:
        for charger in self.street.chargers.values():
            limit_kw, held = charger.holder.limit_at(now), charger.holder.held
            if limit_kw is None or held is None:
                continue
            self._expect(limit_kw >= FLOOR_KW, "no device below its floor (C1)", held)
            self._expect(charger.name != CRITICAL_CHARGER, "nobody critical is limited (C2)", held)
            self._expect(held.end <= now + PROMISED.soon + self.off, "no limit for ever (C3)", held)
            told = self.requests.get(held.request)
            self._expect(told is not None and held.end <= told_end(told), "no limit past its told end", held)

    # --- time

    def after_good_cycle(self, began: datetime, *, calm: bool) -> None:
        """A controller that is in charge, and whose record works, has gone through one whole cycle."""
        self.calm = self.calm + 1 if calm else 0
        self.story.no_since = {who: min(since, self.calm) for who, since in self.story.no_since.items()}
        for told in self.requests.values():
            if not told.settled:
                self._expect(
                    self._deadline(told) >= began - self.off, "every state has a deadline", (told, began)
                )

            no_since = self.story.no_since.get((told.event, told.customer), self.calm)
            by_hand = told.ordered_until is not None and began < told.ordered_until
            held_on = told.resource == "device" and told.state in OPEN and not told.releasing and not by_hand
            freed = not held_on or self.calm - no_since < CALM_CYCLES
            self._expect(freed, "who says no is freed soon", (told, began))
        for charger in self._chargers():
            held = charger.holder.held
            told = None if held is None else self.requests.get(held.request)
            if told is not None and told.releasing:
                own = self.story.own[told.request]
                own.calm_when_freed = min(own.calm_when_freed, self.calm)
                heard = self.calm - own.calm_when_freed < CALM_CYCLES
                self._expect(heard, "who is released is free soon (C3)", (told, began))
            over = told is not None and told.state not in OPEN and not told.releasing
            known = 0 if not (over and self.calm) or self.off else self._unknown.get(charger.name, 0) + 1
            self._unknown[charger.name] = known
            self._expect(known < CALM_CYCLES, "the books know who is limited", (told, began))

    def _deadline(self, told: Told) -> datetime:
        match told.state:
            case "planned":
                return told.since + ANSWERS
            case "sent":
                return min(told_end(told), told.since + ANSWERS) if told.resource == "device" else told.since
            case "accepted" | "active":
                return max(told_end(told), told.since)
            case "ended" | "overridden":
                return told.since + SETTLES
            case "unanswered" | "failed":
                return max(told_end(told), told.since)
            case _:
                return told.since

    def at_rest(self) -> list[str]:
        """What is not over yet; nothing once all is quiet."""
        left = [f"{t.request} is {t.state}" for t in self.requests.values() if not t.settled]
        return left + [f"{c.name} holds {c.holder.held}" for c in self._chargers() if c.holder.held]

    def _chargers(self) -> list[Charger]:
        return list(self.street.chargers.values())

    def _expect(self, holds: bool, rule: str, found: object) -> None:
        if not holds:
            raise self.breaks(f"{rule}: {found}")

    def breaks(self, what: str) -> Broken:
        """What to raise; the first one stays."""
        self.broken = self.broken or Broken(what)
        return self.broken


def told_end(told: Told) -> datetime:
    """The latest that its target was told."""
    return max(end for _, end in told.commands.values())
