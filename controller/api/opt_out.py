"""The routes by which people get no more messages: a page behind the link in each, the one click of a mail
program (RFC 8058), "STOP" as an SMS gateway hands it on, and one for operators.

Looking at the page changes nothing. A wrong link gets the same page whatever is wrong with it, and a right
one the same whether or not anybody is held: nobody learns who is a customer.
"""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, Gate, acting
from controller.api.people import html_page, wrong_link_page
from controller.api.people_page import opt_out_question, sentence
from controller.api.posted import Words, read_posted
from controller.people.opt_out_desk import OptOutDesk
from customers.errors import ContactsUnavailable
from customers.opt_out_links import PATH
from devices.ports import Clock


class StopOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From whom "STOP" came, as the gateway names the sender."""

    phone: Words
    who: Words | None = None
    """needed with the operator token"""


class OptOutOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who enters it, and why: both are kept, so no names of customers."""

    why: Words
    who: Words | None = None
    """needed with the operator token"""


class OptOutNoted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    noted: bool
    """False: nobody has that phone number, or they said so before"""


def opt_out_routes(desk: OptOutDesk, gate: Gate, clock: Clock) -> APIRouter:
    """All of them. `clock` is real time."""
    router = APIRouter()
    refused = wrong_link_page(clock)

    @router.get(PATH, include_in_schema=False)
    async def ask(request: Request) -> Response:
        token = request.query_params.get("t", "")
        return html_page(opt_out_question(token)) if desk.is_ours(token) else refused(request)

    @router.post(PATH, include_in_schema=False)
    async def take(request: Request) -> Response:
        """The page's button and a mail program's one click: the token stands in the address, and the body
        does not matter.
        """
        try:
            noted = await desk.by_token(request.query_params.get("t", ""))
        except ContactsUnavailable:
            return html_page(sentence("busy"), 503)
        return html_page(sentence("opted_out")) if noted else refused(request)

    @router.post("/api/v1/notices/stop", **_documented(StopOrder))
    async def stop(request: Request) -> Response:
        """Note that who wrote "STOP" from this phone wants no more messages."""
        await gate.admit(request, "answer")
        order = await read_posted(request, StopOrder)
        try:
            noted = await desk.by_phone(order.phone, acting(request, order.who))
        except ContactsUnavailable as error:
            raise _unavailable() from error
        return json_response(OptOutNoted(noted=noted))

    @router.post("/api/v1/customers/{customer}/opt-out", **_documented(OptOutOrder))
    async def opt_out(customer: str, request: Request) -> Response:
        """Note for a customer that they want no more messages."""
        await gate.admit(request, "answer")
        order = await read_posted(request, OptOutOrder)
        try:
            noted = await desk.by_operator(customer, acting(request, order.who), order.why)
        except ContactsUnavailable as error:
            raise _unavailable() from error
        return json_response(OptOutNoted(noted=noted))

    return router


def _unavailable() -> HTTPException:
    return HTTPException(503, "the contacts cannot be written now: ask again", {"retry-after": "5"})


def _documented(order: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "tags": ["contacts"],
        "responses": {
            200: json_answer(OptOutNoted),
            **REFUSALS,
            413: {"description": "the body is too large"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the order is malformed"},
            503: {"description": "the contacts cannot be written now: ask again"},
        },
        "openapi_extra": json_posted(order),
    }
