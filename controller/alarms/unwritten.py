"""The alarms while the journal cannot be written: the book as it would be, kept in memory. Pure.

What is medium or more urgent is shown all the same; nobody can acknowledge it until it is journaled, because
that has to be written too. Limits that are broken, and data that are bad, are those of the latest cycle,
because the journal stands still. Once it can be written again, the outage is journaled with its end, and what
still stands is raised as at any other time. What came and went meanwhile leaves no trace.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.conditions import LONGEST_TEXT, Condition
from controller.alarms.kinds import RANK, kind_of
from controller.entries import AlarmRaised, AlarmReturned

_LEAST_URGENT = RANK["medium"]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """One outage."""

    raised: AlarmRaised
    """that the journal cannot be written"""
    condition: Condition
    """the same, as what stands"""
    book: AlarmBook

    def told(self, entries: Iterable[AlarmEntry]) -> "Unwritten":
        """With what would be journaled now, as far as it is urgent enough to be shown."""
        book = self.book
        for entry in entries:
            if not isinstance(entry, AlarmRaised) or RANK[entry.priority] <= _LEAST_URGENT:
                book = book.after(entry)
        return self if book is self.book else replace(self, book=book)

    def written(self, now: datetime) -> tuple[AlarmRaised, AlarmReturned]:
        """What is to be journaled of it at its end."""
        one = self.raised
        over = AlarmReturned(at=now, alarm=one.alarm, kind=one.kind, feeder=None, subject="")
        return one, over


def outage(book: AlarmBook, reason: str, now: datetime) -> Unwritten:
    """It begins. `book`: as the journal tells it."""
    text = f"The journal cannot be written, nothing is sent but releases: {reason}"[:LONGEST_TEXT]
    condition = Condition("journal_unwritable", None, "", text)
    raised = AlarmRaised(
        at=now,
        alarm=condition.alarm,
        kind=condition.kind,
        feeder=None,
        subject="",
        priority=kind_of(condition.kind).priority,
        text=text,
    )
    return Unwritten(raised, condition, book.after(raised))
