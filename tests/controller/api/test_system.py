"""What the API tells of Gridward itself, and to whom."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector

from controller.access.roles import Role
from controller.api.system import SystemSources, system_routes
from controller.log_ring import LogRing
from tests.builders import inline
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.worlds import World, evening


class Running:
    """A daemon after an overload with its store gone once, and the routes that tell of it."""

    def __init__(self) -> None:
        self.world, self.log = World(evening()), LogRing()

    def app(self, role: Role) -> FastAPI:
        sources = SystemSources(
            site=self.world.of,
            daemon=self.world.daemon.status,
            process=ProcessCollector(registry=CollectorRegistry()),
            log=self.log,
            offload=inline,
        )
        app = FastAPI()
        app.include_router(system_routes(sources, DoorsOf(f"the.{role}", role)))
        return app


@pytest.fixture
async def running() -> Running:
    running = Running()
    running.world.charge()
    await running.world.tick(3)
    return running


@pytest.fixture
async def engineer(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(running.app("engineer")) as client:
        yield client


async def test_it_tells_how_the_parts_are(running: Running, engineer: httpx.AsyncClient) -> None:
    running.world.store.broken = True
    await running.world.tick()
    told = (await engineer.get("/api/v1/system")).json()
    daemon, process = told["daemon"], told["process"]
    assert daemon["epoch"] == 1
    assert daemon["cycles"]["cycles"] == 4
    assert daemon["journal"]["entries"] == running.world.daemon.books.seq > 0
    assert (daemon["journal"]["fault"], daemon["journal"]["store"]) == ("disk full", "sqlite")
    assert daemon["journal"]["failures"] >= 1
    assert {queue["queue"] for queue in daemon["queues"]} == {"readings", "statuses", "answers"}
    assert process["memory_bytes"] > 1e6
    assert 0 < process["disk_free_bytes"] <= process["disk_bytes"]


async def test_refused_input_is_told_by_reason(running: Running, engineer: httpx.AsyncClient) -> None:
    running.world.daemon.metrics.intake.refused.labels("F1", "too_old").inc(3)
    running.world.daemon.metrics.intake.refused.labels("", "unknown_feeder").inc(8)
    told = (await engineer.get("/api/v1/system")).json()["daemon"]["refused"]
    assert told == [
        {"feeder": None, "reason": "unknown_feeder", "count": 8},
        {"feeder": "F1", "reason": "too_old", "count": 3},
    ]


async def test_the_log_comes_in_pages(running: Running, engineer: httpx.AsyncClient) -> None:
    for number in range(5):
        running.log(None, "warning", {"event": f"line {number}", "level": "warning"})
    running.log(None, "info", {"event": "quiet", "level": "info"})
    first = (await engineer.get("/api/v1/system/log?level=warning&limit=3")).json()
    assert [line["event"] for line in first["items"]] == ["line 4", "line 3", "line 2"]
    rest = (await engineer.get(f"/api/v1/system/log?level=warning&limit=3&after={first['next']}")).json()
    assert [line["event"] for line in rest["items"]] == ["line 1", "line 0"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("role", "allowed"), [("viewer", False), ("operator", False), ("engineer", True), ("supervisor", True)]
)
async def test_settings_and_log_are_for_those_who_look_after_it(
    running: Running, role: Role, *, allowed: bool
) -> None:
    async with calling(running.app(role)) as client:
        assert (await client.get("/api/v1/system")).status_code == 200
        for path in ("/api/v1/system/config", "/api/v1/system/log"):
            assert (await client.get(path)).status_code == (200 if allowed else 403)


async def test_settings_are_told_by_table(engineer: httpx.AsyncClient) -> None:
    told = (await engineer.get("/api/v1/system/config")).json()
    assert told["cycle"]["period_s"] == 10.0
