"""The routes of orders in two steps, and of the emergency stop. Deciding is the desk's subject."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.api.encoding import (
    JSON,
    entity_tag,
    json_answer,
    json_posted,
    json_response,
    tagged_response,
    to_json,
)
from controller.api.gate import REFUSALS, Gate
from controller.api.giver import giver_if_known, giver_of, looker_of
from controller.api.order_bodies import (
    EXAMPLE_DRAFT,
    EXAMPLE_STOP,
    MOST_ORDER_BYTES,
    ConfirmBody,
    DraftBody,
    OrderBody,
    OrderPage,
    StopAnswer,
    StopBody,
    WithdrawBody,
)
from controller.api.order_views import cut_to, order_body, stopped_feeder
from controller.api.posted import as_utc, read_posted
from controller.api.problems import no_such_feeder
from controller.api.refused_orders import done
from controller.api.scope import Sight, is_seen, sight_of
from controller.api.unnamed import unnamed_order
from controller.entries import CommandTaken, EmergencyStopped, OperatorActed
from controller.order_effects import ProposedOrder
from controller.orders.order_book import DraftRecord, feeders_of, is_shown
from controller.orders.order_desk import OrderDesk
from controller.orders.order_errors import UnknownOrder
from controller.orders.order_rules import FREEING
from controller.views import LiveViews

StillOperates = Callable[[str, str], Awaitable[bool]]
"""whether somebody of this name has an account that may operate on this feeder"""
MOST_ITEMS = 200


def order_reading_routes(desk: OrderDesk, gate: Gate) -> APIRouter:
    """What waits and what was ordered, for those who may look."""
    router = APIRouter(prefix="/api/v1", tags=["orders"])

    @router.get("/orders", responses=_answers(OrderPage, {304: {"description": "as it was"}}, 422))
    async def orders(request: Request, limit: int = 50, after: str | None = None) -> Response:
        """Open drafts, then the latest orders, the newest first. Who may not see customers is told about how
        many an order is, not about whom.
        """
        if not 1 <= limit <= MOST_ITEMS:
            raise HTTPException(422, f"limit: expected 1 to {MOST_ITEMS}, got {limit}")
        principal = await looker_of(request, gate)
        page = await _page(desk, principal, sight_of(request), limit, after)
        body = to_json(page)
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    @router.get("/orders/{order}", responses=_answers(OrderBody, 404))
    async def order(order: str, request: Request) -> Response:
        """One order as it stands, with the effect that is foreseen; about whom is told as in the list."""
        principal = await looker_of(request, gate)
        told = await done(desk.find(order))
        allowed = None if principal is None else principal.feeders
        if not is_shown(told, allowed):
            raise HTTPException(404, f"there is no order {order!r}")
        body = order_body(order, cut_to(told, allowed), desk, giver_if_known(principal), whole=True)
        return json_response(_as_seen(body, sight_of(request)))

    return router


def _as_seen(body: OrderBody, sight: Sight) -> OrderBody:
    return body if all(is_seen(sight, feeder) for feeder in body.feeders) else unnamed_order(body)


async def _page(
    desk: OrderDesk, principal: Principal | None, sight: Sight, limit: int, after: str | None
) -> OrderPage:
    giver = giver_if_known(principal)
    feeders = None if principal is None else principal.feeders
    told = await desk.latest(feeders)
    bodies = [order_body(name, cut_to(one, feeders), desk, giver) for name, one in told]
    waiting = sum(body.may_confirm for body in bodies)
    names = [body.order for body in bodies]
    if after is not None and after not in names:
        raise HTTPException(422, f"after: expected an order of the list, got {after!r}")
    start = 0 if after is None else names.index(after) + 1
    shown = tuple(_as_seen(body, sight) for body in bodies[start : start + limit])
    more = start + limit < len(bodies)
    return OrderPage(
        items=shown,
        next=shown[-1].order if more else None,
        waiting_for_me=waiting,
        stopped=tuple(stopped_feeder(feeder, stop) for feeder, stop in await desk.stopped(feeders)),
    )


def order_routes(
    desk: OrderDesk, views: LiveViews, gate: Gate, still_operates: StillOperates | None = None
) -> APIRouter:
    """Draft, confirm, withdraw; stop. `still_operates`: None where nobody has an account."""
    router = APIRouter(prefix="/api/v1", tags=["orders"], responses=REFUSALS)
    _add_drafting(router, desk, views, gate)
    _add_deciding(router, desk, gate, still_operates)
    _add_stop(router, desk, views, gate)
    return router


def _add_drafting(router: APIRouter, desk: OrderDesk, views: LiveViews, gate: Gate) -> None:
    @router.post(
        "/feeders/{feeder}/orders",
        status_code=201,
        responses=_answers(OrderBody, 404, 409, 422, 429, status=201),
        **_posted(DraftBody, EXAMPLE_DRAFT),
    )
    async def draft(feeder: str, request: Request) -> Response:
        """Draft an order: nothing happens before it is confirmed. Answers with its effect by load flow."""
        await gate.admit(request, "operate", feeder)
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
        body = await read_posted(request, DraftBody, MOST_ORDER_BYTES)
        until = None if body.until is None else as_utc(body.until, "until")
        order = ProposedOrder(body.action, body.target, body.targets, body.limit_kw, until, body.direction)
        giver = giver_of(request, body.who)
        record = await done(desk.draft(feeder, order, body.why, giver))
        told = order_body(record.draft, record, desk, giver, whole=True)
        response = json_response(told, 201)
        response.headers["location"] = f"/api/v1/orders/{record.draft}"
        return response


def _add_deciding(
    router: APIRouter, desk: OrderDesk, gate: Gate, still_operates: StillOperates | None
) -> None:
    @router.post(
        "/orders/{order}/confirm",
        responses=_answers(OrderBody, 404, 409, 422),
        **_posted(ConfirmBody, {"seen": 1}),
    )
    async def confirm(order: str, request: Request) -> Response:
        """Agree to a draft; with the last agreement that it needs it is carried out. 409 when the feeder has
        changed so much that its effect must be looked at again, or when it is over.
        """
        await _admit_to(request, gate, desk, order)
        body = await read_posted(request, ConfirmBody)
        giver = giver_of(request, body.who)
        lost = await _lost(desk, order, still_operates)
        record = await done(desk.confirm(order, giver, seen=body.seen, lost=lost), of_draft=True)
        return json_response(order_body(order, record, desk, giver, whole=True))

    @router.post(
        "/orders/{order}/withdraw",
        responses=_answers(OrderBody, 404, 409, 422),
        **_posted(WithdrawBody, {"why": "the cable is repaired"}),
    )
    async def withdraw(order: str, request: Request) -> Response:
        """End a draft without anything coming of it."""
        await _admit_to(request, gate, desk, order)
        body = await read_posted(request, WithdrawBody)
        giver = giver_of(request, body.who)
        record = await done(desk.withdraw(order, body.why, giver))
        return json_response(order_body(order, record, desk, giver, whole=True))


async def _lost(desk: OrderDesk, order: str, still_operates: StillOperates | None) -> frozenset[str]:
    """Who agreed and may not operate there any more. What frees people does not wait for that."""
    told = await done(desk.find(order))
    if still_operates is None or not isinstance(told, DraftRecord) or told.drafted.action in FREEING:
        return frozenset()
    feeder = told.drafted.feeder
    return frozenset([who for who in told.agreed if not await still_operates(who, feeder)])


async def _admit_to(request: Request, gate: Gate, desk: OrderDesk, order: str) -> None:
    """Whoever may operate there. Raises 401, 403 or 404."""
    await gate.admit_somewhere(request, "operate")
    for feeder in sorted(feeders_of(await done(desk.find(order)))):
        await gate.admit(request, "operate", feeder)


def _add_stop(router: APIRouter, desk: OrderDesk, views: LiveViews, gate: Gate) -> None:
    @router.post(
        "/emergency-stop",
        responses=_answers(StopAnswer, 404, 422),
        **_posted(StopBody, EXAMPLE_STOP),
    )
    async def stop(request: Request) -> Response:
        """No automatic, and everybody is freed, until the automatic is handed back on each feeder. Waits for
        nobody, and works when the journal cannot be written.
        """
        await gate.admit_somewhere(request, "operate")
        body = await read_posted(request, StopBody, MOST_ORDER_BYTES)
        feeders = await _scope(request, body, views, gate)
        made = await done(desk.stop(feeders, body.manner, body.why, giver_of(request, body.who)))
        return json_response(stop_answer(made, durable=desk.keeper.store_fault is None))


async def _scope(request: Request, body: StopBody, views: LiveViews, gate: Gate) -> tuple[str, ...]:
    if body.scope == "site":
        await gate.admit(request, "operate")
        if body.feeders:
            raise HTTPException(422, "feeders: expected none with the scope site, which is all of them")
        return tuple(feeder.id for feeder in views.site.feeder)
    if not body.feeders:
        raise HTTPException(422, "feeders: expected at least one with the scope feeders")
    for feeder in body.feeders:
        await gate.admit(request, "operate", feeder)
        if views.network(feeder) is None:
            raise no_such_feeder(feeder)
    return tuple(dict.fromkeys(body.feeders))


def stop_answer(stop: EmergencyStopped, *, durable: bool) -> StopAnswer:
    """A stop as it is answered with."""
    return StopAnswer(
        order=stop.stop,
        at=stop.at,
        who=stop.who,
        why=stop.why,
        manner=stop.manner,
        feeders=stop.feeders,
        durable=durable,
    )


async def answer_again(desk: OrderDesk, taken: CommandTaken, principal: Principal) -> Response | None:
    """The answer to a command of before a restart, as it stands now; None where nothing is known of it.
    Raises 403 where whoever gave it may not do so any more.
    """
    try:
        told = await desk.find(taken.about)
    except UnknownOrder:
        return None
    for feeder in sorted(feeders_of(told)):
        if not principal.is_allowed("operate", feeder):
            raise HTTPException(403, f"expected somebody who may 'operate' on {feeder!r}")
    match told:
        case DraftRecord():
            body = order_body(taken.about, told, desk, giver_if_known(principal), whole=True)
            return json_response(body, 201 if taken.did == "draft" else 200)
        case OperatorActed():
            return json_response(told)
        case EmergencyStopped():
            return json_response(stop_answer(told, durable=True))


_TOLD: dict[int, str] = {
    404: "there is no such order or feeder",
    409: "it is over, its effect has changed, or an emergency stop holds",
    422: "the body is malformed, or the order cannot be meant",
    429: "too many orders wait already",
}


def _answers(
    struct: type[msgspec.Struct], *more: int | dict[int | str, dict[str, Any]], status: int = 200
) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {status: json_answer(struct)}
    for one in more:
        found |= {one: {"description": _TOLD[one]}} if isinstance(one, int) else one
    if status == 201 or {404, 422} <= found.keys():
        found |= {
            413: {"description": f"the body is larger than {MOST_ORDER_BYTES} bytes"},
            415: {"description": f"the body is not {JSON}"},
            503: {"description": "the journal cannot be written; nothing was done"},
        }
    return found


def _posted(struct: type[msgspec.Struct], example: dict[str, Any]) -> dict[str, Any]:
    return {"response_model": None, "openapi_extra": json_posted(struct, example)}
