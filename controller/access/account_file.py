"""The accounts' file as SQLite sees it: its tables, its transactions, and what its failures are called.

The file is for its owner alone. Every change is one transaction, synced to the disk. The command line and the
daemon may have it open at once; both see each other's changes at the next call. Knows nothing of what an
account is.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, cast

from controller.errors import ControllerError

VERSION = 1
BUSY_TIMEOUT_S = 5.0
"""So long a change waits for another process's."""
_TABLES = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, password_hash TEXT NOT NULL, totp_secret TEXT,
    totp_step INTEGER NOT NULL, disabled INTEGER NOT NULL, feeders TEXT, issuer TEXT, subject TEXT
) STRICT;
CREATE TABLE sessions (
    digest BLOB PRIMARY KEY, name TEXT NOT NULL, began_at TEXT NOT NULL, used_at TEXT NOT NULL
) STRICT;
CREATE TABLE tokens (
    token TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, may TEXT NOT NULL, feeders TEXT,
    made_by TEXT NOT NULL, made_at TEXT NOT NULL, expires_at TEXT NOT NULL
) STRICT;
"""
_ONE_PERSON_ONE_ACCOUNT = """
CREATE UNIQUE INDEX IF NOT EXISTS vouched ON accounts (issuer, subject) WHERE issuer IS NOT NULL
"""


class AccountsUnavailable(ControllerError):
    """The file of the accounts cannot be used now: disk, lock, not a file of ours."""


class AccountFile:
    """One file. Any thread may call; calls take turns and block. All raise AccountsUnavailable."""

    def __init__(self, path: Path) -> None:
        """Open, and make the file when there is none."""
        self._path, self._turn = path, RLock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            _for_its_owner(path)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous = FULL")
        with self._change():
            self._prepare()

    def close(self) -> None:
        """Close."""
        with self._turn, self._translated():
            self._connection.close()

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _TABLES.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise AccountsUnavailable(
                f"{self._path}: is of version {version}; this Gridward has version {VERSION}"
            )
        self._connection.execute(_ONE_PERSON_ONE_ACCOUNT)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._turn, self._translated():
            return cast("list[tuple[Any, ...]]", self._connection.execute(query, values).fetchall())

    def _changed(self, statement: str, *values: Any, wait_s: float = BUSY_TIMEOUT_S) -> int:
        """The number of rows that one statement, alone in its transaction, changed."""
        with self._change(wait_s):
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def _change(self, wait_s: float = BUSY_TIMEOUT_S) -> Iterator[None]:
        with self._turn, self._translated():
            self._begin(wait_s)
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    def _begin(self, wait_s: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:  # who only reads waits as long as ever
            self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_TIMEOUT_S)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise AccountsUnavailable(f"{self._path}: the accounts cannot be used: {error}") from error


def _for_its_owner(path: Path) -> None:
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(opened, 0o600)  # also where it was copied back from somewhere
    finally:
        os.close(opened)
