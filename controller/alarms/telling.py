"""What is to be told of all that stands, round by round: written to the journal, or kept in memory while that
cannot be written (`unwritten.py`). Part of the shell; whoever calls it has the rounds' turn.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.annunciation import Memory, annunciate
from controller.alarms.conditions import Around, Condition, standing
from controller.alarms.unwritten import Unwritten, outage
from controller.bookkeeping import Bookkeeper
from controller.entries import DataAlarm, Entry
from controller.live import Live
from controller.settings import Site
from controller.stores.port import StoreUnavailable
from devices.ports import LinkHealth

DataAlarmsOf = Callable[[str], tuple[DataAlarm, ...]]
"""what a feeder's latest cycle writes of its data"""


class Telling:
    """Of one site."""

    def __init__(
        self,
        keeper: Bookkeeper,
        site: Site,
        live: Live,
        links: Mapping[str, LinkHealth],
        data_alarms: DataAlarmsOf | None = None,
    ) -> None:
        self._data_alarms = data_alarms or _none
        self._keeper, self._site, self._live, self._links = keeper, site, live, dict(links)
        self._feeders = tuple(feeder.id for feeder in site.feeder)
        self._memory = Memory()
        self._late_s: float | None = None
        self._failed_cycles = 0
        self._unwritten: Unwritten | None = None
        self._sources: list[Callable[[datetime], Iterable[Condition]]] = []
        self.standing: frozenset[tuple[str, str | None]] = frozenset()
        """kind and feeder of all that stood in the latest round, told or not"""

    @property
    def book(self) -> AlarmBook:
        """What is shown."""
        return self._keeper.books.alarm_book if self._unwritten is None else self._unwritten.book

    @property
    def frozen_since(self) -> datetime | None:
        """Since when the journal cannot be written; None: it can."""
        return None if self._unwritten is None else self._unwritten.raised.at

    def add_source(self, source: Callable[[datetime], Iterable[Condition]]) -> None:
        """Have others tell what stands, too; called once a round with the site's time."""
        self._sources.append(source)

    def cycle_took(self, seconds: float) -> None:
        """How long the latest cycle, which went through, took on the site's clock."""
        self._failed_cycles = 0
        over_s = seconds - self._site.cycle.period_s
        self._late_s = over_s if over_s > 0 else None

    def cycle_failed(self) -> None:
        """The latest cycle did not go through."""
        self._failed_cycles += 1

    async def round(self, now: datetime) -> None:
        """Tell what is to be told now. Raises StoreUnavailable: what stands is told with the next round."""
        keeper, stands = self._keeper, self._standing(now)
        self.standing = frozenset((one.kind, one.feeder) for one in stands)
        if keeper.store_fault is not None:
            if self._unwritten is None:
                self._unwritten = outage(keeper.books.alarm_book, keeper.store_fault, now)
            told = self._news(self._unwritten.book, [*stands, self._unwritten.condition], now)
            self._unwritten = self._unwritten.told(told)
            return
        entries: list[Entry] = [] if self._unwritten is None else [*self._unwritten.written(now)]
        entries += self._news(keeper.books.alarm_book, stands, now)
        if entries:
            await keeper.write(entries)
            self._unwritten = None

    def done(self, entry: AlarmEntry) -> None:
        """Somebody did this, and it is journaled."""
        if self._unwritten is not None:
            self._unwritten = self._unwritten.told((entry,))

    def be_journaled(self, alarm: str) -> None:
        """Raises StoreUnavailable for what the journal does not tell as it is shown."""
        if self._unwritten is None:
            return
        journaled = self._keeper.books.alarm_book.alarms.get(alarm)
        if self._unwritten.book.alarms.get(alarm) is not journaled:
            raise StoreUnavailable("the journal cannot be written, nor what is done about this alarm")

    def _news(self, book: AlarmBook, stands: Iterable[Condition], now: datetime) -> tuple[AlarmEntry, ...]:
        self._memory, told = annunciate(
            book, stands, self._memory, out_of_service=self._site.alarms.out_of_service, now=now
        )
        return told

    def _standing(self, now: datetime) -> list[Condition]:
        is_unwritable = self._keeper.store_fault is not None
        views = {feeder: view for feeder in self._feeders if (view := self._live.view(feeder)) is not None}
        around = Around(
            views=views,
            links={name: link.connected for name, link in self._links.items()},
            link_feeders={
                name: feeder
                for name, link in self._links.items()
                if (feeder := _feeder_of(link)) in self._feeders and feeder is not None
            },
            hands_off=self._keeper.orders.hands_off,
            late_s=self._late_s,
            failed_cycles=self._failed_cycles,
            severe_percent=self._site.events.at_once_percent,
            unwritable=is_unwritable,
            unwritten={one: self._data_alarms(one) for one in self._feeders} if is_unwritable else {},
        )
        found = list(standing(self._keeper.books, self._feeders, around, now))
        for source in self._sources:
            found += source(now)
        return found


def _none(_: str) -> tuple[DataAlarm, ...]:
    return ()


def _feeder_of(link: LinkHealth) -> str | None:
    """Of a link to one unit of one feeder, which says so; None: it serves several, or does not say."""
    return getattr(getattr(link, "place", None), "feeder", None)
