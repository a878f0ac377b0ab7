"""Settled requests as the journal tells them, however long ago: what the books forget is read again. Pure.

One pass over the journal for some service points of a feeder: their requests, what was corrected and
disputed, and the events. Memory grows with these only.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller import entries as e
from controller.books import Books
from controller.errors import BooksBroken, RecordBroken
from controller.requests import RequestRecord
from controller.stores.port import Numbered

_EVER = 2**31
Disputing = e.DisputeOpened | e.DisputeClosed


@dataclass(slots=True)
class PastRequests:
    """What was asked at some service points of one feeder."""

    books: Books
    """that know nothing else"""
    asked_points: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """event → all service points of the feeder that were asked in it"""
    corrections: dict[str, list[e.SettlementCorrected]] = field(default_factory=lambda: defaultdict(list))
    disputes: dict[str, list[Disputing]] = field(default_factory=lambda: defaultdict(list))

    @property
    def settled(self) -> tuple[RequestRecord, ...]:
        """In the order they were planned."""
        return tuple(record for record in self.books.requests.values() if record.settled is not None)


def past_requests(journal: Iterable[Numbered], feeder: str, points: frozenset[str]) -> PastRequests:
    """What the journal tells of a feeder's service points. Raises RecordBroken at an entry that cannot be."""
    past = PastRequests(Books(keep_closed_events=_EVER))
    for numbered in journal:
        if isinstance(numbered.entry, e.RequestPlanned) and numbered.entry.feeder == feeder:
            past.asked_points[numbered.entry.event].add(numbered.entry.service_point)
        if _belongs(numbered.entry, past.books, feeder, points):
            try:
                past.books.apply(numbered.entry)
            except BooksBroken as error:
                raise RecordBroken(f"entry {numbered.seq} cannot be: {error}") from error
            if isinstance(numbered.entry, e.SettlementCorrected):
                past.corrections[numbered.entry.request].append(numbered.entry)
            elif isinstance(numbered.entry, e.DisputeOpened | e.DisputeClosed):
                past.disputes[numbered.entry.request].append(numbered.entry)
    return past


def plan_of(journal: Iterable[Numbered], request: str) -> e.RequestPlanned | None:
    """How a request was planned; None when the journal does not hold it."""
    for numbered in journal:
        if isinstance(numbered.entry, e.RequestPlanned) and numbered.entry.request == request:
            return numbered.entry
    return None


def _belongs(entry: e.Entry, books: Books, feeder: str, points: frozenset[str]) -> bool:
    match entry:
        case e.EventOpened() | e.EventClosed():
            return entry.feeder == feeder
        case e.OperatorActed():
            return entry.feeder == feeder and entry.order is not None
        case e.RequestPlanned():
            return entry.feeder == feeder and entry.service_point in points
        case (
            e.RequestChanged()
            | e.RequestSent()
            | e.RequestAnswered()
            | e.RequestMoved()
            | e.BesideMoved()
            | e.NoticeAnswered()
            | e.RequestSettled()
            | e.SettlementCorrected()
            | e.DisputeOpened()
            | e.DisputeClosed()
        ):
            return entry.request in books.requests
        case _:
            return False
