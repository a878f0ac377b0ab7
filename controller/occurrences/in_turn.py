"""Slow reading for people who look, one after another, each in a thread. Part of the shell.

Whoever gives up waiting leaves their work to go on: what it found is of use to the next one. At most
`MOST_WAITING` wait.
"""

import asyncio
from collections.abc import Callable
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

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns or raises. Raises TooManyWaiting."""
        if len(self._asked) >= self._most_waiting:
            raise TooManyWaiting

        async def turned() -> T:
            async with self._one_at_a_time:
                return await asyncio.to_thread(work, *args, **kwargs)

        task = asyncio.create_task(turned(), name="reading in turn")
        self._asked.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: "asyncio.Task[T]") -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; whoever left does not want to know
