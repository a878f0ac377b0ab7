"""What the tests over real sockets share: real time, and a place where deliveries can be waited for."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from devices.messages import Inbound
from tests.fair_time import fair_timeout

WITHIN_S = 60.0
"""generous: only what never comes is to fail; a loaded machine is slow"""


class RealClock:
    """Real time for drivers under test; their deadlines are fair to a process that had to wait."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return fair_timeout(seconds)


class CountingClock(RealClock):
    """Real time that counts how often was slept: with a driver, its failed attempts."""

    def __init__(self) -> None:
        self.sleeps = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await super().sleep(seconds)


class Deliveries(list[Inbound]):
    """Is a `Deliver` that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, message: Inbound) -> None:
        self.append(message)
        self._news.set()

    async def wait_for(self, count: int) -> None:
        """Wait until this many came in, or fail."""
        async with asyncio.timeout(WITHIN_S):
            while len(self) < count:
                self._news.clear()
                await self._news.wait()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until this holds, or fail."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.01)
