"""The route that erases a customer's name and addresses. Nothing of them can be read over the API."""

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, Gate, acting
from controller.api.posted import MAX_BODY_BYTES, Words, read_posted
from controller.people.contacts_desk import ContactsDesk, NothingHeld
from customers.errors import ContactsUnavailable


class EraseOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who erases, and why: both are kept, so no names of customers."""

    why: Words
    who: Words | None = None
    """needed with the operator token"""


class ErasedBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    customer: str
    erased: bool
    journaled: bool
    """False: the data are gone, and the journal is told when it can be written again"""


def contacts_routes(desk: ContactsDesk, gate: Gate) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/api/v1", tags=["contacts"])

    @router.post(
        "/customers/{customer}/erase-contacts",
        responses={
            200: json_answer(ErasedBody),
            **REFUSALS,
            404: {"description": "nothing is held of this customer"},
            413: {"description": f"the body is larger than {MAX_BODY_BYTES} bytes"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the order is malformed"},
            503: {"description": "the contacts cannot be written now: ask again, until it is done"},
        },
        openapi_extra=json_posted(EraseOrder),
    )
    async def erase(customer: str, request: Request) -> Response:
        """Erase a customer's contacts for good, and note it in the journal."""
        await gate.admit(request, "personal_data")
        order = await read_posted(request, EraseOrder)
        try:
            done = await desk.erase(customer, acting(request, order.who), order.why)
        except NothingHeld as error:
            raise HTTPException(404, str(error)) from error
        except ContactsUnavailable as error:
            told = "the contacts cannot be written now, and parts may be erased: ask again, until it is done"
            raise HTTPException(503, told, {"retry-after": "5"}) from error
        return json_response(ErasedBody(customer=done.customer, erased=True, journaled=done.journaled))

    return router
