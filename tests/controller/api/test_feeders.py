"""The routes that say what the feeders are and how they are."""

import dataclasses
from dataclasses import replace

import httpx
import msgspec
import numpy as np
from fastapi import FastAPI

from controller.api.encoding import to_json
from controller.views import FeederView, Told, TrendPoint
from tests.controller.api.fake_views import FakeViews


async def test_feeders_before_and_after_the_first_cycle(views: FakeViews, client: httpx.AsyncClient) -> None:
    before = (await client.get("/api/v1/feeders")).json()
    assert before["site"] == "Evening street"
    assert before["feeders"][0] | {"period_s": 5.0} == before["feeders"][0]
    assert before["feeders"][0]["at"] is None
    assert before["feeders"][0]["seconds_since_cycle"] is None
    assert before["feeders"][0]["highest_loading_percent"] is None

    view = views.step_until(lambda view: view.violations)
    after = (await client.get("/api/v1/feeders")).json()["feeders"][0]
    assert after["at"] == f"{view.at:%Y-%m-%dT%H:%M:%SZ}"
    expected = max(e.loading_percent for e in (*view.transformers, *view.lines))
    assert after["highest_loading_percent"] == expected > 100
    assert 0 <= after["seconds_since_cycle"] < 10
    assert after["violations"] == len(view.violations) > 0


async def test_state_is_the_view_as_it_stands(views: FakeViews, client: httpx.AsyncClient) -> None:
    view = views.step(95)
    answer = await client.get("/api/v1/feeders/street/state")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert msgspec.json.decode(answer.content, type=FeederView) == view


async def test_a_missing_reading_is_null_not_zero(views: FakeViews, client: httpx.AsyncClient) -> None:
    view = views.step()
    assert (await client.get("/api/v1/feeders/street/state")).json()["service_point_kw"][7] is None
    views.view = replace(view, without_control_percent=float("nan"))
    assert (await client.get("/api/v1/feeders/street/state")).json()["without_control_percent"] is None


async def test_state_before_the_first_cycle_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/feeders/street/state")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "no cycle yet" in answer.json()["detail"]


async def test_trend_and_told(views: FakeViews, client: httpx.AsyncClient) -> None:
    views.step(95)
    trend = msgspec.json.decode(
        (await client.get("/api/v1/feeders/street/trend")).content, type=tuple[TrendPoint, ...]
    )
    assert trend == views.trend("street")
    told = msgspec.json.decode((await client.get("/api/v1/told?after=2")).content, type=tuple[Told, ...])
    assert told == views.told(2)
    assert [sentence.seq for sentence in told][:2] == [3, 4]


async def test_network_says_what_is_where(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/v1/feeders/street/network")).json()
    assert body["transformers"] == [
        {
            "id": "trafo:0",
            "name": "Trafo 1",
            "hv_bus": "bus:0",
            "lv_bus": "bus:1",
            "max_loading_percent": 100.0,
        }
    ]
    line = {"id": "line:1", "name": "Cable 2", "from_bus": "bus:2", "to_bus": "bus:3"}
    assert body["lines"][1] == line | {"max_loading_percent": 100.0}
    bus = body["buses"][6]
    assert bus["min_v_pu"] is None
    assert bus["service_points"] == [
        {"name": "House 5", "index": 4, "customer": "C005", "critical": True, "device_kinds": []}
    ]
    assert body["buses"][2]["service_points"][0]["device_kinds"] == ["ev_charger"]
    assert body["buses"][0]["service_points"] == []


async def test_network_is_not_sent_twice(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/feeders/street/network")
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await client.get("/api/v1/feeders/street/network", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = await client.get("/api/v1/feeders/street/network", headers={"if-none-match": '"older"'})
    assert changed.content == first.content


async def test_errors_are_problem_documents(client: httpx.AsyncClient) -> None:
    cases = {
        "/api/v1/feeders/nowhere/state": (404, "nowhere"),
        "/api/v1/feeders/nowhere/network": (404, "nowhere"),
        "/api/v1/feeders/nowhere/trend": (404, "nowhere"),
        "/api/v1/stream?feeder=nowhere": (404, "nowhere"),
        "/api/v1/told?after=-1": (422, "after"),
        "/api/v1/told?after=yesterday": (422, "after"),
        "/api/v1/nothing": (404, "Not Found"),
    }
    for path, (status, said) in cases.items():
        answer = await client.get(path)
        problem = answer.json()
        assert answer.status_code == problem["status"] == status, path
        assert answer.headers["content-type"] == "application/problem+json", path
        assert said in problem["detail"], path
        assert problem["instance"] == path.partition("?")[0]
        assert problem.keys() == {"type", "title", "status", "detail", "instance"}


async def test_a_bug_tells_nothing_of_our_inside(views: FakeViews, client: httpx.AsyncClient) -> None:
    def broken(feeder: str) -> FeederView:
        raise RuntimeError("secret path")

    views.feeder_view = broken  # type: ignore[method-assign]
    answer = await client.get("/api/v1/feeders/street/state")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_every_route_is_documented(app: FastAPI, client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    assert set(document["paths"]) == {
        "/api/v1/feeders", "/api/v1/feeders/{feeder}/network", "/api/v1/feeders/{feeder}/state",
        "/api/v1/feeders/{feeder}/trend", "/api/v1/feeders/{feeder}/operate", "/api/v1/told",
        "/api/v1/feeders/{feeder}/layout", "/api/v1/feeders/{feeder}/contributions", "/api/v1/entrance",
        "/api/v1/feeders/{feeder}/what-if",
        "/api/v1/stream", "/api/v1/overview", "/api/v1/asyncapi.json", "/health", "/metrics",
    }  # fmt: skip
    schema = document["components"]["schemas"]["FeederView"]
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(FeederView)}
    order = document["paths"]["/api/v1/feeders/{feeder}/operate"]["post"]["requestBody"]
    assert set(order["content"]["application/json"]["schema"]["required"]) == {"action", "why"}


def test_numpy_scalars_and_odd_values_in_json() -> None:
    assert to_json([np.float64(1.5), np.float32("nan"), np.int64(3), np.bool_(True)]) == b"[1.5,null,3,true]"
