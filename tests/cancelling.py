"""To cancel what runs at each of its steps in turn: whatever it was doing, it must end.

A step is one turn of one task, of its own or of those that it made. In the middle of that turn its
cancellation is asked for, so it comes together with whatever this turn brings about: an answer, a result, a
failure.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from typing import Any

ENDS_WITHIN_S = 20.0
"""generous: only what never ends is to fail"""
LEFT_WITHIN_S = 5.0
"""after the end of what made them all its tasks have ended"""


class _Steps:
    """Counts, and cancels at the one that was asked for."""

    def __init__(self, fatal: int) -> None:
        self.taken = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.root: asyncio.Task[None] | None = None
        self.reached = asyncio.Event()
        self._fatal = fatal

    def take(self) -> None:
        self.taken += 1
        if self.taken == self._fatal:
            assert self.root is not None
            self.root.cancel()
            self.reached.set()


_steps: ContextVar[_Steps | None] = ContextVar("steps", default=None)


class _Counted(Coroutine[Any, Any, Any]):
    def __init__(self, coroutine: Coroutine[Any, Any, Any], steps: _Steps) -> None:
        self._coroutine, self._steps = coroutine, steps

    def send(self, value: Any) -> Any:
        self._steps.take()
        return self._coroutine.send(value)

    def throw(self, *raised: Any) -> Any:
        self._steps.take()
        return self._coroutine.throw(*raised)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


def _counted_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **context: Any
) -> asyncio.Task[Any]:
    steps = _steps.get()
    if steps is None:
        return asyncio.Task(coroutine, loop=loop, **context)
    task = asyncio.Task(_Counted(coroutine, steps), loop=loop, **context)
    steps.tasks.append(task)
    return task


Part = tuple[Callable[[], Coroutine[Any, Any, None]], Callable[[], Coroutine[Any, Any, None]]]
"""What runs until it is cancelled, and what is done with it meanwhile."""


async def ends_at_every_step(make: Callable[[], Part], stride: int = 1) -> int:
    """Make it, use it and cancel it, each time `stride` steps later, until it was used to the end: how many
    steps that took.

    AssertionError when it does not end once, or with another end than its cancellation.
    """
    step = 1
    while await _cancelled_at(step, *make()):
        step += stride
    return step


async def _cancelled_at(
    step: int, run: Callable[[], Coroutine[Any, Any, None]], use: Callable[[], Coroutine[Any, Any, None]]
) -> bool:
    """False when it was used to the end before."""
    loop, steps = asyncio.get_running_loop(), _Steps(step)
    before = loop.get_task_factory()
    loop.set_task_factory(_counted_task)
    try:
        context = copy_context()
        context.run(_steps.set, steps)
        steps.root = root = context.run(asyncio.create_task, run())
        using = asyncio.create_task(use())
        reached = asyncio.create_task(steps.reached.wait())
        await asyncio.wait([using, reached, root], return_when=asyncio.FIRST_COMPLETED)
        was_reached = steps.reached.is_set()
        if not was_reached:
            await using
            root.cancel()
        await asyncio.wait([root], timeout=ENDS_WITHIN_S)
        ended, left = root.done(), await _left_of(steps.tasks)
        for task in (using, reached):
            task.cancel()
        await asyncio.wait([using, reached])
    finally:
        loop.set_task_factory(before)
    assert ended, f"cancelled at step {step} it goes on"
    assert not left, f"cancelled at step {step} it leaves {left} behind"
    assert root.cancelled() or root.exception() is None, f"cancelled at step {step}: {root.exception()!r}"
    return was_reached


async def _left_of(tasks: list[asyncio.Task[Any]]) -> list[str]:
    """Those that go on although nobody waits for them any more; they are told once more."""
    going = [task for task in tasks if not task.done()]
    if going:
        await asyncio.wait(going, timeout=LEFT_WITHIN_S)
    left = [task for task in going if not task.done()]
    for task in left:
        task.cancel()
    return [task.get_name() for task in left]
