"""Who is let in at a route, and as whom they act there.

Three ways: a session's cookie, an API token, the site's operator token. A cookie comes along by itself, also
with what another site's page sends, so what changes something must come from a page of ours (OWASP ASVS 5.0,
3.5.1); tokens have no such trouble. Who is turned away stands in the log.
"""

from collections.abc import Callable
from typing import Any, Protocol

import structlog
from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.accounts import TOKEN_PREFIX
from controller.access.principal import KEY_HOLDER, Principal
from controller.access.roles import Permission
from controller.access.sign_in import SignInDesk
from controller.api.cookies import Cookies
from controller.api.operator_key import OperatorKey

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_ACCOUNTS = {"description": "the accounts cannot be read or written now, so nothing was done"}
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "nobody is signed in, and no token was shown"},
    403: {"description": "this is not for who was shown, or this controller is read-only"},
    503: NO_ACCOUNTS,
}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
"""either, by the names of `openapi_document.py`"""
UNATTENDED = "x-gridward-unattended"
"""header of a page that nobody has touched lately: what it asks by itself keeps no session from idling"""
STREAM = "/api/v1/stream"
_ASK_FOR_TOKEN = {"www-authenticate": "Bearer"}
log = structlog.get_logger("access")


class Gate(Protocol):
    """What routes need of it."""

    async def admit(self, request: Request, permission: Permission, feeder: str | None = None) -> Principal:
        """Who it is, noted in the request. Without `feeder` it is what is no one feeder's, which takes
        somebody for all of them. Raises 401 or 403; AccountsUnavailable, which is 503.
        """
        ...

    async def admit_somewhere(self, request: Request, permission: Permission) -> Principal:
        """The same where the feeder is not known yet: `admit` is to be asked again with it."""
        ...


class Doors:
    """All ways in."""

    def __init__(
        self, key: OperatorKey, desk: SignInDesk | None = None, cookies: Cookies | None = None
    ) -> None:
        self._key, self._desk, self._cookies = key, desk, cookies or Cookies()

    async def admit(self, request: Request, permission: Permission, feeder: str | None = None) -> Principal:
        """See `Gate`."""
        principal = await self._known(request, permission, feeder)
        if not principal.is_allowed(permission, feeder):
            where = "on all feeders" if feeder is None else f"on {feeder!r}"
            told = f"expected somebody who may {permission!r} {where}; {principal.name} may not"
            raise _refused(HTTPException(403, told), request, permission, feeder, principal)
        request.state.principal = principal
        return principal

    async def admit_somewhere(self, request: Request, permission: Permission) -> Principal:
        """See `Gate`."""
        principal = await self._known(request, permission, None)
        if not principal.is_allowed_somewhere(permission):
            told = f"expected somebody who may {permission!r}; {principal.name} may not"
            raise _refused(HTTPException(403, told), request, permission, None, principal)
        request.state.principal = principal
        return principal

    async def _known(self, request: Request, permission: Permission, feeder: str | None) -> Principal:
        try:
            return await self.known(request)
        except HTTPException as refusal:
            raise _refused(refusal, request, permission, feeder, None) from None

    async def still_may(self, request: Request, holds: Callable[[Principal], bool]) -> bool:
        """Whether what `holds` asks of who was let in some time ago is so now. No use of a session, and
        nothing in the log. Raises AccountsUnavailable.
        """
        try:
            principal = await self._found(request, is_use=False)
        except HTTPException:
            return False
        return holds(principal)

    async def known(self, request: Request) -> Principal:
        """Who it is, whatever they may do. Raises 401 or 403; AccountsUnavailable.

        No use of a session is what a page asks that nobody touches, nor a stream: it opens itself again.
        """
        is_use = request.headers.get(UNATTENDED) != "1" and request.url.path != STREAM
        return await self._found(request, is_use=is_use)

    async def _found(self, request: Request, *, is_use: bool) -> Principal:
        authorization = request.headers.get("authorization", "")
        if self._desk is None:
            self._key.check(authorization)
            return KEY_HOLDER
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() == "bearer":  # any other is for somebody on the way, such as a proxy
            return await self._by_token(self._desk, authorization, shown.strip())
        secret = request.cookies.get(self._cookies.session)
        principal = None if secret is None else await self._desk.by_session(secret, is_use=is_use)
        if principal is None:
            raise HTTPException(401, "expected a session or a token", _ASK_FOR_TOKEN)
        if request.method not in SAFE_METHODS and not comes_from_here(request):
            raise HTTPException(403, "expected an order from a page of this controller")
        return principal

    async def _by_token(self, desk: SignInDesk, authorization: str, shown: str) -> Principal:
        if shown.startswith(TOKEN_PREFIX):
            principal = await desk.by_token(shown)
            if principal is not None:
                return principal
        if shown.startswith(TOKEN_PREFIX) or self._key.token is None:
            raise HTTPException(401, "this token is void", _ASK_FOR_TOKEN)
        self._key.check(authorization)
        return KEY_HOLDER


def _refused(
    refusal: HTTPException,
    request: Request,
    permission: Permission,
    feeder: str | None,
    principal: Principal | None,
) -> HTTPException:
    log.warning(
        "refused",
        status=refusal.status_code,
        name=None if principal is None else principal.name,
        permission=permission,
        feeder=feeder,
        address=address_of(request),
    )
    return refusal


def feeders_of(request: Request) -> frozenset[str] | None:
    """Of whoever was let in to look; None: all, also where nobody has to say who they are."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return None if principal is None else principal.feeders


def address_of(request: Request) -> str:
    """Where it comes from."""
    return "" if request.client is None else request.client.host


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


def note(request: Request, what: str, **more: object) -> None:
    """Log what was ordered by whom, where the journal's entry has no place for a name."""
    principal: Principal = request.state.principal
    log.info(what, by=principal.name or "operator token", **more)
