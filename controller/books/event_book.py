"""[3] Events, and operators' limits in the place of events, with the requests of each: what is open, what
closed, and what may be forgotten. Pure; a part of the books.
"""

from dataclasses import dataclass, field, replace

from controller.entries import EventClosed, EventOpened, EventShort, OperatorActed, RequestPlanned
from controller.errors import BooksBroken

ORDERED = "ordered"
"""the kind of what stands for an event where an operator limits by hand"""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One occurrence as far as the journal tells it."""

    opened: EventOpened
    short: EventShort | None = None
    """the latest"""
    closed: EventClosed | None = None
    requests: tuple[str, ...] = ()
    """in the order they were planned"""

    @property
    def event(self) -> str:
        """Its id."""
        return self.opened.event


@dataclass(slots=True)
class EventBook:
    """Of all feeders."""

    records: dict[str, EventRecord] = field(default_factory=dict)
    _open: dict[str, str] = field(default_factory=dict)
    _closed: dict[str, list[str]] = field(default_factory=dict)
    _orders: dict[str, list[str]] = field(default_factory=dict)
    """operators' limits whose requests are known, by feeder, oldest first"""

    def open(self, feeder: str) -> EventRecord | None:
        """The feeder's running event."""
        event = self._open.get(feeder)
        return None if event is None else self.records[event]

    def latest(self, feeder: str) -> EventRecord | None:
        """The running event, or else the one that closed last."""
        closed = self._closed.get(feeder)
        return self.open(feeder) or (self.records[closed[-1]] if closed else None)

    def requests_of(self, event: str) -> tuple[str, ...]:
        """In the order they were planned; none for an event that is not known."""
        record = self.records.get(event)
        return () if record is None else record.requests

    def orders(self, feeder: str) -> tuple[str, ...]:
        """Operators' limits whose requests are known, oldest first."""
        return tuple(self._orders.get(feeder, ()))

    def take(self, entry: EventOpened | EventShort | EventClosed) -> None:
        """Take one entry in; raises BooksBroken for one that cannot be."""
        running = self._open.get(entry.feeder)
        if isinstance(entry, EventOpened):
            if running is not None or entry.event in self.records:
                raise BooksBroken(f"event {entry.event} opened, but {running or entry.event} is there")
            self._open[entry.feeder] = entry.event
            self.records[entry.event] = EventRecord(entry)
            return
        if running != entry.event:
            raise BooksBroken(f"event {entry.event} is not the running one of {entry.feeder}")
        record = self.records[entry.event]
        if isinstance(entry, EventShort):
            self.records[entry.event] = replace(record, short=entry)
            return
        self.records[entry.event] = replace(record, closed=entry)
        del self._open[entry.feeder]
        self._closed.setdefault(entry.feeder, []).append(entry.event)

    def order(self, entry: OperatorActed) -> None:
        """An order stands where an event does: its requests belong together."""
        order = entry.order
        if order is None or order in self.records:
            raise BooksBroken(f"order {order} has no id, or was given before")
        begun = EventOpened(
            at=entry.at, event=order, feeder=entry.feeder, element="", kind=ORDERED, value=0.0, limit=0.0
        )
        self.records[order] = EventRecord(begun)
        self._orders.setdefault(entry.feeder, []).append(order)

    def fits(self, entry: RequestPlanned) -> None:
        """Raises BooksBroken when the request's event or order does not run."""
        event = self.records.get(entry.event)
        if event is None or event.closed is not None:
            raise BooksBroken(
                f"request {entry.request} planned for event {entry.event}, which is not running"
            )

    def plan(self, entry: RequestPlanned) -> None:
        """One more request, which fits."""
        event = self.records[entry.event]
        self.records[entry.event] = replace(event, requests=(*event.requests, entry.request))

    def old(self, feeder: str, keep: int) -> tuple[str, ...]:
        """Those that are over, but for the latest `keep` events and `keep` orders."""
        return (*self._closed.get(feeder, [])[:-keep], *self._orders.get(feeder, [])[:-keep])

    def forget(self, feeder: str, event: str) -> None:
        """Drop an old one."""
        del self.records[event]
        for kept in (self._closed.get(feeder, []), self._orders.get(feeder, [])):
            if event in kept:
                kept.remove(event)

    def fork(self) -> "EventBook":
        """A copy that can be written to without touching this one; its records are frozen and shared."""
        return EventBook(
            dict(self.records),
            dict(self._open),
            {feeder: list(of) for feeder, of in self._closed.items()},
            {feeder: list(of) for feeder, of in self._orders.items()},
        )
