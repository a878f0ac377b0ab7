"""How many alarms operators got, against what they can take in. Pure.

The figures and their bounds: EEMUA 191 (3rd edition, benchmarks of average rates) and ISA-18.2 (2016, clause
16, alarm performance metrics): an average of one in ten minutes is very likely acceptable, two are the most
that can be managed; by operator hour 6 and 12, by day 150 and 300; under 1 % of the time in flood; no alarm
that chatters, and under five that stand for more than a day; the ten most frequent make no more than 5 %.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from controller.alarms.alarm_book import (
    BUCKET_S,
    AlarmBook,
    bucket_at,
    bucket_of,
)
from controller.alarms.kinds import GOAL_PERCENT, PRIORITIES, Priority
from controller.entries import AlarmNamed

ACCEPTABLE_PER_TEN_MINUTES = 1.0
MANAGEABLE_PER_TEN_MINUTES = 2.0
STALE_AFTER = timedelta(hours=24)
MOST_STALE = 5
BAD_ACTORS = 10
MOST_IN_FLOOD_PERCENT = 1.0
MOST_HOURS = 168
Verdict = Literal["acceptable", "manageable", "overloaded"]


class RatePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Ten minutes."""

    at: datetime
    """when they began"""
    critical: int
    high: int
    medium: int
    low: int


class RateTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the benchmark, for one operator."""

    name: Verdict
    per_ten_minutes: float
    per_hour: float
    per_day: float


class BadActor(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm and how often it came."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    count: int
    share_percent: float


class PriorityShare(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the alarms had this priority, and how many should."""

    priority: Priority
    share_percent: float
    goal_percent: float


class AlarmRate(msgspec.Struct, frozen=True, kw_only=True):
    """The rate over the hours asked for, up to now."""

    start: datetime
    """whole ten minutes before the present ones, or when the first controller started"""
    end: datetime
    """now: the present ten minutes count as long as they are"""
    operators: int
    """that share the alarms"""
    flood_above: int
    """more in ten minutes are a flood, for all operators together"""
    points: tuple[RatePoint, ...]
    """those ten minutes in which anything came, oldest first"""
    alarms: int
    per_ten_minutes: float
    """average, by operator"""
    per_operator_hour: float
    per_operator_day: float
    most_in_ten_minutes: int
    in_flood_percent: float
    """of the time, those ten minutes with more than ten alarms by operator"""
    verdict: Verdict
    """by the average in ten minutes: acceptable, manageable or overloaded"""
    targets: tuple[RateTarget, ...]
    priorities: tuple[PriorityShare, ...]
    bad_actors: tuple[BadActor, ...]
    """the ten that came most often, by days in UTC that the hours touch"""
    chattering: tuple[str, ...]
    """alarms that were raised three times within ten minutes in these hours"""
    stale: tuple[str, ...]
    """alarms that stand for more than a day"""


TARGETS = (
    RateTarget(name="acceptable", per_ten_minutes=ACCEPTABLE_PER_TEN_MINUTES, per_hour=6.0, per_day=150.0),
    RateTarget(name="manageable", per_ten_minutes=MANAGEABLE_PER_TEN_MINUTES, per_hour=12.0, per_day=300.0),
)


def alarm_rate(
    book: AlarmBook, *, hours: int, now: datetime, feeders: Collection[str] | None = None
) -> AlarmRate:
    """The figures. `feeders`: whose alarms somebody may see by name; None: all. The counts are those of the
    site. Less than ten minutes count as ten: of a moment nothing is said.
    """
    start, operators = _start(book, now - timedelta(hours=hours)), book.operators
    first, last = bucket_of(start), bucket_of(now)
    counted = {bucket: book.buckets[bucket] for bucket in sorted(book.buckets) if first <= bucket <= last}
    sums = [sum(counts) for counts in counted.values()]
    whole_s = max((now - start).total_seconds(), BUCKET_S)
    in_flood_s = sum(
        _length_s(bucket, start, now)
        for bucket, count in zip(counted, sums, strict=True)
        if count > book.flood_above
    )
    alarms = sum(sums)
    per_ten = alarms / (whole_s / BUCKET_S) / operators
    return AlarmRate(
        start=start,
        end=now,
        operators=operators,
        flood_above=book.flood_above,
        points=tuple(_point(bucket, counts) for bucket, counts in counted.items()),
        alarms=alarms,
        per_ten_minutes=round(per_ten, 3),
        per_operator_hour=round(per_ten * 3600 / BUCKET_S, 2),
        per_operator_day=round(per_ten * 86_400 / BUCKET_S, 1),
        most_in_ten_minutes=max(sums, default=0),
        in_flood_percent=round(100 * in_flood_s / whole_s, 2),
        verdict=verdict(per_ten),
        targets=TARGETS,
        priorities=_shares(list(counted.values())),
        bad_actors=_bad_actors(book, start, now, feeders),
        chattering=tuple(
            sorted(one for one, at in book.chattered.items() if at >= start and _may_see(book, one, feeders))
        ),
        stale=tuple(
            sorted(
                one.raised.alarm
                for one in book.alarms.values()
                if one.stands
                and now - one.since > STALE_AFTER
                and (feeders is None or one.raised.feeder is None or one.raised.feeder in feeders)
            )
        ),
    )


def _start(book: AlarmBook, wanted: datetime) -> datetime:
    """The first whole ten minutes; nobody counted before the first controller started."""
    begins = bucket_at(bucket_of(wanted))
    start = begins if begins == wanted else begins + timedelta(seconds=BUCKET_S)
    return start if book.began_at is None else max(start, book.began_at)


def _length_s(bucket: int, start: datetime, end: datetime) -> float:
    """As far as it lies within."""
    begins = bucket_at(bucket)
    return (min(begins + timedelta(seconds=BUCKET_S), end) - max(begins, start)).total_seconds()


def verdict(per_ten_minutes: float) -> Verdict:
    """What EEMUA 191 says of an average rate for one operator."""
    if per_ten_minutes <= ACCEPTABLE_PER_TEN_MINUTES:
        return "acceptable"
    return "manageable" if per_ten_minutes <= MANAGEABLE_PER_TEN_MINUTES else "overloaded"


def _point(bucket: int, counts: tuple[int, int, int, int]) -> RatePoint:
    critical, high, medium, low = counts
    return RatePoint(at=bucket_at(bucket), critical=critical, high=high, medium=medium, low=low)


def _shares(counted: list[tuple[int, int, int, int]]) -> tuple[PriorityShare, ...]:
    total = sum(map(sum, counted))
    return tuple(
        PriorityShare(
            priority=priority,
            share_percent=round(100 * sum(counts[rank] for counts in counted) / total, 1) if total else 0.0,
            goal_percent=GOAL_PERCENT[priority],
        )
        for rank, priority in enumerate(PRIORITIES)
    )


def _bad_actors(
    book: AlarmBook, start: datetime, now: datetime, feeders: Collection[str] | None
) -> tuple[BadActor, ...]:
    counted: Counter[AlarmNamed] = Counter()
    for day, counts in book.by_day.items():
        if start.toordinal() <= day <= now.toordinal():
            counted.update(counts)
    total = sum(counted.values())
    seen = [
        (one, count)
        for one, count in counted.items()
        if feeders is None or one.feeder is None or one.feeder in feeders
    ]
    seen.sort(key=lambda pair: (-pair[1], pair[0].alarm))
    return tuple(
        BadActor(
            alarm=one.alarm,
            kind=one.kind,
            feeder=one.feeder,
            subject=one.subject,
            count=count,
            share_percent=round(100 * count / total, 1),
        )
        for one, count in seen[:BAD_ACTORS]
    )


def _may_see(book: AlarmBook, alarm: str, feeders: Collection[str] | None) -> bool:
    if feeders is None:
        return True
    return any(
        one.alarm == alarm and (one.feeder is None or one.feeder in feeders)
        for counts in book.by_day.values()
        for one in counts
    )
