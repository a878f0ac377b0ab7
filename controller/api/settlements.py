"""The routes of settlements: late readings, disputes, and one settlement with its intervals.

None is for everybody, the reading ones neither: what a household used is nobody else's business. Deciding and
writing are the desk's subject.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.access.roles import Permission
from controller.api.encoding import json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, SAFE_METHODS, Gate, acting, note
from controller.api.posted import as_utc, read_posted
from controller.api.settlement_bodies import (
    DisputeBody,
    DisputeDecided,
    DisputeDecision,
    DisputeList,
    LateAnswer,
    LateBody,
    SettlementBody,
    body_of,
)
from controller.entries import DisputeOpened
from controller.proving.dispute_errors import NotPossible, ReadingsRejected, UnknownSettlement
from controller.proving.settlement_desk import Remedy, SettlementDesk
from controller.stores.port import LateReading, StoreUnavailable

LATE = "/readings/late"
MAX_LATE_BYTES = 16 * 2**20
MAX_DECISION_BYTES = 2**20
T = TypeVar("T")


def settlement_routes(desk: SettlementDesk, gate: Gate) -> APIRouter:
    """All of them."""

    async def may(request: Request) -> None:
        if request.method in SAFE_METHODS:
            await gate.admit_somewhere(request, "customers")
        else:
            await gate.admit_somewhere(request, _changing(request))

    router = APIRouter(
        prefix="/api/v1", tags=["settlements"], dependencies=[Depends(may)], responses=REFUSALS
    )
    _add_settlements(router, desk, gate)
    _add_disputes(router, desk, gate)
    return router


def _changing(request: Request) -> Permission:
    return "readings" if request.url.path.endswith(LATE) else "disputes"


async def _admit_to(
    request: Request, gate: Gate, desk: SettlementDesk, permission: Permission, asked: str
) -> None:
    """Whoever may act on some feeders only, only to requests of these. Raises 403, 404 or 409."""
    principal: Principal = request.state.principal
    if principal.feeders is not None:  # for all others the journal is read once only
        told = await _done(desk.settlement(asked))
        await gate.admit(request, permission, told.record.planned.feeder)


def _add_settlements(router: APIRouter, desk: SettlementDesk, gate: Gate) -> None:
    @router.get("/requests/{request_id}/settlement", **_documented(None, SettlementBody))
    async def settlement(request_id: str, request: Request) -> Response:
        """What a request came to, by interval, with its corrections and disputes."""
        told = await _done(desk.settlement(request_id))
        await gate.admit(request, "customers", told.record.planned.feeder)
        return json_response(body_of(told, desk.currency))

    @router.post(LATE, **_documented(LateBody, LateAnswer))
    async def late(request: Request) -> Response:
        """Keep readings that came late, and correct what they change; the same again changes nothing."""
        body = await read_posted(request, LateBody, MAX_LATE_BYTES)
        await gate.admit(request, "readings", body.feeder)
        readings = [
            LateReading(body.feeder, one.meter, as_utc(one.at, "at"), one.p_kw) for one in body.readings
        ]
        taken = await _done(desk.late_readings(body.feeder, readings))
        note(request, "late_readings", feeder=body.feeder, readings=taken.readings, new=taken.new)
        return json_response(taken)


def _add_disputes(router: APIRouter, desk: SettlementDesk, gate: Gate) -> None:
    @router.get("/disputes", responses={200: json_answer(DisputeList)})
    async def disputes(request: Request) -> Response:
        """Those that nobody has decided, oldest first; of all feeders."""
        await gate.admit(request, "customers")
        return json_response(DisputeList(disputes=desk.open_disputes()))

    @router.post("/disputes", **_documented(DisputeBody, DisputeOpened))
    async def open_dispute(request: Request) -> Response:
        """Note that somebody does not agree with a settlement; the same again is answered as the first."""
        body = await read_posted(request, DisputeBody)
        who = acting(request, body.who)
        await _admit_to(request, gate, desk, "disputes", body.request)
        return json_response(await _done(desk.open(body.request, body.reason, who)))

    @router.post("/disputes/{dispute}/decision", **_documented(DisputeDecision, DisputeDecided))
    async def decide(dispute: str, request: Request) -> Response:
        """Reject a dispute, or uphold it with another settlement; each is decided once."""
        body = await read_posted(request, DisputeDecision, MAX_DECISION_BYTES)
        who = acting(request, body.who)
        opened = next((one for one in desk.open_disputes() if one.dispute == dispute), None)
        if opened is not None:  # else the desk says that there is none
            await _admit_to(request, gate, desk, "disputes", opened.request)
        remedy = Remedy(
            readings=tuple((as_utc(one.at, "at"), one.p_kw) for one in body.readings),
            meter=body.meter,
            baseline=body.baseline,
            reduced_wh=body.reduced_wh,
        )
        if body.outcome == "rejected":
            if remedy != Remedy():
                raise HTTPException(
                    422, "a rejected dispute changes nothing; expected no readings or figures"
                )
            closed = await _done(desk.reject(dispute, who=who, why=body.why))
            return json_response(DisputeDecided(closed=closed, correction=None))
        closed, correction = await _done(desk.uphold(dispute, remedy, who=who, why=body.why))
        return json_response(DisputeDecided(closed=closed, correction=correction))


async def _done(asked: Awaitable[T]) -> T:
    """What the desk answers; its refusals as 404, 409 and 422, a store that is out of order as 503."""
    try:
        return await asked
    except UnknownSettlement as error:
        raise HTTPException(404, str(error)) from error
    except ReadingsRejected as error:
        raise HTTPException(422, str(error)) from error
    except NotPossible as error:
        raise HTTPException(409, str(error)) from error
    except StoreUnavailable as error:
        detail = "the journal cannot be written; the same again is safe"
        raise HTTPException(503, detail, {"retry-after": "5"}) from error


def _documented(posted: type[msgspec.Struct] | None, answered: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "responses": {
            200: json_answer(answered),
            404: {"description": "who or what it is about is not known"},
            409: {"description": "it cannot be done as things stand"},
            422: {"description": "the body is malformed, or its readings cannot be"},
            503: {"description": "the journal cannot be written"},
        },
        "openapi_extra": None if posted is None else json_posted(posted),
    }
