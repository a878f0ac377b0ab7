"""The emulated charger with a car behind it, under the daemon's own central system."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pytest

from devices.messages import Answer, DeviceStatus, LimitCommand
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, ChargerDevice, CsmsSettings
from simulations.charger_car import FleetCar
from simulations.ev import EvFleet, Sessions
from simulations.ocpp_charger import CentralAddress, OcppCharger
from simulations.scenario import Ev
from tests.cancelling import Part, ends_at_every_step
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.openadr.channel_rig import in_background

PASSWORD = "correct horse battery"
SETTINGS = CsmsSettings(
    (Charger("cp1", (ChargerDevice("f1", "ev1"),), PASSWORD),),
    port=0,
    security_profile=1,
    boot_grace_s=0.05,
    read_back_s=0.2,
    end_grace_s=0.1,
)


def car(start: datetime) -> FleetCar:
    """Plugged in for a day, and hungry."""
    sessions = Sessions(np.array([[0.0]]), np.array([[86_400.0]]), np.array([[100.0]]))
    return FleetCar(EvFleet(Ev(), sessions), start)


def new_charger(address: CentralAddress, report_s: float = 0.05) -> OcppCharger:
    """With a car that is plugged in now."""
    clock, random = RealClock(), np.random.default_rng(8)
    return OcppCharger(address, car(datetime.now(UTC)), clock, random, report_s=report_s, step_s=0.05)


@asynccontextmanager
async def central_system() -> AsyncIterator[tuple[CentralSystem, Deliveries]]:
    """Listens until the end."""
    system, deliveries = CentralSystem(SETTINGS, RealClock(), np.random.default_rng(7)), Deliveries()
    async with in_background(system.run(deliveries)):
        await until(lambda: system.listening)
        yield system, deliveries


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_charges_within_its_limit_and_returns_by_itself(
    version: Literal["1.6", "2.0.1"],
) -> None:
    clock = RealClock()
    system, deliveries = CentralSystem(SETTINGS, clock, np.random.default_rng(7)), Deliveries()
    running = asyncio.create_task(system.run(deliveries))
    await until(lambda: system.listening)
    address = CentralAddress(f"ws://127.0.0.1:{system.port}/ocpp", "cp1", version, PASSWORD)
    start = datetime.now(UTC)
    charger = OcppCharger(address, car(start), clock, np.random.default_rng(8), report_s=0.1, step_s=0.05)
    living = asyncio.create_task(charger.run())

    def powers() -> list[float]:
        return [m.p_kw for m in deliveries if isinstance(m, DeviceStatus) and m.p_kw is not None]

    try:
        await until(lambda: 11.0 in powers())
        now = datetime.now(UTC)
        await system.send(LimitCommand("f1", "ev1", "r1", 4.2, now, now + timedelta(seconds=1), 1, 1))
        await until(lambda: 4.2 in powers())
        assert charger.power_kw == pytest.approx(4.2)
        running.cancel()  # the controller dies
        await until(lambda: charger.power_kw == pytest.approx(11.0))
        await until(lambda: len(charger.journal) == 2)
    finally:
        for task in (running, living):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert [note.limit_kw for note in charger.journal] == [pytest.approx(4.2), None]
    assert charger.journal[1].at - charger.journal[0].at < timedelta(seconds=2)
    assert Answer("f1", "ev1", "r1", "accepted") in deliveries


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_it_ends_at_any_step(version: Literal["1.6", "2.0.1"]) -> None:
    async with central_system() as (system, deliveries):
        address = CentralAddress(f"ws://127.0.0.1:{system.port}/ocpp", "cp1", version, PASSWORD)

        def make() -> Part:
            async def use() -> None:
                await deliveries.wait_for(len(deliveries) + 5)

            return new_charger(address).run, use

        assert await ends_at_every_step(make) > 10
