"""The routes of the shift log: who is on shift, notes, hand-over, and the shifts before.

Whoever may look reads what is of their feeders or of none in particular, and has to be known: notes are words
of colleagues, and may tell of households. Whoever may operate on a feeder writes about it; what concerns all
feeders (handing over, what is pinned for all) takes somebody for all of them. Names come from the gate.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON, entity_tag, json_posted, json_response, tagged_response, to_json
from controller.api.gate import REFUSALS, Gate, acting
from controller.api.posted import read_posted
from controller.api.problems import no_such_feeder
from controller.api.shift_bodies import (
    HAND_OVER_EXAMPLE,
    MARK_EXAMPLE,
    MAX_HAND_OVER_BYTES,
    MAX_NOTE_BYTES,
    NOTE_EXAMPLE,
    HandOverOrder,
    MarkOrder,
    NoteBody,
    NoteOrder,
    PastShiftsBody,
    ShiftBody,
    ToldShiftBody,
    note_body,
    past_body,
    shift_body,
    told_body,
)
from controller.errors import RecordBroken
from controller.in_turn import TooManyWaiting
from controller.shifts.shift_desk import ShiftDesk, ShiftRefused, UnknownNote, UnknownShift
from controller.shifts.shift_told import ShiftSummary
from controller.stores.port import StoreUnavailable
from controller.views import LiveViews

T = TypeVar("T")
MOST_AT_ONCE = 100
_UNREAD: dict[int | str, dict[str, Any]] = {
    422: {"description": "what was asked for cannot be"},
    503: {"description": "the journal cannot be read now"},
}


MayTakeOver = Callable[[str], Awaitable[bool]]
"""whether somebody of this name has an account that is not disabled and may operate"""


def shift_reading_routes(desk: ShiftDesk, gate: Gate) -> APIRouter:
    """What can be looked at."""
    router = APIRouter(prefix="/api/v1", tags=["shifts"], responses=REFUSALS | _UNREAD)

    @router.get("/shift", response_model=ShiftBody)
    async def present(request: Request) -> Response:
        """The present shift: since when, whose, its notes, and what stands now. Comes with an ETag."""
        principal = await gate.admit_somewhere(request, "look")
        body = to_json(shift_body(await _done(desk.present()), principal))
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    @router.get("/shift/summary", response_model=ShiftSummary)
    async def summary(request: Request) -> Response:
        """What happened in the present shift until now, told from the journal: for who may look at all
        feeders, which it sums up.
        """
        await gate.admit(request, "look")
        return json_response(await _done(desk.summary()))

    @router.get("/shifts", response_model=PastShiftsBody)
    async def shifts(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 20,
        after: Annotated[str | None, Query(pattern=r"^\d{1,12}$")] = None,
    ) -> Response:
        """Shifts that are over, the latest first."""
        await gate.admit_somewhere(request, "look")
        past = (await _done(desk.log())).past
        before = None if after is None else int(after)
        found = [one for one in reversed(past) if before is None or one.shift < before][: limit + 1]
        more = len(found) > limit
        items = tuple(map(past_body, found[:limit]))
        return json_response(PastShiftsBody(items, str(items[-1].shift) if more else None))

    @router.get(
        "/shifts/{shift}",
        response_model=ToldShiftBody,
        responses={404: {"description": "there is no such shift that is over and still known"}},
    )
    async def past(shift: int, request: Request) -> Response:
        """A shift that is over, with its notes, what stood when it was handed over, and its summary."""
        principal = await gate.admit_somewhere(request, "look")
        return json_response(told_body(await _done(desk.past(shift)), principal))

    return router


def shift_writing_routes(
    desk: ShiftDesk, gate: Gate, views: LiveViews, may_take_over: MayTakeOver | None = None
) -> APIRouter:
    """What is written. `may_take_over`: None where nobody has an account."""
    router = APIRouter(prefix="/api/v1", tags=["shifts"], responses=REFUSALS)

    @router.post("/shift/notes", status_code=201, **_documented(NoteOrder, NOTE_EXAMPLE, NoteBody))
    async def add_note(request: Request) -> Response:
        """Write something down in the present shift."""
        await gate.admit_somewhere(request, "operate")
        order = await read_posted(request, NoteOrder, MAX_NOTE_BYTES)
        _words(order.text, "text")
        if order.feeder is not None:
            if views.network(order.feeder) is None:
                raise no_such_feeder(order.feeder)
            await gate.admit(request, "operate", order.feeder)
        elif order.pinned:
            await gate.admit(request, "operate")
        who = _author(request, order.who)
        written = desk.add_note(who=who, text=order.text, feeder=order.feeder, pinned=order.pinned)
        return json_response(note_body(await _done(written)), 201)

    @router.post("/shift/notes/{note}/mark", **_documented(MarkOrder, MARK_EXAMPLE, NoteBody))
    async def mark(note: int, request: Request) -> Response:
        """Pin or unpin a note of the present shift, mark it as done or not; again changes nothing."""
        await gate.admit_somewhere(request, "operate")
        order = await read_posted(request, MarkOrder)
        known = (await _done(desk.log())).note(note)
        if known is None:
            raise HTTPException(404, f"there is no note {note} in the present shift")
        await gate.admit(request, "operate", known.feeder)
        marked = desk.mark(note, order.mark, who=_author(request, order.who))
        return json_response(note_body(await _done(marked)))

    @router.post("/shift/hand-over", **_documented(HandOverOrder, HAND_OVER_EXAMPLE, ShiftBody))
    async def hand_over(request: Request) -> Response:
        """End the present shift, with what stands now, and begin the next; answers with that one. 409 when
        something new stands since `seen`, or somebody else has ended the shift.
        """
        principal = await gate.admit(request, "operate")
        order = await read_posted(request, HandOverOrder, MAX_HAND_OVER_BYTES)
        who, takes_over = _author(request, order.who), _words(order.takes_over, "takes_over")
        if may_take_over is not None and not await may_take_over(takes_over):
            told = f"takes_over: expected the name of an account that may operate, got {takes_over!r}"
            raise HTTPException(422, told)
        begun = desk.hand_over(
            order.shift, who=who, takes_over=takes_over, remarks=order.remarks, seen=order.seen
        )
        return json_response(shift_body(await _done(begun), principal))

    return router


def _author(request: Request, said: str | None) -> str:
    """Who does it. Raises 422 for blanks and for the name of somebody else."""
    return acting(request, None if said is None else _words(said, "who"))


def _words(said: str, field: str) -> str:
    """Without blanks around. Raises 422 where nothing else is there."""
    if not said.strip():
        raise HTTPException(422, f"{field}: expected words, got blanks")
    return said.strip()


async def _done(asked: Awaitable[T]) -> T:
    """What the desk answers; its refusals as 404 and 409, a journal that is out of order as 503."""
    try:
        return await asked
    except (UnknownNote, UnknownShift) as error:
        raise HTTPException(404, str(error)) from error
    except ShiftRefused as error:
        raise HTTPException(409, str(error)) from error
    except StoreUnavailable as error:
        told = "the journal cannot be written, so nothing was done"
        raise HTTPException(503, told, {"retry-after": "5"}) from error
    except (RecordBroken, TimeoutError, TooManyWaiting) as error:
        raise HTTPException(503, "the journal cannot be read now", {"retry-after": "5"}) from error


def _documented(posted: type[msgspec.Struct], example: dict[str, Any], answered: type) -> dict[str, Any]:
    return {
        "response_model": answered,
        "responses": {
            404: {"description": "there is no such note or feeder"},
            409: {"description": "it cannot be done as the shift log stands"},
            413: {"description": "the body is too large"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the body is malformed"},
            503: {"description": "the journal cannot be written, so nothing was done"},
        },
        "openapi_extra": json_posted(posted, example),
    }
