"""The routes of settlements: who may, what is answered, and what a refusal is called."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from controller.api.gate import Doors, Gate
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.api.settlements import settlement_routes
from tests.builders import START
from tests.controller.api.conftest import TOKEN, DoorsOf, calling
from tests.controller.proving.test_settlement_desk import R0, DeskEvening, unread

BEARER = {"authorization": f"Bearer {TOKEN}"}
DISPUTE = {"request": R0, "reason": "readings_missing", "who": "hotline"}
WHO = {"who": "settlement", "why": "seen at the meter"}


@pytest.fixture
async def evening() -> DeskEvening:
    return await unread()


@pytest.fixture
async def client(evening: DeskEvening) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(evening, Doors(OperatorKey(TOKEN.encode())))) as client:
        client.headers.update(BEARER)
        yield client


def app_of(evening: DeskEvening, gate: Gate) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(settlement_routes(evening.desk, gate))
    return app


def late(kw: float = 5.2, **changes: Any) -> dict[str, Any]:
    times = [(START + timedelta(minutes=n)).isoformat() for n in range(15)]
    return {"feeder": "F1", "readings": [{"meter": "M00", "at": at, "p_kw": kw} | changes for at in times]}


async def post(client: httpx.AsyncClient, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(f"/api/v1{path}", json=body)
    return answer.status_code, answer.json()


async def test_late_readings(evening: DeskEvening, client: httpx.AsyncClient) -> None:
    status, body = await post(client, "/readings/late", late())
    assert (status, body) == (
        200, {"readings": 15, "new": 15, "corrected": [R0], "unchanged": 0, "decided": [], "not_kept": []},
    )  # fmt: skip
    assert (await post(client, "/readings/late", late()))[1]["corrected"] == []
    assert evening.points() == 170


async def test_a_settlement_by_interval(client: httpx.AsyncClient) -> None:
    await post(client, "/readings/late", late(9.0))
    answer = await client.get(f"/api/v1/requests/{R0}/settlement")
    body = answer.json()
    assert (answer.status_code, body["version"], body["points"], body["reduced_kwh"]) == (200, 1, 75, 0.75)
    assert body["by_interval"] == [
        {
            "start": "2016-01-12T17:00:00Z", "asked_wh": 1700, "reduced_wh": 750, "compliance_percent": 44.1,
            "measured_s": 900, "active_s": 900, "proven": True,
        }
    ]  # fmt: skip
    assert [one["reduced_kwh_before"] for one in body["corrections"]] == [0.0]
    assert body["disputes"] == []


async def test_a_dispute_from_opening_to_decision(evening: DeskEvening, client: httpx.AsyncClient) -> None:
    status, opened = await post(client, "/disputes", DISPUTE)
    assert (status, opened["request"], opened["reason"]) == (200, R0, "readings_missing")
    listed = (await client.get("/api/v1/disputes")).json()
    assert listed == {"disputes": [opened]}
    path = f"/disputes/{opened['dispute']}/decision"
    status, decided = await post(client, path, {"outcome": "upheld", "reduced_wh": 400, **WHO})
    assert (status, decided["correction"]["points"], decided["closed"]["outcome"]) == (200, 40, "upheld")
    assert (await client.get("/api/v1/disputes")).json() == {"disputes": []}
    status, body = await post(client, path, {"outcome": "rejected", **WHO})
    assert (status, body["detail"]) == (404, f"no dispute '{opened['dispute']}' is open")
    assert evening.points() == 40


async def test_a_rejected_dispute_changes_nothing(evening: DeskEvening, client: httpx.AsyncClient) -> None:
    _, opened = await post(client, "/disputes", DISPUTE)
    path = f"/disputes/{opened['dispute']}/decision"
    assert (await post(client, path, {"outcome": "rejected", "reduced_wh": 4, **WHO}))[0] == 422
    status, body = await post(client, path, {"outcome": "rejected", **WHO})
    assert (status, body["correction"], body["closed"]["why"]) == (200, None, WHO["why"])
    assert evening.points() == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/readings/late", {"feeder": "F9", "readings": []}, 404, "expected one of F1"),
        ("/readings/late", late(meter="M99"), 422, "there is no such meter"),
        ("/readings/late", late(at="2016-01-12T17:00:00"), 422, "timezone"),
        ("/readings/late", late(at="0001-01-01T00:00:00+14:00"), 422, "at: expected a time of our days"),
        (
            "/disputes/D-1/decision",
            {"outcome": "upheld", "readings": [{"at": "0001-01-01T00:00:00+14:00", "p_kw": 1.0}], **WHO},
            422,
            "at: expected a time of our days",
        ),
        ("/readings/late", late(p_kw="4"), 422, "Expected `float`"),
        ("/readings/late", {"feeder": "F1"}, 422, "missing required field `readings`"),
        ("/disputes", DISPUTE | {"request": "X"}, 404, "there is no request 'X'"),
        ("/disputes", DISPUTE | {"reason": "greed"}, 422, "reason: expected one of '"),
        ("/disputes", DISPUTE | {"name": "Meier"}, 422, "unknown field"),
        ("/disputes/D-1/decision", {"outcome": "upheld", **WHO}, 404, "no dispute 'D-1' is open"),
        ("/disputes/D-1/decision", {"outcome": "upheld", "reduced_wh": -1, **WHO}, 422, ">= 0"),
    ],
)
async def test_refusals(  # noqa: PLR0917
    evening: DeskEvening, client: httpx.AsyncClient, path: str, body: Any, status: int, said: str
) -> None:
    seq = evening.seq()
    answered, problem = await post(client, path, body)
    assert answered == status
    assert said in problem["detail"]
    assert evening.seq() == seq


async def test_what_makes_no_difference_and_a_store_out_of_order(
    evening: DeskEvening, client: httpx.AsyncClient
) -> None:
    _, opened = await post(client, "/disputes", DISPUTE)
    path = f"/disputes/{opened['dispute']}/decision"
    status, problem = await post(client, path, {"outcome": "upheld", **WHO})
    assert (status, "comes to the same" in problem["detail"]) == (409, True)
    evening.store.broken = True
    status, problem = await post(client, path, {"outcome": "upheld", "reduced_wh": 4, **WHO})
    assert (status, problem["detail"]) == (503, "the journal cannot be written; the same again is safe")


async def test_all_of_it_needs_the_token(client: httpx.AsyncClient) -> None:
    client.headers["authorization"] = "Bearer wrong"
    assert (await client.get("/api/v1/disputes")).status_code == 401
    assert (await client.get(f"/api/v1/requests/{R0}/settlement")).status_code == 401
    for path in ("/disputes", "/disputes/D-1/decision", "/readings/late"):
        assert (await post(client, path, {}))[0] == 401


async def test_who_has_other_feeders_has_none_of_these(
    evening: DeskEvening, client: httpx.AsyncClient
) -> None:
    _, opened = await post(client, "/disputes", DISPUTE)
    seq = evening.seq()
    dispute = DISPUTE | {"who": "boss"}
    decision = {"outcome": "rejected", "why": "seen at the meter"}
    async with calling(app_of(evening, DoorsOf("boss", "supervisor", {"F2"}))) as elsewhere:
        assert (await post(elsewhere, "/readings/late", late()))[0] == 403
        assert (await post(elsewhere, "/disputes", dispute))[0] == 403
        assert (await post(elsewhere, f"/disputes/{opened['dispute']}/decision", decision))[0] == 403
        assert (await elsewhere.get(f"/api/v1/requests/{R0}/settlement")).status_code == 403
        assert (await elsewhere.get("/api/v1/disputes")).status_code == 403
        assert (await post(elsewhere, "/disputes/D-1/decision", decision))[0] == 404
    assert evening.seq() == seq
    async with calling(app_of(evening, DoorsOf("boss", "supervisor", {"F1"}))) as here:
        assert (await here.get(f"/api/v1/requests/{R0}/settlement")).status_code == 200
        status, decided = await post(here, f"/disputes/{opened['dispute']}/decision", decision)
        assert (status, decided["closed"]["who"]) == (200, "boss")
        assert (await post(here, "/disputes", dispute))[0] == 200
        with structlog.testing.capture_logs() as logs:
            assert (await post(here, "/readings/late", late()))[0] == 200
    assert [one["by"] for one in logs if "by" in one] == ["boss"]


async def test_nobody_disputes_in_somebody_else_s_name(evening: DeskEvening) -> None:
    nobody = {name: DISPUTE[name] for name in ("request", "reason")}
    async with calling(app_of(evening, DoorsOf("boss", "supervisor"))) as client:
        status, problem = await post(client, "/disputes", DISPUTE)
        assert (status, problem["detail"]) == (
            422,
            "who: expected 'boss', who is signed in, or nothing; got 'hotline'",
        )
        assert (await post(client, "/disputes", nobody))[1]["who"] == "boss"
    async with calling(app_of(evening, Doors(OperatorKey(TOKEN.encode())))) as client:
        client.headers.update(BEARER)
        assert (await post(client, "/disputes", nobody))[0] == 422
