"""OAuth2 client credentials: from a posted form to a token (RFC 6749, section 4.4). Knows no HTTP server.

Hashing runs in threads of its own, few at a time; who comes while too many wait is told to come again.
"""

import asyncio
import base64
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote

from devices.openadr.clients import Client
from devices.openadr.failed_logins import FailedLogins
from devices.openadr.objects import SCOPES, Version
from devices.openadr.ports import Body
from devices.openadr.problems import out_of_order
from devices.openadr.tokens import Tokens
from devices.ports import Clock

AuthFault = Literal["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"]
_MAX_FIELDS = 20
_MAX_VALUE = 4096


class LogInRefused(Exception):
    """No token; `authError` of the documents."""

    def __init__(self, error: AuthFault, description: str, retry_after_s: float = 0.0) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class _Asked:
    client_id: str
    client_secret: str
    scope: str


class LogIn:
    """The token endpoint of both versions."""

    def __init__(self, tokens: Tokens, clock: Clock, failures: FailedLogins, most_waiting: int = 64) -> None:
        """`clock` gives the time of day that tokens are made by."""
        self._tokens, self._clock, self._failures = tokens, clock, failures
        self._waiting, self._most_waiting = 0, most_waiting
        self._hashing: ThreadPoolExecutor | None = None
        self._slowly: set[str] = set()
        """addresses of many failures, of which a log-in is under way"""

    def close(self) -> None:
        """Let go of the thread, until the next log-in."""
        if self._hashing is not None:
            self._hashing.shutdown(wait=False, cancel_futures=True)
        self._hashing = None

    async def token_for(self, form: bytes, authorization: str, address: str, version: Version) -> Body:
        """A `clientCredentialResponse`. Raises LogInRefused, Problem 500 when too many wait.

        The client names itself in the form, as the documents say, or in an `authorization` header of the
        scheme Basic, as RFC 6749 (section 2.3.1) has it and most libraries do.
        """
        asked = _asked(form, authorization)
        wait_s = self._failures.wait_s(asked.client_id, address, self._clock.monotonic())
        if wait_s > 0:
            raise LogInRefused("invalid_client", "too many failed log-ins; wait", math.ceil(wait_s))
        client = await self._in_turn(asked, address)
        may = SCOPES[version, client.role]
        scopes = may & frozenset(asked.scope.split()) if asked.scope.strip() else may
        if not scopes:
            raise LogInRefused("invalid_scope", f"a {client.role} may have: {' '.join(sorted(may))}")
        token = self._tokens.issue(client.id, client.role, scopes, self._clock.now())
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self._tokens.lifetime_s,
            "scope": " ".join(sorted(scopes)),
        }

    async def _in_turn(self, asked: _Asked, address: str) -> Client:
        """Of an address with many failures one at a time: others may stand behind it, but it cannot keep the
        hashing to itself.
        """
        if not self._failures.is_notorious(address, self._clock.monotonic()):
            return await self._client(asked, address)
        if address in self._slowly:
            raise LogInRefused("invalid_client", "many log-ins failed from your address; one at a time", 1.0)
        self._slowly.add(address)
        try:
            return await self._client(asked, address)
        finally:
            self._slowly.discard(address)

    async def _client(self, asked: _Asked, address: str) -> Client:
        if self._waiting >= self._most_waiting:
            raise out_of_order("too many log-ins at once; try again")
        if self._hashing is None:
            self._hashing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openadr-log-in")
        self._waiting += 1
        try:
            client = await asyncio.get_running_loop().run_in_executor(
                self._hashing, self._tokens.clients.with_secret, asked.client_id, asked.client_secret
            )
        finally:
            self._waiting -= 1
        if client is None:
            self._failures.failed(asked.client_id, address, self._clock.monotonic())
            raise LogInRefused("invalid_client", "no such client, or another secret")
        self._failures.succeeded(asked.client_id, address)
        return client


def _asked(form: bytes, authorization: str) -> _Asked:
    fields = _fields(form) | _basic(authorization)
    for name in ("grant_type", "client_id", "client_secret"):
        if not fields.get(name):
            raise LogInRefused("invalid_request", f"the field {name} is missing")
    if any(len(value) > _MAX_VALUE for value in fields.values()):
        raise LogInRefused("invalid_request", f"a field is longer than {_MAX_VALUE} characters")
    if fields["grant_type"] != "client_credentials":
        raise LogInRefused("unsupported_grant_type", "expected client_credentials")
    return _Asked(fields["client_id"], fields["client_secret"], fields.get("scope", ""))


def _fields(form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            form.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(form),
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise LogInRefused("invalid_request", "the body is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise LogInRefused("invalid_request", "a field is there twice")
    return fields


def _basic(authorization: str) -> dict[str, str]:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = pair.partition(":")
        if colon:
            return {
                "client_id": unquote(client_id, errors="strict"),
                "client_secret": unquote(secret, errors="strict"),
            }
    except ValueError:
        pass
    raise LogInRefused("invalid_request", "the Authorization header is not of the scheme Basic")
