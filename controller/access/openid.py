"""Sign-in by somebody else's word: OpenID Connect, authorization code flow with PKCE, any provider.

OpenID Connect Core 1.0, section 3.1; PKCE RFC 7636 with S256; the provider tells its addresses and keys by
itself (Discovery 1.0). Who comes has the role that one of their groups is mapped to in the settings; without
one they are not let in. What a provider says is bounded in size and time, and no redirect is followed.
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import jwt
import structlog

from controller.access.roles import Role
from devices.ports import Clock

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key of the provider's; never `none`, never one with a secret that we know as well."""
DEADLINE_S = 10.0
LEEWAY_S = 60
MOST_BYTES = 256 * 1024
MOST_UNDER_WAY = 1000
ENDS_WITHIN_S = 600.0
KNOWN_FOR_S = 3600.0
"""So long the provider's addresses and keys are believed; an unknown key is asked for at once."""
AGAIN_AFTER_S = 30.0
log = structlog.get_logger("access")


class ProviderFault(Exception):
    """The provider cannot be reached, or says what cannot be right: the same again may work."""


class NotLetIn(Exception):
    """The provider's word does not let this person in."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """One provider."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    roles: Mapping[str, Role]
    """by group; of several the first that is listed"""
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    scope: str = "openid profile email"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class _UnderWay:
    nonce: str
    verifier: str
    began_s: float


@dataclass(frozen=True, slots=True)
class _Provider:
    authorization_endpoint: str
    token_endpoint: str
    keys: jwt.PyJWKSet
    at_s: float


class OpenId:
    """The sign-ins that are under way. All calls are on the loop's thread."""

    def __init__(self, settings: OpenIdSettings, client: httpx.AsyncClient, clock: Clock) -> None:
        """`client` says how the provider is reached: certificates, proxies."""
        self._settings, self._client, self._clock = settings, client, clock
        self._under_way: dict[str, _UnderWay] = {}
        self._provider: _Provider | None = None
        self._asking = asyncio.Lock()

    async def begin(self) -> tuple[str, str]:
        """Where the browser goes, and the state that it has to bring back. Raises ProviderFault."""
        provider = await self._known()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self._under_way[state] = _UnderWay(nonce, verifier, self._clock.monotonic())
        while len(self._under_way) > MOST_UNDER_WAY:
            del self._under_way[next(iter(self._under_way))]
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "scope": self._settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{joint}{urlencode(query)}", state

    async def finish(self, state: str, code: str) -> Identity:
        """Who it is. Each state is good once. Raises ProviderFault or NotLetIn."""
        under_way = self._under_way.pop(state, None)
        if under_way is None or self._clock.monotonic() - under_way.began_s > ENDS_WITHIN_S:
            raise NotLetIn("this sign-in is not under way, or took too long")
        provider = await self._known()
        answer = await self._ask(
            "POST",
            provider.token_endpoint,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._settings.redirect_uri,
                "code_verifier": under_way.verifier,
            },
            auth=_basic(self._settings),
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderFault("the provider gave no id_token")
        return self._identity(await self._checked(token, provider), under_way.nonce)

    async def _checked(self, token: str, provider: _Provider) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = _key(provider.keys, header.get("kid"))
            if key is None and self._clock.monotonic() - provider.at_s > AGAIN_AFTER_S:
                key = _key((await self._known(anew=True)).keys, header.get("kid"))
            if key is None:
                raise NotLetIn("the id_token is signed with a key that the provider does not name")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise NotLetIn(f"the id_token is not right: {type(error).__name__}") from error
        now_s = self._clock.now().timestamp()
        expires_s, issued_s = claims["exp"], claims["iat"]
        if not isinstance(expires_s, int | float) or not isinstance(issued_s, int | float):
            raise NotLetIn("the id_token has no times")
        if now_s > expires_s + LEEWAY_S or issued_s > now_s + LEEWAY_S:
            raise NotLetIn("the id_token is not of this time: is the clock right?")
        return claims

    def _identity(self, claims: Mapping[str, Any], nonce: str) -> Identity:
        settings = self._settings
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise NotLetIn("the id_token is of another sign-in")
        others = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if len(others) > 1 and claims.get("azp") != settings.client_id:
            raise NotLetIn("the id_token is for somebody else")
        groups = claims.get(settings.groups_claim)
        groups = [groups] if isinstance(groups, str) else groups
        role = next(
            (r for group, r in settings.roles.items() if isinstance(groups, list) and group in groups), None
        )
        if role is None:
            raise NotLetIn("none of their groups has a role here")
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not name:
            raise NotLetIn(f"the id_token has no {settings.name_claim!r}")
        return Identity(settings.issuer, str(claims["sub"]), name, role)

    async def _known(self, *, anew: bool = False) -> _Provider:
        async with self._asking:
            known = self._provider
            if known is not None and not anew and self._clock.monotonic() - known.at_s < KNOWN_FOR_S:
                return known
            found = await self._ask(
                "GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            if found.get("issuer") != self._settings.issuer:
                raise ProviderFault(f"the provider calls itself {found.get('issuer')!r}")
            keys = await self._ask("GET", _address(found, "jwks_uri"))
            try:
                key_set = jwt.PyJWKSet.from_dict(dict(keys))
            except jwt.PyJWTError as error:
                raise ProviderFault("the provider's keys cannot be read") from error
            self._provider = _Provider(
                _address(found, "authorization_endpoint"),
                _address(found, "token_endpoint"),
                key_set,
                self._clock.monotonic(),
            )
            return self._provider

    async def _ask(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
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
        except (httpx.HTTPError, TimeoutError) as error:
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


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _basic(settings: OpenIdSettings) -> tuple[str, str]:
    """RFC 6749, section 2.3.1: both are encoded as in a form."""
    return quote_plus(settings.client_id), quote_plus(settings.client_secret)


def _key(keys: jwt.PyJWKSet, key_id: str | None) -> jwt.PyJWK | None:
    """The key of this id; without an id the only one there is."""
    if key_id is None:
        return keys.keys[0] if len(keys.keys) == 1 else None
    return next((key for key in keys.keys if key.key_id == key_id), None)


def _address(found: Mapping[str, Any], name: str) -> str:
    address = found.get(name)
    if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
        raise ProviderFault(f"the provider names no {name}")
    return address
