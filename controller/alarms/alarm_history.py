"""What became of alarms, newest first, read from the journal page by page. Blocks: for a thread.

The journal has far more than alarms in it, so one page looks at no more than `LOOKS_AT` entries: it may be
short, or empty, and still have a next one.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Literal

import msgspec

from controller.alarms.kinds import Priority, kind_of
from controller.entries import (
    AlarmAcknowledged,
    AlarmNamed,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    Entry,
)
from controller.stores.port import Numbered, Record

LOOKS_AT = 50_000
STEP = 2_000
"""entries read at once; the newest first, step by step"""
Change = Literal["raised", "returned", "acknowledged", "shelved", "unshelved", "shelving_expired"]


class AlarmChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to one alarm."""

    seq: int
    """the number of its journal entry; several alarms may be acknowledged in one"""
    at: datetime
    change: Change
    alarm: str
    kind: str
    priority: Priority
    feeder: str | None
    subject: str
    text: str
    """of what was raised, else empty"""
    value: float | None = None
    limit: float | None = None
    who: str | None = None
    why: str | None = None
    until: datetime | None = None
    """of what was shelved"""


class AlarmChanges(msgspec.Struct, frozen=True, kw_only=True):
    """One page, newest first."""

    items: tuple[AlarmChange, ...]
    next: str | None
    """the cursor of the next page; None at the end"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for; None and empty: all."""

    feeders: frozenset[str] | None = None
    """that they may see; what is of no one feeder is for everybody"""
    feeder: str | None = None
    alarm: str | None = None
    kind: str | None = None
    priority: str | None = None
    change: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def takes(self, one: AlarmChange) -> bool:
        """Whether it is one of them."""
        return (
            (self.feeders is None or one.feeder is None or one.feeder in self.feeders)
            and self.feeder in (None, one.feeder)
            and self.alarm in (None, one.alarm)
            and self.kind in (None, one.kind)
            and self.priority in (None, one.priority)
            and self.change in (None, one.change)
            and (self.end is None or one.at < self.end)
            and (self.start is None or one.at >= self.start)
        )


def read_page(record: Record, wanted: Wanted, *, newest: int, before: int | None, limit: int) -> AlarmChanges:
    """At least `limit` changes if there are so many within reach; all of one entry are on one page. `newest`:
    the journal's size; `before`: the cursor, or None for the first page. Raises StoreUnavailable,
    RecordBroken.
    """
    upper = newest if before is None else min(before - 1, newest)
    lowest = max(upper - LOOKS_AT, 0)
    found: list[AlarmChange] = []
    while upper > lowest:
        lower = max(upper - STEP, lowest)
        step = list(islice(record.replay(after=lower), upper - lower))
        for numbered in reversed(step):
            found += [one for one in changes_of(numbered) if wanted.takes(one)]
            if len(found) >= limit:
                return AlarmChanges(items=tuple(found), next=_cursor(numbered.seq))
            if wanted.start is not None and numbered.entry.at < wanted.start:
                return AlarmChanges(items=tuple(found), next=None)
        upper = lower
    return AlarmChanges(items=tuple(found), next=_cursor(lowest + 1))


def _cursor(seq: int) -> str | None:
    return str(seq) if seq > 1 else None


def changes_of(numbered: Numbered) -> Iterator[AlarmChange]:
    """What one entry tells of alarms; nothing for most."""
    entry, seq = numbered.entry, numbered.seq
    match entry:
        case AlarmRaised():
            yield AlarmChange(
                seq=seq,
                at=entry.at,
                change="raised",
                alarm=entry.alarm,
                kind=entry.kind,
                priority=entry.priority,
                feeder=entry.feeder,
                subject=entry.subject,
                text=entry.text,
                value=entry.value,
                limit=entry.limit,
            )
        case AlarmReturned():
            yield _change(seq, entry, "returned", entry)
        case AlarmAcknowledged():
            for named in entry.alarms:
                yield _change(seq, entry, "acknowledged", named, who=entry.who, why=entry.why)
        case AlarmShelved():
            yield _change(seq, entry, "shelved", entry, who=entry.who, why=entry.why, until=entry.until)
        case AlarmUnshelved():
            expired = entry.cause == "expired"
            change: Change = "shelving_expired" if expired else "unshelved"
            yield _change(seq, entry, change, entry, who=None if expired else entry.who, why=entry.why)
        case _:
            pass


def _change(
    seq: int,
    entry: Entry,
    change: Change,
    one: AlarmNamed | AlarmReturned | AlarmShelved | AlarmUnshelved,
    *,
    who: str | None = None,
    why: str | None = None,
    until: datetime | None = None,
) -> AlarmChange:
    return AlarmChange(
        seq=seq,
        at=entry.at,
        change=change,
        alarm=one.alarm,
        kind=one.kind,
        priority=kind_of(one.kind).priority,
        feeder=one.feeder,
        subject=one.subject,
        text="",
        who=who,
        why=why or None,
        until=until,
    )


def cursor_of(text: str) -> int | None:
    """A cursor as it was given out; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 19 else None
