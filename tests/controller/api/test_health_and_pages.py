"""Health, metrics, the console's files, and the headers on all of them."""

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from console import static_dir
from controller.api.app import create_app
from controller.api.security_headers import HEADERS
from tests.controller.api.conftest import calling
from tests.controller.api.fake_views import FakeViews


class HandClock:
    """A clock whose seconds are set by hand; only `monotonic` is asked here."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


async def test_health_follows_the_cycles() -> None:
    clock = HandClock()
    views = FakeViews()
    async with calling(create_app(views, CollectorRegistry(), None, clock=clock)) as client:  # type: ignore[arg-type]
        starting = await client.get("/health")
        assert starting.status_code == 503
        assert starting.json()["feeders"] == [{"id": "street", "ready": False, "seconds_since_cycle": None}]

        views.step()
        clock.seconds += 30
        ready = await client.get("/health")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")

        clock.seconds += 0.1
        stuck = await client.get("/health")
        assert (stuck.status_code, stuck.json()["status"]) == (503, "not_ready")
        assert stuck.json()["feeders"][0]["seconds_since_cycle"] == pytest.approx(30.1)

        views.step()
        assert (await client.get("/health")).status_code == 200


async def test_metrics_in_the_format_asked_for(client: httpx.AsyncClient) -> None:
    plain = await client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert b"\ngridward_sends_total 3.0\n" in plain.content
    openmetrics = await client.get(
        "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.content.endswith(b"# EOF\n")


async def test_headers_are_on_everything(views: FakeViews, client: httpx.AsyncClient) -> None:
    views.step()
    for path in (
        "/",
        "/console/icon.svg",
        "/api/v1/feeders",
        "/health",
        "/metrics",
        "/nothing",
    ):
        headers = (await client.get(path)).headers
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, path
        assert "cache-control" in headers, path
        assert "access-control-allow-origin" not in headers, path
    assert "script-src 'self';" in HEADERS["content-security-policy"]
    assert "frame-ancestors 'none'" in HEADERS["content-security-policy"]


async def test_the_page_and_its_files_come_with_tags(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Gridward</title>" in page.text
    again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304
    for outside in ("/console/../__init__.py", "/console/%2e%2e/__init__.py"):
        assert (await client.get(outside)).status_code == 404


async def test_every_script_is_sent_compressed_where_that_is_taken(client: httpx.AsyncClient) -> None:
    scripts = [file.relative_to(static_dir()).as_posix() for file in static_dir().rglob("*.js")]
    assert len(scripts) > 8
    for script in scripts:
        plain = await client.get(f"/console/{script}", headers={"accept-encoding": "identity"})
        packed = await client.get(f"/console/{script}", headers={"accept-encoding": "gzip"})
        for answer in (plain, packed):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/javascript"), script
        assert packed.content == plain.content


async def test_without_a_console_the_api_is_there(views: FakeViews, app: FastAPI) -> None:
    bare = create_app(views, CollectorRegistry(), None, clock=HandClock())  # type: ignore[arg-type]
    async with calling(bare) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.get("/api/v1/feeders")).status_code == 200
