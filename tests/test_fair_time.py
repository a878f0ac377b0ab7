import asyncio
import time

import pytest

from tests.fair_time import fair_timeout


async def test_it_ends_what_hangs_after_its_time() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with fair_timeout(0.05):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 0.05


async def test_what_is_done_in_time_hears_nothing_of_it() -> None:
    async with fair_timeout(0.01) as deadline:
        pass
    await asyncio.sleep(0.03)
    assert not deadline.expired()


async def test_a_process_that_stood_still_has_not_used_its_time_up() -> None:
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()

    def answer(steps: int) -> None:
        if steps:
            loop.call_soon(answer, steps - 1)
        else:
            answered.set()

    async with fair_timeout(0.2):
        time.sleep(0.3)
        answer(20)
        await answered.wait()


async def test_who_is_cancelled_is_cancelled_and_not_late() -> None:
    async def waits() -> None:
        async with fair_timeout(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
