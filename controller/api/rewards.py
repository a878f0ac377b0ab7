"""The routes of rewards: what a customer holds, what points are good for; facts, redemptions, payouts.

Whoever takes payments or runs a customers' portal asks on the customers' behalf, with a token of their own.
Deciding and booking are the desk's subject.
"""

from collections.abc import Awaitable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import json_answer, json_posted, json_response
from controller.api.gate import REFUSALS, SAFE_METHODS, Gate, acting, note
from controller.api.posted import as_utc, read_posted
from controller.api.reward_bodies import (
    CatalogueBody,
    DecisionBody,
    FactBody,
    FactTaken,
    PayoutBody,
    PayoutBooked,
    RedemptionBody,
    RedemptionState,
    TopUpBody,
)
from controller.entries import LedgerPosted, RedemptionMoved
from controller.rewards import customer_rewards
from controller.rewards.reward_errors import NotDue, RewardRefused, UnknownReward
from controller.rewards.rewards_desk import RewardsDesk
from controller.rewards.statement_source import StatementSource
from controller.rewards.statements import Statement
from controller.stores.port import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")
_DAY = timedelta(days=1)
_NO_CUSTOMER: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such customer"}}
_UNWRITTEN = "the journal cannot be written, so nothing was done"


def rewards_routes(desk: RewardsDesk, gate: Gate, statements: StatementSource | None = None) -> APIRouter:
    """All of them; statements only with a source of them."""

    async def may(request: Request) -> None:
        await gate.admit(request, "customers" if request.method in SAFE_METHODS else "rewards")

    router = APIRouter(prefix="/api/v1", tags=["rewards"], dependencies=[Depends(may)], responses=REFUSALS)
    _add_views(router, desk)
    if statements is not None:
        _add_statements(router, desk, statements)
    _add_redemptions(router, desk)
    _add_bookings(router, desk)
    return router


def _add_views(router: APIRouter, desk: RewardsDesk) -> None:
    @router.get("/catalogue", responses={200: json_answer(CatalogueBody)})
    async def catalogue() -> Response:
        """What points are good for now, and how many of each are left."""
        items = customer_rewards.catalogue(desk.accounts, desk.rewards, desk.now())
        return json_response(CatalogueBody(items=tuple(items)))

    @router.get(
        "/customers/{customer}/rewards",
        responses={200: json_answer(customer_rewards.Standing), **_NO_CUSTOMER},
    )
    async def rewards(customer: str) -> Response:
        """What a customer holds, in which tier they are, what expires next and what is pending."""
        _check_known(desk, customer)
        return json_response(customer_rewards.standing(desk.accounts, desk.rewards, customer, desk.now()))


def _add_statements(router: APIRouter, desk: RewardsDesk, statements: StatementSource) -> None:
    @router.get("/customers/{customer}/statement", responses={200: json_answer(Statement), **_NO_CUSTOMER})
    async def statement(customer: str, first: date | None = None, last: date | None = None) -> Response:
        """Opening balance, every transaction and closing balance, from the `first` to the `last` day in
        UTC.
        """
        _check_known(desk, customer)
        if first is not None and last is not None and last < first:
            raise HTTPException(422, f"last: expected a day not before {first}, got {last}")
        start = None if first is None else datetime.combine(first, time(), UTC)
        end = None if last is None or last == date.max else datetime.combine(last + _DAY, time(), UTC)
        return json_response(await _done(statements.statement(customer, start, end)))


def _check_known(desk: RewardsDesk, customer: str) -> None:
    if not desk.knows(customer):
        raise HTTPException(404, f"there is no customer {customer!r}")


def _add_redemptions(router: APIRouter, desk: RewardsDesk) -> None:
    @router.post("/redemptions", **_documented(RedemptionBody, RedemptionState))
    async def redeem(request: Request) -> Response:
        """Hold a customer's points for an item; the same again is answered as it stands."""
        body = await read_posted(request, RedemptionBody)
        who = acting(request, body.who or request.state.principal.name or "api")
        moved = await _done(
            desk.redeem(redemption=body.redemption, customer=body.customer, item=body.item, who=who)
        )
        return json_response(_state(moved))

    @router.post("/redemptions/{redemption}/fulfil", **_documented(DecisionBody, RedemptionState))
    async def fulfil(redemption: str, request: Request) -> Response:
        """The customer has got it: the points are used."""
        body = await read_posted(request, DecisionBody)
        who = acting(request, body.who)
        return json_response(_state(await _done(desk.fulfil(redemption, who=who, reason=body.reason))))

    @router.post("/redemptions/{redemption}/void", **_documented(DecisionBody, RedemptionState))
    async def void(redemption: str, request: Request) -> Response:
        """The customer will not get it: the points are given back."""
        body = await read_posted(request, DecisionBody)
        who = acting(request, body.who)
        return json_response(_state(await _done(desk.void(redemption, who=who, reason=body.reason))))


def _add_bookings(router: APIRouter, desk: RewardsDesk) -> None:
    @router.post("/facts", **_documented(FactBody, FactTaken))
    async def report(request: Request) -> Response:
        """Credit what a fact earns by the earning rules; the same again changes nothing."""
        body = await read_posted(request, FactBody)
        points = await _done(
            desk.report_fact(
                fact=body.fact,
                customer=body.customer,
                kind=body.kind,
                occurred_at=as_utc(body.occurred_at, "occurred_at"),
                amount_minor_units=body.amount_minor_units,
                currency=body.currency,
            )
        )
        note(request, "fact_reported", fact=body.fact, kind=body.kind, again=points is None)
        taken = FactTaken(fact=body.fact, customer=body.customer, points=points or 0, again=points is None)
        return json_response(taken)

    @router.post("/budget/top-ups", **_documented(TopUpBody, LedgerPosted))
    async def top_up(request: Request) -> Response:
        """Give the programme's budget more; the same again changes nothing."""
        body = await read_posted(request, TopUpBody)
        posted = await _done(
            desk.top_up(top_up=body.top_up, unit=body.unit, amount=body.amount, who=acting(request, body.who))
        )
        return json_response(posted)

    @router.post("/payouts", **_documented(PayoutBody, PayoutBooked))
    async def pay_out(request: Request) -> Response:
        """Take all money out of customers' accounts; a payout that is booked stays as it is, also an empty
        one. One that was cut off goes on.
        """
        body = await read_posted(request, PayoutBody)
        cut_off = "the journal cannot be written; the same again, with the same id, goes on from here"
        booked = await _done(
            desk.pay_out(payout=body.payout, least=body.least_minor_units), unwritten=cut_off
        )
        note(request, "payout_booked", payout=body.payout, booked=booked)
        return json_response(PayoutBooked(payout=body.payout, booked=booked))


async def _done(asked: Awaitable[T], unwritten: str = _UNWRITTEN) -> T:
    """What the desk answers; its refusals as 404, 409 and 422, a store that is out of order as 503."""
    try:
        return await asked
    except UnknownReward as error:
        raise HTTPException(404, str(error)) from error
    except NotDue as error:
        raise HTTPException(422, str(error)) from error
    except RewardRefused as error:
        raise HTTPException(409, str(error)) from error
    except OutcomeUnknown as error:
        detail = "nobody knows whether it was written; the same again, with the same id, is safe"
        raise HTTPException(503, detail, {"retry-after": "5"}) from error
    except StoreUnavailable as error:
        raise HTTPException(503, unwritten, {"retry-after": "5"}) from error


def _state(moved: RedemptionMoved) -> RedemptionState:
    return RedemptionState(
        redemption=moved.redemption,
        customer=moved.customer,
        item=moved.item,
        points=moved.points,
        state=moved.state,
        at=moved.at,
        deadline=moved.deadline,
        reason=moved.reason,
    )


def _documented(posted: type[msgspec.Struct], answered: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "responses": {
            200: json_answer(answered),
            404: {"description": "who or what it is about is not known"},
            409: {"description": "it cannot be done as the rules and the accounts stand"},
            422: {"description": "the body is malformed"},
            503: {"description": "the journal cannot be written; nothing was done"},
        },
        "openapi_extra": json_posted(posted),
    }
