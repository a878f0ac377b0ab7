"""The route that says what orders would do. It changes nothing, but it costs load flows: so somebody has to
be signed in, or show a token, also where everybody may look.
"""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_posted, json_response
from controller.api.gate import REFUSALS, Gate
from controller.api.posted import as_utc, read_posted
from controller.api.problems import no_such_feeder
from controller.api.scope import sees_customers
from controller.api.unnamed import unnamed_effect
from controller.api.what_if_bodies import EXAMPLE, OrderToTry, WhatIfBody
from controller.order_effects import NotNow, ProposedOrder, WhatIf
from controller.views import LiveViews

MOST_BYTES = 64 * 1024
"""some hundred targets with long names"""
RETRY_AFTER_S = 2


def what_if_routes(views: LiveViews, gate: Gate) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/api/v1", tags=["operate"])

    @router.post(
        "/feeders/{feeder}/what-if",
        response_model=WhatIf,
        responses={
            **REFUSALS,
            404: {"description": "there is no such feeder"},
            413: {"description": f"the body is larger than {MOST_BYTES} bytes"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the orders are malformed or name what is not there"},
            503: {"description": "no answer now: no cycle has run yet, or too many ask"},
        },
        openapi_extra=json_posted(WhatIfBody, EXAMPLE),
    )
    async def what_if(feeder: str, request: Request) -> Response:
        """What these orders together would do, by load flow on the latest snapshot. Changes nothing. Who may
        not see customers is told how many are affected, not whom, and nothing of single devices.
        """
        await gate.admit(request, "look", feeder)
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        body = await read_posted(request, WhatIfBody, MOST_BYTES)
        orders = [_proposed(order, f"orders[{place}].until") for place, order in enumerate(body.orders)]
        try:
            found = await views.what_if(feeder, *orders)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        except NotNow as error:
            raise HTTPException(503, str(error), {"retry-after": str(RETRY_AFTER_S)}) from error
        told = found if body.columns else replace(found, columns_after=None)
        return json_response(told if sees_customers(request, feeder) else unnamed_effect(told))

    return router


def _proposed(order: OrderToTry, field: str) -> ProposedOrder:
    until = None if order.until is None else as_utc(order.until, field)
    return ProposedOrder(order.action, order.target, order.targets, order.limit_kw, until, order.direction)
