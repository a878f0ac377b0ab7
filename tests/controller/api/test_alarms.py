"""The routes of alarms: who may, what is answered, and what a refusal is called."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import Depends, FastAPI, Request

from controller.alarms.alarm_desk import Seen
from controller.alarms.alarm_history import AlarmChanges
from controller.alarms.alarm_list import AlarmList
from controller.api import alarm_bodies as bodies
from controller.api.alarms import alarm_reading_routes, alarm_routes
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.clock import WallClock
from tests.builders import FEEDER
from tests.controller.alarms.alarm_builders import id_of, many, raised
from tests.controller.api.conftest import TOKEN, DoorsOf, calling
from tests.controller.worlds import World, evening

LINK = raised("link_down", "broker", feeder=None)


@pytest.fixture
async def world() -> World:
    """A daemon whose journal has two overloads and a link that is down."""
    world = World(evening())
    await world.tick()
    told = [msgspec.structs.replace(one, feeder=FEEDER) for one in many(2)]
    await world.daemon._keeper.write([*told, LINK])
    return world


def app_of(world: World, doors: Doors | None = None) -> FastAPI:
    app, desk = FastAPI(), world.daemon.desks.alarms
    add_problem_handlers(app)
    gate = doors or Doors(OperatorKey(TOKEN.encode()))

    async def look(request: Request) -> None:
        if doors is not None:
            await doors.admit_somewhere(request, "look")

    app.include_router(alarm_reading_routes(desk, WallClock()), dependencies=[Depends(look)])
    app.include_router(alarm_routes(desk, gate))
    return app


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(world)) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield client


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(f"/api/v1/alarms{path}", json=body)
    return answer.status_code, answer.json()


async def alarms(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    return (await client.get(f"/api/v1/alarms{query}")).json()  # type: ignore[no-any-return]


async def test_the_list_with_its_summary_and_its_tag(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/alarms")
    found = answer.json()
    assert [one["kind"] for one in found["items"]] == ["link_down", "overload", "overload"]
    assert found["summary"]["newest"]["alarm"] == LINK.alarm
    assert found["next"] is None
    assert (found["out_of_service"], found["longest_shelf_s"]) == ([], 8 * 3600)
    assert (found["summary"]["frozen_since"], len(found["summary"]["waiting"])) == (None, 1)
    again = await client.get("/api/v1/alarms", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    await post(client, f"/{LINK.alarm}/acknowledge", who="mara")
    again = await client.get("/api/v1/alarms", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 200
    assert (await client.get("/api/v1/alarms/summary")).json() == again.json()["summary"]


async def test_the_list_in_pages(client: httpx.AsyncClient) -> None:
    first = await alarms(client, "?limit=2")
    second = await alarms(client, f"?limit=2&after={first['next']}")
    whole = await alarms(client)
    assert first["items"] + second["items"] == whole["items"]
    assert second["next"] is None


async def test_one_is_acknowledged_as_it_was_seen(client: httpx.AsyncClient) -> None:
    status, body = await post(client, f"/{LINK.alarm}/acknowledge", occurrence=2, who="mara")
    assert (status, body["detail"]) == (
        409,
        f"alarm {LINK.alarm} was raised again since: look at it once more",
    )
    status, body = await post(
        client, f"/{LINK.alarm}/acknowledge", occurrence=1, who="mara", why="called them"
    )
    assert (status, body["alarm"]["state"], body["alarm"]["acknowledged_by"]) == (200, "acknowledged", "mara")
    page = (await client.get("/api/v1/alarms/history?change=acknowledged")).json()
    assert [(one["who"], one["why"]) for one in page["items"]] == [("mara", "called them")]


async def test_several_are_and_each_is_answered_for(client: httpx.AsyncClient) -> None:
    items = (await alarms(client))["items"]
    seen = [{"alarm": one["alarm"], "occurrence": one["occurrence"]} for one in items]
    seen[1]["occurrence"] = 9
    unknown = {"alarm": "overload-000000000000", "occurrence": 1}
    status, body = await post(client, "/acknowledge", alarms=[*seen, unknown], who="mara")
    assert (status, [one["outcome"] for one in body["items"]]) == (
        200, ["acknowledged", "moved", "acknowledged", "unknown"],
    )  # fmt: skip


async def test_there_is_no_way_to_acknowledge_what_was_not_seen(client: httpx.AsyncClient) -> None:
    for body in ({}, {"alarms": []}, {"alarms": [{"alarm": LINK.alarm}]}, {"alarms": "all"}):
        assert (await post(client, "/acknowledge", who="mara", **body))[0] == 422
    one = {"alarm": LINK.alarm, "occurrence": 1}
    assert (await post(client, "/acknowledge", who="mara", alarms=[one] * 201))[0] == 422


async def test_a_shelf_with_reason_and_end(world: World, client: httpx.AsyncClient) -> None:
    path = f"/{LINK.alarm}/shelve"
    until = "2016-01-12T18:00:00Z"
    status, body = await post(client, path, until=until, why="works", who="mara")
    assert (status, body["alarm"]["state"]) == (200, "shelved")
    assert body["alarm"]["shelved"]["until"] == until
    assert (await alarms(client))["summary"]["shelved"] == 1
    status, body = await post(client, f"/{LINK.alarm}/unshelve", who="jo", why="done")
    assert (status, body["alarm"]["state"]) == (200, "unacknowledged")
    status, body = await post(client, path, until="2016-01-13T18:00:00Z", why="works", who="mara")
    assert (status, body["detail"]) == (
        422, "until: expected a time to come, at the latest 2016-01-13T01:00:10Z",
    )  # fmt: skip
    assert (await post(client, path, until="2016-01-12T18:00:00", why="works", who="mara"))[0] == 422
    assert (await post(client, path, until=until, who="mara"))[0] == 422
    assert (await post(client, path, until=until, why="works"))[0] == 422  # the token names nobody
    world.store.broken = True
    status, body = await post(client, path, until=until, why="works", who="mara")
    assert (status, body["detail"]) == (503, "the journal cannot be written, so nothing was done")


async def test_what_nobody_knows(client: httpx.AsyncClient) -> None:
    for path in ("acknowledge", "shelve", "unshelve"):
        assert (await post(client, f"/overload-000000000000/{path}", who="mara"))[0] == 404


async def test_who_may(world: World) -> None:
    async with calling(app_of(world)) as nobody:
        assert (await nobody.post(f"/api/v1/alarms/{LINK.alarm}/acknowledge", json={})).status_code == 401
    async with calling(app_of(world, DoorsOf("li", "viewer"))) as viewer:
        assert len((await alarms(viewer))["items"]) == 3
        assert (await post(viewer, f"/{LINK.alarm}/acknowledge"))[0] == 403
        assert (await post(viewer, "/overload-000000000000/acknowledge"))[0] == 403


async def test_an_operator_of_some_feeders_has_theirs(world: World) -> None:
    mine = world.daemon.desks.alarms.views()[1]
    async with calling(app_of(world, DoorsOf("li", "operator", {"other"}))) as client:
        assert [one["kind"] for one in (await alarms(client))["items"]] == ["link_down"]
        assert (await client.get("/api/v1/alarms/history")).json()["items"][0]["kind"] == "link_down"
        assert (await post(client, f"/{mine.alarm}/acknowledge"))[0] == 403
        assert (await post(client, f"/{LINK.alarm}/acknowledge"))[0] == 403
        seen = [{"alarm": one, "occurrence": 1} for one in (mine.alarm, LINK.alarm)]
        _, body = await post(client, "/acknowledge", alarms=seen)
        assert [one["outcome"] for one in body["items"]] == ["not_allowed"] * 2
    async with calling(app_of(world, DoorsOf("li", "operator", {FEEDER}))) as client:
        status, body = await post(client, f"/{mine.alarm}/acknowledge")
        assert (status, body["alarm"]["acknowledged_by"]) == (200, "li")


async def test_nobody_acknowledges_what_is_not_there_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id can be guessed, and may come to be, on a feeder of others, while the desk is waited for."""
    desk = world.daemon.desks.alarms
    asked: list[str] = []
    acknowledge = desk.acknowledge

    async def overheard(seen: Sequence[Seen], **said: str) -> Mapping[str, str]:
        asked.extend(one.alarm for one in seen)
        return await acknowledge(seen, **said)

    monkeypatch.setattr(desk, "acknowledge", overheard)
    async with calling(app_of(world, DoorsOf("li", "operator", {"other"}))) as client:
        _, body = await post(client, "/acknowledge", alarms=[{"alarm": id_of(subject="z"), "occurrence": 1}])
    assert ([one["outcome"] for one in body["items"]], asked) == (["unknown"], [])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?after=9", 200),
        ("?after=x", 422),
        ("?limit=0", 422),
        ("?from=2016-01-12T00:00:00", 422),
        ("?from=2016-01-12T00:00:00Z&to=2016-01-13T00:00:00Z", 200),
        ("?priority=urgent", 422),
        ("?change=gone", 422),
    ],
)
async def test_what_may_be_asked_of_the_history(client: httpx.AsyncClient, query: str, status: int) -> None:
    assert (await client.get(f"/api/v1/alarms/history{query}")).status_code == status


async def test_the_rate(client: httpx.AsyncClient) -> None:
    rate = (await client.get("/api/v1/alarms/rate?hours=1")).json()
    assert (rate["alarms"], rate["operators"]) == (0, 1)  # those above are of another day
    assert [one["name"] for one in rate["targets"]] == ["acceptable", "manageable"]
    assert (await client.get("/api/v1/alarms/rate?hours=169")).status_code == 422


def test_the_examples_are_what_they_are_examples_of() -> None:
    for example, kind in (
        (bodies.LIST_EXAMPLE, AlarmList),
        (bodies.HISTORY_EXAMPLE, AlarmChanges),
        (bodies.ACKNOWLEDGE_EXAMPLE, bodies.AcknowledgeBody),
        (bodies.ACKNOWLEDGE_MANY_EXAMPLE, bodies.AcknowledgeManyBody),
        (bodies.SHELVE_EXAMPLE, bodies.ShelveBody),
        (bodies.UNSHELVE_EXAMPLE, bodies.UnshelveBody),
        (bodies.OUTCOMES_EXAMPLE, bodies.AlarmOutcomes),
        (bodies.NOW_EXAMPLE, bodies.AlarmNow),
    ):
        told = msgspec.json.decode(json.dumps(example), type=kind)
        if isinstance(told, AlarmList | AlarmChanges):
            assert msgspec.to_builtins(told).keys() == example.keys()
