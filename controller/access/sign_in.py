"""Lets people and programs in: passwords and codes, sessions, tokens. The shell around the accounts' file.

A refusal never says what was wrong, and takes as long whether there is such an account or not. Everything
that blocks runs in a worker thread. Who signs in, who fails and who has to wait stands in the log under
`access`; what they order stands in the journal.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from controller.access import one_time_codes
from controller.access.account_store import AccountStore
from controller.access.accounts import (
    LONGEST_TOKEN_LIFE,
    TOKEN_PREFIX,
    Account,
    Session,
    Token,
    digest_of,
    is_name,
    new_secret,
)
from controller.access.openid import Identity, NotLetIn
from controller.access.passwords import hash_password, is_outdated, is_right, nobodys
from controller.access.principal import Principal
from controller.access.roles import FOR_MACHINES, Permission
from controller.access.throttle import Throttle
from controller.bookkeeping import Offload
from devices.ports import Clock

SESSIONS_EACH = 8
NO_PASSWORD = "none"  # noqa: S105
"""Stands for a hash, and is none: no password is right."""
MOST_KNOWN = 1000
NOTE_USE_AFTER = timedelta(minutes=1)
"""A session's use is written down no more often than this."""
log = structlog.get_logger("access")


class Refused(Exception):
    """Not let in. Says nothing more on purpose."""


class TooSoon(Exception):
    """Too many failures lately."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.0f} s")
        self.wait_s = wait_s


class TokenRejected(ValueError):
    """A token that cannot be made as asked; says what was expected."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that begins: its secret is told once, to the browser."""

    secret: str
    principal: Principal
    has_second_factor: bool


class SignInDesk:
    """All calls are on the loop's thread. Raise AccountsUnavailable."""

    def __init__(self, store: AccountStore, clock: Clock, offload: Offload) -> None:
        self._store, self._clock, self._offload = store, clock, offload
        self._throttle = Throttle()
        self._known: dict[tuple[str, str], None] = {}
        """account and address of those who signed in, the latest last"""

    async def sign_in(self, name: str, password: str, code: str | None, address: str) -> SignedIn:
        """Raises Refused, or TooSoon before anything is looked at."""
        own, now_s = name.casefold(), self._clock.monotonic()
        keys = [f"from {address}"]
        if (own, address) not in self._known:
            keys.append(f"name {own}")  # guesses from elsewhere hold nobody up who signed in from here before
        wait_s = max(self._throttle.wait_s(key, now_s) for key in keys)
        if wait_s > 0:
            log.warning("sign_in_too_soon", address=address)
            raise TooSoon(wait_s)
        for key in keys:  # before the look, so that many at once are not all free
            self._throttle.failed(key, now_s)
        account = await self._offload(self._proven, name, password, code, self._clock.now())
        if account is None:
            log.warning("sign_in_refused", address=address)
            raise Refused
        for key in keys:
            self._throttle.succeeded(key)
        self._remember(own, address)
        return await self._let_in(account, address)

    async def sign_in_as(self, identity: Identity, address: str) -> SignedIn:
        """Let in whom a provider vouches for. Raises NotLetIn."""
        account = await self._offload(self._vouched_for, identity)
        return await self._let_in(account, address)

    async def _let_in(self, account: Account, address: str) -> SignedIn:
        secret, now = new_secret(), self._clock.now()
        session = Session(digest_of(secret), account.name, now, now)
        await self._offload(self._store.begin, session, SESSIONS_EACH)
        log.info("signed_in", name=account.name, role=account.role, address=address)
        return SignedIn(secret, account.principal, account.totp_secret is not None)

    async def by_session(self, secret: str) -> Principal | None:
        """Who a browser's session is; None when it is over."""
        return await self._offload(self._by_session, digest_of(secret), self._clock.now())

    async def by_token(self, secret: str) -> Principal | None:
        """Who a program's token stands for; None when it is void."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        token = await self._offload(self._store.token, digest_of(secret))
        return None if token is None or token.expires_at <= self._clock.now() else token.principal

    async def sign_out(self, secret: str) -> None:
        """The session is over at once."""
        await self._offload(self._store.end, digest_of(secret))

    async def make_token(
        self,
        by: Principal,
        name: str,
        may: frozenset[Permission],
        feeders: frozenset[str] | None,
        life: timedelta,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is told this once. Raises TokenRejected."""
        _check_token(by, name, may, life)
        secret, now = TOKEN_PREFIX + new_secret(), self._clock.now()
        token = Token(
            token=new_secret()[:12],
            digest=digest_of(secret),
            name=name,
            may=may,
            feeders=feeders,
            made_by=by.name or "",
            made_at=now,
            expires_at=now + life,
        )
        await self._offload(self._store.add_token, token)
        log.info("token_made", token=token.token, name=name, by=by.name, may=sorted(may))
        return token, secret

    async def tokens(self) -> tuple[Token, ...]:
        """All tokens, without their secrets."""
        return await self._offload(self._store.tokens)

    async def remove_token(self, by: Principal, token: str) -> bool:
        """Make one void; whether there was one."""
        removed = await self._offload(self._store.remove_token, token)
        log.info("token_removed", token=token, by=by.name, was_there=removed)
        return removed

    def _remember(self, name: str, address: str) -> None:
        self._known.pop((name, address), None)
        self._known[name, address] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    # ---- in the worker thread ------------------------------------------------------------------------------

    def _proven(self, name: str, password: str, code: str | None, now: datetime) -> Account | None:
        account = self._store.account(name)
        stored = nobodys() if account is None else account.password_hash
        right = is_right(password, stored)
        if account is None or not right or account.disabled:
            return None
        if account.totp_secret is not None:
            step = one_time_codes.step_of(code or "", account.totp_secret, now, account.totp_step)
            if step is None or not self._store.use_step(account.name, step):
                return None
            account = replace(account, totp_step=step)
        if is_outdated(stored):
            account = replace(account, password_hash=hash_password(password))
            self._store.put(account)
        return account

    def _vouched_for(self, identity: Identity) -> Account:
        """The account of a provider's word, made or brought up to date."""
        if not is_name(identity.name):
            raise NotLetIn("their name is none that the journal could have")
        known = self._store.account(identity.name)
        if known is None:
            known = Account(
                identity.name, identity.role, NO_PASSWORD, issuer=identity.issuer, subject=identity.subject
            )
            self._store.put(known)
        if (known.issuer, known.subject) != (identity.issuer, identity.subject):
            raise NotLetIn("their name is another account's")
        if known.disabled:
            raise NotLetIn("the account is disabled")
        if known.role != identity.role:
            known = replace(known, role=identity.role)
            self._store.put(known)
        return known

    def _by_session(self, digest: bytes, now: datetime) -> Principal | None:
        found = self._store.session(digest)
        if found is None:
            return None
        session, account = found
        if session.is_over(now):
            self._store.end(digest)
            return None
        if now - session.used_at >= NOTE_USE_AFTER:
            self._store.used(digest, now)
        return account.principal


def _check_token(by: Principal, name: str, may: frozenset[Permission], life: timedelta) -> None:
    if not is_name(name):
        raise TokenRejected(f"name: expected 2 to 64 letters, digits or . _ @ -, got {name!r}")
    if not may or not may <= FOR_MACHINES:
        raise TokenRejected(f"may: expected some of {', '.join(sorted(FOR_MACHINES))}, got {sorted(may)}")
    if not may <= by.may:
        raise TokenRejected("may: expected only what you may do yourself")
    if not timedelta(minutes=1) <= life <= LONGEST_TOKEN_LIFE:
        raise TokenRejected(
            f"days: expected up to {LONGEST_TOKEN_LIFE.days}, got {life / timedelta(days=1):g}"
        )
