"""Keeps with the address book what ways took, and holds nobody up: this process remembers it anyhow."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from devices.notices.addresses import AddressBook, TakenFor
from devices.notices.group_calls import GroupCalls
from devices.notices.words import WordKey
from devices.ports import Clock


class Noting:
    """Owns the notes that are being written. All calls are on the loop's thread."""

    def __init__(self, book: AddressBook, clock: Clock, deadline_s: float) -> None:
        """A note that is not written within the deadline is given up; `clock` is for that wait."""
        self._clock, self._deadline_s = clock, deadline_s
        self._calls = GroupCalls("note what was told", partial(_noted, book), asyncio.to_thread)
        self._going: dict[tuple[str, str, WordKey], asyncio.Task[None]] = {}

    def begin(self, taken: TakenFor) -> None:
        """Write it; never raises."""
        key = (taken.customer, taken.taken.way, taken.taken.word)
        task = asyncio.create_task(self._keep(taken), name=f"note {taken.taken.way}")
        self._going[key] = task
        task.add_done_callback(lambda _: self._going.pop(key, None))

    async def wait(self, customer: str, way: str, word: WordKey) -> None:
        """Until this is written, or given up."""
        going = self._going.get((customer, way, word))
        if going is not None:
            await asyncio.shield(going)

    async def stop(self) -> None:
        """Until all is written, or given up."""
        await asyncio.gather(*self._going.values(), return_exceptions=True)
        await self._calls.stop()

    async def _keep(self, taken: TakenFor) -> None:
        with suppress(Exception):  # a book that cannot be written
            async with self._clock.timeout(self._deadline_s):
                await self._calls.ask(taken)


def _noted(book: AddressBook, taken: Sequence[TakenFor]) -> Sequence[None]:
    book.note(taken)
    return [None] * len(taken)
