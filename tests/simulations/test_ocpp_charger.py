"""The emulated charger with a car behind it, under the daemon's own central system."""

import asyncio
from contextlib import suppress
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
from simulations.ocpp_points import Point16
from simulations.scenario import Ev
from tests.devices.live import Deliveries, RealClock, until

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


async def test_it_ends_though_telling_its_meter_has_swallowed_that_it_is_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`asyncio.wait_for` before Python 3.12, by which the library waits, loses a cancellation that comes
    together with its result."""
    telling = asyncio.Event()

    async def say_meter(*_: object) -> None:
        telling.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(Point16, "say_meter", say_meter)
    clock = RealClock()
    system = CentralSystem(SETTINGS, clock, np.random.default_rng(7))
    running = asyncio.create_task(system.run(Deliveries()))
    await until(lambda: system.listening)
    address = CentralAddress(f"ws://127.0.0.1:{system.port}/ocpp", "cp1", "1.6", PASSWORD)
    fleet = car(datetime.now(UTC))
    charger = OcppCharger(address, fleet, clock, np.random.default_rng(8), report_s=3600.0)
    living = asyncio.create_task(charger.run())
    await telling.wait()
    living.cancel()
    await asyncio.wait([living], timeout=5)
    running.cancel()
    await asyncio.wait([running])
    assert living.done()
