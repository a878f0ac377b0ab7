"""The store on one SQLite file: WAL, synchronous=FULL, one writer.

Durability: what `commit` returned for is on the disk. Exclusion: a lock file keeps a second daemon out while
one runs, and every commit checks in its own transaction that this controller's epoch is still the one in
force, so that one that was replaced cannot write (`Replaced`). Methods block and may be called from any
thread; they take turns.

Errors of SQLite and of the disk become `StoreUnavailable`; what was not committed then left no trace.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from controller import ledger
from controller.entries import Entry, LedgerPosted
from controller.errors import LedgerConflict, Replaced
from controller.stores import chain, schema
from controller.stores.port import FeederSample, StoreUnavailable
from controller.stores.record import BUSY_TIMEOUT_S, SqliteRecord, decoded, translated
from controller.stores.rows import sample_row, substation_rows, to_us

IN_MEMORY = Path(":memory:")


class SqliteStore(SqliteRecord):
    """Implements `controller.stores.port.Store`. Nothing can be committed before `take_over`."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open, and make the file when there is none.

        `durable=False` leaves out the fsync: for simulations, where a power cut costs nothing. `IN_MEMORY`
        keeps nothing. Raises StoreUnavailable, also when another process writes to this file.
        """
        with translated():
            self._lock = None if path == IN_MEMORY else _lock(path)
            try:
                super().__init__(_opened(path, durable=durable))
            except sqlite3.Error:
                self._unlock()
                raise
        self._own_epoch: int | None = None

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """See the port. Also raises LedgerConflict and Replaced; then nothing at all was written."""
        with self._turn, translated(), self._transaction():
            self._check_own_epoch()
            seq, previous = self._head()
            numbers: list[int] = []
            for entry in entries:
                if isinstance(entry, LedgerPosted):
                    there = self._transaction_number(entry)
                    if there is not None:
                        numbers.append(there)
                        continue
                seq, previous = self._append(seq + 1, entry, previous)
                if isinstance(entry, LedgerPosted):
                    self._post(seq, entry)
                numbers.append(seq)
            self._connection.executemany(
                "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                map(sample_row, samples),
            )
            self._connection.executemany(
                "INSERT INTO substation_samples VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                substation_rows(samples),
            )
        return numbers

    def prune_samples(self, before: datetime) -> int:
        """See the port."""
        with self._turn, translated(), self._transaction():
            older = (to_us(before),)
            self._connection.execute("DELETE FROM substation_samples WHERE at_us < ?", older)
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

    def _check_own_epoch(self) -> None:
        in_force = self._epoch_in_force()
        if self._own_epoch != in_force:
            own = "none" if self._own_epoch is None else str(self._own_epoch)
            raise Replaced(f"epoch {in_force} is in force, ours is {own}: another controller commands")

    def _head(self) -> tuple[int, bytes]:
        row = self._connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, chain.START) if row is None else (int(row[0]), bytes(row[1]))

    def _append(self, seq: int, entry: Entry, previous: bytes) -> tuple[int, bytes]:
        body = chain.encode(entry)
        link = chain.link(previous, seq, body)
        self._connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", (seq, body, previous, link))
        return seq, link

    def _transaction_number(self, posted: LedgerPosted) -> int | None:
        """The number of the same transaction if it is there; raises LedgerConflict if another has its key."""
        row = self._connection.execute(
            "SELECT seq, body FROM transactions JOIN journal USING (seq) WHERE key = ?", (posted.key,)
        ).fetchone()
        if row is None:
            return None
        there = decoded(row[0], row[1])
        if not isinstance(there, LedgerPosted) or not ledger.same_content(there, posted):
            raise LedgerConflict(f"{posted.key} is booked already, with another content (entry {row[0]})")
        return int(row[0])

    def _post(self, seq: int, posted: LedgerPosted) -> None:
        wrong = ledger.faults(posted)
        if wrong:
            raise LedgerConflict("; ".join(wrong))
        self._connection.execute("INSERT INTO transactions VALUES (?, ?)", (posted.key, seq))
        self._connection.executemany(
            "INSERT INTO postings VALUES (?, ?, ?, ?, ?)",
            ((posted.key, line, *posting) for line, posting in enumerate(posted.postings)),
        )


def _lock(path: Path) -> int:
    """Keep other writers out for as long as this process lives; the system frees the lock however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StoreUnavailable(f"another controller is writing to {path}") from error
    return lock


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
