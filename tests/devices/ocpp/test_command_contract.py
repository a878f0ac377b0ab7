"""The contract of all channels of commands, on charge points of both versions."""

from collections.abc import AsyncIterator

import pytest

from devices.messages import LimitCommand
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger
from tests.devices.command_contract import CommandContract
from tests.devices.live import Deliveries
from tests.devices.ocpp.conftest import DEVICE, VERSIONS, Join, Point, central

RATED_KW = 11.0


class OcppRig:
    """A charge point of the library, in a process of its own."""

    feeder, device = DEVICE.feeder, DEVICE.device

    def __init__(self, driver: CentralSystem, deliveries: Deliveries, point: Point) -> None:
        self.driver = driver
        self.deliveries = deliveries
        self._point = point

    async def send(self, command: LimitCommand) -> None:
        await self.driver.send(command)

    async def held_kw(self) -> float | None:
        limit_kw = await self._point.limit_kw()
        return None if limit_kw == RATED_KW else limit_kw

    async def lose(self) -> None:
        await self._point.do("drop")

    async def come_back(self) -> None:
        await self._point.join(anew=False)


class TestCommands(CommandContract):
    """As the contract says."""

    @pytest.fixture(params=VERSIONS)
    async def rig(self, request: pytest.FixtureRequest, point_at: Join) -> AsyncIterator[OcppRig]:
        async with central(Charger("cp1", (DEVICE,))) as (system, deliveries):
            point = point_at(system, request.param)
            await point.join()
            yield OcppRig(system, deliveries, point)
