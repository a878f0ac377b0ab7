"""An operator's actions: who may, and what a well-formed action is. Carrying it out is the daemon's.

Whoever knows the operator token may act; `who` and `why` go into the journal with the action.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_response, struct_schema
from controller.api.posted import Words, read_posted
from controller.api.problems import no_such_feeder
from controller.entries import OperatorActed, OperatorAction
from controller.stores.port import StoreUnavailable
from controller.views import LiveViews

MIN_TOKEN_LENGTH = 16


class OperatorOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator wants done, who it is, and why."""

    action: OperatorAction
    who: Words
    why: Words
    target: Words | None = None
    """a device, a customer (who stands for their devices too) or a request"""


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """The secret that operators show, or why there is none."""

    token: bytes | None
    missing: str = ""

    @classmethod
    def from_file(cls, path: Path | None) -> "OperatorKey":
        """Read the token; white space around it does not count."""
        if path is None:
            return cls(
                None, "this controller is read-only: set `operator_token_file` under [api] in the site file"
            )
        try:
            token = path.read_bytes().strip()
        except OSError as error:
            return cls(None, f"the operator token file cannot be read ({error.strerror}): operating is off")
        if len(token) < MIN_TOKEN_LENGTH:
            return cls(
                None, f"the operator token must have {MIN_TOKEN_LENGTH} characters or more: operating is off"
            )
        return cls(token)

    def check(self, authorization: str | None) -> None:
        """Raise 403 when nobody may operate, 401 when this caller did not show the token."""
        if self.token is None:
            raise HTTPException(403, self.missing)
        scheme, _, shown = (authorization or "").partition(" ")
        # compare_digest takes as long for a wrong first character as for a wrong last one
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self.token):
            detail = "expected `Authorization: Bearer TOKEN` with this site's operator token"
            raise HTTPException(401, detail, {"www-authenticate": "Bearer"})


def operate_routes(views: LiveViews, key: OperatorKey) -> APIRouter:
    """The route of operator actions."""
    router = APIRouter(prefix="/api/v1", tags=["operate"])

    @router.post(
        "/feeders/{feeder}/operate",
        responses={
            200: {"content": {JSON: {"schema": struct_schema(OperatorActed)}}},
            401: {"description": "the operator token was not shown"},
            403: {"description": "this controller is read-only"},
            422: {"description": "the order is malformed or cannot be carried out"},
        },
        openapi_extra={
            "requestBody": {"required": True, "content": {JSON: {"schema": struct_schema(OperatorOrder)}}},
            "security": [{"operator": []}],
        },
    )
    async def operate(feeder: str, request: Request) -> Response:
        """Carry an operator's action out, ahead of all automatic; answers with its journal entry."""
        key.check(request.headers.get("authorization"))
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        order = await read_posted(request, OperatorOrder)
        try:
            entry = await views.operate(feeder, order.action, order.target, order.who, order.why)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        except StoreUnavailable as error:
            raise HTTPException(
                503, "the journal cannot be written, so nothing was done", {"retry-after": "5"}
            ) from error
        return json_response(entry)

    return router
