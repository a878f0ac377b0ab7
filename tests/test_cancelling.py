"""The instrument: it sees what goes on although it was cancelled, and what ends by a fault."""

import asyncio
from contextlib import nullcontext, suppress

import pytest

from tests import cancelling
from tests.cancelling import Part, ends_at_every_step


def counting_to(last: int, *, deaf: bool = False, fault: Exception | None = None) -> Part:
    """Counts in a task of its own; deaf, it does not hear a cancellation that comes with the third number."""
    over = asyncio.Event()

    async def count() -> None:
        for number in range(last):
            with suppress(asyncio.CancelledError) if deaf and number == 2 else nullcontext():
                await asyncio.sleep(0)
        over.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if fault is not None:
                raise fault from None
            raise

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(count())

    async def use() -> None:
        await over.wait()

    return run, use


async def test_what_hears_ends_at_each_step() -> None:
    assert await ends_at_every_step(lambda: counting_to(5)) >= 5


async def test_what_is_deaf_once_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "ENDS_WITHIN_S", 0.1)
    monkeypatch.setattr(cancelling, "LEFT_WITHIN_S", 0.1)
    with pytest.raises(AssertionError, match="goes on"):
        await ends_at_every_step(lambda: counting_to(5, deaf=True))


async def test_what_ends_by_a_fault_is_found() -> None:
    with pytest.raises(AssertionError, match="ValueError"):
        await ends_at_every_step(lambda: counting_to(5, fault=ValueError("x")))


async def test_what_leaves_a_deaf_task_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "LEFT_WITHIN_S", 0.1)

    def careless() -> Part:
        run, use = counting_to(5, deaf=True)

        async def run_and_leave() -> None:
            inner = asyncio.create_task(run())
            try:
                await asyncio.wait([inner])
            finally:
                inner.cancel()

        return run_and_leave, use

    with pytest.raises(AssertionError, match="behind"):
        await ends_at_every_step(careless)
