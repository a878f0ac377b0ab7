"""What the control room sees of rewards: figures that add up, and for whom."""

import httpx
import pytest
from fastapi import FastAPI
from msgspec.structs import replace

from controller.api.reward_views import reward_view_routes
from controller.rewards.ledger_summary import summary
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.proving.test_settlement_desk import R0, DeskEvening, unread
from tests.controller.rewards.reward_worlds import CURRENCY, DeskWorld


async def told(rewards: DeskWorld, evening: DeskEvening, path: str, doors: DoorsOf) -> httpx.Response:
    app = FastAPI()
    app.include_router(reward_view_routes(rewards.desk, evening.desk, doors))
    async with calling(app) as client:
        return await client.get(f"/api/v1{path}")


@pytest.fixture
async def rewards() -> DeskWorld:
    return await DeskWorld().start()


@pytest.fixture
async def evening() -> DeskEvening:
    return await unread()


SUPERVISOR = DoorsOf("the.supervisor", "supervisor")


async def test_the_budget_is_what_was_given_less_what_was_credited(
    rewards: DeskWorld, evening: DeskEvening
) -> None:
    await rewards.desk.top_up(top_up="T1", unit=CURRENCY, amount=1_000, who="finance")
    await rewards.credit("C", points=170, minor_units=300)
    (programme,) = (await told(rewards, evening, "/programmes", SUPERVISOR)).json()["items"]
    points, money = programme["budgets"]
    assert (money["unit"], money["given"], money["used"]) == (CURRENCY, 1_000, 300)
    assert (points["given"], points["used"], points["cap"], points["left"]) == (0, 170, None, None)
    assert [tier["tier"] for tier in programme["tiers"]] == ["gold", "silver"]


async def test_a_capped_budget_tells_what_is_left(evening: DeskEvening) -> None:
    world = DeskWorld()
    world.rewards = replace(world.rewards, budget_minor_units=500)
    await world.start()
    await world.credit("C", points=0, minor_units=120)
    (programme,) = (await told(world, evening, "/programmes", SUPERVISOR)).json()["items"]
    assert (programme["budgets"][1]["cap"], programme["budgets"][1]["left"]) == (500, 380)


async def test_the_ledger_sums_to_zero_by_kind(rewards: DeskWorld, evening: DeskEvening) -> None:
    await rewards.credit("C", points=170, minor_units=300)
    await rewards.credit("D", points=30)
    await rewards.desk.redeem(redemption="X1", customer="C", item="lamp", who="portal")
    body = (await told(rewards, evening, "/ledger", SUPERVISOR)).json()
    assert body["sums"] == {"points": 0, CURRENCY: 0}
    found = {(group["group"], group["unit"]): group["amount"] for group in body["groups"]}
    assert found == {
        ("budgets", "points"): -200,
        ("budgets", CURRENCY): -300,
        ("customers", "points"): 100,
        ("customers", CURRENCY): 300,
        ("held_for_redemptions", "points"): 100,
    }
    (waiting,) = (await told(rewards, evening, "/redemptions", SUPERVISOR)).json()["items"]
    assert (waiting["redemption"], waiting["points"], waiting["state"]) == ("X1", 100, "pending")


def test_a_sum_that_is_not_zero_is_told() -> None:
    assert summary([(("customer:C", "points"), 5)]).sums == {"points": 5}


async def test_settlements_are_listed_for_who_may_see_customers(
    rewards: DeskWorld, evening: DeskEvening
) -> None:
    page = (await told(rewards, evening, "/settlements?feeder=F1", SUPERVISOR)).json()
    assert R0 in [row["request"] for row in page["items"]]
    elsewhere = DoorsOf("the.operator", "operator", {"F2"})
    assert (await told(rewards, evening, "/settlements", elsewhere)).json()["items"] == []
    assert (await told(rewards, evening, "/settlements?feeder=F1", elsewhere)).status_code == 403
    for path in ("/ledger", "/redemptions"):
        assert (await told(rewards, evening, path, elsewhere)).status_code == 403
    for path in ("/programmes", "/settlements", "/ledger", "/redemptions"):
        assert (await told(rewards, evening, path, DoorsOf("a.viewer", "viewer"))).status_code == 403
