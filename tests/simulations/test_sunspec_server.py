"""The emulated SunSpec units, read and limited by the alliance's own client and by mbpoll."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import TypeVar

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
from sunspec2.modbus.modbus import ModbusClientException

from simulations.sunspec_server import SunSpecServer
from simulations.sunspec_units import Edition, VirtualBattery, VirtualInverter, VirtualMeter
from tests.brokers import tool
from tests.devices.modbus.sunspec.talking import HandClock

_T = TypeVar("_T")


async def by_their_client(port: int, unit: int, use: Callable[[SunSpecModbusClientDeviceTCP], _T]) -> _T:
    """What comes of using pysunspec2's client, which blocks, after its scan."""

    def scan_and_use() -> _T:
        device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=port, timeout=30)
        try:
            device.scan()
            device.connect()
            return use(device)
        finally:
            device.close()

    return await asyncio.to_thread(scan_and_use)


def faults(device: SunSpecModbusClientDeviceTCP) -> list[str]:
    return [model.error_info for model in device.model_list if model.error_info]


async def test_every_model_is_read_as_it_is_meant() -> None:
    clock = HandClock()
    inverter, der = VirtualInverter(clock, 10.0), VirtualInverter(clock, 50.0, "der", base=0)
    battery, meter = VirtualBattery(clock, charge_kw=8.0), VirtualMeter(clock, floats=True, base=50000)
    inverter.available_kw, der.available_kw, battery.wanted_kw = 6.9, 41.0, 3.0
    meter.p_kw, meter.imported_kwh = -2.5, 77.0

    def inverter_seen(device: SunSpecModbusClientDeviceTCP) -> tuple[object, ...]:
        ac = device.models[103][0]
        seen = (device.models[1][0].Mn.value, ac.W.cvalue, ac.AphA.cvalue, ac.PhVphC.cvalue, ac.TmpCab.value)
        return (
            *seen,
            device.models[121][0].WMax.cvalue,
            device.models[123][0].WMaxLimPct.cvalue,
            faults(device),
        )

    def der_seen(device: SunSpecModbusClientDeviceTCP) -> tuple[object, ...]:
        ac, capacity, control = (device.models[number][0] for number in (701, 702, 704))
        seen = (ac.W.cvalue, ac.VL2.cvalue, capacity.WMaxRtg.cvalue, control.WMaxLimPct.cvalue)
        return (*seen, control.WSet.value, faults(device))

    async with SunSpecServer({1: inverter, 2: der, 3: battery, 240: meter}) as server:
        seen = await by_their_client(server.port, 1, inverter_seen)
        assert seen == ("Gridward", 6900, 10.0, 230.0, None, 10_000, 100.0, [])
        assert await by_their_client(server.port, 2, der_seen) == (41_000, 230.0, 50_000, 100.0, None, [])
        charging = await by_their_client(
            server.port, 3, lambda d: (d.models[103][0].W.cvalue, d.models[124][0].WChaMax.cvalue, faults(d))
        )
        assert charging == (-3000, 8000, [])
        measured = await by_their_client(
            server.port, 240, lambda d: (d.models[213][0].W.value, d.models[213][0].TotWhImp.value, faults(d))
        )
        assert measured == (-2500.0, 77_000.0, [])


@pytest.mark.parametrize("edition", ["integers", "der"])
async def test_a_limit_of_their_client_is_held_and_runs_out(edition: Edition) -> None:
    clock = HandClock()
    inverter = VirtualInverter(clock, 10.0, edition)
    inverter.available_kw = 9.0

    def limit(device: SunSpecModbusClientDeviceTCP) -> None:
        model = device.models[704 if edition == "der" else 123][0]
        timer = model.WMaxLimPctRvrtTms if edition == "der" else model.WMaxLimPct_RvrtTms
        enable = model.WMaxLimPctEna if edition == "der" else model.WMaxLim_Ena
        timer.cvalue, model.WMaxLimPct.cvalue, enable.cvalue = 120, 42.0, 1
        model.write()

    async with SunSpecServer({1: inverter}) as server:
        await by_their_client(server.port, 1, limit)
        assert inverter.p_kw == pytest.approx(-4.2)
        clock.at_s += 119
        number = 701 if edition == "der" else 103
        power = await by_their_client(server.port, 1, lambda device: device.models[number][0].W.cvalue)
        assert power == 4200
        clock.at_s += 1
        power = await by_their_client(server.port, 1, lambda device: device.models[number][0].W.cvalue)
        assert power == 9000


async def test_what_comes_after_the_end_is_what_was_written_for_it() -> None:
    """A DER that is told to go on with another limit: the specification has that, so must we."""
    clock = HandClock()
    der = VirtualInverter(clock, 10.0, "der")
    der.available_kw = 10.0

    def limit(device: SunSpecModbusClientDeviceTCP) -> None:
        model = device.models[704][0]
        model.WMaxLimPctRvrtTms.cvalue, model.WMaxLimPct.cvalue, model.WMaxLimPctEna.cvalue = 60, 20.0, 1
        model.WMaxLimPctRvrt.cvalue, model.WMaxLimPctEnaRvrt.cvalue = 50.0, 1
        model.write()

    async with SunSpecServer({1: der}) as server:
        await by_their_client(server.port, 1, limit)
        assert der.p_kw == pytest.approx(-2.0)
        left = await by_their_client(server.port, 1, lambda d: d.models[704][0].WMaxLimPctRvrtRem.value)
        assert left == 60
        clock.at_s += 60
        der.refresh()
        assert der.p_kw == pytest.approx(-5.0)


async def test_what_may_not_be_written_is_refused() -> None:
    inverter = VirtualInverter(HandClock())

    def overwrite(device: SunSpecModbusClientDeviceTCP) -> None:
        device.models[103][0].W.cvalue = 1000
        device.models[103][0].write()

    async with SunSpecServer({1: inverter}) as server:
        with pytest.raises(ModbusClientException, match="exception: 2"):
            await by_their_client(server.port, 1, overwrite)


async def test_mbpoll_reads_the_mark_and_hears_of_what_is_not_there() -> None:
    async with SunSpecServer({1: VirtualMeter(HandClock())}) as server:

        def poll(register: int) -> subprocess.CompletedProcess[str]:
            command = [
                tool("mbpoll", "mbpoll"),
                "-m",
                "tcp",
                "-a",
                "1",
                "-0",
                "-t",
                "4:hex",
                "-1",
                "-c",
                "2",
                "-r",
                str(register),
            ]
            command += ["-p", str(server.port), "127.0.0.1"]
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        mark = await asyncio.to_thread(poll, 40000)
        assert "0x5375" in mark.stdout
        assert "0x6E53" in mark.stdout
        nothing = await asyncio.to_thread(poll, 0)
        assert "Illegal data address" in nothing.stdout + nothing.stderr


async def test_a_taken_port_is_told() -> None:
    async with SunSpecServer({1: VirtualMeter(HandClock())}) as server:
        with pytest.raises(OSError, match="cannot listen"):
            await SunSpecServer({1: VirtualMeter(HandClock())}, port=server.port).__aenter__()
