"""Accounts, sessions and tokens in their file. Methods block: call them in a thread.

An account is changed one column at a time, never read and written back: what somebody else changed meanwhile
stays. Who is disabled, or gets another password, role or second factor, has no session any more.
"""

import sqlite3
from datetime import datetime
from typing import Any, cast

import msgspec

from controller.access.account_file import BUSY_TIMEOUT_S, AccountFile
from controller.access.accounts import Account, Session, Token
from controller.access.roles import Permission, Role


class AccountStore(AccountFile):
    """One file. Any thread may call; calls take turns. All raise AccountsUnavailable."""

    # ---- accounts ------------------------------------------------------------------------------------------

    def account(self, name: str) -> Account | None:
        """By its name, in whatever case."""
        rows = self._rows("SELECT * FROM accounts WHERE name = ?", name)
        return _account(rows[0]) if rows else None

    def vouched(self, issuer: str, subject: str) -> Account | None:
        """The account of whom a provider calls so."""
        rows = self._rows("SELECT * FROM accounts WHERE issuer = ? AND subject = ?", issuer, subject)
        return _account(rows[0]) if rows else None

    def accounts(self) -> tuple[Account, ...]:
        """All, by name."""
        return tuple(_account(row) for row in self._rows("SELECT * FROM accounts ORDER BY name"))

    def add(self, account: Account) -> bool:
        """Keep a new one; False when its name, or the person a provider vouches for, has one already."""
        row = (
            account.name, account.role, account.password_hash, account.totp_secret, account.totp_step,
            account.disabled, _names(account.feeders), account.issuer, account.subject,
        )  # fmt: skip
        with self._change():
            try:
                self._connection.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                return False
            self._end_sessions(account.name)
            return True

    def set_password(self, name: str, password_hash: str) -> bool:
        """Another password; whether there is such an account."""
        return self._set_columns(name, "password_hash = ?", password_hash)

    def rehash(self, name: str, password_hash: str, anew: str) -> bool:
        """The same password, hashed with more effort: only where it is still that one."""
        change = "UPDATE accounts SET password_hash = ? WHERE name = ? AND password_hash = ?"
        return bool(self._changed(change, anew, name, password_hash))

    def set_role(self, name: str, role: Role) -> bool:
        """Another role; whether there is such an account."""
        return self._set_columns(name, "role = ?", role)

    def set_second_factor(self, name: str, secret: str | None) -> bool:
        """A second factor, or none; whether there is such an account."""
        return self._set_columns(name, "totp_step = 0, totp_secret = ?", secret)

    def set_disabled(self, name: str, *, disabled: bool) -> bool:
        """Whether it is let in at all; whether there is such an account."""
        return self._set_columns(name, "disabled = ?", disabled)

    def set_feeders(self, name: str, feeders: frozenset[str] | None) -> bool:
        """The feeders that it may act on, None: all; its sessions go on with these."""
        change = "UPDATE accounts SET feeders = ? WHERE name = ?"
        return bool(self._changed(change, _names(feeders), name))

    def use_step(self, name: str, secret: str, step: int) -> bool:
        """Note that this code was used; False when it, or a later one, was already."""
        change = "UPDATE accounts SET totp_step = ? WHERE name = ? AND totp_secret = ? AND totp_step < ?"
        return bool(self._changed(change, step, name, secret, step))

    def remove(self, name: str) -> bool:
        """The account with its sessions and the tokens it made; whether there was one. What it did stays in
        the journal.
        """
        with self._change():
            self._end_sessions(name)
            self._connection.execute("DELETE FROM tokens WHERE made_by = ? COLLATE NOCASE", (name,))
            return bool(self._connection.execute("DELETE FROM accounts WHERE name = ?", (name,)).rowcount)

    def _set_columns(self, name: str, columns: str, value: Any) -> bool:
        with self._change():
            self._end_sessions(name)
            # `columns` is ours, from above, and no input
            change = f"UPDATE accounts SET {columns} WHERE name = ?"  # noqa: S608
            return bool(self._connection.execute(change, (value, name)).rowcount)

    def _end_sessions(self, name: str) -> None:
        self._connection.execute("DELETE FROM sessions WHERE name = ? COLLATE NOCASE", (name,))

    # ---- sessions ------------------------------------------------------------------------------------------

    def session(self, digest: bytes) -> tuple[Session, Account] | None:
        """A session and whose it is; none of an account that is disabled or gone."""
        rows = self._rows("SELECT * FROM sessions WHERE digest = ?", digest)
        if not rows:
            return None
        session = Session(*rows[0][:2], *map(datetime.fromisoformat, rows[0][2:]))
        account = self.account(session.name)
        return None if account is None or account.disabled else (session, account)

    def begin(self, session: Session, account: Account, most: int) -> bool:
        """Keep a session, if the account is still as it was when its owner was let in; of one account at most
        so many, the oldest goes first.
        """
        with self._change():
            begun = self._connection.execute(
                "INSERT INTO sessions SELECT ?, name, ?, ? FROM accounts WHERE name = ? "
                "AND password_hash = ? AND role = ? AND totp_secret IS ? AND issuer IS ? AND subject IS ? "
                "AND NOT disabled",
                (
                    session.digest, session.began_at.isoformat(), session.used_at.isoformat(), account.name,
                    account.password_hash, account.role, account.totp_secret, account.issuer, account.subject,
                ),
            ).rowcount  # fmt: skip
            self._connection.execute(
                "DELETE FROM sessions WHERE name = ? AND digest NOT IN "
                "(SELECT digest FROM sessions WHERE name = ? ORDER BY began_at DESC LIMIT ?)",
                (session.name, session.name, most),
            )
            return bool(begun)

    def used(self, digest: bytes, at: datetime, wait_s: float = BUSY_TIMEOUT_S) -> None:
        """Note that a session was used."""
        change = "UPDATE sessions SET used_at = ? WHERE digest = ?"
        self._changed(change, at.isoformat(), digest, wait_s=wait_s)

    def end(self, digest: bytes, wait_s: float = BUSY_TIMEOUT_S) -> None:
        """There is no such session any more."""
        self._changed("DELETE FROM sessions WHERE digest = ?", digest, wait_s=wait_s)

    # ---- tokens --------------------------------------------------------------------------------------------

    def token(self, digest: bytes) -> Token | None:
        """By what its secret comes to."""
        rows = self._rows("SELECT * FROM tokens WHERE digest = ?", digest)
        return _token(rows[0]) if rows else None

    def tokens(self) -> tuple[Token, ...]:
        """All, the newest first."""
        return tuple(_token(row) for row in self._rows("SELECT * FROM tokens ORDER BY made_at DESC, token"))

    def add_token(self, token: Token) -> None:
        """Keep a new one, and forget those that have expired."""
        row = (
            token.token, token.digest, token.name, _names(token.may), _names(token.feeders), token.made_by,
            token.made_at.isoformat(), token.expires_at.isoformat(),
        )  # fmt: skip
        with self._change():
            # all times are in UTC, whose texts are in the order of their times
            self._connection.execute("DELETE FROM tokens WHERE expires_at <= ?", (row[6],))
            self._connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def remove_token(self, token: str) -> bool:
        """It is void from now on; whether there was one."""
        return bool(self._changed("DELETE FROM tokens WHERE token = ?", token))


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
