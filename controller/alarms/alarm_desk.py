"""Where alarms are raised, acknowledged and shelved. Part of the shell.

Once a round operators are told what stands (`telling.py`); what people do to alarms is written at once. All
of it happens under the rounds' own turn and is durable before it shows. A fault of this desk is logged and
stops no round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from msgspec.structs import replace

from controller.alarms.alarm_book import AlarmBook, AlarmEntry, AlarmRecord
from controller.alarms.alarm_errors import AlarmMoved, AlarmRefused, UnknownAlarm
from controller.alarms.alarm_history import AlarmChanges, Wanted
from controller.alarms.alarm_list import (
    AlarmCounts,
    AlarmSummary,
    AlarmView,
    OutOfService,
    alarm_views,
    out_of_service,
    summary,
)
from controller.alarms.history_reading import HistoryReading
from controller.alarms.rates import AlarmRate, alarm_rate
from controller.alarms.telling import DataAlarmsOf, Telling
from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import AlarmAcknowledged, AlarmShelved, AlarmUnshelved
from controller.errors import ControllerError
from controller.live import Live
from controller.metrics import Metrics
from controller.settings import Site
from controller.stores.port import Record, StoreUnavailable
from devices.ports import Clock, LinkHealth

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
        data_alarms: DataAlarmsOf | None = None,
    ) -> None:
        """`turn` is the rounds' own; `background`: a thread in which the journal may be read. `ready` returns
        once it was read. `data_alarms`: shown where the journal cannot take them.
        """
        self._keeper, self._turn, self._clock, self._site = keeper, turn, clock, site
        self._metrics, self._ready = metrics, ready
        keeper.books.alarm_book = replace(keeper.books.alarm_book, operators=site.alarms.operators)
        metrics.alarms.operators.set(site.alarms.operators)
        self.telling = Telling(keeper, site, live, links or {}, data_alarms)
        """what stands; others add what they know of"""
        self._history = HistoryReading(store, background)
        self._counted: tuple[int, ...] | None = None
        self._made: tuple[AlarmBook, int, tuple[AlarmView, ...]] | None = None
        self._subscribers: list[Callable[[], None]] = []
        self._told: AlarmBook | None = None

    # --- each round

    async def round(self) -> None:
        """Tell what is to be told now. Raises what nobody can go on after: Replaced, BooksBroken."""
        try:
            async with self._turn:
                if self._counted is None:
                    self._counted = self._keeper.books.alarm_book.told
                await self.telling.round(self._clock.now())
        except StoreUnavailable:
            pass  # what stands is told with the next round
        except ControllerError:
            raise
        except Exception:
            log.exception("alarms_failed")
        self._tell_if_changed()

    # --- what is seen

    def now(self) -> datetime:
        """The site's time."""
        return self._clock.now()

    def views(self, feeders: Collection[str] | None = None) -> tuple[AlarmView, ...]:
        """All alarms that are not normal, in the order of the list; of these feeders and of the site. Made
        once a second for all who look.
        """
        book, now = self._book, self.now()
        second = int(now.timestamp())
        if self._made is None or self._made[0] is not book or self._made[1] != second:
            made = alarm_views(book, out_of_service=self._site.alarms.out_of_service, now=now)
            self._made = book, second, made
        found = self._made[2]
        if feeders is None:
            return found
        return tuple(one for one in found if one.feeder is None or one.feeder in feeders)

    def summary(self, feeders: Collection[str] | None = None) -> AlarmSummary:
        """What every page shows."""
        return self.summary_of(self.views(feeders))

    def summary_of(self, views: Sequence[AlarmView]) -> AlarmSummary:
        """Of views that were made a moment ago."""
        return summary(self._book, views, self.now(), self.telling.frozen_since)

    def out_of_service(self, feeders: Collection[str] | None = None) -> tuple[OutOfService, ...]:
        """What the settings say is not to be raised."""
        return out_of_service(self._site.alarms.out_of_service, self.telling.standing, feeders)

    @property
    def longest_shelf_s(self) -> float:
        """For so long an alarm may be shelved at once."""
        return self._site.alarms.longest_shelf_s

    def told(self) -> AlarmCounts:
        """What a change is told with, to whomever: figures only."""
        found = self.summary()
        return AlarmCounts(counts=found.counts, shelved=found.shelved, flood=found.flood)

    def rate(self, hours: int, feeders: Collection[str] | None = None) -> AlarmRate:
        """How many there were in the latest hours."""
        return alarm_rate(self._book, hours=hours, now=self.now(), feeders=feeders)

    async def history(self, wanted: Wanted, *, before: int | None, limit: int) -> AlarmChanges:
        """One page. Raises StoreUnavailable, also when too many read already."""
        await self._begin()
        newest = self._keeper.books.seq
        return await self._history.page(wanted, newest=newest, before=before, limit=limit)

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
        self.telling.be_journaled(seen.alarm)
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
            latest = now + timedelta(seconds=self.longest_shelf_s)
            if not now < until <= latest:
                raise AlarmRefused(
                    f"until: expected a time to come, at the latest {latest:%Y-%m-%dT%H:%M:%SZ}"
                )
            self.telling.be_journaled(seen.alarm)
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
            self.telling.be_journaled(alarm)
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
        record = self._book.alarms.get(alarm)
        if record is None:
            raise UnknownAlarm(f"there is no alarm {alarm!r}, or it is normal again")
        return record

    def _count(self) -> None:
        """Have those counted that were told since; what was told before our start was counted then."""
        told = self._keeper.books.alarm_book.told
        self._metrics.alarms.told(
            now - before for now, before in zip(told, self._counted or told, strict=True)
        )
        self._counted = told

    @property
    def _book(self) -> AlarmBook:
        return self.telling.book

    async def _begin(self) -> None:
        if self._ready is not None:
            await self._ready()

    async def _write(self, entry: AlarmEntry) -> None:
        await self._keeper.write((entry,))
        self.telling.done(entry)
        self._tell_if_changed()

    def _tell_if_changed(self) -> None:
        if self._told is self._book:
            return
        self._told = self._book
        try:
            self._metrics.alarms.stand(self.summary().counts)
            self._count()
        except Exception:
            log.exception("alarm_metrics_failed")
        for changed in tuple(self._subscribers):
            try:
                changed()
            except Exception:
                log.exception("subscriber_failed", of="alarms")
