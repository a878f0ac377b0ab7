"""The judge: looks at the devices' own state, the log of the wire and the text of the journal.

It shares no code with the controller: the rules are written here a second time, in its own words, and entries
are read as JSON. `Broken` names the rule; the number in brackets is that of docs/safety_case.md or of the
reliability table.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from devices.messages import Answer
from simulations.faults.orders import Orders
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

DURATION = timedelta(seconds=90)
SPREAD = timedelta(seconds=60)
LONGEST = timedelta(seconds=300)
ANSWERS = timedelta(seconds=40)
"""two attempts of 20 s"""
SETTLES = timedelta(seconds=20)
CALM_CYCLES = 6
"""in which a release reaches its device, even when the first one was lost"""
PACE = timedelta(seconds=20)
"""so much longer a call may last because all are not freed at once"""
OPEN = ("planned", "sent", "accepted", "active")
FREEING = ("released", "overridden", "protected")


class Broken(AssertionError):
    """A rule does not hold."""


@dataclass
class Told:
    """One request, as the journal's text tells it."""

    request: str
    event: str
    resource: str
    target: str
    customer: str
    state: str
    since: datetime
    told_end: datetime
    planned_at: datetime
    commands: dict[int, tuple[float, datetime, int]]
    """sequence → limit, end, the journal's number of it"""
    settled: int = 0
    credits: int = 0
    releasing: bool = False
    calm_when_freed: int = 0
    sent: bool = False
    taken_at: datetime | None = None
    """when its device accepted it"""
    let_go_at: datetime | None = None
    """when it was freed, or over"""
    ordered_until: datetime | None = None
    """by an operator, whose limit the automatic neither ends nor needs a programme for"""


class Judge:
    """Called after every step; raises Broken."""

    def __init__(self, street: Street, wire: Wire, *, agreed: bool = False) -> None:
        """`agreed`: the street has its programme."""
        self.street, self.wire, self.agreed = street, wire, agreed
        wire.arrived = self.arrived
        self.requests: dict[str, Told] = {}
        self.opened: dict[str, datetime] = {}
        self.orders = Orders()
        self.seq, self.epoch, self._read = 0, 0, 0
        self.epoch_of: dict[int, int] = {}
        """controller → its epoch"""
        self.off = timedelta(0)
        """by how much the controllers' clock may be wrong"""
        self.protected: dict[int, frozenset[str]] = {}
        """controller → devices that its registry marks critical, or does not have"""
        self.calm = 0
        """whole cycles in a row with everything in order"""
        self.broken: Broken | None = None
        """kept: it may be found within a controller's own call, which catches what a channel raises"""
        self.answers: set[tuple[str, str]] = set()
        """(request, answer) of people"""
        self.said_no: dict[tuple[str, str], int] = {}
        """(event, customer) → calm cycles when they said so"""
        self._unknown: dict[str, int] = {}
        """charger → calm cycles in which it held what the journal calls over"""
        self._said: dict[tuple[str, int], tuple[str, float, datetime]] = {}

    # --- the journal

    def read(self, rows: list[tuple[int, str]]) -> None:
        for seq, body in rows:
            self._expect(seq == self.seq + 1, "the journal has no gaps", f"{seq} after {self.seq}")
            self.seq = seq
            entry = json.loads(body)
            handle = getattr(self, f"_{entry['entry']}", None)
            if handle is not None:
                handle(entry, _time(entry["at"]))

    def _controller_started(self, entry: dict[str, Any], at: datetime) -> None:
        self._expect(entry["epoch"] > self.epoch, "epochs only grow (C11)", entry)
        self.epoch = entry["epoch"]

    def _event_opened(self, entry: dict[str, Any], at: datetime) -> None:
        self.opened[entry["event"]] = at
        self.orders.event_begins_or_ends()

    def _event_closed(self, entry: dict[str, Any], at: datetime) -> None:
        of_event = [t for t in self.requests.values() if t.event == entry["event"] and t.state in OPEN]
        left = [t.request for t in of_event if t.ordered_until is None or t.ordered_until <= at - self.off]
        self._expect(not left, "an event closes with nobody limited", left)
        self.orders.event_begins_or_ends()

    def _operator_acted(self, entry: dict[str, Any], at: datetime) -> None:
        self.orders.acted(entry)
        if entry["action"] == "limit":
            self.opened[entry["order"]] = at

    def _request_planned(self, entry: dict[str, Any], at: datetime) -> None:
        request, end = entry["request"], _time(entry["end"])
        self._expect(request not in self.requests, "a request's id is its own", entry)
        told = Told(
            request, entry["event"], entry["resource"], entry["target"], entry["customer"], "planned",
            at, end, at, {entry["sequence"]: (entry["limit_kw"], end, self.seq)},
        )  # fmt: skip
        other = [t for t in self.requests.values() if t.target == told.target and t.state in OPEN]
        self._expect(not other, "never two active limits for one device", entry)
        self._limited(told, at, end, entry)
        self.requests[request] = told

    def _request_changed(self, entry: dict[str, Any], at: datetime) -> None:
        told, end = self.requests[entry["request"]], _time(entry["end"])
        self._expect(entry["sequence"] > max(told.commands), "sequences only grow", entry)
        told.commands[entry["sequence"]] = (entry["limit_kw"], end, self.seq)
        told.told_end, told.releasing = max(told.told_end, end), entry["reason"] in FREEING
        told.calm_when_freed = self.calm
        if told.releasing:
            told.let_go_at = told.let_go_at or at
        else:
            self._limited(told, at, end, entry)

    def _limited(self, told: Told, at: datetime, end: datetime, entry: dict[str, Any]) -> None:
        """A new limit, or another: by an operator, or else the automatic, which operators may forbid."""
        if entry.get("ordered") is not None:
            told.ordered_until = _time(entry["ordered"]["until"])
            self._expect(end <= told.ordered_until, "an order holds no longer than it says", entry)
        elif entry.get("reason") != "relaxed":
            self._agreed(told, at, end, entry)
            self._expect(
                not self.orders.forbid(told.target, told.customer), "an operator's order stands (C10)", entry
            )
        if told.ordered_until is not None and at < told.ordered_until:
            gives_back = entry.get("reason") == "relaxed" and entry.get("ordered") is None
            limits = [limit for limit, _, _ in told.commands.values()]
            self._expect(not gives_back or entry["limit_kw"] <= max(limits), "no more than ordered", entry)
        self._bounded(told, at, end, entry)

    def _request_moved(self, entry: dict[str, Any], at: datetime) -> None:
        told = self.requests[entry["request"]]
        told.state, told.since = entry["state"], at
        if told.state in ("accepted", "active"):
            told.taken_at = told.taken_at or at
        elif told.state not in OPEN:
            told.let_go_at = told.let_go_at or at
        if told.state in OPEN:
            same = [t for t in self.requests.values() if t.target == told.target and t.state in OPEN]
            self._expect(len(same) == 1, "never two active limits for one device", entry)

    def _request_sent(self, entry: dict[str, Any], at: datetime) -> None:
        self.requests[entry["request"]].sent = True

    def _notice_answered(self, entry: dict[str, Any], at: datetime) -> None:
        told = self.requests[entry["request"]]
        self._expect(told.resource == "person", "people answer for people", entry)
        self.answers.add((told.request, entry["answer"]))
        if entry["answer"] == "opted_out":
            self.said_no.setdefault((told.event, told.customer), self.calm)
        else:
            self.said_no.pop((told.event, told.customer), None)

    def look_at_what_was_noted(self, noted: list[tuple[str, Any]]) -> None:
        """What people were told that counts."""
        lost = [one for one in noted if one not in self.answers]
        self._expect(not lost, "an answer that was acknowledged is in the journal (C20)", lost)

    def _request_settled(self, entry: dict[str, Any], at: datetime) -> None:
        told = self.requests[entry["request"]]
        told.settled += 1
        self._expect(told.settled == 1, "a request is settled once", entry)

    def _ledger_posted(self, entry: dict[str, Any], at: datetime) -> None:
        told = self.requests[entry["request"]]
        told.credits += 1
        self._expect(told.credits == 1, "at most one credit for a request (L3)", entry)
        sums: dict[str, int] = {}
        for _, unit, amount in entry["postings"]:
            sums[unit] = sums.get(unit, 0) + amount
        self._expect(not any(sums.values()), "every transaction sums to zero (L1)", entry)

    def _bounded(self, told: Told, at: datetime, end: datetime, entry: dict[str, Any]) -> None:
        self._expect(
            end <= at + DURATION + SPREAD + self.off, "every request has its own end, soon (C3)", entry
        )
        asked = (t.planned_at for t in self.requests.values() if t.event == told.event and _is_same(t, told))
        longest = max(min(asked, default=at) + LONGEST, told.ordered_until or at) + self.off
        self._expect(end <= longest, "no event asks anybody for longer than its programme allows (C4)", entry)
        if told.resource == "device":
            self._expect(entry["limit_kw"] >= FLOOR_KW, "nobody below their floor (C1)", entry)
            self._expect(told.target != CRITICAL_CHARGER, "nobody critical is asked (C2)", entry)

    def _agreed(self, told: Told, at: datetime, end: datetime, entry: dict[str, Any]) -> None:
        """What the customer's programme says, who can say no."""
        key = (told.event, told.customer)
        self._expect(key not in self.said_no, "who said no is not limited anew in this event", entry)
        if not self.agreed or told.customer not in PEOPLE:
            return
        others = [
            t
            for t in self.requests.values()
            if t.customer == told.customer and t is not told and t.ordered_until is None
        ]
        if told.resource == "device":
            before = sum((_taken(t) for t in others if t.event == told.event), timedelta(0))
            lasts = before + end - (told.taken_at or at)
            longest = LONGEST_CALL + PACE + self.off + (end - at if told.ordered_until else timedelta(0))
            self._expect(lasts <= longest, "nobody is limited longer than their longest call", entry)
        called = {t.event for t in others if t.sent and t.event != told.event}
        fits = len(called) < CALLS_PER_DAY or bool(self.off)
        self._expect(fits, "nobody is called more often in a day than agreed", entry)

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
        limit_kw, end, seq = told.commands.get(command.sequence, (None, None, 0))
        noted = (limit_kw, end) == (command.limit_kw, command.end) and seq <= passed.durable
        self._expect(noted, "noted before it is sent (C13)", passed)
        self._expect(told.target == command.device, "sent to whom it was planned for", passed)
        self._expect(
            command.end <= at + DURATION + SPREAD + self.off, "every command carries its own end (C3)", passed
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
            self._expect(held.end <= now + DURATION + SPREAD + self.off, "no limit for ever (C3)", held)
            told = self.requests.get(held.request)
            self._expect(told is not None and held.end <= told.told_end, "no limit past its told end", held)

    # --- time

    def after_good_cycle(self, began: datetime, *, calm: bool) -> None:
        """A controller that is in charge, and whose record works, has gone through one whole cycle."""
        self.calm = self.calm + 1 if calm else 0
        self.said_no = {who: min(since, self.calm) for who, since in self.said_no.items()}
        for told in self.requests.values():
            if not told.settled:
                self._expect(
                    self._deadline(told) >= began - self.off, "every state has a deadline", (told, began)
                )

            no_since = self.said_no.get((told.event, told.customer), self.calm)
            by_hand = told.ordered_until is not None and began < told.ordered_until
            held_on = told.resource == "device" and told.state in OPEN and not told.releasing and not by_hand
            freed = not held_on or self.calm - no_since < CALM_CYCLES
            self._expect(freed, "who says no is freed soon", (told, began))
        for charger in self._chargers():
            held = charger.holder.held
            told = None if held is None else self.requests.get(held.request)
            if told is not None and told.releasing:
                told.calm_when_freed = min(told.calm_when_freed, self.calm)
                heard = self.calm - told.calm_when_freed < CALM_CYCLES
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
                return min(told.told_end, told.since + ANSWERS) if told.resource == "device" else told.since
            case "accepted" | "active":
                return max(told.told_end, told.since)
            case "ended" | "overridden":
                return told.since + SETTLES
            case "unanswered" | "failed":
                return max(told.told_end, told.since)
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


def _is_same(one: Told, other: Told) -> bool:
    """Whether both ask the same customer; who has none is known by the device."""
    return (one.customer or one.target) == (other.customer or other.target)


def _taken(told: Told) -> timedelta:
    """For how long its device was limited by it."""
    if told.resource != "device" or told.taken_at is None:
        return timedelta(0)
    return max((told.let_go_at or told.told_end) - told.taken_at, timedelta(0))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
