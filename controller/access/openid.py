"""Sign-in by somebody else's word: OpenID Connect, authorization code flow with PKCE, any provider.

OpenID Connect Core 1.0, section 3.1; PKCE RFC 7636 with S256; the provider tells its addresses and keys by
itself (Discovery 1.0). Who comes has the role that one of their groups is mapped to in the settings; without
one they are not let in.

A sign-in that is under way is kept by the browser, encrypted, and not here: however many are begun, none
pushes another out.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import jwt
import msgspec
from cryptography.fernet import Fernet, InvalidToken

from controller.access.provider import Provider, ProviderFault, ToldBy
from controller.access.roles import Role
from devices.ports import Clock

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key of the provider's; never `none`, never one with a secret that we know as well."""
LEEWAY_S = 60
MOST_USED = 1000
MOST_AT_ONCE = 32
"""sign-ins that wait for the provider; a slow one must not hold all of our connections"""
ENDS_WITHIN_S = 600.0
AGAIN_AFTER_S = 30.0


class NotLetIn(Exception):
    """The provider's word does not let this person in."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """One provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
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


class _UnderWay(msgspec.Struct, frozen=True):
    """What the browser carries for us, sealed."""

    state: str
    nonce: str
    verifier: str
    began_s: float

    def __repr__(self) -> str:
        return "_UnderWay(...)"


class OpenId:
    """One provider's sign-ins. All calls are on the loop's thread."""

    def __init__(self, settings: OpenIdSettings, client: httpx.AsyncClient, clock: Clock) -> None:
        """`client` says how the provider is reached: certificates, proxies."""
        self._settings, self._clock = settings, clock
        self._provider = Provider(settings.issuer, client, clock)
        self._seal = Fernet(Fernet.generate_key())
        self._used: dict[str, None] = {}
        """states that came back, the latest last"""
        self._at_once = 0

    async def begin(self) -> tuple[str, str]:
        """Where the browser goes, and what it has to keep and bring back. Raises ProviderFault."""
        with self._one_more():
            told = await self._provider.known()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        under_way = _UnderWay(state, nonce, verifier, self._clock.monotonic())
        sealed = self._seal.encrypt(msgspec.json.encode(under_way)).decode()
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
        joint = "&" if urlsplit(told.authorization_endpoint).query else "?"
        return f"{told.authorization_endpoint}{joint}{urlencode(query)}", sealed

    async def finish(self, sealed: str, state: str, code: str) -> Identity:
        """Who it is. Each state is good once. Raises ProviderFault or NotLetIn."""
        under_way = self._opened(sealed, state)
        with self._one_more():
            return await self._word(under_way, code)

    def _opened(self, sealed: str, state: str) -> _UnderWay:
        try:
            under_way = msgspec.json.decode(self._seal.decrypt(sealed.encode()), type=_UnderWay)
        except (InvalidToken, UnicodeEncodeError):
            raise NotLetIn("this sign-in was not begun here, or before this controller was started") from None
        if not secrets.compare_digest(state.encode(), under_way.state.encode()):
            raise NotLetIn("this sign-in was not begun here")
        if state in self._used or self._clock.monotonic() - under_way.began_s > ENDS_WITHIN_S:
            raise NotLetIn("this sign-in is not under way, or took too long")
        self._used[state] = None
        if len(self._used) > MOST_USED:
            del self._used[next(iter(self._used))]
        return under_way

    async def _word(self, under_way: _UnderWay, code: str) -> Identity:
        told = await self._provider.known()
        answer = await self._provider.ask(
            "POST",
            told.token_endpoint,
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
        return self._identity(await self._checked(token, told), under_way.nonce)

    async def _checked(self, token: str, told: ToldBy) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = _key(told.keys, header.get("kid"))
            if key is None and self._clock.monotonic() - told.at_s > AGAIN_AFTER_S:
                key = _key((await self._provider.known(anew=True)).keys, header.get("kid"))
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
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            raise NotLetIn(f"the id_token is not right: {type(error).__name__}") from error
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now_s, expires_s = self._clock.now().timestamp(), claims["exp"]
        begins_s = [claims["iat"], *([claims["nbf"]] if "nbf" in claims else [])]
        if not all(isinstance(one, int | float) for one in (expires_s, *begins_s)):
            raise NotLetIn("the id_token has no times")
        if not (now_s <= expires_s + LEEWAY_S and max(begins_s) <= now_s + LEEWAY_S):
            raise NotLetIn("the id_token is not of this time: is the clock right?")

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

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if self._at_once >= MOST_AT_ONCE:
            raise ProviderFault("too many sign-ins wait for the provider")
        self._at_once += 1
        try:
            yield
        finally:
            self._at_once -= 1


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
