"""Reading the PostgreSQL store, also while the daemon writes to it: for the commands that only look.

Replay checks the hash chain as it goes: what is not what was once written raises `RecordBroken` and is not
used.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from psycopg.rows import TupleRow

from controller.errors import RecordBroken
from controller.stores import chain, migrations
from controller.stores.pages import PAGE, JournalRow, entries_of, rows_of
from controller.stores.port import FeederSample, LateReading, Numbered, StoredRow
from controller.stores.postgres_link import Access, Connection, Link, translated
from controller.stores.rows import late_of, sample_of, to_us, transactions_of

_SAMPLES = """
SELECT feeder, at, p_kw, transformer_loading_percent, max_line_loading_percent, without_control_percent,
       curtailed_kw, substation_p_kw
FROM gridward.samples WHERE feeder = %s AND at >= %s AND at < %s ORDER BY at
"""
_LATE = """
SELECT feeder, meter, at, source, p_kw FROM gridward.late_readings
WHERE feeder = %s AND at >= %s AND at < %s ORDER BY meter, at, source
"""


class PostgresRecord:
    """What can be read from a store. Any thread may call; calls take turns."""

    def __init__(self, access: Access, made: Callable[[Connection], None] = migrations.check) -> None:
        self._link = Link(access, made)
        self._turn = RLock()

    @classmethod
    def open(cls, access: Access) -> "PostgresRecord":
        """Open for reading only. Raises StoreUnavailable when it cannot be reached, or is no store of ours or
        of another version."""
        record = cls(access)
        record.epoch()
        return record

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See the port."""
        return entries_of(self._page, after, self._link_at(after))

    def rows(self) -> Iterator[StoredRow]:
        """See the port."""
        return rows_of(self._raw_page)

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See the port."""
        rows = self._rows(_SAMPLES, feeder, start, end)
        return tuple(sample_of((name, to_us(at), *rest)) for name, at, *rest in rows)

    def late(self, feeder: str, start: datetime, end: datetime) -> tuple[LateReading, ...]:
        """See the port."""
        rows = self._rows(_LATE, feeder, start, end)
        return tuple(late_of((name, meter, to_us(at), *rest)) for name, meter, at, *rest in rows)

    def last_sample_at(self, feeder: str) -> datetime | None:
        """See the port."""
        ((at,),) = self._rows("SELECT max(at) FROM gridward.samples WHERE feeder = %s", feeder)
        return None if at is None else at.astimezone(UTC)

    def epoch(self) -> int:
        """See the port."""
        ((epoch,),) = self._rows("SELECT epoch FROM gridward.control")
        return int(epoch)

    def balances(self) -> dict[tuple[str, str], int]:
        """See the port."""
        rows = self._rows(
            "SELECT account, unit, sum(amount)::bigint FROM gridward.postings"
            " GROUP BY account, unit ORDER BY 1, 2"
        )
        return {(account, unit): amount for account, unit, amount in rows}

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        """See the port."""
        rows = self._rows(
            "SELECT key, seq, account, unit, amount FROM gridward.transactions"
            " LEFT JOIN gridward.postings USING (key) ORDER BY key, line"
        )
        return transactions_of(rows)

    def close(self) -> None:
        """Close."""
        with self._turn, translated():
            self._link.close()

    def _link_at(self, seq: int) -> bytes:
        if seq == 0:
            return chain.START
        rows = self._rows("SELECT hash FROM gridward.journal WHERE seq = %s", seq)
        if not rows:
            raise RecordBroken(f"the journal has no entry {seq}")
        return bytes(rows[0][0])

    def _page(self, after: int) -> Sequence[JournalRow]:
        return self._rows(
            "SELECT seq, body, previous, hash FROM gridward.journal WHERE seq > %s ORDER BY seq LIMIT %s",
            after,
            PAGE,
        )

    def _raw_page(self, after: int) -> Sequence[StoredRow]:
        rows = self._rows(
            "SELECT seq, convert_to(body, 'UTF8'), previous, hash FROM gridward.journal"
            " WHERE seq > %s ORDER BY seq LIMIT %s",
            after,
            PAGE,
        )
        return [StoredRow(*row) for row in rows]

    def _rows(self, query: str, *values: object) -> list[Any]:
        def read(connection: Connection) -> list[TupleRow]:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(query, values).fetchall()

        with self._turn, translated():
            return self._link.work(read)
