"""The route that says who makes one element's value what it is."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import json_response
from controller.api.problems import no_such_feeder
from controller.api.scope import sees_customers
from controller.views import ContributionsView, LiveViews
from devices.ports import Clock
from grid_model.errors import UnknownElement

WITHIN_S = 5.0
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "there is no such feeder"},
    503: {"description": "nobody can tell now: no cycle yet, no load flow solution, or it took too long"},
}


def contributions_routes(views: LiveViews, clock: Clock) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/api/v1", tags=["feeders"])

    @router.get("/feeders/{feeder}/contributions", response_model=ContributionsView, responses=_ANSWERS)
    async def contributions(
        feeder: str, request: Request, element: Annotated[str, Query(max_length=100, examples=["line:3"])]
    ) -> Response:
        """Who makes up a loading or voltage, violated or not, as of the latest cycle. Whose a service point
        is, is told as in the layout.
        """
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        try:
            async with clock.timeout(WITHIN_S):
                found = await views.contributions(feeder, element)
        except UnknownElement as error:
            raise HTTPException(422, str(error)) from error
        except TimeoutError:
            found = None
        if found is None:
            detail = f"nobody can tell now who makes up {element!r}"
            raise HTTPException(503, detail, {"retry-after": "5"})
        return json_response(found if sees_customers(request, feeder) else _unnamed(found))

    return router


def _unnamed(found: ContributionsView) -> ContributionsView:
    causes, relief = (
        tuple(replace(one, customer=None) for one in part) for part in (found.causes, found.relief)
    )
    return replace(found, causes=causes, relief=relief)
