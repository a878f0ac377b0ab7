"""[5] When each customer was called lately, by programme: limits per day and season ask for it. Pure.

A part of the books: it is told what the requests of an event come to for one customer under one programme,
and forgets all that is older than the longest season. All of them together are one call, however many of the
customer's devices take part. What was called under the site's own terms is not counted, because nothing there
asks for it.

The latest calls are kept whole, because their requests still move. Of older ones only the begins are kept, as
numbers side by side: ten thousand customers with a call a day are 30 MB so.
"""

import math
from array import array
from bisect import bisect_left, insort
from datetime import UTC, datetime, timedelta

import msgspec

KEEP = timedelta(days=366)
MOST_KEPT = 400
"""calls of one customer in one programme; no limit can be higher (`customers.programme_files.MOST_CALLS`).
None of these is a setting, because every replay of a journal must forget alike."""
KEPT_WHOLE = 3
"""latest calls"""

_EACH = 8
"""bytes of a begin"""


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event, as far as it called a customer."""

    event: str
    start: datetime
    until: datetime
    """the latest end that any of its requests had"""


class CallHistory(msgspec.Struct, frozen=True):
    """The calls of one customer under one programme, oldest first. Replaced, never changed."""

    latest: tuple[Call, ...] = ()
    before: bytes = b""
    """when older calls began: whole Unix seconds, ascending, eight bytes each in this machine's order"""
    before_until: datetime | None = None
    """the latest end of the older calls"""

    def with_call(self, event: str, start: datetime, until: datetime) -> "CallHistory":
        """What the requests of this event come to now."""
        call = Call(event, start, until)
        for place in range(len(self.latest) - 1, -1, -1):
            if self.latest[place].event == event:
                if self.latest[place] == call:
                    return self
                latest = (*self.latest[:place], call, *self.latest[place + 1 :])
                return CallHistory(latest, self.before, self.before_until)
        latest = (*self.latest, call)
        if len(latest) <= KEPT_WHOLE:
            return CallHistory(latest, self.before, self.before_until)
        oldest = latest[0]
        ended = oldest.until if self.before_until is None else max(oldest.until, self.before_until)
        return CallHistory(latest[1:], self._before_with(oldest.start, start - KEEP), ended)

    def without(self, event: str) -> "CallHistory":
        """This event called the customer, as it turned out, not at all."""
        left = tuple(call for call in self.latest if call.event != event)
        return self if len(left) == len(self.latest) else CallHistory(left, self.before, self.before_until)

    def count(self, since: datetime, until: datetime | None = None) -> int:
        """Calls that began at this time or later, and before `until`."""
        lately = sum(call.start >= since and (until is None or call.start < until) for call in self.latest)
        begins = memoryview(self.before).cast("q")
        last = len(begins) if until is None else bisect_left(begins, _up(until))
        return lately + max(last - bisect_left(begins, _up(since)), 0)

    def began_in(self, event: str) -> datetime | None:
        """When this event's first request to the customer began; None when it has called nobody there."""
        return next((call.start for call in reversed(self.latest) if call.event == event), None)

    @property
    def last_until(self) -> datetime | None:
        """The end of the latest call; None without one."""
        ends = [call.until for call in self.latest]
        return max(ends if self.before_until is None else [*ends, self.before_until], default=None)

    @property
    def last_start(self) -> datetime | None:
        """When the latest call began; None without one."""
        begins = [call.start for call in self.latest]
        if self.before:
            begins.append(datetime.fromtimestamp(memoryview(self.before).cast("q")[-1], UTC))
        return max(begins, default=None)

    def _before_with(self, start: datetime, since: datetime) -> bytes:
        second, begins = int(start.timestamp()), memoryview(self.before).cast("q")
        if not self.before or second >= begins[-1]:
            kept = self.before + _packed([second])
        else:  # one that was planned early began late
            moved = begins.tolist()
            insort(moved, second)
            kept = _packed(moved)
        drop = bisect_left(memoryview(kept).cast("q"), _up(since)) * _EACH
        return kept[drop:][(KEPT_WHOLE - MOST_KEPT) * _EACH :]


def _packed(seconds: list[int]) -> bytes:
    return array("q", seconds).tobytes()


def _up(at: datetime) -> int:
    """The first whole second that is not before."""
    return math.ceil(at.timestamp())
