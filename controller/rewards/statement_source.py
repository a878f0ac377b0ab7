"""Statements for the API while the daemon runs. Part of the shell.

A statement is made from the whole journal, which takes seconds where that is long. So it is read over a
connection of its own and in a thread of its own, never in the one that the rounds write in, and one at a
time.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from controller import settings
from controller.rewards.booked import check, gather
from controller.rewards.statements import Statement, statement
from controller.stores.opening import open_record
from controller.stores.port import Record


class StatementSource:
    """Of one site's store."""

    def __init__(
        self, store: settings.Store, opened: Callable[[settings.Store], Record] = open_record
    ) -> None:
        self._store, self._opened = store, opened
        self._one_at_a_time = asyncio.Lock()

    async def statement(self, customer: str, start: datetime | None, end: datetime | None) -> Statement:
        """As `statements.statement`. Raises StoreUnavailable and RecordBroken."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._read, customer, start, end)

    def _read(self, customer: str, start: datetime | None, end: datetime | None) -> Statement:
        with closing(self._opened(self._store)) as record:
            booked = gather(record.replay())
            check(booked, record.transactions())
        return statement(booked, customer, start, end)
