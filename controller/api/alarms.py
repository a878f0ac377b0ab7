"""The routes of alarms: the list, its history and rate; to acknowledge, to shelve.

Whoever may look sees those of their feeders, and those of the whole site. To acknowledge and to shelve takes
whoever may operate the feeder; an alarm of the site takes somebody for all feeders. What an alarm is, and
what may be done with it, is the desk's subject.
"""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.alarms.alarm_desk import AlarmDesk, Seen
from controller.alarms.alarm_errors import AlarmMoved, AlarmRefused, UnknownAlarm
from controller.alarms.alarm_history import AlarmChanges, Change, Wanted, cursor_of
from controller.alarms.alarm_list import AlarmList, AlarmSummary
from controller.alarms.kinds import Priority
from controller.alarms.rates import MOST_HOURS, AlarmRate
from controller.api import alarm_bodies as bodies
from controller.api.encoding import (
    JSON,
    entity_tag,
    json_answer,
    json_posted,
    json_response,
    tagged_response,
    to_json,
)
from controller.api.gate import REFUSALS, Gate, acting, feeders_of
from controller.api.posted import MAX_BODY_BYTES, as_utc, read_posted
from controller.errors import RecordBroken
from controller.stores.port import StoreUnavailable
from devices.ports import Clock

T = TypeVar("T")
MOST_LISTED = 2_000
MOST_CHANGES = 500
HISTORY_WITHIN_S = 20.0
_UNWRITTEN = "the journal cannot be written, so nothing was done"


def alarm_reading_routes(desk: AlarmDesk, clock: Clock) -> APIRouter:
    """What can be looked at. `clock`: of those who wait."""
    router = APIRouter(prefix="/api/v1", tags=["alarms"])

    @router.get("/alarms", responses=_answers(AlarmList))
    async def alarms(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = MOST_LISTED,
        after: Annotated[str | None, Query(max_length=60)] = None,
    ) -> Response:
        """All alarms that are not normal, the most urgent first, with the summary. Comes with an ETag."""
        feeders = feeders_of(request)
        views = desk.views(feeders)
        places = {one.alarm: place for place, one in enumerate(views)}
        first = 0 if after is None else places.get(after, -1) + 1
        page = views[first : first + limit]
        more = first + limit < len(views)
        found = AlarmList(
            items=page,
            next=page[-1].alarm if more and page else None,
            summary=desk.summary_of(views),
            out_of_service=desk.out_of_service(feeders),
            longest_shelf_s=desk.longest_shelf_s,
        )
        body = to_json(found)
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    @router.get("/alarms/summary", responses=_answers(AlarmSummary))
    async def summary(request: Request) -> Response:
        """What every page shows: counts by priority, and the newest that waits. Comes with an ETag."""
        body = to_json(desk.summary(feeders_of(request)))
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    @router.get("/alarms/rate", responses=_answers(AlarmRate))
    async def rate(request: Request, hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = 24) -> Response:
        """How many alarms came in the latest hours, against EEMUA 191 and ISA-18.2."""
        return json_response(desk.rate(hours, feeders_of(request)))

    @router.get(
        "/alarms/history",
        responses=_answers(AlarmChanges) | {503: {"description": "the journal cannot be read now"}},
    )
    async def history(
        request: Request,
        *,
        feeder: Annotated[str | None, Query(max_length=200)] = None,
        alarm: Annotated[str | None, Query(max_length=60)] = None,
        kind: Annotated[str | None, Query(max_length=60)] = None,
        priority: Priority | None = None,
        change: Change | None = None,
        start: Annotated[datetime | None, Query(alias="from")] = None,
        end: Annotated[datetime | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = 100,
        after: Annotated[str | None, Query(max_length=20)] = None,
    ) -> Response:
        """What became of alarms, newest first. A page may be short or empty and still have a `next` one: the
        journal has far more in it.
        """
        wanted = Wanted(
            feeders=feeders_of(request),
            feeder=feeder,
            alarm=alarm,
            kind=kind,
            priority=priority,
            change=change,
            start=None if start is None else _aware(start, "from"),
            end=None if end is None else _aware(end, "to"),
        )
        return json_response(await _read_history(desk, clock, wanted, after, limit))

    return router


async def _read_history(
    desk: AlarmDesk, clock: Clock, wanted: Wanted, after: str | None, limit: int
) -> AlarmChanges:
    """One page of it. Raises 422 for another cursor than ours, 503."""
    before = None if after is None else cursor_of(after)
    if after is not None and before is None:
        raise HTTPException(422, "after: expected the `next` of the page before")
    try:
        async with clock.timeout(HISTORY_WITHIN_S):
            return await desk.history(wanted, before=before, limit=limit)
    except (StoreUnavailable, RecordBroken, TimeoutError) as error:
        raise HTTPException(503, "the journal cannot be read now", {"retry-after": "5"}) from error


def alarm_routes(desk: AlarmDesk, gate: Gate) -> APIRouter:
    """What is done to alarms."""
    router = APIRouter(prefix="/api/v1", tags=["alarms"], responses=REFUSALS)
    _add_acknowledging(router, desk, gate)
    _add_shelving(router, desk, gate)
    return router


def _add_acknowledging(router: APIRouter, desk: AlarmDesk, gate: Gate) -> None:
    @router.post(
        "/alarms/acknowledge",
        **_documented(
            bodies.AcknowledgeManyBody,
            bodies.ACKNOWLEDGE_MANY_EXAMPLE,
            bodies.AlarmOutcomes,
        ),
    )
    async def acknowledge_many(request: Request) -> Response:
        """Acknowledge the alarms of a list that was seen; what was raised again since stays as it is."""
        principal = await gate.admit_somewhere(request, "operate")
        body = await read_posted(request, bodies.AcknowledgeManyBody, bodies.MAX_MANY_BYTES)
        who = acting(request, body.who)
        refused = {one.alarm: _refusal(principal, desk, one.alarm) for one in body.alarms}
        allowed = [Seen(one.alarm, one.occurrence) for one in body.alarms if refused[one.alarm] is None]
        outcomes = await _done(desk.acknowledge(allowed, who=who, why=body.why or ""))
        items = tuple(
            bodies.AlarmOutcome(alarm=one.alarm, outcome=refused[one.alarm] or outcomes[one.alarm])
            for one in body.alarms
        )
        return json_response(bodies.AlarmOutcomes(items=items))

    @router.post(
        "/alarms/{alarm}/acknowledge",
        **_documented(bodies.AcknowledgeBody, bodies.ACKNOWLEDGE_EXAMPLE, bodies.AlarmNow),
    )
    async def acknowledge(alarm: str, request: Request) -> Response:
        """Say that one has seen it and answers for it; the same again changes nothing."""
        await _admit(desk, gate, request, alarm)
        body = await read_posted(request, bodies.AcknowledgeBody)
        who = acting(request, body.who)
        seen = Seen(alarm, body.occurrence)
        outcome = (await _done(desk.acknowledge((seen,), who=who, why=body.why or "")))[alarm]
        if outcome == "unknown":
            raise HTTPException(404, f"there is no alarm {alarm!r}, or it is normal again")
        if outcome == "moved":
            raise HTTPException(409, f"alarm {alarm} was raised again since: look at it once more")
        return json_response(bodies.AlarmNow(alarm=desk.view(alarm)))


def _add_shelving(router: APIRouter, desk: AlarmDesk, gate: Gate) -> None:
    @router.post(
        "/alarms/{alarm}/shelve",
        **_documented(bodies.ShelveBody, bodies.SHELVE_EXAMPLE, bodies.AlarmNow),
    )
    async def shelve(alarm: str, request: Request) -> Response:
        """Take it out of sight until a time; again, with another end or reason."""
        await _admit(desk, gate, request, alarm)
        body = await read_posted(request, bodies.ShelveBody)
        who, until = acting(request, body.who), as_utc(body.until, "until")
        seen = Seen(alarm, body.occurrence)
        view = await _done(desk.shelve(seen, until=until, who=who, why=body.why))
        return json_response(bodies.AlarmNow(alarm=view))

    @router.post(
        "/alarms/{alarm}/unshelve",
        **_documented(bodies.UnshelveBody, bodies.UNSHELVE_EXAMPLE, bodies.AlarmNow),
    )
    async def unshelve(alarm: str, request: Request) -> Response:
        """Have it in sight again; what stands is to be acknowledged once more."""
        await _admit(desk, gate, request, alarm)
        body = await read_posted(request, bodies.UnshelveBody)
        who = acting(request, body.who)
        view = await _done(desk.unshelve(alarm, who=who, why=body.why or ""))
        return json_response(bodies.AlarmNow(alarm=view))


async def _admit(desk: AlarmDesk, gate: Gate, request: Request, alarm: str) -> None:
    """Whoever may operate where the alarm is. Raises 404 only to somebody who may operate at all."""
    await gate.admit_somewhere(request, "operate")
    try:
        feeder = desk.feeder_of(alarm)
    except UnknownAlarm as error:
        raise HTTPException(404, str(error)) from error
    await gate.admit(request, "operate", feeder)


def _refusal(principal: Principal, desk: AlarmDesk, alarm: str) -> Literal["unknown", "not_allowed"] | None:
    """Why the desk is not asked at all; None: it is. What is not there now may be there, and be of a feeder
    of others, by the time that the desk looks: so it is not asked either.
    """
    try:
        return None if principal.is_allowed("operate", desk.feeder_of(alarm)) else "not_allowed"
    except UnknownAlarm:
        return "unknown"


def _aware(at: datetime, field: str) -> datetime:
    if at.tzinfo is None:
        raise HTTPException(422, f"{field}: expected a time with its zone, such as 2026-11-26T18:00:00Z")
    return as_utc(at, field)


async def _done(asked: Awaitable[T]) -> T:
    """What the desk answers; its refusals as 404, 409 and 422, a store that is out of order as 503."""
    try:
        return await asked
    except UnknownAlarm as error:
        raise HTTPException(404, str(error)) from error
    except AlarmMoved as error:
        raise HTTPException(409, str(error)) from error
    except AlarmRefused as error:
        raise HTTPException(422, str(error)) from error
    except StoreUnavailable as error:
        raise HTTPException(503, _UNWRITTEN, {"retry-after": "5"}) from error


def _answers(answered: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    return {
        200: json_answer(answered),
        304: {"description": "nothing has changed"},
        422: {"description": "a parameter is malformed"},
    }


def _documented(
    posted: type[msgspec.Struct], posted_example: object, answered: type[msgspec.Struct]
) -> dict[str, Any]:
    return {
        "responses": {
            200: _answers(answered)[200],
            404: {"description": "there is no such alarm, or it is normal again"},
            409: {"description": "it was raised again since it was seen"},
            413: {"description": f"the body is larger than {MAX_BODY_BYTES} bytes, or has too many alarms"},
            415: {"description": f"the body is not {JSON}"},
            422: {"description": "the body is malformed, or the alarm cannot be shelved like that"},
            503: {"description": _UNWRITTEN},
        },
        "openapi_extra": json_posted(posted, posted_example),
    }
