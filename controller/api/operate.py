"""An operator's actions: who may, and what a well-formed action is. Carrying it out is the daemon's.

`who` and `why` go into the journal with the action.
"""

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_response, struct_schema
from controller.api.gate import REFUSALS, Gate, acting
from controller.api.posted import MAX_BODY_BYTES, Words, read_posted
from controller.api.problems import no_such_feeder
from controller.entries import OperatorActed, OperatorAction
from controller.stores.port import StoreUnavailable
from controller.views import LiveViews


class OperatorOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator wants done, who it is, and why."""

    action: OperatorAction
    why: Words
    who: Words | None = None
    """needed with the operator token, which names nobody"""
    target: Words | None = None
    """a device, a customer (who stands for their devices too) or a request"""


def operate_routes(views: LiveViews, gate: Gate) -> APIRouter:
    """The route of operator actions."""
    router = APIRouter(prefix="/api/v1", tags=["operate"])

    @router.post(
        "/feeders/{feeder}/operate",
        responses={
            200: {"content": {JSON: {"schema": struct_schema(OperatorActed)}}},
            **REFUSALS,
            404: {"description": "there is no such feeder"},
            413: {"description": f"the body is larger than {MAX_BODY_BYTES} bytes"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the order is malformed or cannot be carried out"},
            503: {"description": "the journal cannot be written, so nothing was done"},
        },
        openapi_extra={
            "requestBody": {"required": True, "content": {JSON: {"schema": struct_schema(OperatorOrder)}}},
        },
    )
    async def operate(feeder: str, request: Request) -> Response:
        """Carry an operator's action out, ahead of all automatic; answers with its journal entry."""
        await gate.admit(request, "operate", feeder)
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        order = await read_posted(request, OperatorOrder)
        who = acting(request, order.who)
        try:
            entry = await views.operate(feeder, order.action, order.target, who, order.why)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        except StoreUnavailable as error:
            raise HTTPException(
                503, "the journal cannot be written, so nothing was done", {"retry-after": "5"}
            ) from error
        return json_response(entry)

    return router
