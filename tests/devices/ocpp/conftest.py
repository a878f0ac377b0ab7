"""A central system that runs, and charge points in a process of their own."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, ChargerDevice, CsmsSettings
from tests.devices.live import WITHIN_S, Deliveries, RealClock, until

VERSIONS = ("1.6", "2.0.1")
DEVICE = ChargerDevice("f1", "ev1", meter="m1", rated_kw=11.0)


class Process:
    """The charge points' process: orders in, events out."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        script = Path(__file__).with_name("charge_point.py")
        self._process = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def order(self, name: str, do: str, **more: Any) -> int:
        """Give an order; its number is in its "done"."""
        self._number += 1
        assert self._process.stdin is not None
        order = {"name": name, "do": do, "number": self._number, **more}
        self._process.stdin.write(json.dumps(order) + "\n")
        return self._number

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Point:
    """One charge point over there."""

    def __init__(self, process: Process, name: str, version: str, url: str, **more: Any) -> None:
        self.name, self.version = name, version
        self._process = process
        self._since = len(process.events)
        self._join = {"version": version, "url": url, **more}

    def events(self, kind: str) -> list[dict[str, Any]]:
        events = self._process.events[self._since :]
        return [e for e in events if e["event"] == kind and e.get("name") == self.name]

    async def join(self, *, boot: bool = True, **more: Any) -> None:
        """Connect, and boot as after a power cut."""
        outcome = await self.try_to_join(**more)
        assert outcome["event"] == "joined", outcome
        if boot:
            await self.do("boot")

    async def try_to_join(self, **more: Any) -> dict[str, Any]:
        """Try to connect; what came of it: joined, refused or failed."""
        before = len(self._process.events)
        self._process.order(self.name, "join", **{**self._join, **more})

        def outcomes() -> list[dict[str, Any]]:
            recent = self._process.events[before:]
            words = ("refused", "failed", "joined")
            return [e for e in recent if e["event"] in words and e.get("name") == self.name]

        await until(lambda: bool(outcomes()))
        return outcomes()[0]

    async def do(self, do: str, *arguments: Any, **more: Any) -> Any:
        """Have it do something, wait until it has, and fail if it could not."""
        number = self._process.order(self.name, do, **{"with": arguments, **more})

        def done() -> list[dict[str, Any]]:
            return [e for e in self._process.events if e["event"] == "done" and e["number"] == number]

        await until(lambda: bool(done()))
        assert "error" not in done()[0], done()[0]
        return done()[0]["result"]

    async def heard(self, kind: str) -> list[dict[str, Any]]:
        """All events of this kind up to now: what it told before it answers this is here then."""
        await self.do("look")
        return self.events(kind)

    async def mood(self, **moods: Any) -> None:
        await self.do("mood", moods=moods)

    async def limit_kw(self) -> float:
        """What it holds by its own logic, its rating included."""
        return float((await self.do("look"))["limit_kw"])


@pytest.fixture(scope="session")
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.stop()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Each version of OCPP in turn."""
    return str(request.param)


@asynccontextmanager
async def central(
    *chargers: Charger, wait: bool = True, **settings: Any
) -> AsyncIterator[tuple[CentralSystem, Deliveries]]:
    """A central system that runs, without checks at its door unless told otherwise."""
    values = {
        "security_profile": 0,
        "port": 0,
        "boot_grace_s": 0.05,
        "call_deadline_s": WITHIN_S,
        "read_back_s": 0.2,
        "end_grace_s": 0.1,
        "first_retry_s": 0.05,
        "longest_retry_s": 0.1,
        **settings,
    }
    system = CentralSystem(CsmsSettings(chargers, **values), RealClock(), np.random.default_rng(7))
    deliveries = Deliveries()
    running = asyncio.create_task(system.run(deliveries))
    try:
        await until(lambda: system.listening or not wait)
        yield system, deliveries
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


Join = Callable[..., Point]


@pytest.fixture
def point_at(process: Process, request: pytest.FixtureRequest) -> Join:
    """Makes charge points whose names are their test's own."""

    def make(system: CentralSystem, version: str, name: str = "cp1", **more: Any) -> Point:
        url = more.pop("url", f"ws://127.0.0.1:{system.port}/ocpp/{name}")
        if "ca" in more:
            url = url.replace("ws://", "wss://")
        return Point(process, name, version, url, anew=True, **more)

    return make
