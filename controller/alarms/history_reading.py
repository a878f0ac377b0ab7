"""Reading what became of alarms beside everything else: one after the other, and few that wait. Part of the
shell.
"""

import asyncio

from controller.alarms.alarm_history import AlarmChanges, Wanted, read_page
from controller.bookkeeping import Offload
from controller.stores.port import Record, StoreUnavailable

MOST_HISTORIES = 4
"""that may wait for the journal at once"""


class HistoryReading:
    """Of one journal."""

    def __init__(self, store: Record, background: Offload) -> None:
        """`background`: a thread in which the journal may be read."""
        self._store, self._background = store, background
        self._reading = asyncio.Lock()
        self._waiting = 0

    async def page(self, wanted: Wanted, *, newest: int, before: int | None, limit: int) -> AlarmChanges:
        """One page; `newest`: the journal's size. Raises StoreUnavailable, also when too many wait."""
        if self._waiting >= MOST_HISTORIES:
            raise StoreUnavailable("too many read the journal already")
        self._waiting += 1
        try:
            async with self._reading:
                return await self._background(
                    read_page, self._store, wanted, newest=newest, before=before, limit=limit
                )
        finally:
            self._waiting -= 1
