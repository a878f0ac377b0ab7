"""Accounts, sessions and tokens in a SQLite file of their own, for its owner alone.

Methods block: call them in a thread. Every change is one transaction, synced to the disk. The command line
and the daemon may have the file open at once; both see each other's changes at the next call.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, cast

import msgspec

from controller.access.accounts import Account, Session, Token
from controller.access.roles import Permission, Role
from controller.errors import ControllerError

VERSION = 1
BUSY_TIMEOUT_S = 5.0
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


class AccountsUnavailable(ControllerError):
    """The file of the accounts cannot be used now: disk, lock, not a file of ours."""


class AccountStore:
    """One file. Any thread may call; calls take turns. All raise AccountsUnavailable."""

    def __init__(self, path: Path) -> None:
        """Open, and make the file when there is none."""
        self._path, self._turn = path, RLock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous = FULL")
        with self._change():
            self._prepare()

    # ---- accounts ------------------------------------------------------------------------------------------

    def account(self, name: str) -> Account | None:
        """By its name, in whatever case."""
        rows = self._rows("SELECT * FROM accounts WHERE name = ?", name)
        return _account(rows[0]) if rows else None

    def accounts(self) -> tuple[Account, ...]:
        """All, by name."""
        return tuple(_account(row) for row in self._rows("SELECT * FROM accounts ORDER BY name"))

    def put(self, account: Account) -> None:
        """Add or replace. Who is disabled, or has another password or role, has no session any more."""
        with self._change():
            row = self._connection.execute(
                "SELECT * FROM accounts WHERE name = ?", (account.name,)
            ).fetchone()
            before = None if row is None else _account(row)
            used = 0 if before is None or before.totp_secret != account.totp_secret else before.totp_step
            self._connection.execute(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    account.name, account.role, account.password_hash, account.totp_secret,
                    max(used, account.totp_step), account.disabled, _names(account.feeders), account.issuer,
                    account.subject,
                ),
            )  # fmt: skip
            if before is not None and _differs(before, account):
                self._connection.execute(
                    "DELETE FROM sessions WHERE name = ? COLLATE NOCASE", (account.name,)
                )

    def use_step(self, name: str, step: int) -> bool:
        """Note that this code was used; False when it, or a later one, was already."""
        with self._change():
            return bool(
                self._connection.execute(
                    "UPDATE accounts SET totp_step = ? WHERE name = ? AND totp_step < ?", (step, name, step)
                ).rowcount
            )

    def remove(self, name: str) -> bool:
        """The account with its sessions; whether there was one. What it did stays in the journal."""
        with self._change():
            self._connection.execute("DELETE FROM sessions WHERE name = ? COLLATE NOCASE", (name,))
            return bool(self._connection.execute("DELETE FROM accounts WHERE name = ?", (name,)).rowcount)

    # ---- sessions ------------------------------------------------------------------------------------------

    def session(self, digest: bytes) -> tuple[Session, Account] | None:
        """A session and whose it is; none of an account that is disabled or gone."""
        rows = self._rows("SELECT * FROM sessions WHERE digest = ?", digest)
        if not rows:
            return None
        session = Session(*rows[0][:2], *map(datetime.fromisoformat, rows[0][2:]))
        account = self.account(session.name)
        return None if account is None or account.disabled else (session, account)

    def begin(self, session: Session, most: int) -> None:
        """Keep a session; of one account at most so many, the oldest goes first."""
        with self._change():
            self._connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)",
                (session.digest, session.name, session.began_at.isoformat(), session.used_at.isoformat()),
            )
            self._connection.execute(
                "DELETE FROM sessions WHERE name = ? AND digest NOT IN "
                "(SELECT digest FROM sessions WHERE name = ? ORDER BY began_at DESC LIMIT ?)",
                (session.name, session.name, most),
            )

    def used(self, digest: bytes, at: datetime) -> None:
        """Note that a session was used."""
        with self._change():
            self._connection.execute(
                "UPDATE sessions SET used_at = ? WHERE digest = ?", (at.isoformat(), digest)
            )

    def end(self, digest: bytes) -> None:
        """There is no such session any more."""
        with self._change():
            self._connection.execute("DELETE FROM sessions WHERE digest = ?", (digest,))

    # ---- tokens --------------------------------------------------------------------------------------------

    def token(self, digest: bytes) -> Token | None:
        """By what its secret comes to."""
        rows = self._rows("SELECT * FROM tokens WHERE digest = ?", digest)
        return _token(rows[0]) if rows else None

    def tokens(self) -> tuple[Token, ...]:
        """All, the newest first."""
        return tuple(_token(row) for row in self._rows("SELECT * FROM tokens ORDER BY made_at DESC, token"))

    def add_token(self, token: Token) -> None:
        """Keep a new one."""
        with self._change():
            self._connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    token.token, token.digest, token.name, _names(token.may), _names(token.feeders),
                    token.made_by, token.made_at.isoformat(), token.expires_at.isoformat(),
                ),
            )  # fmt: skip

    def remove_token(self, token: str) -> bool:
        """It is void from now on; whether there was one."""
        with self._change():
            return bool(self._connection.execute("DELETE FROM tokens WHERE token = ?", (token,)).rowcount)

    def close(self) -> None:
        """Close."""
        with self._turn, self._translated():
            self._connection.close()

    # ---- inside --------------------------------------------------------------------------------------------

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

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._turn, self._translated():
            return cast("list[tuple[Any, ...]]", self._connection.execute(query, values).fetchall())

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._turn, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise AccountsUnavailable(f"{self._path}: the accounts cannot be used: {error}") from error


def _differs(before: Account, after: Account) -> bool:
    return after.disabled or (before.role, before.password_hash) != (after.role, after.password_hash)


def _names(names: frozenset[str] | None) -> str | None:
    return None if names is None else msgspec.json.encode(sorted(names)).decode()


def _set(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(msgspec.json.decode(text, type=list[str]))


def _account(row: tuple[Any, ...]) -> Account:
    name, role, password_hash, totp_secret, totp_step, disabled, feeders, issuer, subject = row
    return Account(
        name, cast("Role", role), password_hash, totp_secret, totp_step, bool(disabled), _set(feeders),
        issuer, subject,
    )  # fmt: skip


def _token(row: tuple[Any, ...]) -> Token:
    token, digest, name, may, feeders, made_by, made_at, expires_at = row
    return Token(
        token, digest, name, cast("frozenset[Permission]", _set(may) or frozenset()), _set(feeders),
        made_by, datetime.fromisoformat(made_at), datetime.fromisoformat(expires_at),
    )  # fmt: skip
