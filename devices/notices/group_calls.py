"""One call of the address book at a time, for all that wait: a flood of words costs few transactions.

While one call runs, those who ask wait together for the next. The call runs in a thread, because it blocks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")
MOST_IN_ONE = 500


class GroupCalls(Generic[A, B]):
    """Of one blocking function from many to many. All calls are on the loop's thread."""

    def __init__(
        self,
        name: str,
        call: Callable[[Sequence[A]], Sequence[B]],
        offload: Callable[..., Awaitable[Sequence[B]]],
    ) -> None:
        """`name`: of its task. `offload(function, argument)` runs the function in a thread."""
        self._name, self._call, self._offload = name, call, offload
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, one: A) -> B:
        """The answer to one; raises what the call raised."""
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work(), name=self._name)
        return await answer

    async def stop(self) -> None:
        """Wait until nobody waits any more."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _work(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_IN_ONE], self._waiting[MOST_IN_ONE:]
            try:
                answers = await self._offload(self._call, [one for one, _ in group])
            except Exception as error:  # noqa: BLE001  each who asked raises it
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(group, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
