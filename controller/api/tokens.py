"""The routes of API tokens: what programs show. Only who may look after accounts makes or voids them."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.access.accounts import Token
from controller.access.roles import Permission
from controller.access.sign_in import SignInDesk
from controller.access.tokens import TokenRejected
from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, Gate
from controller.api.posted import read_posted


class TokenOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a new token is for."""

    name: str
    """of the program: in the journal it acts as `token:` and this"""
    may: tuple[Permission, ...]
    days: Annotated[float, msgspec.Meta(gt=0, le=400)]
    feeders: tuple[str, ...] | None = None
    """null: all"""


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """A token; its secret is told when it is made, and never again."""

    token: str
    name: str
    may: tuple[str, ...]
    feeders: tuple[str, ...] | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    secret: str | None = None


class TokensBody(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    tokens: tuple[TokenBody, ...]


def token_routes(desk: SignInDesk, gate: Gate) -> APIRouter:
    """Make, list, void."""
    router = APIRouter(prefix="/api/v1/tokens", tags=["access"], responses=REFUSALS)

    @router.post("", **_MAKE)
    async def make(request: Request) -> Response:
        """Make a token. What it may do is at most what its maker may."""
        by = await gate.admit(request, "accounts")
        order = await read_posted(request, TokenOrder)
        feeders = None if order.feeders is None else frozenset(order.feeders)
        try:
            made, secret = await desk.make_token(
                by, order.name, frozenset(order.may), feeders, timedelta(days=order.days)
            )
        except TokenRejected as error:
            raise HTTPException(422, str(error)) from error
        return json_response(_body(made, secret), 201)

    @router.get("", responses={200: json_answer(TokensBody)})
    async def listed(request: Request) -> Response:
        """All tokens, the newest first, without their secrets."""
        await gate.admit(request, "accounts")
        return json_response(TokensBody(tokens=tuple(map(_body, await desk.tokens()))))

    @router.delete("/{token}", status_code=204, responses={404: {"description": "there is no such token"}})
    async def void(token: str, request: Request) -> Response:
        """Make a token void at once."""
        by = await gate.admit(request, "accounts")
        if not await desk.remove_token(by, token):
            raise HTTPException(404, f"there is no token {token!r}")
        return Response(status_code=204)

    return router


def _body(token: Token, secret: str | None = None) -> TokenBody:
    return TokenBody(
        token=token.token,
        name=token.name,
        may=tuple(sorted(token.may)),
        feeders=None if token.feeders is None else tuple(sorted(token.feeders)),
        made_by=token.made_by,
        made_at=token.made_at,
        expires_at=token.expires_at,
        secret=secret,
    )


_MAKE: dict[str, Any] = {
    "status_code": 201,
    "responses": {
        201: json_answer(TokenBody),
        413: {"description": "the body is too large"},
        415: {"description": f"the body is not {JSON}"},
        422: {"description": "the order is malformed, or more than its maker may"},
        503: {"description": "the accounts cannot be written now, so nothing was done"},
    },
    "openapi_extra": json_posted(TokenOrder),
}
