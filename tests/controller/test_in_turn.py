"""Slow reading in threads, one after another, which holds up nobody else."""

import asyncio
import threading
import time

import pytest

from controller.in_turn import InTurn, TooManyWaiting


async def test_the_loop_goes_on_and_who_gives_up_leaves_the_work_to_the_next() -> None:
    turn, go, done = InTurn(most_waiting=2), threading.Event(), []

    def slow() -> int:
        go.wait(10)
        done.append(1)
        return 7

    first = asyncio.create_task(turn.do(slow))
    second = asyncio.create_task(turn.do(lambda: len(done)))
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting):
        await turn.do(slow)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not second.done()
    go.set()
    assert await second == 1, "after the work of who left"


def test_the_end_does_not_wait_for_a_reading_under_way() -> None:
    go, began = threading.Event(), threading.Event()

    def slow() -> bool:
        began.set()
        return go.wait(20)

    async def left() -> None:
        asked = asyncio.create_task(InTurn().do(slow))
        while not began.is_set():
            await asyncio.sleep(0)
        asked.cancel()

    began_at = time.monotonic()
    asyncio.run(left())
    took_s = time.monotonic() - began_at
    go.set()
    assert took_s < 5


async def test_what_runs_out_while_it_reads_is_a_fault_and_holds_up_nobody() -> None:
    turn = InTurn()
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(turn.do(lambda: next(iter(()))), 5)
    assert await asyncio.wait_for(turn.do(lambda: 42), 5) == 42
