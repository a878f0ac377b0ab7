"""Lets people and programs in: passwords and codes, sessions, tokens. The shell around the accounts' file.

A refusal never says what was wrong. Everything that blocks runs in worker threads: passwords, which take
long on purpose, in one of their own, so that nobody who is signed in waits for those who are not. Who signs
in, who fails and who has to wait stands in the log under `access`; what they order stands in the journal.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from controller.access.account_store import AccountStore
from controller.access.accounts import TOKEN_PREFIX, Account, Session, Token, digest_of, new_secret
from controller.access.openid import Identity, NotLetIn
from controller.access.principal import Principal
from controller.access.proofs import Proofs, Tried
from controller.access.roles import Permission
from controller.access.throttle import Throttle, place_of
from controller.access.tokens import check_within, new_token
from controller.bookkeeping import Offload
from devices.ports import Clock

SESSIONS_EACH = 8
MOST_KNOWN = 1000
MOST_AT_ONCE = 4
"""passwords that may wait for the thread; who signed in from the same place before may always be one more"""
log = structlog.get_logger("access")


class Refused(Exception):
    """Not let in. Says nothing more on purpose."""


class TooSoon(Exception):
    """Too many failures lately, or too many who try at this moment."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that begins: its secret is told once, to the browser."""

    secret: str = field(repr=False)
    principal: Principal
    has_second_factor: bool


class SignInDesk:
    """All calls are on the loop's thread. Raise AccountsUnavailable."""

    def __init__(
        self, store: AccountStore, clock: Clock, offload: Offload, hashing: Offload | None = None
    ) -> None:
        """`hashing`: a thread for passwords, beside that for all that has to be quick."""
        self._store, self._clock, self._offload = store, clock, offload
        self._hashing = hashing or offload
        self._proofs = Proofs(store)
        self._throttle = Throttle()
        self._trying: dict[tuple[str, str], int] = {}
        """passwords under way, by account and place"""
        self._known: dict[tuple[str, str], None] = {}
        """account and place of those who signed in, the latest last"""

    # ---- people --------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, code: str | None, address: str) -> SignedIn:
        """Raises Refused, or TooSoon before anything is looked at."""
        own, place, now_s = name.casefold(), place_of(address), self._clock.monotonic()
        if (own, place) in self._known:  # guesses from elsewhere hold nobody up who was here before
            by_name, by_place = f"known {place} {own}", None
        else:
            by_name, by_place = f"name {own}", f"from {place}"
        keys = [by_name] if by_place is None else [by_name, by_place]
        self._check_wait(keys, (own, place), now_s, address)
        for key in keys:  # before the look, so that many at once are not all free
            self._throttle.failed(key, now_s)
        tried = await self._tried(name, password, code, (own, place))
        if tried.account is None:
            log.warning("sign_in_refused", name=tried.name, address=address)
            raise Refused
        self._throttle.forget(by_name)
        if by_place is not None:  # what others failed from there stays: it may be they who signed in now
            self._throttle.take_back(by_place)
        self._remember(own, place)
        signed_in = await self._let_in(tried.account, address)
        if signed_in is None:
            raise Refused
        return signed_in

    def _check_wait(self, keys: list[str], who: tuple[str, str], now_s: float, address: str) -> None:
        wait_s = max(self._throttle.wait_s(key, now_s) for key in keys)
        is_known = who in self._known
        if wait_s == 0 and not (is_known and who not in self._trying):
            wait_s = 1.0 if sum(self._trying.values()) >= MOST_AT_ONCE else 0.0
        if wait_s > 0:
            log.warning("sign_in_too_soon", name=who[0] if is_known else None, address=address)
            raise TooSoon(wait_s)

    async def _tried(self, name: str, password: str, code: str | None, who: tuple[str, str]) -> Tried:
        self._trying[who] = self._trying.get(who, 0) + 1
        try:
            return await self._hashing(self._proofs.by_password, name, password, code, self._clock.now())
        finally:
            self._trying[who] -= 1
            if not self._trying[who]:
                del self._trying[who]

    async def sign_in_as(self, identity: Identity, address: str) -> SignedIn:
        """Let in whom a provider vouches for. Raises NotLetIn."""
        account = await self._offload(self._proofs.by_word, identity)
        signed_in = await self._let_in(account, address)
        if signed_in is None:
            raise NotLetIn("the account was changed at this moment")
        return signed_in

    async def _let_in(self, account: Account, address: str) -> SignedIn | None:
        """None: the account is not as it was any more."""
        secret, now = new_secret(), self._clock.now()
        session = Session(digest_of(secret), account.name, now, now)
        if not await self._offload(self._store.begin, session, account, SESSIONS_EACH):
            log.warning("sign_in_refused", name=account.name, address=address, reason="changed meanwhile")
            return None
        log.info("signed_in", name=account.name, role=account.role, address=address)
        return SignedIn(secret, account.principal, account.totp_secret is not None)

    async def may_take_over(self, name: str) -> bool:
        """Whether somebody of this name has an account that is not disabled and may operate."""
        account = await self._offload(self._store.account, name)
        return (
            account is not None and not account.disabled and account.principal.is_allowed_somewhere("operate")
        )

    async def still_operates(self, name: str, feeder: str) -> bool:
        """Whether somebody of this name has an account that is not disabled, and may operate there."""
        account = await self._offload(self._store.account, name)
        who = None if account is None or account.disabled else account.principal
        return who is not None and who.is_allowed("operate", feeder)

    async def by_session(self, secret: str, *, is_use: bool = True) -> Principal | None:
        """Who a browser's session is; None when it is over. `is_use`: it is kept from idling by that."""
        return await self._offload(
            self._proofs.by_session, digest_of(secret), self._clock.now(), is_use=is_use
        )

    async def sign_out(self, secret: str) -> None:
        """The session is over at once."""
        await self._offload(self._store.end, digest_of(secret))

    def _remember(self, name: str, place: str) -> None:
        self._known.pop((name, place), None)
        self._known[name, place] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    # ---- programs ------------------------------------------------------------------------------------------

    async def by_token(self, secret: str) -> Principal | None:
        """Who a program's token stands for; None when it is void."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        return await self._offload(self._proofs.by_token, digest_of(secret), self._clock.now())

    async def make_token(
        self,
        by: Principal,
        name: str,
        may: frozenset[Permission],
        feeders: frozenset[str] | None,
        life: timedelta,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is told this once. Raises TokenRejected."""
        token, secret = new_token(name, may, feeders, made_by=by.name or "", now=self._clock.now(), life=life)
        check_within(by, may, feeders)
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
