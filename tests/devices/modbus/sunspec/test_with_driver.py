"""SunSpec units run by the Modbus driver over a real socket: readings in, limits out, nobody at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from devices.errors import Unreachable
from devices.messages import Answer, DeviceStatus, Direction, LimitCommand, Reading, Refused
from devices.modbus.driver import ModbusField
from devices.modbus.settings import FieldSettings, FieldUnit, LinkPlace
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from simulations.sunspec_server import SunSpecServer
from simulations.sunspec_units import VirtualBattery, VirtualInverter, VirtualMeter, VirtualUnit
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.modbus.sunspec.talking import HandClock

ROLES = {1: "inverter", 2: "battery", 240: "meter"}


@asynccontextmanager
async def driven(units: dict[int, VirtualUnit]) -> AsyncIterator[tuple[ModbusField, Deliveries]]:
    """Emulated units, and a driver that polls them."""
    async with SunSpecServer(units) as server:
        place = LinkPlace("127.0.0.1", server.port)
        places = [
            FieldUnit(
                "f1",
                place,
                number,
                SunSpecUnit(SunSpecSettings(ROLES[number], rated_kw=10.0)),
                meter=f"m{number}",
                device=None if ROLES[number] == "meter" else ROLES[number],
                period_s=0.05,
            )
            for number in units
        ]
        settings = FieldSettings(deadline_s=0.5, first_retry_s=0.05, longest_retry_s=0.1)
        field = ModbusField(places, RealClock(), np.random.default_rng(7), settings=settings)
        deliveries = Deliveries()
        running = asyncio.create_task(field.run(deliveries))
        try:
            yield field, deliveries
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def command(
    device: str, limit_kw: float, direction: Direction, hold_s: float = 120.0, sequence: int = 1
) -> LimitCommand:
    now = RealClock().now()
    end = now + timedelta(seconds=hold_s)
    return LimitCommand("f1", device, "r1", limit_kw, now, end, 1, sequence, direction=direction)


def read(got: Deliveries, meter: str) -> list[float]:
    return [round(m.p_kw, 3) for m in got if isinstance(m, Reading) and m.meter == meter]


def limits(got: Deliveries, device: str) -> list[float | None]:
    shown = [m for m in got if isinstance(m, DeviceStatus) and m.device == device]
    held = [m.production_limit_kw if m.limit_kw is None else m.limit_kw for m in shown]
    return [None if kw is None else round(kw, 3) for kw in held]


def answers(got: Deliveries) -> list[tuple[str, str]]:
    return [(m.device, m.answer) for m in got if isinstance(m, Answer)]


async def test_three_kinds_of_units_on_one_link() -> None:
    clock = HandClock()
    inverter, battery, meter = VirtualInverter(clock), VirtualBattery(clock), VirtualMeter(clock)
    inverter.available_kw, battery.wanted_kw, meter.p_kw = 7.0, 8.0, 1.5
    async with driven({1: inverter, 2: battery, 240: meter}) as (field, got):
        await until(lambda: bool(read(got, "m1") and read(got, "m2") and read(got, "m240")))
        assert (read(got, "m1")[0], read(got, "m2")[0], read(got, "m240")[0]) == (-7.0, 8.0, 1.5)
        names = {station.identity for station in field.stations}
        assert "Gridward VirtualBattery, version 1.0, serial 0001" in names


async def test_a_battery_is_limited_released_and_limited_to_the_end_with_nobody_there() -> None:
    clock = HandClock()
    battery = VirtualBattery(clock)
    battery.wanted_kw = 8.0
    async with driven({2: battery}) as (field, got):
        await until(lambda: bool(read(got, "m2")))
        await field.send(command("battery", 4.2, "consumption"))
        await until(lambda: limits(got, "battery")[-1] == 4.2)
        assert battery.p_kw == pytest.approx(4.2)
        await field.send(command("battery", 4.2, "consumption", hold_s=-1.0, sequence=2))
        assert answers(got) == [("battery", "accepted"), ("battery", "ended")]
        assert battery.p_kw == 8.0
        await field.send(command("battery", 5.0, "consumption", sequence=3))
        assert field.tally.unwritten == 0
    # the controller is gone: what the battery holds ends by itself, and not before
    clock.at_s += 100.0
    battery.refresh()
    assert battery.p_kw == pytest.approx(5.0)
    clock.at_s += 20.0
    battery.refresh()
    assert battery.p_kw == 8.0


async def test_an_inverter_is_limited_in_what_it_feeds_in() -> None:
    inverter = VirtualInverter(HandClock(), 10.0, "der")
    inverter.available_kw = 7.0
    async with driven({1: inverter}) as (field, got):
        await until(lambda: bool(read(got, "m1")))
        await field.send(command("inverter", 3.0, "production"))
        await until(lambda: limits(got, "inverter")[-1] == 3.0)
        assert answers(got) == [("inverter", "accepted")]
        await until(lambda: read(got, "m1")[-1] == -3.0)


async def test_a_unit_that_cannot_keep_an_end_refuses() -> None:
    battery = VirtualBattery(HandClock())
    battery.image.put_raw(124, "InOutWRte_RvrtTms", None)
    async with driven({2: battery}) as (field, got):
        await until(lambda: bool(read(got, "m2")))
        await field.send(command("battery", 4.2, "consumption"))
        assert answers(got) == [("battery", "refused")]
        assert battery.writes == []


async def test_a_busy_unit_may_be_asked_again_and_nonsense_is_refused() -> None:
    meter, battery = VirtualMeter(HandClock()), VirtualBattery(HandClock())
    meter.p_kw = 2.0
    async with driven({2: battery, 240: meter}) as (field, got):
        await until(lambda: bool(read(got, "m2") and read(got, "m240")))
        battery.answers_with = 6
        with pytest.raises(Unreachable, match="busy"):
            await field.send(command("battery", 4.2, "consumption"))
        battery.answers_with = None
        meter.image.put_raw(203, "A_SF", 11)
        await until(lambda: any(isinstance(m, Refused) and m.reason == "out_of_range" for m in got))
        meter.image.put_raw(203, "A_SF", -2)
        meter.p_kw = 2.5
        await until(lambda: read(got, "m240")[-1] == 2.5)


async def test_a_limit_of_the_other_direction_ends_when_another_takes_its_place() -> None:
    battery = VirtualBattery(HandClock())
    battery.wanted_kw = 8.0
    async with driven({2: battery}) as (field, got):
        await until(lambda: bool(read(got, "m2")))
        await field.send(command("battery", 4.2, "consumption"))
        assert battery.p_kw == pytest.approx(4.2)
        feed_in = replace(command("battery", 5.0, "production"), request="r2")
        await field.send(feed_in)
        assert battery.p_kw == 8.0
        assert limits(got, "battery")[-1] == 5.0
        # a refused one takes nobody's place, and what was held is held again
        battery.image.put_raw(124, "WChaMax", None)
        await field.send(replace(command("battery", 6.0, "consumption"), request="r3"))
        assert answers(got)[-1] == ("battery", "refused")
        await until(lambda: battery.share("production") == 0.5)
