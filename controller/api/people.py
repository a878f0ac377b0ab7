"""The routes by which people answer notices: a page behind the link of a message, and one for programs.

Looking at the page changes nothing, because programs look at links as well; only its button does. A wrong
link gets the same page whatever is wrong with it, so nobody learns which requests or customers there are.
Taking the answer is the desk's subject.
"""

from collections.abc import Callable
from typing import Any, assert_never
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, Gate, note
from controller.api.people_page import POLICY, Sentence, question, sentence
from controller.api.posted import MAX_BODY_BYTES, read_body, read_posted
from controller.api.wrong_tokens import WrongTokens
from controller.people.people_desk import NoNotice, Noted, PeopleDesk, TooLate
from controller.stores.port import StoreUnavailable
from customers.consent_links import Choice
from devices.ports import Clock

FORM = "application/x-www-form-urlencoded"


class NoticeAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether the customer takes part."""

    answer: Choice


class AnswerNoted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the request by the answer."""

    request: str
    customer: str
    answer: Choice
    state: str
    again: bool
    """the same answer was given before: nothing changed"""


def people_routes(desk: PeopleDesk, gate: Gate, clock: Clock) -> APIRouter:
    """The pages for people, and the answer by API. `clock` is real time."""
    router = APIRouter()
    refused = wrong_link_page(clock)

    @router.get("/people/answer", include_in_schema=False)
    async def ask(request: Request) -> Response:
        token = request.query_params.get("t", "")
        try:
            invitation = await desk.look(token)
        except StoreUnavailable:
            return html_page(sentence("busy"), 503)
        return refused(request) if invitation is None else html_page(question(invitation, token))

    @router.post("/people/answer", include_in_schema=False)
    async def take(request: Request) -> Response:
        token = await _token(request)
        invitation = None
        try:
            invitation = await desk.look(token)
            if invitation is None:
                return refused(request)
            outcome = await desk.answer_by_token(token)
        except StoreUnavailable:
            language = () if invitation is None else (invitation.language,)
            return html_page(sentence("busy", *language), 503)
        return html_page(sentence(_told(outcome), invitation.language))

    @router.post("/api/v1/notices/{request_id}/answer", **_DOCUMENTED)
    async def answer(request_id: str, request: Request) -> Response:
        """Note for a customer whether they take part in what a notice asks."""
        await _admit_to(request, gate, desk, request_id)
        chosen = await read_posted(request, NoticeAnswer)
        try:
            outcome = await desk.answer(request_id, chosen.answer, "api")
        except StoreUnavailable as error:
            detail = "the journal cannot be written, so nothing was done"
            raise HTTPException(503, detail, {"retry-after": "5"}) from error
        note(request, "notice_answer", notice=request_id, answer=chosen.answer)
        return _answered(request_id, outcome)

    return router


async def _admit_to(request: Request, gate: Gate, desk: PeopleDesk, request_id: str) -> None:
    """Whoever may answer on some feeders only, only there. Raises 401 or 403."""
    principal = await gate.admit_somewhere(request, "answer")
    if principal.feeders is not None:
        feeder = await desk.feeder_of(request_id)
        if feeder is not None:
            await gate.admit(request, "answer", feeder)


_DOCUMENTED: dict[str, Any] = {
    "tags": ["people"],
    "responses": {
        200: json_answer(AnswerNoted),
        **REFUSALS,
        404: {"description": "there is no such notice"},
        409: {"description": "the request is over, or has begun without a yes: nothing changes any more"},
        413: {"description": f"the body is larger than {MAX_BODY_BYTES} bytes"},
        415: {"description": f"the body is not {JSON}"},
        422: {"description": "the answer is malformed"},
        503: {"description": "the journal cannot be written, so nothing was done"},
    },
    "openapi_extra": json_posted(NoticeAnswer),
}


def _answered(request_id: str, outcome: Noted | TooLate | NoNotice) -> Response:
    match outcome:
        case Noted(record, answer, again):
            return json_response(
                AnswerNoted(
                    request=record.request,
                    customer=record.planned.customer,
                    answer=answer,
                    state=record.state,
                    again=again,
                )
            )
        case TooLate(record):
            if record is not None and record.is_open:
                raise HTTPException(409, f"request {request_id} has begun: it is too late for a yes")
            state = "" if record is None else f" ({record.state})"
            raise HTTPException(409, f"request {request_id} is over{state}: an answer changes nothing")
        case NoNotice():
            raise HTTPException(404, f"there is no notice {request_id!r}")
        case _:
            assert_never(outcome)


def _told(outcome: Noted | TooLate | NoNotice) -> Sentence:
    match outcome:
        case Noted(_, answer, _):
            return "noted_no" if answer == "opted_out" else "noted_yes"
        case TooLate(record):
            return "begun" if record is not None and record.is_open else "late"
        case NoNotice():
            return "late"
        case _:
            assert_never(outcome)


async def _token(request: Request) -> str:
    """Of the posted form; empty when there is none. Raises 413."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return ""
    body = await read_body(request)
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("t", [""])[0]
    except ValueError:
        return ""


def wrong_link_page(clock: Clock) -> Callable[[Request], Response]:
    """What everybody with a wrong link gets; who shows too many gets less and less of our work."""
    wrong = WrongTokens()

    def refused(request: Request) -> Response:
        caller = "" if request.client is None else request.client.host
        if wrong.too_many(caller, clock.monotonic()):
            return html_page(sentence("too_many"), 429)
        return html_page(sentence("wrong"), 404)

    return refused


def html_page(page: str, status: int = 200) -> Response:
    """A page for people, which loads nothing and is kept nowhere."""
    headers = {"content-security-policy": POLICY, "cache-control": "no-store"}
    return Response(page, status, headers, "text/html; charset=utf-8")
