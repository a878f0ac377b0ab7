"""The far side of OpenID Connect: what a provider tells of itself (Discovery 1.0), and how it is asked.

What it says is bounded in size and time, no redirect is followed, and no address of its is less safe than
itself. A provider that cannot be reached is not asked again at once, so that nobody queues for it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from devices.ports import Clock

DEADLINE_S = 10.0
MOST_BYTES = 256 * 1024
KNOWN_FOR_S = 3600.0
"""So long its addresses and keys are believed; an unknown key is asked for at once."""
FAILED_FOR_S = 10.0
"""So long one that could not be reached is not asked again."""


class ProviderFault(Exception):
    """The provider cannot be reached, or says what cannot be right: the same again may work."""


@dataclass(frozen=True, slots=True)
class ToldBy:
    """What a provider tells of itself."""

    authorization_endpoint: str
    token_endpoint: str
    keys: jwt.PyJWKSet
    at_s: float


class Provider:
    """One provider. All calls are on the loop's thread."""

    def __init__(self, issuer: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer, self._client, self._clock = issuer, client, clock
        self._told_last: ToldBy | None = None
        self._failed: tuple[float, str] | None = None
        """when it failed latest, and how"""
        self._asking = asyncio.Lock()

    async def known(self, *, anew: bool = False) -> ToldBy:
        """Its addresses and keys. Raises ProviderFault."""
        async with self._asking:
            known, now_s = self._told_last, self._clock.monotonic()
            if known is not None and not anew and now_s - known.at_s < KNOWN_FOR_S:
                return known
            if self._failed is not None and now_s - self._failed[0] < FAILED_FOR_S:
                raise ProviderFault(self._failed[1])  # for all who waited: each would wait as long again
            try:
                self._told_last = await self._told()
            except ProviderFault as fault:
                self._failed = self._clock.monotonic(), str(fault)
                raise
            return self._told_last

    async def _told(self) -> ToldBy:
        """What the provider says of itself."""
        issuer = self._issuer
        found = await self.ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise ProviderFault(f"the provider calls itself {found.get('issuer')!r}")
        keys = await self.ask("GET", _address(found, "jwks_uri", issuer))
        try:
            key_set = jwt.PyJWKSet.from_dict(dict(keys))
        except jwt.PyJWTError as error:
            raise ProviderFault("the provider's keys cannot be read") from error
        return ToldBy(
            _address(found, "authorization_endpoint", issuer),
            _address(found, "token_endpoint", issuer),
            key_set,
            self._clock.monotonic(),
        )

    async def ask(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        """The JSON object that it answers with. Raises ProviderFault."""
        try:
            async with (
                self._clock.timeout(DEADLINE_S),
                self._client.stream(method, address, follow_redirects=False, **more) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise ProviderFault("the provider says too much")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            raise ProviderFault(f"the provider cannot be reached: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise ProviderFault(f"the provider answers {answer.status_code}")
        try:
            told = httpx.Response(200, content=body).json()
        except ValueError as error:
            raise ProviderFault("the provider does not speak JSON") from error
        if not isinstance(told, dict):
            raise ProviderFault("the provider does not say an object")
        return told


def _address(found: Mapping[str, Any], name: str, issuer: str) -> str:
    """An address that the provider names, reached as safely as the provider itself."""
    address, scheme = found.get(name), issuer.partition("://")[0]
    try:
        if isinstance(address, str) and urlsplit(address).hostname and urlsplit(address).scheme == scheme:
            return address
    except ValueError:
        pass
    raise ProviderFault(f"the provider names no {name} that begins with {scheme}://")
