"""Second tries of a word that one way took and another did not: growing pauses, few, while it is of use.

Bounded: of more than `MOST` that wait, the oldest is dropped and counted. What waits is lost when the program
ends: the person was told once already.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.messages import CustomerNotice
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


class SecondTries:
    """Of one site. All calls are on the loop's thread."""

    def __init__(self, clock: Clock) -> None:
        self.dropped = 0
        self._clock = clock
        self._waiting: deque[_Waiting] = deque(maxlen=MOST)
        self._came = asyncio.Event()

    def add(self, notice: CustomerNotice, way: str, now: datetime) -> None:
        """Try again later, if it is of use then."""
        if not is_over(notice, now + timedelta(seconds=PAUSES_S[0])):
            self._put(_Waiting(notice, way, 0, self._clock.monotonic() + PAUSES_S[0]))

    async def run(self, attempt: Try) -> None:
        """Make those that are due, until cancelled. `attempt` says whether nothing more is to be tried."""
        while True:
            if not self._waiting:
                self._came.clear()
                await self._came.wait()
            pause_s = min(one.due_s for one in self._waiting) - self._clock.monotonic()
            if pause_s > 0:
                await self._clock.sleep(pause_s)
            await self._round(attempt)

    async def _round(self, attempt: Try) -> None:
        now_s = self._clock.monotonic()
        due = [one for one in self._waiting if one.due_s <= now_s][:AT_ONCE]
        for one in due:
            self._waiting.remove(one)
        async with asyncio.TaskGroup() as tasks:
            done = [tasks.create_task(_outcome(attempt, one), name=f"again by {one.way}") for one in due]
        for one, task in zip(due, done, strict=True):
            if not task.result() and one.tries + 1 < len(PAUSES_S):
                self._put(_Waiting(one.notice, one.way, one.tries + 1, now_s + PAUSES_S[one.tries + 1]))

    def _put(self, waiting: _Waiting) -> None:
        self.dropped += len(self._waiting) == MOST
        self._waiting.append(waiting)
        self._came.set()


async def _outcome(attempt: Try, one: _Waiting) -> bool:
    return await attempt(one.notice, one.way)


def is_over(notice: CustomerNotice, at: datetime) -> bool:
    """Whether a word is of no use any more: a request and its reminder at its end; what takes back, thanks
    and explains comes soon enough with the last try.
    """
    return notice.kind in ("notice", "follow_up") and at >= notice.end
