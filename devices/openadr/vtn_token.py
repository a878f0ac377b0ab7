"""The access token for somebody else's VTN (OAuth 2.0 client credentials, RFC 6749 section 4.4) [6].

A token is kept until shortly before it expires, and got anew once when it is refused. The secret goes to
the URL that was configured; without one, to `auth/token` of the VTN, or in 3.1.1 to where its `auth/server`
says, if that is on the VTN's own host: nobody else can make us tell it elsewhere.
"""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devices.errors import CommandRejected, Unreachable
from devices.openadr.channel_settings import Version
from devices.openadr.vtn_wire import Answered, VtnWire
from devices.ports import Clock

EXPIRES_IN_S = 300.0
"""of a token that does not say"""
_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are at a VTN."""

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str | None = None
    scope: str | None = None
    skew_s: float = 30.0
    """A token is not used in its last seconds: half of its life, if that is shorter."""


class TokenSource:
    """One token at a time."""

    def __init__(self, credentials: Credentials, version: Version, wire: VtnWire, clock: Clock) -> None:
        self.fetched = 0
        """tokens that were got so far"""
        self._credentials, self._version, self._wire, self._clock = credentials, version, wire, clock
        self._token: str | None = None
        self._until_s = 0.0
        self._url = credentials.token_url
        self._one_at_a_time = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good now. Unreachable; CommandRejected when we are not let in."""
        async with self._one_at_a_time:
            if self._token is None or self._clock.monotonic() >= self._until_s:
                self._token = await self._fetch()
            return self._token

    def refused(self, token: str) -> None:
        """This one is not good any more."""
        if self._token == token:
            self._token = None

    async def _fetch(self) -> str:
        credentials, asked_at_s = self._credentials, self._clock.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        if credentials.scope is not None:
            form["scope"] = credentials.scope
        answer = await self._wire.exchange("POST", await self._token_url(), form=form)
        if not answer.is_good:
            raise not_done("a token", answer)
        value = answer.value if isinstance(answer.value, dict) else {}
        token, life_s = value.get("access_token"), value.get("expires_in", EXPIRES_IN_S)
        usable = (
            isinstance(token, str) and token.isascii() and token.isprintable() and 0 < len(token) <= 16_384
        )
        if not usable or isinstance(life_s, bool) or not isinstance(life_s, int | float):
            raise Unreachable("what the vtn gives as a token is none")
        self.fetched += 1
        self._until_s = asked_at_s + life_s - min(credentials.skew_s, life_s / 2)
        return str(token)

    async def _token_url(self) -> str:
        if self._url is None:
            self._url = await self._announced() if self._version != "3.0.1" else None
            self._url = self._url or f"{self._wire.base_url}/auth/token"
        return self._url

    async def _announced(self) -> str | None:
        """Where `auth/server` says; None when there is none."""
        answer = await self._wire.exchange("GET", f"{self._wire.base_url}/auth/server")
        if answer.status in (401, 404, 405, 501):
            return None
        url = answer.value.get("tokenURL") if isinstance(answer.value, dict) else None
        if not answer.is_good or not isinstance(url, str):
            raise Unreachable(f"where tokens are given: the vtn answers {answer.told()}")
        theirs, own = urlsplit(url), urlsplit(self._wire.base_url)
        if (theirs.scheme, theirs.netloc) != (own.scheme, own.netloc):
            raise CommandRejected(
                f"the vtn sends us to {url[:200]!a} for tokens: set `token_url` if that is right"
            )
        return url


def not_done(what: str, answer: Answered) -> Unreachable | CommandRejected:
    """The error for an answer that is not good: out of order or busy, or a no."""
    told = f"{what}: the vtn answers {answer.told()}"
    if answer.status in _BUSY or (answer.status >= 500 and answer.status not in (501, 505)):
        return Unreachable(told)
    return CommandRejected(told)
