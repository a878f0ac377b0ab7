"""The routes by which people sign in and out: a cookie that no script can read, and who one is."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.access.sign_in import Refused, SignInDesk, TooSoon
from controller.api.cookies import Cookies
from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import NO_ACCOUNTS, REFUSALS, Doors, address_of, comes_from_here
from controller.api.posted import read_posted

Given = Annotated[str, msgspec.Meta(max_length=1000)]


class SignInOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who wants in."""

    name: Given
    password: Given
    code: Given | None = None
    """of the second factor, where the account has one"""

    def __repr__(self) -> str:
        return "SignInOrder(...)"


class WhoBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, and what they may do."""

    name: str | None
    may: tuple[str, ...]
    feeders: tuple[str, ...] | None
    """null: all"""
    second_factor: bool | None = None
    """at signing in: whether the account has one"""


def session_routes(desk: SignInDesk, gate: Doors, cookies: Cookies) -> APIRouter:
    """Sign in, look, sign out."""
    router = APIRouter(prefix="/api/v1/session", tags=["access"])

    @router.post("", **_SIGN_IN)
    async def sign_in(request: Request) -> Response:
        """Sign in; the session is in a cookie from then on."""
        if "origin" in request.headers and not comes_from_here(request):
            raise HTTPException(403, "expected a page of this controller")
        order = await read_posted(request, SignInOrder)
        try:
            signed_in = await desk.sign_in(order.name, order.password, order.code, address_of(request))
        except Refused as error:
            raise HTTPException(401, "name, password or code is not right") from error
        except TooSoon as error:
            wait = {"retry-after": str(max(1, round(error.wait_s)))}
            raise HTTPException(429, "too many tries; wait a little", wait) from error
        response = json_response(_body(signed_in.principal, signed_in.has_second_factor))
        cookies.begin_session(request, response, signed_in.secret)
        return response

    @router.get("", response_model=None, responses={200: _WHO, **REFUSALS})
    async def who(request: Request) -> Response:
        """Who one is, by session or token."""
        return json_response(_body(await gate.known(request)))

    @router.delete("", **_SIGN_OUT)
    async def sign_out(request: Request) -> Response:
        """The session is over; also where there was none."""
        secret = request.cookies.get(cookies.session)
        if secret is not None:
            if not comes_from_here(request):
                raise HTTPException(403, "expected an order from a page of this controller")
            await desk.sign_out(secret)
        response = Response(status_code=204)
        cookies.end_session(request, response)
        return response

    return router


def _body(principal: Principal, second_factor: bool | None = None) -> WhoBody:
    feeders = None if principal.feeders is None else tuple(sorted(principal.feeders))
    return WhoBody(
        name=principal.name, may=tuple(sorted(principal.may)), feeders=feeders, second_factor=second_factor
    )


_WHO: dict[str, Any] = json_answer(WhoBody)
_SIGN_IN: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: _WHO,
        401: {"description": "name, password or code is not right"},
        403: {"description": "the order came from a page of somebody else's"},
        413: {"description": "the body is too large"},
        415: {"description": f"the body is not {JSON}"},
        422: {"description": "the order is malformed"},
        429: {"description": "too many tries: see Retry-After"},
        503: NO_ACCOUNTS,
    },
    "openapi_extra": {"security": [], **json_posted(SignInOrder)},
}
_SIGN_OUT: dict[str, Any] = {
    "status_code": 204,
    "response_model": None,
    "responses": {403: {"description": "the order came from a page of somebody else's"}, 503: NO_ACCOUNTS},
}
