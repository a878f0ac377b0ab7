"""The routes of the shift log: who is on shift, notes, hand-over, and the shifts before.

Whoever may look may read it; whoever may operate somewhere writes in it. Names of who wrote and who hands
over come from the gate.
"""

from collections.abc import Awaitable
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


def shift_reading_routes(desk: ShiftDesk) -> APIRouter:
    """What can be looked at."""
    router = APIRouter(prefix="/api/v1", tags=["shifts"], responses=_UNREAD)

    @router.get("/shift", response_model=ShiftBody)
    async def present(request: Request) -> Response:
        """The present shift: since when, whose, its notes, and what stands now. Comes with an ETag."""
        body = to_json(shift_body(await _done(desk.present()), await _done(desk.standing())))
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    @router.get("/shift/summary", response_model=ShiftSummary)
    async def summary() -> Response:
        """What happened in the present shift until now, told from the journal."""
        return json_response(await _done(desk.summary()))

    @router.get("/shifts", response_model=PastShiftsBody)
    async def shifts(
        limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 20,
        after: Annotated[str | None, Query(pattern=r"^\d{1,12}$")] = None,
    ) -> Response:
        """Shifts that are over, the latest first."""
        past = (await _done(desk.present())).past
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
    async def past(shift: int) -> Response:
        """A shift that is over, with its notes, what stood when it was handed over, and its summary."""
        return json_response(told_body(await _done(desk.past(shift))))

    return router


def shift_writing_routes(desk: ShiftDesk, gate: Gate, views: LiveViews) -> APIRouter:
    """What is written."""
    router = APIRouter(prefix="/api/v1", tags=["shifts"], responses=REFUSALS)

    @router.post("/shift/notes", status_code=201, **_documented(NoteOrder, NOTE_EXAMPLE, NoteBody))
    async def add_note(request: Request) -> Response:
        """Write something down in the present shift."""
        await gate.admit_somewhere(request, "operate")
        order = await read_posted(request, NoteOrder, MAX_NOTE_BYTES)
        if order.feeder is not None:
            if views.network(order.feeder) is None:
                raise no_such_feeder(order.feeder)
            await gate.admit(request, "operate", order.feeder)
        who = acting(request, order.who)
        written = desk.add_note(who=who, text=order.text, feeder=order.feeder, pinned=order.pinned)
        return json_response(note_body(await _done(written)), 201)

    @router.post("/shift/notes/{note}/mark", **_documented(MarkOrder, MARK_EXAMPLE, NoteBody))
    async def mark(note: int, request: Request) -> Response:
        """Pin or unpin a note of the present shift, mark it as done or not; again changes nothing."""
        await gate.admit_somewhere(request, "operate")
        order = await read_posted(request, MarkOrder)
        marked = desk.mark(note, order.mark, who=acting(request, order.who))
        return json_response(note_body(await _done(marked)))

    @router.post("/shift/hand-over", **_documented(HandOverOrder, HAND_OVER_EXAMPLE, ShiftBody))
    async def hand_over(request: Request) -> Response:
        """End the present shift, with what stands now, and begin the next; answers with that one."""
        await gate.admit_somewhere(request, "operate")
        order = await read_posted(request, HandOverOrder, MAX_NOTE_BYTES)
        who = acting(request, order.who)
        begun = await _done(
            desk.hand_over(order.shift, who=who, takes_over=order.takes_over, remarks=order.remarks)
        )
        return json_response(shift_body(begun, await _done(desk.standing())))

    return router


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
    except (RecordBroken, TimeoutError) as error:
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
