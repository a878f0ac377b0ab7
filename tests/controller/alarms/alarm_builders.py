"""Alarms for tests, by kind and subject."""

from datetime import datetime, timedelta

from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.conditions import Condition
from controller.alarms.kinds import kind_of
from controller.entries import (
    AlarmAcknowledged,
    AlarmNamed,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
)
from tests.controller.record_builders import T0, after


def id_of(kind: str = "overload", subject: str = "line:3", feeder: str | None = "dorf") -> str:
    return Condition(kind, feeder, subject, "").alarm


def raised(
    kind: str = "overload", subject: str = "line:3", at: datetime = T0, feeder: str | None = "dorf"
) -> AlarmRaised:
    return AlarmRaised(
        at=at,
        alarm=id_of(kind, subject, feeder),
        kind=kind,
        feeder=feeder,
        subject=subject,
        priority=kind_of(kind).priority,
        text=f"{kind} {subject}",
    )


def returned(one: AlarmRaised, at: datetime = T0) -> AlarmReturned:
    return AlarmReturned(at=at, alarm=one.alarm, kind=one.kind, feeder=one.feeder, subject=one.subject)


def acknowledged(*alarms: AlarmRaised, at: datetime = T0) -> AlarmAcknowledged:
    named = tuple(AlarmNamed(one.alarm, one.kind, one.feeder, one.subject) for one in alarms)
    return AlarmAcknowledged(at=at, alarms=named, who="mara")


def shelved(one: AlarmRaised, at: datetime = T0, for_s: float = 3600) -> AlarmShelved:
    return AlarmShelved(
        at=at,
        alarm=one.alarm,
        kind=one.kind,
        feeder=one.feeder,
        subject=one.subject,
        until=at + timedelta(seconds=for_s),
        who="mara",
        why="works",
    )


def unshelved(one: AlarmRaised, at: datetime = T0) -> AlarmUnshelved:
    return AlarmUnshelved(
        at=at,
        alarm=one.alarm,
        kind=one.kind,
        feeder=one.feeder,
        subject=one.subject,
        cause="operator",
        who="mara",
    )


def book_of(*entries: AlarmEntry, begins: AlarmBook | None = None) -> AlarmBook:
    book = begins or AlarmBook()
    for entry in entries:
        book = book.after(entry)
    return book


def many(
    count: int, every_s: float = 1.0, kind: str = "overload", start_s: float = 0.0
) -> tuple[AlarmRaised, ...]:
    return tuple(raised(kind, f"line:{n}", after(start_s + n * every_s)) for n in range(count))
