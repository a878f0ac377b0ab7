"""Long work for people who look: begun once for all who wait, and gone on with when they leave. Part of the
shell.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger()


class SharedWork(Generic[T]):
    """One piece of work at a time, for whoever asks while it goes on. All calls are on the loop's thread."""

    def __init__(self, work: Callable[[], Awaitable[T]], name: str) -> None:
        self._work, self._name = work, name
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> "asyncio.Task[T]":
        """The task that is under way, or a new one."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=self._name)
            self._task.add_done_callback(self._done)
        return self._task

    async def result(self) -> T:
        """What the work returns or raises. Whoever gives up waiting leaves it to go on."""
        return await asyncio.shield(self.begin())

    async def stop(self) -> None:
        """Give it up."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self) -> T:
        return await self._work()

    def _done(self, task: "asyncio.Task[T]") -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("shared_work_failed", work=self._name, reason=f"{type(error).__name__}: {error}")
