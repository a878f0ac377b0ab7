"""The stream over real sockets: what comes, what a slow or absent reader costs, and how it ends."""

import asyncio
import contextlib
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.bodies import StateEvent
from controller.api.open_stream import KEEPALIVE_S
from controller.api.server import CannotListen, serve
from controller.api.stream import MAX_SUBSCRIBERS, Subscriber
from controller.clock import ScaledClock
from tests.controller.api.fake_views import FakeViews

WITHIN_S = 60.0
QUICK = ScaledClock(datetime(2016, 1, 1, tzinfo=UTC), 50)
"""Keepalives after 0.3 s, at most 200 events a second, 0.6 s of patience with who takes nothing."""


class Reader:
    """Reads one stream event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, StateEvent | None]:
        """The next block: its id and event, or its comment."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WITHIN_S):
            async for line in self._lines:
                if not line and fields:
                    break
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if "data" not in fields:
            return next(iter(fields.values())), None
        assert fields["event"] == "state"
        return fields["id"], msgspec.json.decode(fields["data"], type=StateEvent)

    async def event(self) -> StateEvent:
        """The next event, whatever comments come before it."""
        while True:
            _, event = await self.next()
            if event is not None:
                return event


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    """The app on a free port, until the block ends."""
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, taken.set_result))
    try:
        async with asyncio.timeout(WITHIN_S):
            yield await taken
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def reading(port: int, path: str = "/api/v1/stream?feeder=street") -> AsyncIterator[Reader]:
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Reader(answer)


async def until(condition: object) -> None:
    """Wait for the loop to get there; fails by time-out."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


def quick_app(views: FakeViews) -> FastAPI:
    return create_app(views, CollectorRegistry(), None, clock=QUICK)


async def test_first_the_present_state_then_each_cycle() -> None:
    views = FakeViews()
    views.step(95)
    async with serving(quick_app(views)) as port, reading(port) as reader:
        assert await reader.next() == ("2000", None)  # the retry field
        first_id, first = await reader.next()
        assert first is not None
        assert (first_id, first.full, first.view) == ("95", True, views.view)
        assert first.trend == views.trend("street")
        assert first.told == views.told()

        views.step()
        second = await reader.event()
        assert (second.full, second.view) == (False, views.view)
        assert second.trend == views.trend("street")[-1:]
        assert second.told == tuple(t for t in views.told() if t.seq > first.told[-1].seq)


async def test_a_feeder_without_a_cycle_begins_with_its_first() -> None:
    views = FakeViews()
    async with serving(quick_app(views)) as port, reading(port, "/api/v1/stream") as reader:
        assert await reader.next() == ("2000", None)
        assert await reader.next() == ("still here", None)
        views.step()
        event = await reader.event()
        assert (event.full, event.view.cycle) == (True, 1)


async def test_reconnecting_gives_the_present_whatever_was_seen() -> None:
    views = FakeViews()
    views.step(20)
    async with serving(quick_app(views)) as port:
        async with reading(port) as reader:
            assert (await reader.event()).view.cycle == 20
        views.step(5)
        async with reading(port) as reader:
            again = await reader.event()
            assert (again.full, again.view.cycle, len(again.trend)) == (True, 25, 25)


async def test_a_burst_becomes_one_event_that_misses_no_point() -> None:
    views = FakeViews()
    views.step(1)
    subscriber = Subscriber(views, ("street",), None, QUICK)
    views.subscribe(subscriber.mark)
    chunks = subscriber.chunks()
    await anext(chunks)
    await anext(chunks)
    views.step(300)
    body = await anext(chunks)
    event = msgspec.json.decode(body.split(b"data: ")[1], type=StateEvent)
    assert event.view.cycle == 301
    assert len(event.trend) == 300
    assert await anext(chunks) == b": still here\n\n"
    subscriber.close()
    assert [chunk async for chunk in chunks] == []


async def test_a_client_that_leaves_is_forgotten() -> None:
    views = FakeViews()
    views.step()
    app = quick_app(views)
    async with serving(app) as port:
        async with reading(port) as reader:
            await reader.event()
            assert len(app.state.streams) == 1
        await until(lambda: len(app.state.streams) == 0)


async def test_a_reader_that_takes_nothing_costs_little_and_is_dropped() -> None:
    views = FakeViews()
    views.step(200)
    app = quick_app(views)
    async with serving(app) as port:
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", port))
        stalled.send(b"GET /api/v1/stream HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: len(app.state.streams) == 1)
        view = views.view
        assert view is not None
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        # far more than any socket buffer takes: 3,000 events of 20 kB, unless they are not made
        for _ in range(3000):
            for changed in views.subscribers:
                changed("street")
            await asyncio.sleep(0)
        async with asyncio.timeout(WITHIN_S):
            while len(app.state.streams):
                for changed in views.subscribers:
                    changed("street")
                await asyncio.sleep(0.002)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        stalled.close()
    assert after - before < 2_000_000


async def test_so_many_streams_and_no_more() -> None:
    views = FakeViews()
    app = quick_app(views)
    streams = app.state.streams
    subscribers = [streams.open(("street",), None) for _ in range(MAX_SUBSCRIBERS)]
    assert all(subscribers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.get("/api/v1/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    streams.leave(subscribers[0])
    assert streams.open(("street",), None) is not None


@pytest.mark.parametrize("stalled", [False, True])
async def test_stops_with_open_streams_and_waits_for_nobody(stalled: bool) -> None:
    views = FakeViews()
    views.step(200)
    app = create_app(views, CollectorRegistry(), None, clock=ScaledClock(datetime(2016, 1, 1, tzinfo=UTC), 1))
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, taken.set_result))
    port = await taken
    loop = asyncio.get_running_loop()
    raw = socket.create_connection(("127.0.0.1", port))
    raw.send(b"GET /api/v1/stream HTTP/1.1\r\nhost: x\r\n\r\n")
    async with reading(port) as reader:
        await reader.event()
        await until(lambda: len(app.state.streams) == 2)
        if stalled:
            fat = views.view
            assert fat is not None
            object.__setattr__(fat.quality, "alarm", "x" * 8_000_000)  # more than the sockets hold
            for changed in views.subscribers:
                changed("street")
            await asyncio.sleep(0.4)
        begun = loop.time()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert loop.time() - begun < KEEPALIVE_S - 5, "nor for the next keepalive, nor out of patience"
    raw.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert views.subscribers == [] or all("Pulse" in repr(changed) for changed in views.subscribers)


async def test_a_taken_port_is_said_clearly() -> None:
    app = quick_app(FakeViews())
    async with serving(app) as port:
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1 port {port} .*another `port` under \[api\]"):
            await serve(app, "127.0.0.1", port)


async def test_an_address_that_is_not_ours_is_said_clearly() -> None:
    with pytest.raises(CannotListen, match=r"203\.0\.113\.1"):
        await serve(quick_app(FakeViews()), "203.0.113.1", 0)


@pytest.mark.parametrize(
    ("proxies", "address"),
    [((), "127.0.0.1"), (("10.0.0.0/8",), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9")],
)
async def test_only_the_site_s_own_proxies_say_whose_request_it_is(
    proxies: tuple[str, ...], address: str
) -> None:
    app = quick_app(FakeViews())
    app.state.trusted_proxies = proxies

    @app.get("/whose")
    async def whose(request: Request) -> str:
        assert request.client is not None
        return request.client.host

    async with serving(app) as port, httpx.AsyncClient(trust_env=False) as client:
        told = {"x-forwarded-for": "203.0.113.9"}
        answer = await client.get(f"http://127.0.0.1:{port}/whose", headers=told)
        assert answer.json() == address
