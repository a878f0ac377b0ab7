"""Where alarms are raised, acknowledged and shelved. Part of the shell.

Once a round it looks at all that stands and writes what operators are to be told; what people do to alarms is
written at once. All of it happens under the rounds' own turn and is durable before it shows. One alarm cannot
be: that the journal cannot be written. It is shown from memory, and written with its end once that is
possible again. A fault of this desk is logged and stops no round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from controller.alarms.alarm_book import AlarmBook, AlarmRecord
from controller.alarms.alarm_errors import AlarmMoved, AlarmRefused, UnknownAlarm
from controller.alarms.alarm_history import AlarmChanges, Wanted, read_page
from controller.alarms.alarm_list import AlarmCounts, AlarmSummary, AlarmView, alarm_views, summary
from controller.alarms.annunciation import Memory, annunciate
from controller.alarms.conditions import LONGEST_TEXT, Around, Condition, standing
from controller.alarms.kinds import kind_of
from controller.alarms.rates import AlarmRate, alarm_rate
from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import (
    AlarmAcknowledged,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    Entry,
)
from controller.errors import ControllerError
from controller.live import Live
from controller.metrics import Metrics
from controller.settings import Site
from controller.stores.port import Record, StoreUnavailable
from devices.ports import Clock, LinkHealth

MOST_HISTORIES = 4
"""that may wait for the journal at once"""
Outcome = Literal["acknowledged", "again", "moved", "unknown"]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """An alarm as somebody saw it."""

    alarm: str
    occurrence: int | None = None
    """None: whichever stands"""


class AlarmDesk:
    """Of one site. Raises `alarm_errors.AlarmRefused`, StoreUnavailable."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        site: Site,
        *,
        live: Live,
        metrics: Metrics,
        store: Record,
        background: Offload,
        links: Mapping[str, LinkHealth] | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`turn` is the rounds' own; `background`: a thread in which the journal may be read. `ready` returns
        once it was read.
        """
        self._keeper, self._turn, self._clock, self._site = keeper, turn, clock, site
        self._live, self._metrics, self._store = live, metrics, store
        self._background, self._links, self._ready = background, dict(links or {}), ready
        self._feeders = tuple(feeder.id for feeder in site.feeder)
        self._memory = Memory()
        self._late_s: float | None = None
        self._unwritable: AlarmRaised | None = None
        self._subscribers: list[Callable[[], None]] = []
        self._sources: list[Callable[[datetime], Iterable[Condition]]] = []
        self._told: tuple[AlarmBook, AlarmRaised | None] | None = None
        self._reading = asyncio.Lock()
        self._waiting = 0

    # --- each round

    def add_source(self, source: Callable[[datetime], Iterable[Condition]]) -> None:
        """Have others tell what stands, too; called once a round with the site's time."""
        self._sources.append(source)

    def cycle_took(self, seconds: float) -> None:
        """How long the latest cycle took on the site's clock."""
        over_s = seconds - self._site.cycle.period_s
        self._late_s = over_s if over_s > 0 else None

    async def round(self) -> None:
        """Tell what is to be told now. Raises what nobody can go on after: Replaced, BooksBroken."""
        try:
            async with self._turn:
                await self._annunciate(self._clock.now())
        except StoreUnavailable:
            pass  # what stands is told with the next round
        except ControllerError:
            raise
        except Exception:
            log.exception("alarms_failed")
        self._tell_if_changed()

    async def _annunciate(self, now: datetime) -> None:
        keeper = self._keeper
        if keeper.store_fault is not None:
            if self._unwritable is None:
                self._unwritable = _unwritable(keeper.store_fault, now)
            return
        entries: list[Entry] = []
        if self._unwritable is not None:
            entries += [self._unwritable, _writable_again(self._unwritable, now)]
        memory, told = annunciate(
            keeper.books.alarm_book,
            self._standing(now),
            self._memory,
            out_of_service=self._site.alarms.out_of_service,
            now=now,
        )
        self._memory = memory
        entries += told
        if entries:
            await keeper.write(entries)
            self._unwritable = None

    def _standing(self, now: datetime) -> list[Condition]:
        views = {feeder: view for feeder in self._feeders if (view := self._live.view(feeder)) is not None}
        around = Around(
            views=views,
            links={name: link.connected for name, link in self._links.items()},
            hands_off=self._keeper.orders.hands_off,
            late_s=self._late_s,
            severe_percent=self._site.events.at_once_percent,
        )
        found = list(standing(self._keeper.books, self._feeders, around, now))
        for source in self._sources:
            found += source(now)
        return found

    # --- what is seen

    def now(self) -> datetime:
        """The site's time."""
        return self._clock.now()

    def views(self, feeders: Collection[str] | None = None) -> tuple[AlarmView, ...]:
        """All alarms that are not normal, in the order of the list; of these feeders and of the site."""
        beside = () if self._unwritable is None else (_beside_the_journal(self._unwritable),)
        return alarm_views(
            self._book,
            out_of_service=self._site.alarms.out_of_service,
            now=self.now(),
            feeders=feeders,
            beside=beside,
        )

    def summary(self, feeders: Collection[str] | None = None) -> AlarmSummary:
        """What every page shows."""
        return self.summary_of(self.views(feeders))

    def summary_of(self, views: Sequence[AlarmView]) -> AlarmSummary:
        """Of views that were made a moment ago."""
        return summary(self._book, views, self.now())

    def told(self) -> AlarmCounts:
        """What a change is told with, to whomever: figures only."""
        found = self.summary()
        return AlarmCounts(counts=found.counts, shelved=found.shelved, flood=found.flood)

    def rate(self, hours: int, feeders: Collection[str] | None = None) -> AlarmRate:
        """How many there were in the latest hours."""
        return alarm_rate(
            self._book, hours=hours, operators=self._site.alarms.operators, now=self.now(), feeders=feeders
        )

    async def history(self, wanted: Wanted, *, before: int | None, limit: int) -> AlarmChanges:
        """One page. Raises StoreUnavailable, also when too many read already."""
        await self._begin()
        if self._waiting >= MOST_HISTORIES:
            raise StoreUnavailable("too many read the journal already")
        self._waiting += 1
        try:
            async with self._reading:
                newest = self._keeper.books.seq
                return await self._background(
                    read_page, self._store, wanted, newest=newest, before=before, limit=limit
                )
        finally:
            self._waiting -= 1

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` whenever an alarm has changed; the returned function ends that."""
        self._subscribers.append(changed)

        def end() -> None:
            if changed in self._subscribers:
                self._subscribers.remove(changed)

        return end

    def feeder_of(self, alarm: str) -> str | None:
        """Whose alarm it is; None: the site's. Raises UnknownAlarm."""
        return self._known(alarm).raised.feeder

    # --- what people do

    async def acknowledge(self, seen: Sequence[Seen], *, who: str, why: str = "") -> dict[str, Outcome]:
        """Acknowledge each as it was seen; what came of it, by alarm. One entry for all."""
        await self._begin()
        async with self._turn:
            outcomes = {one.alarm: self._outcome(one) for one in seen}
            alarms = tuple(
                self._book.alarms[alarm].named
                for alarm, outcome in outcomes.items()
                if outcome == "acknowledged"
            )
            if alarms:
                await self._write(AlarmAcknowledged(at=self.now(), alarms=alarms, who=who, why=why))
        return outcomes

    def _outcome(self, seen: Seen) -> Outcome:
        if self._unwritable is not None and seen.alarm == self._unwritable.alarm:
            raise StoreUnavailable("the journal cannot be written, nor that somebody has seen it")
        record = self._book.alarms.get(seen.alarm)
        if record is None:
            return "unknown"
        if seen.occurrence not in (None, record.occurrence):
            return "moved"
        return "again" if record.core in ("acknowledged", "normal") else "acknowledged"

    async def shelve(self, seen: Seen, *, until: datetime, who: str, why: str) -> AlarmView:
        """Take it out of sight until then; again, with another end or reason."""
        await self._begin()
        async with self._turn:
            record, now = self._as_seen(seen), self.now()
            one = record.raised
            if one.priority == "critical":
                raise AlarmRefused(f"{one.kind}: an alarm of priority critical cannot be shelved")
            longest_s = self._site.alarms.longest_shelf_s
            if not now < until <= now + timedelta(seconds=longest_s):
                latest = f"{now + timedelta(seconds=longest_s):%Y-%m-%dT%H:%M:%SZ}"
                raise AlarmRefused(f"until: expected a time to come, at the latest {latest}")
            await self._write(
                AlarmShelved(
                    at=now,
                    alarm=one.alarm,
                    kind=one.kind,
                    feeder=one.feeder,
                    subject=one.subject,
                    until=until,
                    who=who,
                    why=why,
                )
            )
        return self._view(seen.alarm)

    async def unshelve(self, alarm: str, *, who: str, why: str = "") -> AlarmView | None:
        """Have it in sight again; None when it is normal."""
        await self._begin()
        async with self._turn:
            record = self._known(alarm)
            if record.shelved is not None:
                one = record.raised
                await self._write(
                    AlarmUnshelved(
                        at=self.now(),
                        alarm=alarm,
                        kind=one.kind,
                        feeder=one.feeder,
                        subject=one.subject,
                        cause="operator",
                        who=who,
                        why=why,
                    )
                )
        return self._view(alarm) if alarm in self._book.alarms else None

    def view(self, alarm: str) -> AlarmView | None:
        """One alarm as it stands; None when it is normal."""
        return next((one for one in self.views() if one.alarm == alarm), None)

    def _view(self, alarm: str) -> AlarmView:
        found = self.view(alarm)
        assert found is not None
        return found

    def _as_seen(self, seen: Seen) -> AlarmRecord:
        record = self._known(seen.alarm)
        if seen.occurrence not in (None, record.occurrence):
            raise AlarmMoved(f"alarm {seen.alarm} was raised again since: look at it once more")
        return record

    def _known(self, alarm: str) -> AlarmRecord:
        if self._unwritable is not None and alarm == self._unwritable.alarm:
            return _beside_the_journal(self._unwritable)
        record = self._book.alarms.get(alarm)
        if record is None:
            raise UnknownAlarm(f"there is no alarm {alarm!r}, or it is normal again")
        return record

    @property
    def _book(self) -> AlarmBook:
        return self._keeper.books.alarm_book

    async def _begin(self) -> None:
        if self._ready is not None:
            await self._ready()

    async def _write(self, entry: Entry) -> None:
        await self._keeper.write((entry,))
        self._tell_if_changed()

    def _tell_if_changed(self) -> None:
        state = (self._book, self._unwritable)
        if self._told is not None and self._told[0] is state[0] and self._told[1] is state[1]:
            return
        self._told = state
        try:
            self._metrics.alarms_stand(self.summary().counts)
        except Exception:
            log.exception("alarm_metrics_failed")
        for changed in tuple(self._subscribers):
            try:
                changed()
            except Exception:
                log.exception("subscriber_failed", of="alarms")


def _unwritable(reason: str, now: datetime) -> AlarmRaised:
    text = f"The journal cannot be written, nothing is sent but releases: {reason}"[:LONGEST_TEXT]
    what = Condition("journal_unwritable", None, "", text)
    return AlarmRaised(
        at=now,
        alarm=what.alarm,
        kind=what.kind,
        feeder=None,
        subject="",
        priority=kind_of(what.kind).priority,
        text=text,
    )


def _writable_again(raised: AlarmRaised, now: datetime) -> AlarmReturned:
    return AlarmReturned(at=now, alarm=raised.alarm, kind=raised.kind, feeder=None, subject="")


def _beside_the_journal(raised: AlarmRaised) -> AlarmRecord:
    return AlarmRecord(raised=raised, core="unacknowledged", occurrence=1, since=raised.at)
