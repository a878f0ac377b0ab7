"""The routes of past events: the list, one with its whole timeline, its steps page by page, its file; and the
recorded states of a feeder.

Whoever may look sees the events of their feeders. What single households did and used is nobody else's
business: who may not see customers is told of numbers in place of customers, devices and service points, of
no baseline and no settlement of a single request, and of nothing that operators wrote; the powers of service
points over time, and files that name, they cannot have.
Reading is done beside the loop and given up after `WITHIN_S`.
"""

import asyncio
import gzip
from collections.abc import Awaitable
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime
from starlette.exceptions import HTTPException

from controller.access.account_file import AccountsUnavailable
from controller.access.principal import Principal
from controller.api import event_bodies as bodies
from controller.api.encoding import (
    JSON,
    entity_tag,
    is_known,
    json_answer,
    struct_schema,
    tagged_response,
    to_json,
)
from controller.api.gate import REFUSALS, Gate, feeders_of, note
from controller.api.posted import as_utc
from controller.api.problems import no_such_feeder
from controller.errors import RecordBroken
from controller.in_turn import TooManyWaiting
from controller.occurrences.archive import UnknownEvent
from controller.occurrences.bodies import EventBody
from controller.occurrences.event_desk import TYPES, EventDesk
from controller.occurrences.exports import Table, for_whoever_looks, steps_for_whoever_looks
from controller.occurrences.index import Wanted
from controller.occurrences.replay import RecordedBody, SpanRefused
from controller.stores.port import StoreUnavailable
from devices.ports import Clock

T = TypeVar("T")
WITHIN_S = 20.0
MOST_LISTED = 200
MOST_STEPS = 1000
_YEARS = (2000, 2200)
_WORTH_BYTES = 1400
_NO_CACHE = {"cache-control": "no-cache"}
_LATER = {"retry-after": "5"}
_NO_EVENT: dict[int | str, dict[str, Any]] = {404: {"description": "the journal has no such event"}}
_NOT_NOW: dict[int | str, dict[str, Any]] = {
    503: {"description": "the journal cannot be read now, or reading it takes longer than anybody waits"}
}
_WRONG: dict[int | str, dict[str, Any]] = {422: {"description": "what is asked for makes no sense"}}
Name = Annotated[str | None, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=20, pattern=r"^[0-9]{1,18}$")]
From = Annotated[AwareDatetime | None, Query(alias="from")]
To = Annotated[AwareDatetime | None, Query(alias="to")]


class _Doors(Gate, Protocol):
    """What is needed of the gate where whoever looks need not say who they are, but may."""

    async def known(self, request: Request) -> Principal:
        """Who it is. Raises 401 or 403; AccountsUnavailable."""
        ...


def event_routes(desk: EventDesk, gate: _Doors, clock: Clock) -> APIRouter:
    """All of them. `clock`: of those who wait."""
    router = APIRouter(prefix="/api/v1", tags=["events"])
    _add_list(router, desk, clock)
    _add_event(router, desk, gate, clock)
    _add_export(router, desk, gate, clock)
    _add_recorded(router, desk, gate, clock)
    return router


def _add_list(router: APIRouter, desk: EventDesk, clock: Clock) -> None:
    @router.get("/events", responses=_answers(bodies.EventPage) | _WRONG)
    async def events(
        request: Request,
        *,
        feeder: Name = None,
        begin: From = None,
        end: To = None,
        state: Literal["running", "closed", "short"] | None = None,
        kind: Name = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
        after: Cursor = None,
    ) -> Response:
        """Events that ran at some time in [from, to), the one that opened last first. Comes with an ETag."""
        wanted = Wanted(
            feeder=feeder,
            start=_our_days(begin, "from"),
            end=_our_days(end, "to"),
            state=state,
            kind=kind,
            feeders=feeders_of(request),
        )
        before = None if after is None else int(after)
        page = await _read(desk.archive.page(wanted, limit, before), clock)
        following = None if page.next is None else str(page.next)
        return await _told(request, bodies.EventPage(items=page.items, next=following))


def _add_event(router: APIRouter, desk: EventDesk, gate: _Doors, clock: Clock) -> None:
    @router.get("/events/{event_id}", responses=_answers(EventBody) | _NO_EVENT)
    async def event(event_id: str, request: Request) -> Response:
        """One event from detection to settlement: phases, steps, rounds of planning, requests. Who may not
        see customers is told numbers in their place, and nothing of what single ones used or earned. Comes
        with an ETag."""
        body = await _event(request, desk, event_id, clock)
        if not await _may_see_customers(request, gate, body.summary.feeder):
            body = await asyncio.to_thread(for_whoever_looks, body)
        return await _told(request, body)

    @router.get("/events/{event_id}/steps", responses=_answers(bodies.StepPage) | _NO_EVENT)
    async def steps(  # noqa: PLR0917  a query
        event_id: str,
        request: Request,
        phase: Name = None,
        of_request: Annotated[str | None, Query(alias="request", max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_STEPS)] = 200,
        after: Cursor = None,
    ) -> Response:
        """All steps of an event, or those of one phase or request, in order; told as the event is."""
        first = 0 if after is None else int(after)
        found = await _read(desk.archive.steps(event_id), clock)
        _check_feeder(request, found.feeder)
        told = found.steps
        if not await _may_see_customers(request, gate, found.feeder):
            told = await asyncio.to_thread(steps_for_whoever_looks, told)
        fitting = (
            (place, step)
            for place, step in enumerate(told)
            if place >= first and phase in (None, step.phase) and of_request in (None, step.request)
        )
        page = list(islice(fitting, limit + 1))
        more = str(page[limit][0]) if len(page) > limit else None
        return await _told(request, bodies.StepPage(items=tuple(s for _, s in page[:limit]), next=more))


def _add_export(router: APIRouter, desk: EventDesk, gate: _Doors, clock: Clock) -> None:
    @router.get(
        "/events/{event_id}/export",
        responses={200: {"content": _FILES, "description": "the file"}} | REFUSALS | _NO_EVENT | _NOT_NOW,
    )
    async def export(
        event_id: str,
        request: Request,
        form: Annotated[Literal["json", "csv", "zip"], Query(alias="format")] = "zip",
        table: Table = "requests",
        named: bool = False,
    ) -> Response:
        """An event as a file, with all its steps. `table`: which one as CSV. `named`: with the ids of
        customers, devices and service points in place of numbers, for who may see customers; who may not
        gets no baselines and settlements of single requests either."""
        body = await _event(request, desk, event_id, clock)
        if named:
            await gate.admit(request, "customers", body.summary.feeder)
            note(request, "event_exported", exported=event_id, form=form)
        households = named or await _may_see_customers(request, gate, body.summary.feeder)
        made = desk.exported(body, form, table, named=named, households=households)
        file = await _read(made, clock)
        name = f"{event_id}{f'-{table}' if form == 'csv' else ''}.{form}"
        safe = "".join(
            letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "_" for letter in name
        )
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{safe}"'}
        return Response(file, headers=headers, media_type=TYPES[form])


def _add_recorded(router: APIRouter, desk: EventDesk, gate: _Doors, clock: Clock) -> None:
    @router.get(
        "/feeders/{feeder}/recorded",
        responses=_answers(RecordedBody)
        | REFUSALS
        | _WRONG
        | {404: {"description": "there is no such feeder"}},
    )
    async def recorded(  # noqa: PLR0917  a query
        feeder: str,
        request: Request,
        begin: Annotated[AwareDatetime, Query(alias="from")],
        end: Annotated[AwareDatetime, Query(alias="to")],
        step_s: Annotated[float | None, Query(ge=1, le=86_400)] = None,
        service_points: bool = False,
    ) -> Response:
        """What the feeder showed over a span of at most 14 days, in columns and in at most 400 steps, with
        the limits of its elements and what was asked of whom then (of numbers, where customers may not be
        seen). `service_points`: also what each of them took, for who may see customers."""
        if not desk.states.knows(feeder):
            raise no_such_feeder(feeder)
        _check_feeder(request, feeder)
        if service_points:
            await gate.admit(request, "customers", feeder)
        start, until = _in_our_days(begin, "from"), _in_our_days(end, "to")
        named = service_points or await _may_see_customers(request, gate, feeder)
        asked = desk.recorded(feeder, start, until, step_s=step_s, service_points=service_points, named=named)
        return await _told(request, await _read(asked, clock))


async def _event(request: Request, desk: EventDesk, event_id: str, clock: Clock) -> EventBody:
    body = await _read(desk.archive.event(event_id), clock)
    _check_feeder(request, body.summary.feeder)
    return body


async def _read(asked: Awaitable[T], clock: Clock) -> T:
    """What was asked for; refusals as 404 and 422, whatever cannot be read now as 503."""
    try:
        async with clock.timeout(WITHIN_S):
            return await asked
    except UnknownEvent as error:
        detail = f"the journal has no event {str(error)!r}, or it is older than the latest ones known here"
        raise HTTPException(404, detail) from error
    except SpanRefused as error:
        raise HTTPException(422, str(error)) from error
    except TimeoutError as error:
        told = "reading the journal takes longer than anybody waits; it goes on, ask again"
        raise HTTPException(503, told, _LATER) from error
    except TooManyWaiting as error:
        raise HTTPException(503, "too many wait for the journal already", _LATER) from error
    except (StoreUnavailable, RecordBroken, OSError) as error:
        raise HTTPException(503, f"the record cannot be read now: {error}", _LATER) from error


async def _told(request: Request, body: msgspec.Struct) -> Response:
    """As JSON with its tag, compressed where that is accepted and it is not known yet; in a thread, for it
    may be large."""
    accepts = "gzip" in request.headers.get("accept-encoding", "")

    def encoded() -> tuple[bytes, str, dict[str, str]]:
        plain = to_json(body)
        tag, headers = entity_tag(plain), {**_NO_CACHE, "vary": "accept-encoding"}
        if is_known(request, tag):
            return b"", tag, headers
        if not accepts or len(plain) < _WORTH_BYTES:
            return plain, tag, headers
        return gzip.compress(plain, 5, mtime=0), tag, headers | {"content-encoding": "gzip"}

    content, tag, headers = await asyncio.to_thread(encoded)
    return tagged_response(request, content, tag, headers, JSON)


def _our_days(at: datetime | None, field: str) -> datetime | None:
    return None if at is None else _in_our_days(at, field)


def _in_our_days(at: datetime, field: str) -> datetime:
    """In UTC. Raises 422 for a time at which there was no journal, nor will be."""
    found = as_utc(at, field)
    if not _YEARS[0] <= found.year < _YEARS[1]:
        raise HTTPException(422, f"{field}: expected a time of our days, got {at}")
    return found


def _check_feeder(request: Request, feeder: str) -> None:
    feeders = feeders_of(request)
    if feeders is not None and feeder not in feeders:
        raise HTTPException(403, f"expected somebody who may 'look' on {feeder!r}")


async def _may_see_customers(request: Request, gate: _Doors, feeder: str) -> bool:
    """Nobody is turned away by it, so nothing of it stands in the log."""
    principal: Principal | None = getattr(request.state, "principal", None)
    try:
        principal = principal or await gate.known(request)
    except (HTTPException, AccountsUnavailable):
        return False
    return principal.is_allowed("customers", feeder)


_RECORDED_STATES = {"anyOf": [struct_schema(RecordedBody), {"type": "null"}]}
_WHOLE = {
    "type": "object",
    "required": ["event", "states"],
    "properties": {"event": struct_schema(EventBody), "states": _RECORDED_STATES},
}
_PACKED = {
    "type": "string",
    "contentMediaType": "application/zip",
    "description": "each table as CSV, all of it as JSON, and what they mean",
}
_FILES: dict[str, Any] = {
    JSON: {"schema": _WHOLE},
    "text/csv": {
        "schema": {"type": "string", "description": "comma, UTF-8 with its mark, a line of names first"}
    },
    "application/zip": {"schema": _PACKED},
}
"""by media type, as in `TYPES`"""


def _answers(answered: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    told: dict[int | str, dict[str, Any]] = {
        200: json_answer(answered),
        304: {"description": "as it was"},
        403: {"description": "not for them"},
    }
    return told | _NOT_NOW
