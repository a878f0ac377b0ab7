"""The VTN's objects in a SQLite file of its own: WAL, synchronous=FULL. Blocks; call it from a worker thread.

What `write` returned for is on the disk, all of it or nothing. Bearer tokens of subscriptions lie in the
file, so only its owner can read it.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from devices.errors import ProfileRejected, Unreachable
from devices.openadr.objects import Stored
from devices.openadr.ports import ObjectKind

_FORMAT = 1
_TABLE = """
CREATE TABLE objects (
    sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, client_id TEXT,
    created TEXT NOT NULL, modified TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (kind, id)
) STRICT
"""


class ObjectStore:
    """One file, one writer."""

    def __init__(self, path: Path | None) -> None:
        """None keeps nothing beyond the process. Nothing is opened before `load`."""
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def load(self) -> list[Stored]:
        """All objects, oldest first. Raises ProfileRejected when the file is not ours or is damaged."""
        try:
            self._connection = self._opened()
            rows = self._connection.execute(
                "SELECT kind, id, sequence, client_id, created, modified, body FROM objects ORDER BY sequence"
            )
            return [_stored(row) for row in rows]
        except (sqlite3.Error, msgspec.MsgspecError, OSError) as error:
            self.close()
            raise ProfileRejected(f"{self._path}: no file of the VTN's objects: {error}") from error

    def write(self, puts: Sequence[Stored], drops: Sequence[tuple[ObjectKind, str]]) -> None:
        """In one transaction. Raises Unreachable when the disk does not take it."""
        rows = [
            (one.sequence, one.kind, one.id, one.client_id, one.created, one.modified, encoded(one.body))
            for one in puts
        ]
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("DELETE FROM objects WHERE kind = ? AND id = ?", drops)

    def close(self) -> None:
        """Let the file go; harmless twice."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        name = ":memory:" if self._path is None else str(self._path)
        connection = sqlite3.connect(name, check_same_thread=False, isolation_level=None, timeout=10.0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        elif version != _FORMAT:
            connection.close()
            raise sqlite3.DatabaseError(f"its format is {version}, expected {_FORMAT}")
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            raise Unreachable("the VTN's store is closed")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise Unreachable(f"the VTN's store: {error}") from error


def encoded(body: object) -> bytes:
    """A body as it lies in the file."""
    return msgspec.json.encode(body)


def _stored(row: tuple[Any, ...]) -> Stored:
    kind, object_id, sequence, client_id, created, modified, body = row
    return Stored(
        kind, object_id, sequence, client_id, created, modified, msgspec.json.decode(body), len(body)
    )
