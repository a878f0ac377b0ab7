"""The requests whose detail is kept, and who finds them by what: each index follows from the records. Pure; a
part of the books.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from controller.entries import RequestPlanned, Resource
from controller.errors import BooksBroken
from controller.requests import RequestRecord

Target = tuple[str, Resource, str]
"""(feeder, device or person, id)"""
Place = tuple[str, str]
"""(feeder, service point)"""


@dataclass(slots=True)
class RequestBook:
    """Of all feeders; whatever is listed is so in the order it was planned."""

    records: dict[str, RequestRecord] = field(default_factory=dict)
    _open: dict[str, dict[str, None]] = field(default_factory=dict)
    _unsettled: dict[str, dict[str, None]] = field(default_factory=dict)
    _untold: dict[str, dict[str, None]] = field(default_factory=dict)
    _outbox: dict[str, None] = field(default_factory=dict)
    _held: dict[Target, str] = field(default_factory=dict)
    _freed_at: dict[Target, datetime] = field(default_factory=dict)
    _at_service_point: dict[Place, tuple[str, ...]] = field(default_factory=dict)

    def known(self, request: str) -> RequestRecord:
        """One that is kept; raises BooksBroken for any other."""
        record = self.records.get(request)
        if record is None:
            raise BooksBroken(f"request {request} is not known (any more)")
        return record

    def open(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All that limit a target now, or are about to."""
        return self._select(self._open.get(feeder, ()))

    def unsettled(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All whose life is not over: ask `requests.due` and `requests.settlement_due` about them."""
        return self._select(self._unsettled.get(feeder, ()))

    def untold(self, feeder: str) -> tuple[RequestRecord, ...]:
        """Settled requests to people who took part and were not told what came of it."""
        return self._select(self._untold.get(feeder, ()))

    def unsent(self) -> tuple[RequestRecord, ...]:
        """The outbox: every request whose newest command was not noted as sent and still has a purpose."""
        return self._select(self._outbox)

    def held_by(self, feeder: str, target: str, resource: Resource) -> RequestRecord | None:
        """The one open request of a target."""
        request = self._held.get((feeder, resource, target))
        return None if request is None else self.records[request]

    def last_released_at(self, feeder: str, target: str, resource: Resource) -> datetime | None:
        """When a request of this target last stopped to count, for whatever reason."""
        return self._freed_at.get((feeder, resource, target))

    def at_service_point(self, feeder: str, service_point: str) -> tuple[RequestRecord, ...]:
        """All requests at this meter whose detail is kept, oldest first."""
        return self._select(self._at_service_point.get((feeder, service_point), ()))

    def beside(self, record: RequestRecord) -> tuple[RequestRecord, ...]:
        """Other requests at the same meter: what it shows is shared with them (`settlement.settle`)."""
        here = self._at_service_point.get(_place(record), ())
        return tuple(self.records[r] for r in here if r != record.request)

    def fits(self, entry: RequestPlanned) -> None:
        """Raises BooksBroken when a request cannot begin now."""
        if entry.request in self.records:
            raise BooksBroken(f"request {entry.request} planned twice")
        held = self.held_by(entry.feeder, entry.target, entry.resource)
        if held is not None:
            raise BooksBroken(
                f"request {entry.request} planned, but {held.request} limits {entry.target} already"
            )

    def put(self, record: RequestRecord) -> None:
        """Store a record and bring every index in line with it."""
        planned, request = record.planned, record.request
        before = self.records.get(request)
        self.records[request] = record
        if before is None:
            here = _place(record)
            self._at_service_point[here] = (*self._at_service_point.get(here, ()), request)
        _mark(self._open.setdefault(planned.feeder, {}), request, record.is_open)
        _mark(self._unsettled.setdefault(planned.feeder, {}), request, not record.is_over)
        _mark(self._untold.setdefault(planned.feeder, {}), request, _is_untold(record))
        _mark(self._outbox, request, _has_to_go_out(record))
        self._hold(record, before)

    def _hold(self, record: RequestRecord, before: RequestRecord | None) -> None:
        """Who limits its target, and when somebody last did."""
        target: Target = (record.planned.feeder, record.resource, record.planned.target)
        if record.is_open:
            self._held[target] = record.request
        elif self._held.get(target) == record.request:
            del self._held[target]
        if before is not None and before.is_open and not record.is_open:
            self._freed_at[target] = record.ended_at or record.since

    def forget(self, record: RequestRecord) -> None:
        """Drop the detail of one that is told to its end."""
        del self.records[record.request]
        self._outbox.pop(record.request, None)
        self._untold.get(record.planned.feeder, {}).pop(record.request, None)
        here = _place(record)
        left = tuple(one for one in self._at_service_point[here] if one != record.request)
        if left:
            self._at_service_point[here] = left
        else:
            del self._at_service_point[here]

    def fork(self) -> "RequestBook":
        """A copy that can be written to without touching this one; its records are frozen and shared."""
        return RequestBook(
            dict(self.records),
            {feeder: dict(of) for feeder, of in self._open.items()},
            {feeder: dict(of) for feeder, of in self._unsettled.items()},
            {feeder: dict(of) for feeder, of in self._untold.items()},
            dict(self._outbox),
            dict(self._held),
            dict(self._freed_at),
            dict(self._at_service_point),
        )

    def _select(self, requests: Iterable[str]) -> tuple[RequestRecord, ...]:
        return tuple(self.records[r] for r in requests)


def is_told_to_the_end(record: RequestRecord) -> bool:
    """Whether no entry of its life is to come: the step to `settled` follows the settlement."""
    return record.is_over and not record.moves_when_settled


def _place(record: RequestRecord) -> Place:
    return record.planned.feeder, record.planned.service_point


def _has_to_go_out(record: RequestRecord) -> bool:
    return record.sent_sequence < record.sequence and (record.is_open or record.releasing)


def _is_untold(record: RequestRecord) -> bool:
    """Whether a person took part and waits for thanks, or for why there are none."""
    settled = record.settled
    if record.resource != "person" or settled is None or settled.outcome == "refused_or_silent":
        return False
    return not any(message.split("/")[-2:-1] in (["thanks"], ["explanation"]) for message in record.messages)


def _mark(index: dict[str, None], request: str, belongs: bool) -> None:
    if belongs:
        index.setdefault(request)
    else:
        index.pop(request, None)
