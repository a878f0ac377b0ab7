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

import msgspec

from controller.entries import Entry
from controller.errors import RecordBroken
from controller.stores import chain, schema
from controller.stores.port import FeederSample, Numbered, StoreUnavailable
from controller.stores.rows import from_us, sample_of, to_us

BUSY_TIMEOUT_S = 5.0
_PAGE = 1000
"""entries read at once, so that a long replay does not keep others waiting"""
_SAMPLES = (
    "SELECT samples.*, substation_samples.p_kw FROM samples"
    " LEFT JOIN substation_samples USING (feeder, at_us)"
    " WHERE feeder = ? AND at_us >= ? AND at_us < ? ORDER BY at_us"
)
_SAMPLES_ALONE = (
    "SELECT samples.*, NULL FROM samples WHERE feeder = ? AND at_us >= ? AND at_us < ? ORDER BY at_us"
)
_Row = tuple[int, str, bytes, bytes]
"""seq, body, the link before, its own link"""


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
        """All entries in order. Raises RecordBroken at the first that was altered, and StoreUnavailable."""
        previous = self._link_at(after)
        while True:
            page = self._page(after)
            for row in page:
                previous = _checked(row, after, previous)
                after = row[0]
                yield Numbered(after, decoded(after, row[1]))
            if len(page) < _PAGE:
                return

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See the port."""
        with self._turn, translated():
            query = _SAMPLES if self._has_substation() else _SAMPLES_ALONE
            rows = self._connection.execute(query, (feeder, to_us(start), to_us(end))).fetchall()
        return tuple(sample_of(row) for row in rows)

    def last_sample_at(self, feeder: str) -> datetime | None:
        """When the newest sample of a feeder was taken; None without any."""
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
        """Key → (number of its entry, its postings), as the ledger's own tables have them."""
        with self._turn, translated():
            rows = self._connection.execute(
                "SELECT key, seq, account, unit, amount FROM transactions LEFT JOIN postings USING (key)"
                " ORDER BY key, line"
            ).fetchall()
        found: dict[str, tuple[int, tuple[tuple[str, str, int], ...]]] = {}
        for key, seq, account, unit, amount in rows:
            _, lines = found.get(key, (seq, ()))
            found[key] = (seq, lines if account is None else (*lines, (account, unit, amount)))
        return found

    def close(self) -> None:
        """Close."""
        with self._turn, translated():
            self._connection.close()

    def _has_substation(self) -> bool:
        """Whether this store has the substation's samples; one of an earlier release has not when it is only
        read."""
        named = "SELECT 1 FROM sqlite_schema WHERE name = 'substation_samples'"
        return self._connection.execute(named).fetchone() is not None

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

    def _page(self, after: int) -> list[_Row]:
        with self._turn, translated():
            return self._connection.execute(
                "SELECT seq, body, previous, hash FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, _PAGE),
            ).fetchall()


def _checked(row: _Row, after: int, previous: bytes) -> bytes:
    """The row's own link; raises RecordBroken unless it follows entry `after`, whose link is `previous`."""
    seq, body, before, link = row
    if seq != after + 1:
        raise RecordBroken(
            f"entry {after + 1} is missing from the journal: entry {seq} follows entry {after}"
        )
    if before != previous:
        raise RecordBroken(f"entry {seq} does not follow entry {after}: one of them was altered or moved")
    if link != chain.link(previous, seq, body):
        raise RecordBroken(f"entry {seq} was altered: its hash is not that of its content")
    return link


def decoded(seq: int, body: str) -> Entry:
    """The entry of a body; raises RecordBroken when this version cannot read it."""
    try:
        return chain.decode(body)
    except msgspec.MsgspecError as error:
        raise RecordBroken(f"entry {seq} cannot be read by this version: {error}") from error
