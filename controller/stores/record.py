"""Reading the SQLite store, also while the daemon writes to it: for the commands that only look.

Replay checks the hash chain as it goes: what is not what was once written raises `RecordBroken` and is not
used.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock
from urllib.parse import quote

from controller.errors import RecordBroken
from controller.stores import chain, schema
from controller.stores.pages import PAGE, JournalRow, entries_of, rows_of
from controller.stores.port import FeederSample, LateReading, Numbered, StoredRow, StoreUnavailable
from controller.stores.rows import from_us, late_of, sample_of, to_us, transactions_of

BUSY_TIMEOUT_S = 5.0
_SAMPLES = (
    "SELECT samples.*, substation_samples.p_kw FROM samples"
    " LEFT JOIN substation_samples USING (feeder, at_us)"
    " WHERE feeder = ? AND at_us >= ? AND at_us < ? ORDER BY at_us"
)
_SAMPLES_ALONE = (
    "SELECT samples.*, NULL FROM samples WHERE feeder = ? AND at_us >= ? AND at_us < ? ORDER BY at_us"
)

_LATE = (
    "SELECT feeder, meter, at_us, source, p_kw FROM late_readings"
    " WHERE feeder = ? AND at_us >= ? AND at_us < ? ORDER BY meter, at_us, source"
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of SQLite and of the disk into StoreUnavailable."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the store cannot be used: {error}") from error


class SqliteRecord:
    """What can be read from a store. Any thread may call; calls take turns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = RLock()

    @classmethod
    def open(cls, path: Path) -> "SqliteRecord":
        """Open for reading only. Raises StoreUnavailable when there is no such file or it is not a store of
        ours."""
        with translated():
            if not path.is_file():
                raise FileNotFoundError(f"there is no store at {path}")
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                schema.check(connection)
            except sqlite3.Error:
                connection.close()
                raise
        return cls(connection)

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See the port."""
        return entries_of(self._page, after, self._link_at(after))

    def rows(self) -> Iterator[StoredRow]:
        """See the port."""
        return rows_of(self._raw_page)

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See the port."""
        with self._turn, translated():
            query = _SAMPLES if self._has("substation_samples") else _SAMPLES_ALONE
            rows = self._connection.execute(query, (feeder, to_us(start), to_us(end))).fetchall()
        return tuple(sample_of(row) for row in rows)

    def late(self, feeder: str, start: datetime, end: datetime) -> tuple[LateReading, ...]:
        """See the port."""
        with self._turn, translated():
            if not self._has("late_readings"):
                return ()
            rows = self._connection.execute(_LATE, (feeder, to_us(start), to_us(end))).fetchall()
        return tuple(late_of(row) for row in rows)

    def last_sample_at(self, feeder: str) -> datetime | None:
        """See the port."""
        with self._turn, translated():
            (at_us,) = self._connection.execute(
                "SELECT MAX(at_us) FROM samples WHERE feeder = ?", (feeder,)
            ).fetchone()
        return None if at_us is None else from_us(at_us)

    def epoch(self) -> int:
        """See the port."""
        with self._turn, translated():
            return self._epoch_in_force()

    def balances(self) -> dict[tuple[str, str], int]:
        """See the port."""
        with self._turn, translated():
            rows = self._connection.execute(
                "SELECT account, unit, SUM(amount) FROM postings GROUP BY account, unit ORDER BY 1, 2"
            ).fetchall()
        return {(account, unit): amount for account, unit, amount in rows}

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        """See the port."""
        with self._turn, translated():
            rows = self._connection.execute(
                "SELECT key, seq, account, unit, amount FROM transactions LEFT JOIN postings USING (key)"
                " ORDER BY key, line"
            ).fetchall()
        return transactions_of(rows)

    def close(self) -> None:
        """Close."""
        with self._turn, translated():
            self._connection.close()

    def _has(self, table: str) -> bool:
        """Whether this store has a table that came later; one of an earlier release has not when it is only
        read."""
        named = "SELECT 1 FROM sqlite_schema WHERE name = ?"
        return self._connection.execute(named, (table,)).fetchone() is not None

    def _epoch_in_force(self) -> int:
        return int(self._connection.execute("SELECT epoch FROM control").fetchone()[0])

    def _link_at(self, seq: int) -> bytes:
        if seq == 0:
            return chain.START
        with self._turn, translated():
            row = self._connection.execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            raise RecordBroken(f"the journal has no entry {seq}")
        return bytes(row[0])

    def _page(self, after: int) -> list[JournalRow]:
        with self._turn, translated():
            return self._connection.execute(
                "SELECT seq, body, previous, hash FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, PAGE),
            ).fetchall()

    def _raw_page(self, after: int) -> list[StoredRow]:
        with self._turn, translated():
            rows = self._connection.execute(
                # as bytes, so that a body that is no text any more can be told of too
                "SELECT seq, CAST(body AS BLOB), CAST(previous AS BLOB), CAST(hash AS BLOB) FROM journal"
                " WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, PAGE),
            ).fetchall()
        return [StoredRow(*row) for row in rows]
