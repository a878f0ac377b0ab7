"""The public charging map: who sees which station, and which plugs are free."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.clock import WallClock
from customers.charging_stations import ChargingMap, Place, Plug, PlugNow, Station
from tests.controller.api.conftest import TOKEN, calling
from tests.controller.api.fake_views import FakeViews

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MARKET = Station(
    Place("market", "Market square", 47.0, 8.0, "public", "Market 1"),
    (Plug("market", "cp1", 1, "type2", 22.0), Plug("market", "cp1", 2, "type2", 22.0)),
)
SCHOOL = Station(Place("school", "School", 47.02, 8.0, "public"), (Plug("school", "cp2", 1, "ccs2", 50.0),))
DEPOT = Station(Place("depot", "Depot", 47.0, 8.0, "private"), (Plug("depot", "cp3", 1, "ccs2", 150.0),))


@pytest.fixture
async def client(views: FakeViews) -> AsyncIterator[httpx.AsyncClient]:
    def plugs_now() -> dict[tuple[str, int], PlugNow]:
        return {("cp1", 1): PlugNow("available", NOON, 4.2), ("cp1", 2): PlugNow("occupied", NOON)}

    charging = ChargingMap((MARKET, SCHOOL, DEPOT), plugs_now)
    app = create_app(views, CollectorRegistry(), None, clock=WallClock(), charging=charging)
    async with calling(app) as client:
        yield client


async def names(client: httpx.AsyncClient, query: str = "", **headers: str) -> list[str]:
    answer = await client.get(f"/api/v1/charging/stations{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [station["station"] for station in answer.json()["stations"]]


async def test_everybody_sees_public_stations_with_what_their_chargers_say(client: httpx.AsyncClient) -> None:
    market, school = (await client.get("/api/v1/charging/stations")).json()["stations"]
    assert market["plugs"] == [
        {"charge_point": None, "connector": 1, "plug": "type2", "power_kw": 22.0,
         "occupancy": "available", "since": "2026-05-01T12:00:00Z", "limit_kw": 4.2},
        {"charge_point": None, "connector": 2, "plug": "type2", "power_kw": 22.0,
         "occupancy": "occupied", "since": "2026-05-01T12:00:00Z", "limit_kw": None},
    ]  # fmt: skip
    assert (market["latitude"], market["longitude"], market["distance_m"]) == (47.0, 8.0, None)
    assert school["plugs"][0]["occupancy"] == "unknown"


async def test_others_are_for_operators(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/charging/stations?all=true")).status_code == 401
    shown = {"authorization": f"Bearer {TOKEN}"}
    assert "depot" in await names(client, "?all=true", **shown)
    told = (await client.get("/api/v1/charging/stations?all=true", headers=shown)).json()["stations"]
    assert [station["plugs"][0]["charge_point"] for station in told] == ["cp1", "cp2", "cp3"]


async def test_near_and_free(client: httpx.AsyncClient) -> None:
    assert await names(client, "?near=47.021,8.0") == ["school", "market"]
    assert await names(client, "?near=47.021,8.0&within_m=500") == ["school"]
    assert await names(client, "?free=true") == ["market"]


@pytest.mark.parametrize("query", ["near=47.0", "near=91,8", "near=47,181", "within_m=0", "near=a,b"])
async def test_a_place_that_is_none_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/v1/charging/stations?{query}")).status_code == 422
