"""Slow reading for people who look, one after another, each in a thread. Part of the shell.

Whoever gives up waiting leaves their work to go on: what it found is of use to the next one. At most
`MOST_WAITING` wait. The threads are daemons: a program that ends does not wait for what is read only.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MOST_WAITING = 16


class TooManyWaiting(Exception):
    """Enough people wait already: ask again."""


class InTurn:
    """Runs blocking work where it holds up nobody but those who wait here too."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._one_at_a_time = asyncio.Lock()
        self._asked: set[asyncio.Task[object]] = set()

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises. Raises TooManyWaiting."""
        if len(self._asked) >= self._most_waiting:
            raise TooManyWaiting

        async def turned() -> T:
            async with self._one_at_a_time:
                return await _beside(partial(function, *args, **kwargs))

        task = asyncio.create_task(turned(), name="reading in turn")
        self._asked.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: "asyncio.Task[T]") -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; whoever left does not want to know


async def _beside(work: Callable[[], T]) -> T:
    """What `work` returns or raises, from a thread that nobody waits for at the end of the program (the
    loop's own threads are waited for)."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[T] = loop.create_future()

    def tell(result: Callable[[], None]) -> None:
        if not found.done():
            result()

    def run() -> None:
        try:
            result = partial(found.set_result, work())
        except StopIteration as error:  # a future cannot tell it, and whoever waits would wait for ever
            told = RuntimeError(f"StopIteration: {error}")
            result = partial(found.set_exception, told)
        except BaseException as error:  # noqa: BLE001  told to whoever waits
            result = partial(found.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(tell, result)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="reading in turn", daemon=True).start()
    return await found
