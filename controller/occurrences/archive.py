"""Past events for the API while the daemon runs. Part of the shell.

The journal is read over a connection of its own and in a thread, one reader at a time, so that neither the
loop nor a commit waits for it. The index of events is made when it is first asked for and then only goes on
from where it was; who asks before it is there waits until their own deadline, and finds it further along the
next time. A journal that is broken from its start is not read again each time somebody looks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from controller import settings
from controller.books import Books
from controller.errors import RecordBroken
from controller.in_turn import InTurn
from controller.occurrences.bodies import EventBody, EventRow, Step
from controller.occurrences.index import EventIndex, Occurrence, Wanted
from controller.occurrences.timeline import KEPT_EVENTS, body_of, row_of, steps_of
from controller.stores.opening import open_record
from controller.stores.port import Numbered, Record

T = TypeVar("T")
_KEPT_BODIES = 32
"""more than are told of with one span of states"""
BROKEN_FOR_S = 60.0
"""A journal that cannot be read from its start is not tried again for so long."""
_NEAR = 1000
"""Entries that lie nearer are read through: a store reads so many at once in any case."""


class UnknownEvent(Exception):
    """The journal has no such event, or it is older than those that are known here."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, newest first."""

    items: tuple[EventRow, ...]
    next: int | None
    """goes on from here; None: there are no more"""


@dataclass(frozen=True, slots=True)
class AllSteps:
    """Of one event."""

    feeder: str
    steps: tuple[Step, ...]


class EventArchive:
    """Of one site's journal."""

    def __init__(
        self,
        site: settings.Site,
        opened: Callable[[settings.Store], Record] = open_record,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`monotonic`: of the clock by which a journal that is broken is tried again."""
        self._site, self._opened, self._monotonic = site, opened, monotonic
        self._index = EventIndex()
        self._bodies: dict[str, tuple[int, EventBody]] = {}
        """event → of how many entries it was made, the one asked for last at the end"""
        self._broken: tuple[float, str] | None = None
        """when it was found so from its start, and why; not the error itself, which would grow each time that
        it is raised again
        """
        self._turn = InTurn()

    async def page(self, wanted: Wanted, limit: int, before: int | None) -> Page:
        """Events that fit, newest first. Raises StoreUnavailable, RecordBroken and TooManyWaiting."""
        return await self._turn.do(self._caught_up, self._page, wanted, limit, before)

    async def event(self, event: str) -> EventBody:
        """One event. Raises UnknownEvent and as `page`."""
        return await self._turn.do(self._caught_up, self._body, event)

    async def steps(self, event: str) -> AllSteps:
        """All steps of one event, however many. Raises as `event`."""
        return await self._turn.do(self._caught_up, self._steps, event)

    async def during(self, feeder: str, start: datetime, end: datetime, most: int) -> tuple[EventBody, ...]:
        """The feeder's latest `most` events that ran in [start, end), oldest first. Raises as `page`."""
        return await self._turn.do(self._caught_up, self._during, feeder, start, end, most)

    # --- in the thread

    def _caught_up(self, work: Callable[..., T], *values: object) -> T:
        if self._broken is not None and self._monotonic() - self._broken[0] < BROKEN_FOR_S:
            raise RecordBroken(self._broken[1])
        with closing(self._opened(self._site.store)) as record:
            self._record = record
            begun_at = self._index.seq
            try:
                self._follow(record)
                return work(*values)
            except RecordBroken as error:
                # the journal is another one, or was altered: begin anew next time
                self._index, self._bodies = EventIndex(), {}
                self._broken = None if begun_at else (self._monotonic(), str(error))
                raise

    def _follow(self, record: Record) -> None:
        for numbered in record.replay(after=self._index.seq):
            self._index.take(numbered)

    def _page(self, wanted: Wanted, limit: int, before: int | None) -> Page:
        found = list(islice(self._index.newest(wanted, before), limit + 1))
        more = len(found) > limit
        return Page(tuple(map(row_of, found[:limit])), found[limit - 1].seq if more else None)

    def _body(self, event: str) -> EventBody:
        return self._body_of(self._known(event))

    def _steps(self, event: str) -> AllSteps:
        found = self._known(event)
        facts = self._entries(found.numbers)
        books = Books(keep_closed_events=KEPT_EVENTS)
        return AllSteps(
            found.opened.feeder, tuple(steps_of(found, facts, books, self._site, self._checks_between))
        )

    def _during(self, feeder: str, start: datetime, end: datetime, most: int) -> tuple[EventBody, ...]:
        found = islice(self._index.newest(Wanted(feeder=feeder, start=start, end=end)), most)
        return tuple(map(self._body_of, reversed(list(found))))

    def _body_of(self, occurrence: Occurrence) -> EventBody:
        """Pages that show an event ask again and again: it is made anew only once there is more of it."""
        known = self._bodies.pop(occurrence.event, None)
        if known is None or known[0] != len(occurrence.numbers):
            facts = self._entries(occurrence.numbers)
            known = len(facts), body_of(occurrence, facts, self._site, self._checks_between)
        self._bodies[occurrence.event] = known
        if len(self._bodies) > _KEPT_BODIES:
            del self._bodies[next(iter(self._bodies))]
        return known[1]

    def _known(self, event: str) -> Occurrence:
        found = self._index.event(event)
        if found is None:
            raise UnknownEvent(event)
        return found

    def _entries(self, numbers: Sequence[int]) -> list[Numbered]:
        """The entries of these numbers, ascending."""
        found: list[Numbered] = []
        reading: Iterator[Numbered] = iter(())
        at = 0
        for wanted in numbers:
            if not found or wanted - at > _NEAR:
                reading, at = self._record.replay(after=wanted - 1), wanted - 1
            numbered = next((one for one in reading if one.seq == wanted), None)
            if numbered is None:
                raise RecordBroken(f"the journal has no entry {wanted} any more")
            at = wanted
            found.append(numbered)
        return found

    def _checks_between(self, feeder: str, start: datetime, end: datetime) -> Sequence[datetime]:
        samples = self._record.samples(feeder, start, end + timedelta(microseconds=1))
        return [sample.at for sample in samples]
