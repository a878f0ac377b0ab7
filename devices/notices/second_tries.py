"""Second tries of a word that one way took and another did not: growing pauses, few, while it is of use.

Bounded: of more than `MOST` that wait, the oldest is dropped. What waits is lost when the program ends: the
person was told once already.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.messages import CustomerNotice
from devices.notices.words import WordKey, key_of
from devices.ports import Clock

PAUSES_S = (10.0, 60.0, 300.0)
MOST = 1000
AT_ONCE = 8

Try = Callable[[CustomerNotice, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    notice: CustomerNotice
    way: str
    tries: int
    due_s: float


_Which = tuple[str, WordKey, str]
"""customer, word, way"""


class SecondTries:
    """Of one site. All calls are on the loop's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[_Which, _Waiting] = {}
        self._came = asyncio.Event()

    def add(self, notice: CustomerNotice, way: str, now: datetime) -> None:
        """Try again later, if it is of use then and does not wait already."""
        if not is_over(notice, now + timedelta(seconds=PAUSES_S[0])):
            self._put(_Waiting(notice, way, 0, self._clock.monotonic() + PAUSES_S[0]))

    async def run(self, attempt: Try) -> None:
        """Make those that are due, until cancelled. `attempt` says whether nothing more is to be tried."""
        while True:
            if not self._waiting:
                self._came.clear()
                await self._came.wait()
            pause_s = min(one.due_s for one in self._waiting.values()) - self._clock.monotonic()
            if pause_s > 0:
                # no longer than the first pause: what comes meanwhile may be due before
                await self._clock.sleep(min(pause_s, PAUSES_S[0]))
            await self._round(attempt)

    async def _round(self, attempt: Try) -> None:
        now_s = self._clock.monotonic()
        due = [which for which, one in self._waiting.items() if one.due_s <= now_s][:AT_ONCE]
        tried = [self._waiting.pop(which) for which in due]
        async with asyncio.TaskGroup() as tasks:
            done = [tasks.create_task(_outcome(attempt, one), name=f"again by {one.way}") for one in tried]
        for one, task in zip(tried, done, strict=True):
            if not task.result() and one.tries + 1 < len(PAUSES_S):
                self._put(_Waiting(one.notice, one.way, one.tries + 1, now_s + PAUSES_S[one.tries + 1]))

    def _put(self, waiting: _Waiting) -> None:
        which = (waiting.notice.customer, key_of(waiting.notice), waiting.way)
        self._waiting.setdefault(which, waiting)
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        self._came.set()


async def _outcome(attempt: Try, one: _Waiting) -> bool:
    return await attempt(one.notice, one.way)


def is_over(notice: CustomerNotice, at: datetime) -> bool:
    """Whether a word is of no use any more: a request and its reminder at its end; what takes back, thanks
    and explains comes soon enough with the last try.
    """
    return notice.kind in ("notice", "follow_up") and at >= notice.end
