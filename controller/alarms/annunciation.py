"""From what stands to what operators are told: delays, repetition, suppression. Pure.

A condition becomes an alarm once it stood for its kind's `on_s`, and has returned once it was gone for
`off_s`. What is less than that is remembered here only and lost with a restart, which costs one delay. What
was told is in the journal alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.alarms.alarm_book import AlarmBook, AlarmEntry, AlarmRecord
from controller.alarms.conditions import Condition
from controller.alarms.kinds import RANK, kind_of
from controller.entries import AlarmRaised, AlarmReturned, AlarmUnshelved

MOST_AT_ONCE = 500
"""entries of one round; what is over waits for the next, the most urgent first"""


@dataclass(frozen=True, slots=True)
class Memory:
    """Since when something stands untold, or is gone untold."""

    stands_since: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """by alarm and kind"""
    gone_since: Mapping[str, datetime] = field(default_factory=dict)


def annunciate(
    book: AlarmBook,
    conditions: Iterable[Condition],
    memory: Memory,
    *,
    out_of_service: Collection[str] = (),
    now: datetime,
) -> tuple[Memory, tuple[AlarmEntry, ...]]:
    """What is to be journaled now. `out_of_service`: see `is_out_of_service`."""
    conditions = tuple(conditions)
    keys = {(one.alarm, one.kind) for one in conditions}
    stands = {key: memory.stands_since.get(key, now) for key in keys}
    there = {alarm for alarm, _ in keys}
    gone = {
        alarm: memory.gone_since.get(alarm, now)
        for alarm, record in book.alarms.items()
        if record.stands and alarm not in there
    }
    told = standing_kinds(book)
    raised = [
        _raised(one, now)
        for one in _worst(conditions)
        if (now - stands[one.alarm, one.kind]).total_seconds() >= kind_of(one.kind).on_s
        and _is_news(book.alarms.get(one.alarm), one)
        and not is_out_of_service(one.kind, one.feeder, out_of_service)
        and not is_suppressed(one.kind, one.feeder, told)
    ]
    raised.sort(key=lambda one: RANK[one.priority])
    returned = [
        _returned(book.alarms[alarm], now)
        for alarm, since in gone.items()
        if (now - since).total_seconds() >= kind_of(book.alarms[alarm].raised.kind).off_s
    ]
    expired = [
        _expired(record, now)
        for record in book.alarms.values()
        if record.shelved is not None and now >= record.shelved.until
    ]
    entries: list[AlarmEntry] = [*raised, *expired, *returned]
    return Memory(stands, gone), tuple(entries[:MOST_AT_ONCE])


def is_out_of_service(kind: str, feeder: str | None, out_of_service: Collection[str]) -> bool:
    """Whether the settings name it: `kind`, or `kind/feeder`."""
    return kind in out_of_service or (feeder is not None and f"{kind}/{feeder}" in out_of_service)


def standing_kinds(book: AlarmBook) -> frozenset[tuple[str, str | None]]:
    """Kind and feeder of each alarm that stands."""
    return frozenset((one.raised.kind, one.raised.feeder) for one in book.alarms.values() if one.stands)


def is_suppressed(kind: str, feeder: str | None, stand: Collection[tuple[str, str | None]]) -> bool:
    """Whether another alarm leaves this kind nothing to tell. `stand`: see `standing_kinds`."""
    return any((by, None) in stand or (by, feeder) in stand for by in kind_of(kind).suppressed_by)


def _worst(conditions: Iterable[Condition]) -> Iterable[Condition]:
    """One for each alarm: of a family the most urgent."""
    worst: dict[str, Condition] = {}
    for one in conditions:
        known = worst.get(one.alarm)
        if known is None or _rank(one.kind) < _rank(known.kind):
            worst[one.alarm] = one
    return worst.values()


def _is_news(record: AlarmRecord | None, condition: Condition) -> bool:
    """It was not told, or it is worse, or is about more than was told."""
    if record is None or not record.stands:
        return True
    told, retold = record.raised, kind_of(condition.kind).retold
    return _rank(condition.kind) < _rank(told.kind) or (retold and condition.text != told.text)


def _rank(kind: str) -> int:
    return RANK[kind_of(kind).priority]


def _raised(one: Condition, now: datetime) -> AlarmRaised:
    return AlarmRaised(
        at=now,
        alarm=one.alarm,
        kind=one.kind,
        feeder=one.feeder,
        subject=one.subject,
        priority=kind_of(one.kind).priority,
        text=one.text,
        value=one.value,
        limit=one.limit,
    )


def _returned(record: AlarmRecord, now: datetime) -> AlarmReturned:
    one = record.raised
    return AlarmReturned(at=now, alarm=one.alarm, kind=one.kind, feeder=one.feeder, subject=one.subject)


def _expired(record: AlarmRecord, now: datetime) -> AlarmUnshelved:
    one = record.raised
    return AlarmUnshelved(
        at=now,
        alarm=one.alarm,
        kind=one.kind,
        feeder=one.feeder,
        subject=one.subject,
        cause="expired",
        who="",
    )
