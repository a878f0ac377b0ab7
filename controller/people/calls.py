"""[5] When each customer was called lately, by programme: limits per day and season ask for it. Pure.

A part of the books: it is told every request that went out, and forgets all that is older than the longest
season. All requests to a customer under one programme in one event are one call, however many of their
devices take part.
"""

from datetime import datetime, timedelta

import msgspec

KEEP = timedelta(days=366)
MOST_KEPT = 400
"""calls of one customer in one programme; no limit can be higher (`customers.programme_files.MOST_CALLS`).
Neither is a setting, because every replay of a journal must forget alike."""


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One event, as far as it called a customer."""

    event: str
    start: datetime
    until: datetime
    """the latest end that any of its requests had"""


class CallHistory(msgspec.Struct, frozen=True):
    """The calls of one customer under one programme, oldest first. Replaced, never changed."""

    calls: tuple[Call, ...] = ()

    def with_call(self, event: str, start: datetime, until: datetime) -> "CallHistory":
        """A request of this event went out, or its end moved."""
        known = next((call for call in self.calls if call.event == event), None)
        if known is None:
            kept = [call for call in self.calls if call.start > start - KEEP]
            return CallHistory((*kept, Call(event, start, until))[-MOST_KEPT:])
        call = Call(event, min(known.start, start), max(known.until, until))
        if call == known:
            return self
        return CallHistory(tuple(call if one is known else one for one in self.calls))

    def count(self, since: datetime, until: datetime | None = None) -> int:
        """Calls that began at this time or later, and before `until`."""
        return sum(call.start >= since and (until is None or call.start < until) for call in self.calls)

    def called_in(self, event: str) -> bool:
        """Whether this event has called the customer already."""
        return any(call.event == event for call in self.calls)

    @property
    def last_until(self) -> datetime | None:
        """The end of the latest call; None without one."""
        return max((call.until for call in self.calls), default=None)
