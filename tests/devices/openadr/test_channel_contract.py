"""The contracts of telemetry and commands, over HTTP on both sides: our client, our VTN, an emulated VEN."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

from devices.messages import LimitCommand
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings, Version
from devices.openadr.client import VtnAccess, VtnClient
from devices.openadr.object_store import ObjectStore
from devices.openadr.vtn_token import Credentials
from simulations.openadr_ven import OpenAdrVen, VtnAddress
from tests.devices.command_contract import CommandContract
from tests.devices.driver_contract import TelemetryContract
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.openadr.channel_rig import DEVICE, FAST, NO_TLS, SECRET, in_background, serving
from tests.devices.openadr.reports import report

VERSIONS: list[Version] = ["3.0.1", "3.1.1"]


class OpenAdrRig:
    """One VEN with one device, and a VTN between it and the channel that can be lost."""

    feeder, device = DEVICE.feeder, DEVICE.device

    def __init__(self, version: Version, store: ObjectStore) -> None:
        self.deliveries = Deliveries()
        self._version, self._store = version, store
        self._demand_kw = 11.0
        self._port = 0
        self._stack = AsyncExitStack()
        self._vtn = AsyncExitStack()

    async def __aenter__(self) -> "OpenAdrRig":
        await self.come_back()
        clock = RealClock()
        url = f"http://127.0.0.1:{self._port}/openadr3/{self._version}"
        access = VtnAccess(url, self._version, Credentials("bl", SECRET), tls=NO_TLS, plain_http=True)
        client = await self._stack.enter_async_context(VtnClient(access, clock))
        settings = ChannelSettings((DEVICE,), self._version, poll_reports_s=0.03, tidy_every_s=60.0, **FAST)
        self.driver = OpenAdrChannel(settings, client, clock, np.random.default_rng(7))
        targets = ("RESOURCE_NAME:wallbox",) if self._version == "3.1.1" else ()
        address = VtnAddress(url, "client-1", SECRET, "home-1", "wallbox", self._version, targets, NO_TLS)
        rng = np.random.default_rng(9)
        self.ven = OpenAdrVen(address, self._demand, clock, rng, poll_s=0.03, report_s=0.05, step_s=0.02)
        await self._stack.enter_async_context(in_background(self.driver.run(self.deliveries)))
        await until(lambda: self.driver.connected)
        await self.driver._keeper.program()
        await self._stack.enter_async_context(in_background(self.ven.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        await self._vtn.aclose()

    def _demand(self, _: datetime) -> float:
        return self._demand_kw

    async def send(self, command: LimitCommand) -> None:
        await self.driver.send(command)

    async def held_kw(self) -> float | None:
        return None if np.isinf(self.ven.limit_kw) else self.ven.limit_kw

    async def measure(self, p_kw: float) -> None:
        self._demand_kw = p_kw

    async def measure_nonsense(self) -> None:
        """Another client of the same VEN is out of its mind."""
        await until(lambda: bool(self.ven.events.standing))
        ((event_id, program_id),) = self.ven.events.standing.items()
        body = {**report(event_id, 1, READING="much"), "programID": program_id}
        url = f"http://127.0.0.1:{self._port}/openadr3/{self._version}"
        form = {"grant_type": "client_credentials", "client_id": "client-1", "client_secret": SECRET}
        async with httpx.AsyncClient(trust_env=False) as http:
            token = (await http.post(f"{url}/auth/token", data=form)).json()["access_token"]
            answer = await http.post(
                f"{url}/reports", json=body, headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 201, answer.text

    async def lose(self) -> None:
        await self._vtn.aclose()

    async def come_back(self) -> None:
        vtn = await self._vtn.enter_async_context(serving(self._store, self._port))
        self._port = vtn.port


class TestCommands(CommandContract):
    """As the contract says."""

    @pytest.fixture(params=VERSIONS)
    async def rig(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenAdrRig]:
        async with OpenAdrRig(request.param, ObjectStore(tmp_path / "vtn.sqlite")) as rig:
            yield rig


class TestTelemetry(TelemetryContract):
    """As the contract says."""

    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[OpenAdrRig]:
        async with OpenAdrRig("3.1.1", ObjectStore(tmp_path / "vtn.sqlite")) as rig:
            rig.deliveries.clear()
            yield rig
