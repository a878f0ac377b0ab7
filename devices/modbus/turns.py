"""Whose turn it is on a link that takes one question at a time: commands go ahead of polls.

Within each of the two it is first come, first served, so a gateway's units take turns. Its queues are bounded
by those who use it: a unit has one poll and few commands at a time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Waiting = tuple[int, asyncio.Future[None]]
"""whose, and what tells that it is their turn"""


class Turns:
    """All calls are on the loop's thread."""

    def __init__(self) -> None:
        self._busy = False
        self._ahead: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()

    @asynccontextmanager
    async def take(self, unit: int, *, ahead: bool) -> AsyncIterator[None]:
        """Hold the turn inside the block."""
        if self._busy:
            await self._wait(unit, self._ahead if ahead else self._others)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def hurry(self, unit: int) -> None:
        """Something waits for this unit: what it has in the queue goes ahead."""
        for waiting in [one for one in self._others if one[0] == unit]:
            self._others.remove(waiting)
            self._ahead.append(waiting)

    async def _wait(self, unit: int, queue: deque[_Waiting]) -> None:
        mine = asyncio.get_running_loop().create_future()
        queue.append((unit, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # it was given to us at the same moment
            raise

    def _pass_on(self) -> None:
        for queue in (self._ahead, self._others):
            while queue:
                _, waiting = queue.popleft()
                if not waiting.done():
                    waiting.set_result(None)  # stays busy: nobody can come between
                    return
        self._busy = False
