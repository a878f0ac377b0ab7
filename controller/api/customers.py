"""The routes of customers and devices: found, shown, and who a customer is.

What a customer holds and was asked is for who may `customers` on that feeder. Who they are (name, address,
phone) is for `personal_data` alone: asked for by itself, with why, and noted with the customer each time.
The list of devices is for everybody who may look, of the feeders that are theirs. Whose a device is, and what
was asked of it and why, tells of a household: that takes who may `customers`, as does a search by a customer.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.api.encoding import json_response
from controller.api.gate import REFUSALS, Doors, Gate, acting
from controller.api.problems import no_such_feeder
from controller.api.scope import refuse_other, who_reads
from controller.directory.customer_desk import Asking, CustomerDesk
from controller.directory.device_desk import DeviceDesk, HealthSought
from controller.directory.directory import Feeders, UnknownSupply, WrongCursor
from controller.directory.directory_views import (
    ContactPage,
    CustomerPage,
    CustomersPage,
    DevicePage,
    DevicesPage,
)
from controller.in_turn import TooManyWaiting
from controller.views import LiveViews
from customers.errors import ContactsUnavailable

MOST_AT_ONCE = 100
SHORTEST_WHY = 3
SEARCHED = "a search in the console"
T = TypeVar("T")
Sought = Annotated[str, Query(max_length=100, description="a part of a number; without it all")]
Limit = Annotated[int, Query(ge=1, le=MOST_AT_ONCE)]
After = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]
OfFeeder = Annotated[str | None, Query(max_length=128)]
Why = Annotated[
    str,
    Query(
        min_length=3, max_length=200, pattern=r"^[^\x00]*$", description="is kept, so no names of customers"
    ),
]
Who = Annotated[
    str | None,
    Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="needed with the operator token"),
]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such customer or feeder"}}
_NO_DEVICE: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such device or feeder"}}
_NOT_THEIRS: dict[int | str, dict[str, Any]] = {403: {"description": "this feeder is not theirs"}}
_WRONG: dict[int | str, dict[str, Any]] = {
    422: {"description": "what was asked for cannot be, or who asks was not said"},
    503: {"description": "no answer in time, or no contacts now"},
}


def customer_routes(desk: CustomerDesk, gate: Gate, views: LiveViews) -> APIRouter:
    """The routes of customers."""
    router = APIRouter(prefix="/api/v1", tags=["customers"], responses={**REFUSALS, **_WRONG})

    @router.get("/customers", response_model=CustomersPage, responses=_UNKNOWN)
    async def customers(
        request: Request,
        *,
        q: Sought = "",
        feeder: OfFeeder = None,
        after: After = None,
        limit: Limit = 50,
        who: Who = None,
    ) -> Response:
        """Customers by a part of their number, or of their service point's, meter's or a device's. For who
        may see personal data on all feeders the search goes on in names, addresses and phone numbers; whom
        it shows by these is noted with them.
        """
        principal = await gate.admit_somewhere(request, "customers")
        feeders = await _feeders(request, gate, views, feeder, principal)
        asking, who = None, _said(who)
        if principal.is_allowed("personal_data") and (principal.name is not None or who is not None):
            asking = Asking(acting(request, who), SEARCHED)
        found = desk.customers(q.strip(), feeders=feeders, after=after, limit=limit, asking=asking)
        return json_response(await _done(found))

    @router.get("/customers/{customer}", response_model=CustomerPage, responses=_UNKNOWN)
    async def customer(customer: str, request: Request) -> Response:
        """All of a customer but who they are: where they are supplied, their devices, consent, requests,
        credits, and what was said to them and by them.
        """
        principal = await gate.admit_somewhere(request, "customers")
        return json_response(await _done(desk.customer(customer, feeders=principal.feeders)))

    @router.get("/customers/{customer}/contact", response_model=ContactPage, responses=_UNKNOWN)
    async def contact(customer: str, request: Request, why: Why, who: Who = None) -> Response:
        """Who a customer is, and who else looked. The look is noted with `why`, for the customer to see."""
        principal = await gate.admit_somewhere(request, "personal_data")
        if len(why.strip()) < SHORTEST_WHY:
            raise HTTPException(422, f"why: expected {SHORTEST_WHY} letters or more besides blanks")
        asking = Asking(acting(request, _said(who)), why.strip())
        page = await _done(desk.contact(customer, feeders=principal.feeders, asking=asking))
        if page is None:
            raise HTTPException(404, f"nothing is held of {customer!r}")
        return json_response(page)

    return router


def device_routes(desk: DeviceDesk, gate: Doors, views: LiveViews) -> APIRouter:
    """The routes of devices."""
    router = APIRouter(prefix="/api/v1", tags=["devices"], responses=_WRONG)

    @router.get("/devices", response_model=DevicesPage, responses=_NO_DEVICE | _NOT_THEIRS)
    async def devices(
        request: Request,
        *,
        q: Sought = "",
        feeder: OfFeeder = None,
        health: HealthSought | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Response:
        """Devices, those that need somebody first; with `q` those in whose name or service point it stands.
        Whose they are is told and sought only for who may see customers; by which request they are limited
        is told to them alone too.
        """
        principal = await who_reads(request, gate)
        feeders = None if principal is None else principal.feeders
        if feeder is not None:
            if views.network(feeder) is None:
                raise no_such_feeder(feeder)
            refuse_other(principal, feeder)
            feeders = frozenset({feeder})
        found = desk.devices(
            q.strip(),
            feeders=feeders,
            health=health,
            after=after,
            limit=limit,
            owners=principal is not None and principal.is_allowed_somewhere("customers"),
        )
        return json_response(await _done(found))

    @router.get("/devices/{device}", response_model=DevicePage, responses=REFUSALS | _NO_DEVICE | _WRONG)
    async def device(device: str, request: Request, feeder: OfFeeder = None) -> Response:
        """A device, what was asked of it lately and what came of it. For who may see customers."""
        principal = await gate.admit_somewhere(request, "customers")
        feeders = principal.feeders
        if feeder is not None:
            refuse_other(principal, feeder)
            feeders = frozenset({feeder})
        return json_response(await _done(desk.device(device, feeders=feeders)))

    return router


async def _feeders(
    request: Request, gate: Gate, views: LiveViews, feeder: str | None, principal: Principal
) -> Feeders:
    """Those whose customers may be told. Raises 403 or 404."""
    if feeder is None:
        return principal.feeders
    if views.network(feeder) is None:
        raise no_such_feeder(feeder)
    await gate.admit(request, "customers", feeder)
    return frozenset({feeder})


def _said(who: str | None) -> str | None:
    """The name that was said. Raises 422 for blanks, which name nobody."""
    if who is not None and not who.strip():
        raise HTTPException(422, "who: expected a name, got blanks")
    return None if who is None else who.strip()


async def _done(asked: Awaitable[T]) -> T:
    """What the desk answers; what it does not find as 404, a wrong cursor as 422, what takes too long as
    503.
    """
    try:
        return await asked
    except UnknownSupply as error:
        raise HTTPException(404, str(error)) from error
    except WrongCursor as error:
        raise HTTPException(422, str(error)) from error
    except ContactsUnavailable as error:
        raise HTTPException(503, "the contacts cannot be read now", {"retry-after": "5"}) from error
    except (TimeoutError, TooManyWaiting) as error:
        raise HTTPException(503, "no answer in time: ask again", {"retry-after": "5"}) from error
