"""The routes that show rewards to the control room: the programme and its budget, settlements, the ledger's
sums, redemptions that wait. Nothing here changes anything.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.api.encoding import json_answer, json_response
from controller.api.gate import REFUSALS, Gate
from controller.entries import Outcome, RedemptionMoved
from controller.proving.settled_rows import SettledRow, Wanted
from controller.proving.settlement_desk import SettlementDesk
from controller.rewards.ledger_summary import GroupSum
from controller.rewards.programme_view import ProgrammeView, programme_view
from controller.rewards.rewards_desk import RewardsDesk

MOST_ROWS = 200
MOST_WAITING = 1_000


class SettledPage(msgspec.Struct, frozen=True, kw_only=True):
    """Settlements, the newest first."""

    items: tuple[SettledRow, ...]
    next: str | None
    """to be given as `after`; null: these were the last whose detail is kept"""


class ProgrammeList(msgspec.Struct, frozen=True, kw_only=True):
    """All programmes."""

    items: tuple[ProgrammeView, ...]


class LedgerBody(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger in sums."""

    groups: tuple[GroupSum, ...]
    sums: dict[str, int]
    """unit → sum over all accounts: zero each"""


class RedemptionList(msgspec.Struct, frozen=True, kw_only=True):
    """Redemptions that wait to be fulfilled, by id."""

    items: tuple[RedemptionMoved, ...]
    more: int
    """that wait as well and are not listed"""


def reward_view_routes(rewards: RewardsDesk, settlements: SettlementDesk, gate: Gate) -> APIRouter:
    """All of them, for those who may see what customers hold."""
    router = APIRouter(prefix="/api/v1", tags=["rewards"], responses=REFUSALS)

    @router.get(
        "/programmes", response_model=None, responses={200: json_answer(ProgrammeList, "All programmes.")}
    )
    async def programmes(request: Request) -> Response:
        """What a verified kWh earns, and what is left of the budgets."""
        await gate.admit_somewhere(request, "customers")
        return json_response(ProgrammeList(items=(programme_view(rewards.accounts, rewards.rewards),)))

    @router.get(
        "/settlements",
        response_model=None,
        responses={200: json_answer(SettledPage, "Settlements, the newest first.")},
    )
    async def settled(
        request: Request,
        *,
        feeder: str | None = None,
        customer: str | None = None,
        outcome: Outcome | None = None,
        after: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    ) -> Response:
        """Settlements of the events whose detail is kept: of each feeder the latest."""
        principal = await gate.admit_somewhere(request, "customers")
        wanted = Wanted(_feeders(principal, feeder), customer, outcome)
        items, following = await settlements.settled(wanted, after=after, limit=limit)
        return json_response(SettledPage(items=tuple(items), next=following))

    @router.get(
        "/ledger", response_model=None, responses={200: json_answer(LedgerBody, "The ledger in sums.")}
    )
    async def sums(request: Request) -> Response:
        """What all accounts of one kind hold together; the sums over all are zero."""
        await gate.admit(request, "customers")
        found = await rewards.summary()
        return json_response(LedgerBody(groups=found.groups, sums=found.sums))

    @router.get(
        "/redemptions",
        response_model=None,
        responses={200: json_answer(RedemptionList, "Redemptions that wait to be fulfilled, by id.")},
    )
    async def waiting(request: Request) -> Response:
        """Redemptions that nobody has fulfilled or voided yet."""
        await gate.admit(request, "customers")
        found = tuple(rewards.accounts.pending())
        more = max(0, len(found) - MOST_WAITING)
        return json_response(RedemptionList(items=found[:MOST_WAITING], more=more))

    return router


def _feeders(principal: Principal, asked: str | None) -> frozenset[str] | None:
    if asked is None:
        return principal.feeders
    if not principal.is_allowed("customers", asked):
        raise HTTPException(403, f"{principal.name} may not see customers on {asked!r}")
    return frozenset({asked})
