"""Whose a password, a provider's word, a session or a token is, by the accounts' file. Blocks: for a thread.

A password takes as much work to refuse whether there is such an account or not, and whether it has one of
ours or its owner comes by a provider. What cannot be written down on the way to a session's owner (a full
disk, another process's lock) keeps nobody out who is signed in.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from controller.access import one_time_codes
from controller.access.account_file import AccountsUnavailable
from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account, is_name
from controller.access.openid import Identity, NotLetIn
from controller.access.passwords import hash_password, is_outdated, is_right, nobodys
from controller.access.principal import Principal

NOTE_USE_AFTER = timedelta(minutes=1)
"""A session's use is written down no more often than this."""
WRITE_WITHIN_S = 0.2
"""What every request would wait for while another process holds the file."""
MOST_UNWRITTEN = 1000
log = structlog.get_logger("access")


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a name and a password."""

    name: str | None
    """of the account, where there is one: what else was typed there may be a password"""
    account: Account | None
    """who is let in; None: nobody"""


class Proofs:
    """All that is looked up before somebody is let in. Raises AccountsUnavailable."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._unwritten: dict[bytes, datetime] = {}
        """when sessions were used, where that could not be written down"""

    def by_password(self, name: str, password: str, code: str | None, now: datetime) -> Tried:
        """Whose name, password and code these are. A code is used up by it."""
        nobody = nobodys()  # for everybody, so that the first one who is nobody does not take longer
        account = self._store.account(name)
        has_password = account is not None and account.password_hash != NO_PASSWORD
        right = is_right(password, account.password_hash if account is not None and has_password else nobody)
        if account is None:
            return Tried(None, None)
        refused = Tried(account.name, None)
        if not (has_password and right) or account.disabled:
            return refused
        if account.totp_secret is not None and not self._code_used(account, account.totp_secret, code, now):
            return refused
        if is_outdated(account.password_hash):
            anew = hash_password(password)
            if self._store.rehash(account.name, account.password_hash, anew):
                account = replace(account, password_hash=anew)
        return Tried(account.name, account)

    def _code_used(self, account: Account, secret: str, code: str | None, now: datetime) -> bool:
        step = one_time_codes.step_of(code or "", secret, now, account.totp_step)
        return step is not None and self._store.use_step(account.name, secret, step)

    def by_word(self, identity: Identity) -> Account:
        """The account of whom a provider vouches for, made or brought up to date. Raises NotLetIn.

        It is found by what the provider calls them for ever, and keeps the name that they first came with.
        """
        known = self._store.vouched(identity.issuer, identity.subject) or self._made(identity)
        if known.disabled:
            raise NotLetIn("the account is disabled")
        if known.role != identity.role:
            self._store.set_role(known.name, identity.role)
            known = replace(known, role=identity.role)
        return known

    def _made(self, identity: Identity) -> Account:
        if not is_name(identity.name):
            raise NotLetIn("their name is none that the journal could have")
        made = Account(
            identity.name, identity.role, NO_PASSWORD, issuer=identity.issuer, subject=identity.subject
        )
        if not self._store.add(made):
            raise NotLetIn("their name is another account's")
        return made

    def by_session(self, digest: bytes, now: datetime, *, is_use: bool = True) -> Principal | None:
        """Whose session it is; None when it is over. `is_use`: it idles from now on."""
        found = self._store.session(digest)
        if found is None:
            return None
        session, account = found
        session = replace(session, used_at=max(session.used_at, self._unwritten.get(digest, session.used_at)))
        if session.is_over(now):
            with suppress(AccountsUnavailable):  # it is over whether or not that is written down
                self._store.end(digest, WRITE_WITHIN_S)
            return None
        if is_use and now - session.used_at >= NOTE_USE_AFTER:
            self._note_use(digest, now)
        return account.principal

    def _note_use(self, digest: bytes, now: datetime) -> None:
        self._unwritten.pop(digest, None)
        try:
            self._store.used(digest, now, WRITE_WITHIN_S)
        except AccountsUnavailable as error:
            log.error("session_use_not_written", error=str(error))
            self._unwritten[digest] = now
            if len(self._unwritten) > MOST_UNWRITTEN:
                del self._unwritten[next(iter(self._unwritten))]

    def by_token(self, digest: bytes, now: datetime) -> Principal | None:
        """Whose token it is; None when it has expired, or who made it over the API is let in no more."""
        token = self._store.token(digest)
        if token is None or token.expires_at <= now:
            return None
        if is_name(token.made_by):  # made on the command line, it names no account
            maker = self._store.account(token.made_by)
            if maker is None or maker.disabled:
                return None
        return token.principal
