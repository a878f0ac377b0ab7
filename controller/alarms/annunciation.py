"""From what stands to what operators are told: delays, repetition, suppression. Pure.

A condition becomes an alarm once it stood for its kind's `on_s`, and has returned once it was gone for
`off_s`. What is less than that is remembered here only and lost with a restart, which costs one delay. What
was told is in the journal alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.alarms.alarm_book import AlarmBook, AlarmEntry, AlarmRecord, has_room
from controller.alarms.conditions import Condition
from controller.alarms.kinds import MILDER, RANK, kind_of
from controller.entries import AlarmRaised, AlarmReturned, AlarmUnshelved

MOST_AT_ONCE = 100
"""Entries of one round; the others wait for the next, the most urgent come first. The loop stands still while
they are folded: 0.5 ms each with a full book."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Since when something stands untold, or is gone untold."""

    stands_since: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """by alarm and kind"""
    gone_since: Mapping[str, datetime] = field(default_factory=dict)
    eased_since: Mapping[str, datetime] = field(default_factory=dict)
    """by alarm: since when it is less than what was told"""


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
    stands = _stands_since(conditions, memory, now)
    raised, held = _fitting(book, _to_raise(book, conditions, stands, out_of_service, now))
    eased = {one.alarm: one for one in _worst(conditions) if _is_less(book.alarms.get(one.alarm), one)}
    eased_since = {alarm: memory.eased_since.get(alarm, now) for alarm in eased}
    lessened = [
        _raised(eased[alarm], now)
        for alarm, since in eased_since.items()
        if (now - since).total_seconds() >= kind_of(book.alarms[alarm].raised.kind).off_s
    ]
    there = {alarm for alarm, _ in stands}
    if held:
        text = f"{held} more alarms stand than can be shown: the least urgent are held back"
        more = Condition("alarms_held_back", None, "", text, float(held))
        there.add(more.alarm)
        if _is_news(book.alarms.get(more.alarm), more):
            raised.append(_raised(more, now))
    gone = {
        alarm: memory.gone_since.get(alarm, now)
        for alarm, record in book.alarms.items()
        if record.stands and alarm not in there
    }
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
    entries: list[AlarmEntry] = [*raised, *expired, *returned, *lessened]
    return Memory(stands, gone, eased_since), tuple(entries[:MOST_AT_ONCE])


def _stands_since(
    conditions: Iterable[Condition], memory: Memory, now: datetime
) -> dict[tuple[str, str], datetime]:
    """By alarm and kind; what is severe is an overload as well."""
    return {
        key: memory.stands_since.get(key, now)
        for one in conditions
        for key in ((one.alarm, one.kind), *((one.alarm, milder) for milder in MILDER.get(one.kind, ())))
    }


def _to_raise(
    book: AlarmBook,
    conditions: Iterable[Condition],
    stands: Mapping[tuple[str, str], datetime],
    out_of_service: Collection[str],
    now: datetime,
) -> list[AlarmRaised]:
    told = standing_kinds(book)
    due = (
        one
        for one in conditions
        if (now - stands[one.alarm, one.kind]).total_seconds() >= kind_of(one.kind).on_s
        and not is_out_of_service(one.kind, one.feeder, out_of_service)
        and not is_suppressed(one.kind, one.feeder, told)
    )
    return [_raised(one, now) for one in _worst(due) if _is_news(book.alarms.get(one.alarm), one)]


def _fitting(book: AlarmBook, wanted: Iterable[AlarmRaised]) -> tuple[list[AlarmRaised], int]:
    """Those for which the book has room, the most urgent first, and how many others there are."""
    known = {alarm for alarm, one in book.alarms.items() if one.stays}
    fitting, held, occupied = [], 0, len(known)
    for one in sorted(wanted, key=lambda one: RANK[one.priority]):
        if one.alarm not in known:
            if not has_room(one.priority, occupied):
                held += 1
                continue
            occupied += 1
        fitting.append(one)
    return fitting, held


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


def _is_less(record: AlarmRecord | None, condition: Condition) -> bool:
    """It was told as worse than it is."""
    return record is not None and record.stands and _rank(condition.kind) > _rank(record.raised.kind)


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
