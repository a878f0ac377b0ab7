"""An operator's actions: who may, and what a well-formed action is. Carrying it out is the daemon's.

`who` and `why` go into the journal with the action.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response

from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, Gate
from controller.api.giver import giver_of
from controller.api.order_bodies import MOST_ORDER_BYTES, Kilowatts, Targets
from controller.api.posted import Words, as_utc, read_posted
from controller.api.problems import no_such_feeder
from controller.api.refused_orders import done
from controller.entries import OperatorActed, OperatorAction
from controller.orders.giving import Giver
from controller.orders.order_desk import OrderDesk
from controller.views import LiveViews
from devices.messages import Direction


class OperatorOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator wants done, who it is, and why."""

    action: OperatorAction
    why: Words
    who: Words | None = None
    """needed with the operator token, which names nobody"""
    target: Words | None = None
    """a device, a customer (who stands for their devices too) or a request"""
    targets: Targets = ()
    """several of them, for `limit`"""
    limit_kw: Kilowatts | None = None
    """for `limit`: what each device may take, or feed in, at most; no device goes below its floor"""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """for `limit`: its end; without it as long as the site's requests last"""
    direction: Direction = "consumption"
    """for `limit`: what it bounds; `production`: what inverters feed in"""


def operate_routes(views: LiveViews, gate: Gate, orders: OrderDesk | None = None) -> APIRouter:
    """The route of operator actions. `orders` keeps what needs two persons from being done by one."""
    router = APIRouter(prefix="/api/v1", tags=["operate"])

    @router.post(
        "/feeders/{feeder}/operate",
        responses={
            200: json_answer(OperatorActed),
            **REFUSALS,
            404: {"description": "there is no such feeder"},
            409: {"description": "an emergency stop holds there, or it takes two steps"},
            413: {"description": f"the body is larger than {MOST_ORDER_BYTES} bytes"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the order is malformed or cannot be carried out"},
            503: {"description": "the journal cannot be written, so nothing was done"},
        },
        openapi_extra=json_posted(OperatorOrder),
    )
    async def operate(feeder: str, request: Request) -> Response:
        """Carry an operator's action out, ahead of all automatic; answers with its journal entry."""
        await gate.admit(request, "operate", feeder)
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        order = await read_posted(request, OperatorOrder, MOST_ORDER_BYTES)
        giver = giver_of(request, order.who)
        more = _more(order, giver, orders)
        acted = views.operate(feeder, order.action, order.target, giver.who, order.why, **more)
        return json_response(await done(acted))

    return router


def _more(order: OperatorOrder, giver: Giver, orders: OrderDesk | None) -> dict[str, Any]:
    """What only some orders have."""
    more: dict[str, Any] = {}
    if order.limit_kw is not None or order.until is not None or order.targets:
        until = None if order.until is None else as_utc(order.until, "until")
        more = {
            "limit_kw": order.limit_kw,
            "until": until,
            "targets": order.targets,
            "direction": order.direction,
        }
    return more if orders is None else more | {"warrant": orders.direct(giver)}
