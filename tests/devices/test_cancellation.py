"""A task that was cancelled ends, though what it called has kept quiet about it."""

import asyncio
from contextlib import suppress

from devices.cancellation import go_on_unless_cancelled


async def test_who_is_not_cancelled_goes_on() -> None:
    go_on_unless_cancelled()


async def test_who_is_cancelled_ends_although_it_was_swallowed() -> None:
    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        go_on_unless_cancelled()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_deadline_that_has_passed_is_no_cancellation() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    go_on_unless_cancelled()
