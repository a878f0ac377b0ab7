"""The routes of rewards: who may, what is answered, and what a refusal is called."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
import structlog
from fastapi import FastAPI
from msgspec.structs import replace

from controller import settings
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.posted import MAX_BODY_BYTES
from controller.api.problems import add_problem_handlers
from controller.api.rewards import rewards_routes
from controller.rewards.statement_source import StatementSource
from controller.stores.port import OutcomeUnknown, Record
from tests.controller.api.conftest import TOKEN, DoorsOf, calling
from tests.controller.rewards.reward_worlds import REWARDS, DeskWorld

BEARER = {"authorization": f"Bearer {TOKEN}"}
FACT = {
    "fact": "F1",
    "customer": "C",
    "kind": "bill_paid_on_time",
    "occurred_at": "2026-01-12T18:30:00+01:00",
}
REDEMPTION = {"redemption": "X1", "customer": "C", "item": "credit", "who": "portal"}
DECISION = {"who": "billing", "reason": "on the next bill"}


class Reading:
    """The world's store, that closing leaves open."""

    def __init__(self, world: DeskWorld) -> None:
        self.replay, self.transactions = world.store.replay, world.store.transactions

    def close(self) -> None:
        """It is in memory: closed it would be lost."""


@pytest.fixture
async def world() -> DeskWorld:
    customers = frozenset({"C", "D", "a/b"})
    return await DeskWorld(rewards=replace(REWARDS, budget_minor_units=1_000), customers=customers).start()


@pytest.fixture
async def client(world: DeskWorld) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    add_problem_handlers(app)
    statements = StatementSource(settings.Store(), lambda _: cast("Record", Reading(world)))
    app.include_router(rewards_routes(world.desk, Doors(OperatorKey(TOKEN.encode())), statements))
    async with calling(app) as client:
        client.headers.update(BEARER)
        yield client


async def post(client: httpx.AsyncClient, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(f"/api/v1{path}", json=body)
    return answer.status_code, answer.json()


async def test_a_fact(world: DeskWorld, client: httpx.AsyncClient) -> None:
    assert await post(client, "/facts", FACT) == (
        200, {"fact": "F1", "customer": "C", "points": 50, "again": False},
    )  # fmt: skip
    status, body = await post(client, "/facts", FACT | {"occurred_at": "2026-01-12T17:30:00Z"})
    assert (status, body["again"], body["points"]) == (200, True, 0)
    status, body = await post(client, "/facts", FACT | {"kind": "bill_paid"})
    assert (status, body["detail"]) == (409, "fact F1 is known already, with another content")
    assert world.points("C") == 50


async def test_a_redemption_from_the_catalogue_to_the_bill(
    world: DeskWorld, client: httpx.AsyncClient
) -> None:
    await world.credit("C", 250)
    status, body = await post(client, "/redemptions", REDEMPTION)
    assert (status, body["state"], body["points"]) == (200, "pending", 200)
    assert body["deadline"] == "2026-01-22T18:00:00Z"
    assert await post(client, "/redemptions", REDEMPTION) == (200, body)
    status, body = await post(client, "/redemptions/X1/fulfil", DECISION)
    assert (status, body["state"], body["deadline"]) == (200, "fulfilled", None)
    status, body = await post(client, "/redemptions/X1/void", DECISION)
    assert (status, body["title"]) == (409, "Conflict")
    assert (world.points("C"), world.money("C")) == (50, 150)


async def test_a_voided_redemption(world: DeskWorld, client: httpx.AsyncClient) -> None:
    await world.credit("C", 250)
    await post(client, "/redemptions", REDEMPTION)
    status, body = await post(client, "/redemptions/X1/void", DECISION)
    assert (status, body["state"], body["reason"]) == (200, "voided", "on the next bill")
    assert world.points("C") == 250


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/facts", FACT | {"customer": "Z"}, 404, "no customer 'Z'"),
        ("/facts", FACT | {"occurred_at": "2026-02-12T18:30:00Z"}, 422, "a fact of the past"),
        ("/facts", FACT | {"occurred_at": "2026-01-12T18:30:00"}, 422, "occurred_at"),
        ("/facts", FACT | {"occurred_at": "0001-01-01T00:00:00+23:00"}, 422, "occurred_at"),
        (
            "/facts",
            FACT | {"kind": "bill_paid", "amount_minor_units": 5},
            422,
            "expected an amount in EUR-cent",
        ),
        ("/facts", FACT | {"amount_minor_units": 1.5}, 422, "amount_minor_units"),
        ("/facts", FACT | {"fact": "a b"}, 422, "$.fact"),
        ("/facts", FACT | {"fact": "a\n"}, 422, "$.fact"),
        ("/payouts", {"payout": "a", "least_minor_units": 10**16}, 422, "least_minor_units"),
        ("/facts", FACT | {"points": 5}, 422, "points"),
        ("/redemptions", REDEMPTION, 409, "expected 200 points, C has 0"),
        ("/redemptions", REDEMPTION | {"item": "spoon"}, 404, "expected one of lamp"),
        ("/redemptions", {"redemption": "X1"}, 422, "customer"),
        ("/redemptions/X9/fulfil", DECISION, 404, "no redemption 'X9'"),
        ("/redemptions/X9/void", {"who": "a"}, 422, "reason"),
        ("/budget/top-ups", {"top_up": "T", "unit": "CHF-rappen", "amount": 1, "who": "a"}, 404, "EUR-cent"),
        ("/budget/top-ups", {"top_up": "T", "unit": "points", "amount": 0, "who": "a"}, 422, "amount"),
    ],
)
async def test_what_is_refused(  # noqa: PLR0917
    world: DeskWorld, client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    length = world.entries()
    found, problem = await post(client, path, body)
    assert (found, said in problem["detail"]) == (status, True), problem
    assert world.entries() == length


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/catalogue"),
        ("GET", "/customers/C/rewards"),
        ("GET", "/customers/C/statement"),
        ("POST", "/facts"),
        ("POST", "/redemptions"),
        ("POST", "/redemptions/X1/fulfil"),
        ("POST", "/redemptions/X1/void"),
        ("POST", "/budget/top-ups"),
        ("POST", "/payouts"),
    ],
)
async def test_without_the_token_nothing_is_told_or_done(
    world: DeskWorld, client: httpx.AsyncClient, method: str, path: str
) -> None:
    length = world.entries()
    client.headers["authorization"] = f"Bearer {TOKEN}x"
    answer = await client.request(method, f"/api/v1{path}", json=FACT)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.entries() == length


async def test_bodies_of_a_wrong_kind(client: httpx.AsyncClient) -> None:
    for content, kind, status in (
        (b"{", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"x" * (MAX_BODY_BYTES + 1), "application/json", 413),
    ):
        answer = await client.post("/api/v1/facts", content=content, headers={"content-type": kind})
        assert answer.status_code == status


async def test_what_a_customer_has(world: DeskWorld, client: httpx.AsyncClient) -> None:
    await world.credit("C", 400, 75)
    await post(client, "/redemptions", REDEMPTION)
    body = (await client.get("/api/v1/customers/C/rewards")).json()
    (pending,) = body.pop("pending")
    assert pending["redemption"] == "X1"
    assert body == {
        "customer": "C",
        "balances": {"points": 200, "EUR-cent": 75},
        "tier": "silver",
        "earned_points": 400,
        "next_tier": "gold",
        "points_to_next_tier": 600,
        "expiring_points": 200,
        "expiring_on": "2026-10-01",
    }
    empty = (await client.get("/api/v1/customers/D/rewards")).json()
    assert (empty["balances"], empty["tier"], empty["expiring_on"]) == ({}, None, None)
    assert (await client.get("/api/v1/customers/Z/rewards")).status_code == 404


async def test_the_catalogue_has_what_is_to_be_had_now(world: DeskWorld, client: httpx.AsyncClient) -> None:
    await world.credit("C", 400)
    await post(client, "/redemptions", REDEMPTION | {"item": "cinema"})
    items = (await client.get("/api/v1/catalogue")).json()["items"]
    assert [(one["item"], one["left"]) for one in items] == [
        ("lamp", None), ("cinema", 1), ("credit", None), ("golden", None),
    ]  # fmt: skip
    assert items[0]["names"] == {"en": "LED lamp", "de": "LED-Lampe"}


async def test_a_payout_and_a_top_up(world: DeskWorld, client: httpx.AsyncClient) -> None:
    await world.credit("C", 0, 75)
    assert await post(client, "/payouts", {"payout": "2026-01"}) == (
        200,
        {"payout": "2026-01", "booked": True},
    )
    assert await post(client, "/payouts", {"payout": "2026-02"}) == (
        200,
        {"payout": "2026-02", "booked": False},
    )
    for payout in ("2026-01", "2026-02"):
        status, body = await post(client, "/payouts", {"payout": payout, "least_minor_units": 2})
        assert (status, "known already, with another content" in body["detail"]) == (409, True)
    top_up = {"top_up": "T", "unit": "points", "amount": 7, "who": "controlling"}
    status, body = await post(client, "/budget/top-ups", top_up)
    assert (status, body["key"]) == (200, "evening/top-up/T")
    assert (await post(client, "/budget/top-ups", top_up | {"amount": 8}))[0] == 409
    assert world.money("C") == 0


async def test_a_statement_of_some_days(world: DeskWorld, client: httpx.AsyncClient) -> None:
    await world.credit("C", 100, key="first")
    world.clock.passed_s += 86_400
    await post(client, "/facts", FACT)
    await post(client, "/redemptions", REDEMPTION | {"item": "lamp"})
    path = "/api/v1/customers/C/statement"
    body = (await client.get(path, params={"first": "2026-01-13", "last": "2026-01-13"})).json()
    assert (body["opening"], body["closing"]) == ({"points": 100}, {"points": 50})
    assert [(line["reason"], line["amounts"]) for line in body["lines"]] == [
        ("bill paid on time", {"points": 50}),
        ("held for lamp, redemption X1", {"points": -100}),
    ]
    whole = (await client.get(path, params={"last": "9999-12-31"})).json()
    assert len(whole["lines"]) == 3
    for wrong in ({"first": "2026-01-13", "last": "2026-01-12"}, {"first": "soon"}):
        assert (await client.get(path, params=wrong)).status_code == 422
    assert (await client.get("/api/v1/customers/Z/statement")).status_code == 404


async def test_a_former_customer_can_ask_for_what_is_left(
    world: DeskWorld, client: httpx.AsyncClient
) -> None:
    await world.credit("gone", 250, 75)
    body = (await client.get("/api/v1/customers/gone/rewards")).json()
    assert body["balances"] == {"points": 250, "EUR-cent": 75}
    assert (await client.get("/api/v1/customers/gone/statement")).status_code == 200
    assert (await post(client, "/redemptions", REDEMPTION | {"customer": "gone"}))[0] == 200


async def test_a_body_that_comes_in_many_parts(world: DeskWorld, client: httpx.AsyncClient) -> None:
    async def drops(text: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(text), 7):
            yield text[at : at + 7]

    for text, status in ((json.dumps(FACT).encode(), 200), (b" " * (MAX_BODY_BYTES + 1), 413)):
        kind = {"content-type": "application/json"}
        answer = await client.post("/api/v1/facts", content=drops(text), headers=kind)
        assert answer.status_code == status


def lost(*told: object) -> None:
    raise OutcomeUnknown("the server is gone")


async def test_a_journal_that_cannot_be_written_is_said(world: DeskWorld, client: httpx.AsyncClient) -> None:
    world.store.broken = True
    status, body = await post(client, "/facts", FACT)
    assert (status, body["detail"]) == (503, "the journal cannot be written, so nothing was done")
    status, body = await post(client, "/payouts", {"payout": "P"})
    assert (status, "goes on from here" in body["detail"]) == (503, True)
    commit = world.store.commit
    world.store.commit = lost  # type: ignore[assignment, method-assign]
    status, body = await post(client, "/facts", FACT)
    assert (status, "the same again" in body["detail"]) == (503, True)
    world.store.commit, world.store.broken = commit, False  # type: ignore[method-assign]
    world.clock.passed_s += timedelta(minutes=1).total_seconds()
    assert (await post(client, "/facts", FACT))[1]["points"] == 50


async def test_all_of_it_is_in_the_document(world: DeskWorld) -> None:
    app = FastAPI()
    app.include_router(rewards_routes(world.desk, Doors(OperatorKey(TOKEN.encode()))))
    paths = app.openapi()["paths"]
    assert "/api/v1/redemptions/{redemption}/fulfil" in paths
    schema = paths["/api/v1/facts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == {"fact", "customer", "kind", "occurred_at"}


async def test_rewards_are_of_no_one_feeder_and_the_log_says_who(world: DeskWorld) -> None:
    def app_of(gate: Doors) -> FastAPI:
        app = FastAPI()
        add_problem_handlers(app)
        app.include_router(rewards_routes(world.desk, gate))
        return app

    payout = {"payout": "P1", "least_minor_units": 1}
    async with calling(app_of(DoorsOf("boss", "supervisor", {"F1"}))) as client:
        assert (await post(client, "/facts", FACT))[0] == 403
        assert (await post(client, "/payouts", payout))[0] == 403
        assert (await client.get("/api/v1/catalogue")).status_code == 403
    async with calling(app_of(DoorsOf("boss", "supervisor"))) as client:
        with structlog.testing.capture_logs() as logs:
            assert (await post(client, "/facts", FACT))[0] == 200
            assert (await post(client, "/payouts", payout))[0] == 200
    assert [(one["event"], one["by"]) for one in logs if "by" in one] == [
        ("fact_reported", "boss"), ("payout_booked", "boss")
    ]  # fmt: skip
