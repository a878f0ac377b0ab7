"""Bearer tokens: JWTs of our own, signed with a key of the site (HS256). No I/O; the time is given.

A token says who its bearer is, which scopes it has and until when. It counts only as long as its client is
known, with the role of the present clients file. Source: RFC 7519 and RFC 9068.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from devices.openadr.clients import Clients
from devices.openadr.objects import SCOPES, VERSIONS, Actor, Role
from devices.openadr.problems import unauthorized

ALGORITHM = "HS256"
MIN_KEY_BYTES = 32
_MAX_TOKEN = 4096
_NEEDED = ["iss", "aud", "sub", "iat", "exp", "role", "scope"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and checks tokens."""

    key: bytes = field(repr=False)
    """at least MIN_KEY_BYTES"""
    clients: Clients
    issuer: str = "gridward-vtn"
    audience: str = "gridward-vtn"
    lifetime_s: int = 3600
    clock_skew_s: float = 30.0
    """so far our clock may have gone back since a token was made"""

    def issue(self, client_id: str, role: Role, scopes: frozenset[str], now: datetime) -> str:
        """A token from now on."""
        at = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": client_id,
            "role": role,
            "scope": " ".join(sorted(scopes)),
            "iat": at,
            "exp": at + self.lifetime_s,
        }
        return jwt.encode(claims, self.key, ALGORITHM, headers={"typ": "at+jwt"})

    def actor(self, token: str, now: datetime) -> Actor:
        """Who bears it. Raises Problem 401."""
        claims = self._signed_claims(token)
        self._check_times(claims, now)
        client = self.clients.by_id.get(str(claims["sub"]))
        if client is None or client.role != claims["role"]:
            raise unauthorized("the token's client is not known any more")
        offered = frozenset(str(claims["scope"]).split())
        allowed = frozenset().union(*(SCOPES[version, client.role] for version in VERSIONS))
        return Actor(client.id, client.role, offered & allowed)

    def _signed_claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN:
            raise unauthorized("the token is too long")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": _NEEDED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError as error:
            raise unauthorized(f"the token is none of ours: {error}") from None
        return claims

    def _check_times(self, claims: dict[str, Any], now: datetime) -> None:
        """By the clock that is given: PyJWT would ask the machine's."""
        made, ends = claims["iat"], claims["exp"]
        if not isinstance(made, int) or not isinstance(ends, int):
            raise unauthorized("the token's times are no numbers")
        at = now.timestamp()
        if at >= ends:
            raise unauthorized("the token has expired")
        if made > at + self.clock_skew_s:
            raise unauthorized("the token is from the future")
