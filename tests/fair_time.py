"""Deadlines that a loaded machine does not bring on: for clocks that drive real sockets in real time.

A deadline is made of slices, and each begins when the loop has come to the end of the one before. Whoever
keeps the whole process waiting, for however long, costs one slice: what had arrived meanwhile is still taken
in time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

SLICES = 12


@asynccontextmanager
async def fair_timeout(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """As `asyncio.timeout`, in the time that the loop had."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as deadline:

        def go_on(left: int) -> None:
            nonlocal timer
            if left == 0:
                deadline.reschedule(loop.time())
            else:
                timer = loop.call_later(seconds / SLICES, go_on, left - 1)

        timer = loop.call_later(seconds / SLICES, go_on, SLICES - 1)
        try:
            yield deadline
        finally:
            timer.cancel()


async def fair_sleep(seconds: float) -> None:
    """For a far side that is slow beside such a deadline: loaded or not, the longer of the two ends later."""
    with suppress(TimeoutError):
        async with fair_timeout(seconds):
            await asyncio.Event().wait()


async def turns(count: int = 50) -> None:
    """Let all that is ready go on: so many turns of the loop, however long they take."""
    for _ in range(count):
        await asyncio.sleep(0)
