"""Who is let in at a route, and as whom they act there.

Three ways: a session's cookie, an API token, the site's operator token. A cookie comes along by itself, also
with what another site's page sends, so what changes something must come from a page of ours (OWASP ASVS 5.0,
3.5.1); tokens have no such trouble.
"""

from typing import Any, Protocol

from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.accounts import TOKEN_PREFIX
from controller.access.principal import KEY_HOLDER, Principal
from controller.access.roles import Permission
from controller.access.sign_in import SignInDesk
from controller.api.operator_key import OperatorKey

COOKIE = "gridward_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "nobody is signed in, and no token was shown"},
    403: {"description": "this is not for who was shown, or this controller is read-only"},
}


class Gate(Protocol):
    """What routes need of it."""

    async def admit(self, request: Request, permission: Permission, feeder: str | None = None) -> Principal:
        """Who it is, noted in the request. Raises 401 or 403; AccountsUnavailable, which is 503."""
        ...


class Doors:
    """All ways in."""

    def __init__(self, key: OperatorKey, desk: SignInDesk | None = None) -> None:
        self._key, self._desk = key, desk

    async def admit(self, request: Request, permission: Permission, feeder: str | None = None) -> Principal:
        """See `Gate`."""
        principal = await self.known(request)
        if not principal.is_allowed(permission, feeder):
            raise HTTPException(
                403, f"expected somebody who may {permission!r} here; {principal.name} may not"
            )
        request.state.principal = principal
        return principal

    async def known(self, request: Request) -> Principal:
        """Who it is, whatever they may do. Raises 401 or 403; AccountsUnavailable."""
        authorization = request.headers.get("authorization")
        if self._desk is None:
            self._key.check(authorization)
            return KEY_HOLDER
        if authorization is not None:
            return await self._by_header(self._desk, authorization)
        secret = request.cookies.get(COOKIE)
        principal = None if secret is None else await self._desk.by_session(secret)
        if principal is None:
            raise HTTPException(401, "expected a session or a token", {"www-authenticate": "Bearer"})
        if request.method not in SAFE_METHODS and not comes_from_here(request):
            raise HTTPException(403, "expected an order from a page of this controller")
        return principal

    async def _by_header(self, desk: SignInDesk, authorization: str) -> Principal:
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() == "bearer" and shown.strip().startswith(TOKEN_PREFIX):
            principal = await desk.by_token(shown.strip())
            if principal is None:
                raise HTTPException(401, "this token is void", {"www-authenticate": "Bearer"})
            return principal
        self._key.check(authorization)
        return KEY_HOLDER


def comes_from_here(request: Request) -> bool:
    """Whether a browser says that its request comes from our own page."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] == request.headers.get("host")


def acting(request: Request, said: str | None) -> str:
    """The name that the journal gets: of who was let in, or what whoever shows the operator token says.

    Raises 422 when nobody is named, or somebody else.
    """
    principal: Principal = request.state.principal
    if principal.name is None:
        if said is None:
            raise HTTPException(422, "who: expected who orders it, because the operator token names nobody")
        return said
    if said is not None and said != principal.name:
        raise HTTPException(
            422, f"who: expected {principal.name!r}, who is signed in, or nothing; got {said!r}"
        )
    return principal.name
