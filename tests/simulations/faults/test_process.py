"""A process may die and stand still at every step of its tasks, and does nothing more then."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from simulations.faults.process import Crashed, Process, step_tasks
from simulations.virtual_time import VirtualLoop

STEPS = 7


def on_a_loop(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)
    step_tasks(loop)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def counting(done: list[int], after: list[str]) -> None:
    """Two tasks, one within the other, a step each second."""

    async def inner() -> None:
        try:
            for number in range(STEPS):
                done.append(number)
                await asyncio.sleep(1)
        finally:
            after.append("unwound")
            await asyncio.sleep(1)
            after.append("slept in finally")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(inner())


@pytest.mark.parametrize("step", range(1, STEPS + 2))
def test_it_dies_at_any_step_and_does_nothing_more(step: int) -> None:
    done: list[int] = []
    after: list[str] = []
    died: list[int] = []

    async def main() -> None:
        process = Process(lambda one: died.append(one.steps))
        process.start(counting(done, after), "work")
        process.die_after(step)
        await asyncio.sleep(60)

    on_a_loop(main)
    assert died == [step]
    assert len(done) == max(
        step - 2, 0
    )  # the first step is the outer task's own, the one of its death is not gone
    assert "slept in finally" not in after


def test_one_that_stands_still_goes_on_where_it_stood() -> None:
    done: list[int] = []
    after: list[str] = []
    seen: list[int] = []

    async def main() -> float:
        process = Process(lambda _: None)
        task = process.start(counting(done, after), "work")
        process.pause_after(4)
        await asyncio.sleep(100)
        seen.append(len(done))
        process.resume()
        await task
        return asyncio.get_running_loop().time()

    ended_s = on_a_loop(main)
    assert seen == [2]
    assert done == list(range(STEPS))
    assert after == ["unwound", "slept in finally"]
    assert ended_s > 100


def test_a_cancellation_waits_until_it_goes_on() -> None:
    caught: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def work() -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                caught.append(loop.time())

        process = Process(lambda _: None)
        task = process.start(work(), "work")
        await asyncio.sleep(1)
        process.paused = True
        task.cancel()
        await asyncio.sleep(50)
        process.resume()
        await asyncio.sleep(1)

    on_a_loop(main)
    assert caught == [51]


def test_a_port_of_the_dead_refuses() -> None:
    async def main() -> None:
        process = Process(lambda _: None)
        process.alive()
        process.kill()
        with pytest.raises(Crashed):
            process.alive()

    on_a_loop(main)
