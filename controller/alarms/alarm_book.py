"""The alarms as they stand, and how many there were lately, folded from the journal. Pure; part of the books.

Replaced by each entry, never changed, so a copy of the books costs nothing. Bounded: at most `MOST_ALARMS`
alarms; when one more comes, the oldest of those that are gone already gives way. What stands or is shelved
does not: more than fit is not raised (`has_room`), so only a journal of elsewhere can bring that about, and
then the oldest of the lowest priority goes. Counts reach back `KEEP_DAYS`, without what was raised while it
was shelved, which nobody was told. What an entry says of an alarm that is not known (any more) changes
nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import assert_never

import msgspec
from msgspec.structs import replace

from controller.alarms.kinds import RANK, Priority, kind_of
from controller.alarms.states import STANDING, CoreState
from controller.alarms.states import after as step
from controller.entries import (
    AlarmAcknowledged,
    AlarmNamed,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    ReadingsRefused,
)

MOST_ALARMS = 2_000
_SHARES: Mapping[Priority, float] = {"critical": 1.0, "high": 1.0, "medium": 0.95, "low": 0.75}
"""of the book that may be full before no more of a priority are raised: the urgent always find room"""
_KEPT_FREE = 2
"""for what is critical, and for the alarm that not all are shown"""
KEEP_DAYS = 8
BUCKET_S = 600
"""EEMUA 191 and ISA-18.2 count by ten minutes"""
FLOOD_STARTS_ABOVE = 10
"""alarms in ten minutes for one operator"""
FLOOD_ENDS_BELOW = 5
WINDOW = timedelta(seconds=BUCKET_S)
MOST_IN_WINDOW = 1_000
MOST_NAMED_A_DAY = 1_000
MOST_REFUSED = 200
CHATTERS_FROM = 3
"""raised so often within ten minutes: ISA-18.2 has a minute, of scans that are far shorter than a cycle"""
REFUSED_APART = timedelta(seconds=150)
"""Refused input is told at most once a minute: what is told within this goes on."""

AlarmEntry = AlarmRaised | AlarmReturned | AlarmAcknowledged | AlarmShelved | AlarmUnshelved


class AlarmRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm as far as the journal tells it."""

    raised: AlarmRaised
    """the latest"""
    core: CoreState
    occurrence: int
    """how often it was raised; an acknowledgement is for one of them"""
    since: datetime
    """when it was raised first since it was normal"""
    returned_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    shelved: AlarmShelved | None = None

    @property
    def stands(self) -> bool:
        """Whether what it is about is there."""
        return self.core in STANDING

    @property
    def stays(self) -> bool:
        """Whether it never gives way to others: it stands, or somebody shelved it."""
        return self.stands or self.shelved is not None

    def is_shelved(self, now: datetime) -> bool:
        """Also before the journal says that its time is over."""
        return self.shelved is not None and now < self.shelved.until

    @property
    def named(self) -> AlarmNamed:
        """Which one it is."""
        one = self.raised
        return AlarmNamed(one.alarm, one.kind, one.feeder, one.subject)


class RefusedRun(msgspec.Struct, frozen=True, array_like=True):
    """Input of one feeder that goes on being refused for one reason."""

    first_at: datetime
    last_at: datetime
    count: int
    sample: str


class AlarmBook(msgspec.Struct, frozen=True, kw_only=True):
    """Compare with ==: equal books came from journals that tell the same."""

    alarms: Mapping[str, AlarmRecord] = {}
    """by id; those that are normal and not shelved are gone from here"""
    occurrences: Mapping[str, int] = {}
    """by id, of those that were raised in the days that are kept"""
    lately: tuple[tuple[datetime, str], ...] = ()
    """(when, id) of what was raised in the latest ten minutes, oldest first"""
    operators: int = 1
    """that share the alarms, as the settings say; not from the journal"""
    began_at: datetime | None = None
    """when a controller started first: before, nobody counted"""
    told: tuple[int, int, int, int] = (0, 0, 0, 0)
    """how many were raised since then, by priority"""
    flood_since: datetime | None = None
    """a flood began then; `is_flood` says whether it goes on"""
    buckets: Mapping[int, tuple[int, int, int, int]] = {}
    """number of ten minutes since 1970 → raised, by priority"""
    by_day: Mapping[int, Mapping[AlarmNamed, int]] = {}
    """day (ordinal, UTC) → how often each was raised"""
    chattered: Mapping[str, datetime] = {}
    """when an alarm was last raised the third time within ten minutes"""
    refused_runs: Mapping[tuple[str | None, str], RefusedRun] = {}
    """by feeder and reason"""

    def after(self, entry: AlarmEntry | ReadingsRefused) -> "AlarmBook":
        """The book once this entry is journaled."""
        match entry:
            case AlarmRaised():
                return self._raised(entry)
            case AlarmReturned():
                return self._changed(
                    entry.alarm,
                    lambda one: replace(one, core=step(one.core, "returned"), returned_at=entry.at),
                )
            case AlarmAcknowledged():
                return self._acknowledged(entry)
            case AlarmShelved():
                return self._changed(entry.alarm, lambda one: replace(one, shelved=entry))
            case AlarmUnshelved():
                return self._changed(entry.alarm, _unshelved)
            case ReadingsRefused():
                return self._refused(entry)
            case _:
                assert_never(entry)

    def begun(self, at: datetime) -> "AlarmBook":
        """The book once a controller has started."""
        return self if self.began_at is not None else replace(self, began_at=at)

    def raised_within(self, now: datetime) -> int:
        """How many were raised in the ten minutes before `now`."""
        return sum(at > now - WINDOW for at, _ in self.lately)

    def is_flood(self, now: datetime) -> bool:
        """More than an operator can take in (EEMUA 191; ISA-18.2: from over ten until under five)."""
        return self.flood_since is not None and self.raised_within(now) >= FLOOD_ENDS_BELOW * self.operators

    @property
    def flood_above(self) -> int:
        """More alarms than this in ten minutes are a flood, for all operators together."""
        return FLOOD_STARTS_ABOVE * self.operators

    def _raised(self, entry: AlarmRaised) -> "AlarmBook":
        known = self.alarms.get(entry.alarm)
        if known is not None and _is_eased(known, entry):
            return replace(self, alarms={**self.alarms, entry.alarm: replace(known, raised=entry)})
        occurrence = self.occurrences.get(entry.alarm, 0) + 1
        core: CoreState = "normal" if known is None else known.core
        record = AlarmRecord(
            raised=entry,
            core=step(core, "raised"),
            occurrence=occurrence,
            since=known.since if known is not None and known.stands else entry.at,
            shelved=None if known is None or _is_beyond(known, entry) else known.shelved,
        )
        book = replace(
            self if record.is_shelved(entry.at) else self._told(entry),
            alarms=_with_room(self.alarms, record),
            occurrences={**self.occurrences, entry.alarm: occurrence},
        )
        return book._pruned(entry.at)

    def _told(self, entry: AlarmRaised) -> "AlarmBook":
        """With this one counted: by time, as part of a flood, as one that chatters."""
        lately = (*((at, one) for at, one in self.lately if at > entry.at - WINDOW), (entry.at, entry.alarm))
        chattered = dict(self.chattered)
        if sum(one == entry.alarm for _, one in lately) >= CHATTERS_FROM:
            chattered[entry.alarm] = entry.at
        before = len(lately) - 1
        is_over = before < FLOOD_ENDS_BELOW * self.operators
        since = None if is_over else self.flood_since
        if since is None and len(lately) > self.flood_above:
            since = entry.at
        return replace(
            self._counted(entry),
            lately=lately[-MOST_IN_WINDOW:],
            flood_since=since,
            chattered=chattered,
        )

    def _counted(self, entry: AlarmRaised) -> "AlarmBook":
        bucket, rank = bucket_of(entry.at), RANK[entry.priority]
        counts = list(self.buckets.get(bucket, (0, 0, 0, 0)))
        counts[rank] += 1
        day = entry.at.toordinal()
        today = self.by_day.get(day, {})
        named = AlarmNamed(entry.alarm, entry.kind, entry.feeder, entry.subject)
        if named in today or len(today) < MOST_NAMED_A_DAY:
            today = {**today, named: today.get(named, 0) + 1}
        told = list(self.told)
        told[rank] += 1
        return replace(
            self,
            told=_by_priority(told),
            buckets={**self.buckets, bucket: _by_priority(counts)},
            by_day={**self.by_day, day: today},
        )

    def _pruned(self, now: datetime) -> "AlarmBook":
        """Without what is older than is kept. Done once a day: the first alarm of a day finds old ones."""
        oldest = now.toordinal() - KEEP_DAYS
        if all(day > oldest for day in self.by_day):
            return self
        days = {day: counts for day, counts in self.by_day.items() if day > oldest}
        named = {one.alarm for counts in days.values() for one in counts} | self.alarms.keys()
        first = bucket_of(now - timedelta(days=KEEP_DAYS))
        return replace(
            self,
            by_day=days,
            buckets={bucket: counts for bucket, counts in self.buckets.items() if bucket >= first},
            occurrences={one: count for one, count in self.occurrences.items() if one in named},
            chattered={one: at for one, at in self.chattered.items() if one in named},
        )

    def _acknowledged(self, entry: AlarmAcknowledged) -> "AlarmBook":
        book = self
        for named in entry.alarms:
            book = book._changed(
                named.alarm,
                lambda one: replace(
                    one,
                    core=step(one.core, "acknowledged"),
                    acknowledged_at=entry.at,
                    acknowledged_by=entry.who,
                ),
            )
        return book

    def _changed(self, alarm: str, change: Callable[[AlarmRecord], AlarmRecord]) -> "AlarmBook":
        known = self.alarms.get(alarm)
        if known is None:
            return self
        record, alarms = change(known), dict(self.alarms)
        if record.core == "normal" and record.shelved is None:
            del alarms[alarm]
        else:
            alarms[alarm] = record
        return replace(self, alarms=alarms)

    def _refused(self, entry: ReadingsRefused) -> "AlarmBook":
        runs = {
            key: run for key, run in self.refused_runs.items() if run.last_at > entry.at - 4 * REFUSED_APART
        }
        key = (entry.feeder, entry.reason)
        known = runs.pop(key, None)
        if known is not None and entry.at - known.last_at <= REFUSED_APART:
            runs[key] = RefusedRun(known.first_at, entry.at, known.count + entry.count, entry.sample)
        else:
            runs[key] = RefusedRun(entry.at, entry.at, entry.count, entry.sample)
        while len(runs) > MOST_REFUSED:
            del runs[min(runs, key=lambda one: (runs[one].last_at, str(one)))]
        return replace(self, refused_runs=runs)


def bucket_of(at: datetime) -> int:
    """The number of its ten minutes since 1970."""
    return int(at.timestamp()) // BUCKET_S


def bucket_at(bucket: int) -> datetime:
    """When these ten minutes began."""
    return datetime.fromtimestamp(bucket * BUCKET_S, UTC)


def _by_priority(counts: list[int]) -> tuple[int, int, int, int]:
    critical, high, medium, low = counts
    return critical, high, medium, low


def has_room(priority: Priority, occupied: int) -> bool:
    """Whether one more of this priority may be raised where so many stand or are shelved."""
    if priority == "critical":
        return occupied < MOST_ALARMS
    return occupied < min(int(_SHARES[priority] * MOST_ALARMS), MOST_ALARMS - _KEPT_FREE)


def _is_eased(known: AlarmRecord, entry: AlarmRaised) -> bool:
    """It stands and is less than it was: whoever has seen the worse need not see this."""
    return known.stands and RANK[entry.priority] > RANK[known.raised.priority]


def _is_beyond(known: AlarmRecord, entry: AlarmRaised) -> bool:
    """Worse than, or about others than, what somebody shelved."""
    told = known.raised
    retold = kind_of(entry.kind).retold and entry.text != told.text
    return RANK[entry.priority] < RANK[told.priority] or retold


def _with_room(alarms: Mapping[str, AlarmRecord], record: AlarmRecord) -> dict[str, AlarmRecord]:
    """With this one; full, without the one that is missed least. The newest itself may be that."""
    kept = {**alarms, record.raised.alarm: record}
    if len(kept) > MOST_ALARMS:
        del kept[min(kept, key=lambda one: _missed(kept[one]))]
    return kept


def _unshelved(record: AlarmRecord) -> AlarmRecord:
    """What stands is to be acknowledged once more, whatever it was before (ISA-18.2: from shelved to
    unacknowledged); else it is as it was.
    """
    return replace(record, shelved=None, core="unacknowledged" if record.stands else record.core)


def _missed(record: AlarmRecord) -> tuple[bool, int, datetime]:
    return record.stays, -RANK[record.raised.priority], record.raised.at
