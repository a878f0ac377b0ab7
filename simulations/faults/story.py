"""The judge's eye on the journal: what was written, commit by commit, read as plain JSON.

Knows nothing of the controller but the names that its entries have.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from simulations.faults.orders import Orders
from simulations.faults.promises import Broken, Promised
from simulations.faults.told import FREEING, OPEN, OVER, Commit, Raw, Told, expect, time_of

_decode = msgspec.json.Decoder().decode


class Story:
    """All that the journal told so far."""

    def __init__(self, promised: Promised, heard: Callable[[str], bool]) -> None:
        """`heard`: whether anything that came from the field shows that a request was taken on."""
        self._promised, self._heard = promised, heard
        self.requests: dict[str, Told] = {}
        self.open: dict[str, Told] = {}
        """target → its open request"""
        self.events: dict[str, datetime] = {}
        self._asked_first: dict[tuple[str, str], datetime] = {}
        """when each event, or operator's order, began"""
        self.open_events: set[str] = set()
        self.orders = Orders()
        self.answers: set[tuple[str, str]] = set()
        self.said_no: set[tuple[str, str]] = set()
        """(event, customer)"""
        self.bodies: list[str] = []
        """of every entry, in order: what may never be lost"""
        self.epoch = 0
        self.off = timedelta(0)
        """by how much a clock has been wrong so far"""
        self.postings: list[tuple[str, str, str, int]] = []
        self._planned: list[tuple[Raw, Told]] = []
        self._tightened: list[tuple[Raw, Told, float]] = []
        self._raised: list[tuple[Told, float]] = []
        self._released: list[Told] = []
        self._ended_now: set[str] = set()
        self._freed_by_order: list[tuple[str, str | None]] = []

    def read(self, rows: Sequence[tuple[int, str]], *, decides: bool) -> Commit:
        """One commit. `decides`: it carries the sample of a cycle, so the automatic decided in it."""
        self._planned, self._tightened, self._raised, self._released = [], [], [], []
        self._ended_now, self._freed_by_order = set(), []
        entries: list[Raw] = []
        for seq, body in rows:
            expect(seq == len(self.bodies) + 1, "whole", f"entry {seq} comes after {len(self.bodies)}")
            self.bodies.append(body)
            entry = _decode(body)
            entries.append(entry)
            handle = getattr(self, f"_{entry['entry']}", None)
            if handle is not None:
                handle(entry, time_of(entry["at"]))
        for action, target in self._freed_by_order:
            self._is_freed(action, target)
        released = [t for t in self._released if t.request not in self._ended_now] if decides else []
        return Commit(entries, tuple(self._planned), tuple(self._tightened), tuple(self._raised), released)

    def unsettled(self) -> list[str]:
        """What is not over yet."""
        return [f"{t.request} is {t.state}" for t in self.requests.values() if not t.settled]

    # --- one entry each

    def _controller_started(self, entry: Raw, at: datetime) -> None:
        expect(entry["epoch"] > self.epoch, "order", f"epoch {entry['epoch']} after {self.epoch}")
        self.epoch = entry["epoch"]

    def _event_opened(self, entry: Raw, at: datetime) -> None:
        expect(entry["event"] not in self.events, "whole", f"{entry['event']} opens twice")
        expect(not self.open_events, "opens", f"{entry['event']} opens while {self.open_events} is open")
        early = bool(entry.get("expected", False)) and not self._promised.act_early
        expect(not early, "off", f"{entry['event']} opens before anything has come")
        self.events[entry["event"]] = at
        self.open_events.add(entry["event"])
        self.orders.event_begins_or_ends()

    def _event_closed(self, entry: Raw, at: datetime) -> None:
        of_event = [t for t in self.open.values() if t.event == entry["event"]]
        left = [t.request for t in of_event if t.ordered_until is None or t.ordered_until <= at - self.off]
        expect(not left, "closes", f"{entry['event']} closes while {left} are in force")
        self.open_events.discard(entry["event"])
        self.orders.event_begins_or_ends()

    def _operator_acted(self, entry: Raw, at: datetime) -> None:
        self.orders.acted(entry)
        if entry["action"] == "limit":
            self.events[entry["order"]] = at
        if entry["action"] in ("release", "release_all", "exclude"):
            self._freed_by_order.append((entry["action"], entry["target"]))

    def _is_freed(self, action: str, target: str | None) -> None:
        for told in self.open.values():
            meant = action == "release_all" or target in (told.target, told.customer)
            expect(not meant or told.releasing, "override", f"{action} {target} does not free {told.request}")

    def _request_planned(self, entry: Raw, at: datetime) -> None:
        request, end = entry["request"], time_of(entry["end"])
        expect(request not in self.requests, "once", f"{request} is planned twice")
        told = Told(
            request, entry["event"], entry["resource"], entry["target"], entry["customer"],
            entry["service_point"], at, entry["p_before_kw"], entry["baseline_kw"], entry["limit_kw"], end,
            at, direction=entry.get("direction", "consumption"),
        )  # fmt: skip
        told.commands[entry["sequence"]] = (told.limit_kw, end)
        self._is_the_only_one(told)
        self.requests[request] = told
        self.open[told.target] = told
        self._limited(told, entry, at, end)
        if entry.get("ordered") is None:
            self._is_switched_on(entry, told)
            if told.resource == "device":
                self._planned.append((entry, told))

    def _is_switched_on(self, entry: Raw, told: Told) -> None:
        """Whether the site lets the automatic ask for this at all."""
        promised = self._promised
        on = told.resource == "person" or told.direction == "consumption" or promised.limits_feed_in
        expect(on, "off", f"{told.request} limits what is fed in")
        on = promised.keeps_room or not entry.get("expected", False)
        expect(on, "off", f"{told.request} cuts for what may come")
        if told.resource == "person":
            expect(promised.asks_people, "off", f"{told.request} asks by notice")
            least_kw = promised.least_asked_kw
            expect(told.limit_kw >= least_kw, "floor", f"{told.request} asks for {told.limit_kw:g} kW")

    def _request_changed(self, entry: Raw, at: datetime) -> None:
        told, end = self._of(entry), time_of(entry["end"])
        newest = max(told.commands)
        expect(entry["sequence"] > newest, "order", f"{told.request}: {entry['sequence']} after {newest}")
        before_kw, told.limit_kw, told.end = told.limit_kw, entry["limit_kw"], end
        told.commands[entry["sequence"]] = (told.limit_kw, end)
        told.releasing = entry["reason"] in FREEING
        by_automatic = entry.get("ordered") is None and told.resource == "device"
        if told.releasing:
            told.freed_at = told.freed_at or min(at, end)
            if entry["reason"] == "released" and by_automatic and told.is_open:
                self._released.append(told)
            return
        expect(told.is_open, "life", f"{told.request} is {told.state}, and gets another limit")
        self._limited(told, entry, at, end)
        if by_automatic and entry["reason"] == "tightened":
            self._tightened.append((entry, told, before_kw - told.limit_kw))
        if entry["reason"] == "raised":
            self._goes_up(told, before_kw, at, by_automatic=by_automatic)
        if told.limit_kw != before_kw:
            told.limited_at = at

    def _goes_up(self, told: Told, before_kw: float, at: datetime, *, by_automatic: bool) -> None:
        """Only what is the automatic's own."""
        mine = by_automatic and (told.ordered_until is None or told.ordered_until <= at + self.off)
        expect(mine, "override", f"{told.request} is raised, and was ordered until {told.ordered_until}")
        expect(told.limit_kw > before_kw, "raise", f"{told.request}: {told.limit_kw} after {before_kw} kW")
        expect(self._promised.raises, "off", f"{told.request} is raised")
        stood_s = (at - (told.limited_at or told.at)).total_seconds()
        long_enough = stood_s >= self._promised.raise_after_s or bool(self.off)
        expect(long_enough, "raise", f"{told.request} goes up after {stood_s:g} s")
        self._raised.append((told, before_kw))

    def _limited(self, told: Told, entry: Raw, at: datetime, end: datetime) -> None:
        """A new limit, or another one."""
        promised, reason = self._promised, entry.get("reason")
        ordered = entry.get("ordered")
        if ordered is not None:
            told.ordered_until = time_of(ordered["until"])
            expect(end <= told.ordered_until, "own end", f"{told.request} outlasts its order")
            longest = at + timedelta(seconds=promised.longest_order_s) + self.off
            until = told.ordered_until
            expect(until <= longest, "bounded", f"{told.request} is ordered until {until} at {at}")
        elif reason != "relaxed":
            expect(
                not self.orders.forbid(told.target, told.customer),
                "override",
                f"{told.request} against {self.orders}",
            )
            again = (told.event, told.customer) in self.said_no and reason is None
            asks = again and told.resource == "person"  # devices are another agreement
            expect(not asks, "override", f"{told.request}: {told.customer} has said no in this event")
        late = f"{told.request} ends at {end}, told at {at}"
        expect(end <= at + promised.soon + self.off, "own end", late)
        expect(told.event in self.events, "bounded", f"{told.request} belongs to no event")
        since = self._first_asked(told)
        if told.ordered_until is not None:  # what the automatic keeps past its order is one of the event's
            since = max([since, *(self.events[event] for event in self.open_events)])
        longest = since + timedelta(seconds=promised.longest_s)
        expect(end <= max(longest, told.ordered_until or at) + self.off, "bounded", late)

    def _first_asked(self, told: Told) -> datetime:
        """When the event first asked anything of the customer."""
        name = (told.event, told.customer or told.target)
        return self._asked_first.setdefault(name, told.at)

    def _request_moved(self, entry: Raw, at: datetime) -> None:
        told, state = self._of(entry), entry["state"]
        back = told.state in OVER and state in OPEN
        expect(not back, "life", f"{told.request} goes from {told.state} to {state}")
        if state in ("accepted", "active") and told.resource == "device":
            expect(self._heard(told.request), "honest", f"{told.request} is called {state}; nobody said so")
            told.taken = True
        told.state, told.since = state, at
        if state in OPEN:
            self._is_the_only_one(told)
            self.open[told.target] = told
        else:
            self._ended_now.add(told.request)
            told.freed_at = told.freed_at or min(at, told.end)  # also who told nobody
            if self.open.get(told.target) is told:
                del self.open[told.target]

    def _notice_answered(self, entry: Raw, at: datetime) -> None:
        told = self._of(entry)
        expect(told.resource == "person", "honest", f"{told.request} was answered for a device")
        self.answers.add((told.request, entry["answer"]))
        if entry["answer"] == "opted_out":
            self.said_no.add((told.event, told.customer))
        else:
            self.said_no.discard((told.event, told.customer))

    def _request_settled(self, entry: Raw, at: datetime) -> None:
        told = self._of(entry)
        told.settled += 1
        expect(told.settled == 1, "once", f"{told.request} is settled twice")
        expect(not told.is_open, "life", f"{told.request} is settled while it is {told.state}")

    def _ledger_posted(self, entry: Raw, at: datetime) -> None:
        told = self._of(entry)
        told.credits += 1
        expect(told.credits == 1, "once", f"{told.request} is credited twice")
        sums: dict[str, int] = {}
        for account, unit, amount in entry["postings"]:
            whole = isinstance(amount, int) and amount != 0
            expect(whole, "zero", f"{entry['key']} posts {amount} {unit}")
            sums[unit] = sums.get(unit, 0) + amount
            self.postings.append((entry["key"], account, unit, amount))
        expect(not any(sums.values()), "zero", f"{entry['key']} sums to {sums}")

    def _of(self, entry: Raw) -> Told:
        told = self.requests.get(entry["request"])
        if told is None:
            raise Broken("noted", f"{entry['entry']} of {entry['request']}, which nobody planned")
        return told

    def _is_the_only_one(self, told: Told) -> None:
        other = self.open.get(told.target)
        only = other is None or other is told
        expect(only, "one limit", f"{told.request} beside {other.request if other else ''} for {told.target}")
