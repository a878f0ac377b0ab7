"""The store on one SQLite file: WAL, synchronous=FULL, one writer.

Durability: what `commit` returned for is on the disk. Exclusion: a lock file keeps a second daemon out while
one runs, and every commit checks in its own transaction that this controller's epoch is still the one in
force, so that one that was replaced cannot write (`Replaced`). Methods block and may be called from any
thread; they take turns.

Errors of SQLite and of the disk become `StoreUnavailable`; what was not committed then left no trace.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from controller.entries import Entry
from controller.stores import schema, writer_lock
from controller.stores.batch import EMPTY, Batch, Booked, Head, batch_of, booked_of, check_epoch, keys_of
from controller.stores.port import FeederSample, LateReading
from controller.stores.record import BUSY_TIMEOUT_S, SqliteRecord, translated
from controller.stores.rows import late_row, sample_row, substation_rows, to_us

IN_MEMORY = Path(":memory:")


class SqliteStore(SqliteRecord):
    """Implements `controller.stores.port.Store`. Nothing can be committed before `take_over`."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open, and make the file when there is none.

        `durable=False` leaves out the fsync: for simulations, where a power cut costs nothing. `IN_MEMORY`
        keeps nothing. Raises StoreUnavailable, also when another process writes to this file.
        """
        with translated():
            self._lock = None if path == IN_MEMORY else writer_lock.lock(path)
            try:
                super().__init__(_opened(path, durable=durable))
            except sqlite3.Error:
                self._unlock()
                raise
        self._own_epoch: int | None = None

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """See the port. Also raises LedgerConflict and Replaced; then nothing at all was written."""
        with self._turn, translated(), self._transaction():
            check_epoch(self._own_epoch, self._epoch_in_force())
            batch = batch_of(entries, self._head(), self._booked(entries))
            self._write(batch)
            self._connection.executemany(
                "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                map(sample_row, samples),
            )
            self._connection.executemany(
                "INSERT INTO substation_samples VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                substation_rows(samples),
            )
        return batch.numbers

    def add_late(self, readings: Sequence[LateReading]) -> int:
        """See the port."""
        with self._turn, translated(), self._transaction():
            check_epoch(self._own_epoch, self._epoch_in_force())
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT INTO late_readings VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                map(late_row, readings),
            )
            return self._connection.total_changes - before

    def prune_samples(self, before: datetime) -> int:
        """See the port."""
        with self._turn, translated(), self._transaction():
            older = (to_us(before),)
            self._connection.execute("DELETE FROM substation_samples WHERE at_us < ?", older)
            self._connection.execute("DELETE FROM late_readings WHERE at_us < ?", older)
            return self._connection.execute("DELETE FROM samples WHERE at_us < ?", older).rowcount

    def take_over(self, holder: str) -> int:
        """See the port."""
        with self._turn, translated(), self._transaction():
            self._connection.execute("UPDATE control SET epoch = epoch + 1, holder = ?", (holder,))
            self._own_epoch = self._epoch_in_force()
        return self._own_epoch

    def close(self) -> None:
        """Flush and close, and let another writer in."""
        super().close()
        self._unlock()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; the write lock is taken at once, so that no other writer comes between."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _head(self) -> Head:
        row = self._connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        return EMPTY if row is None else (int(row[0]), bytes(row[1]))

    def _booked(self, entries: Sequence[Entry]) -> dict[str, Booked]:
        """Which of their transactions are there already."""
        found = "SELECT key, seq, body FROM transactions JOIN journal USING (seq) WHERE key = ?"
        return booked_of(row for key in keys_of(entries) for row in self._connection.execute(found, (key,)))

    def _write(self, batch: Batch) -> None:
        for table, rows in (
            ("journal VALUES (?, ?, ?, ?)", batch.journal),
            ("transactions VALUES (?, ?)", batch.transactions),
            ("postings VALUES (?, ?, ?, ?, ?)", batch.postings),
        ):
            self._connection.executemany(f"INSERT INTO {table}", rows)


def _opened(path: Path, *, durable: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # or REPLACE would delete past our triggers
        schema.prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
