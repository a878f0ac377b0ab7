"""Our driver against servers that we did not write; our emulated units against a client that is not ours."""

import asyncio
import ctypes.util
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from devices.messages import Reading
from simulations.modbus_units import EmulatedUnit, UnitServer
from tests.brokers import tool
from tests.devices.live import WITHIN_S, RealClock, until
from tests.devices.modbus.rig import STATES, WATT, answers, command, field, last_status, mapped, unit

SERVER = Path(__file__).with_name("foreign_server.py")


class Foreign:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0

    async def told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            event: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return event


@asynccontextmanager
async def foreign(kind: str) -> AsyncIterator[Foreign]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, str(SERVER), kind, stdin=pipe, stdout=pipe)
    try:
        server = Foreign(process)
        server.port = (await server.told())["port"]
        yield server
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("kind", ["pyModbusTCP", "libmodbus"])
async def test_the_driver_reads_and_limits_a_server_of_others(kind: str) -> None:
    if kind == "libmodbus" and ctypes.util.find_library("modbus") is None:
        pytest.skip("libmodbus is not installed")
    async with foreign(kind) as server, field(unit(server.port, mapped(), meter="m1")) as (driver, got):
        await until(lambda: any(isinstance(m, Reading) and m.p_kw == 12.5 for m in got))
        assert last_status(got).limit_kw is None
        await driver.send(command(limit_kw=6.0))
        assert answers(got) == [("r1", "accepted", None)]
        written = [await server.told() for _ in range(3)]
        assert 890 < written[0].pop("value") < 900
        assert written == [{"address": 10}, {"address": 11, "value": 0}, {"address": 12, "value": 6000}]
        assert (last_status(got).limit_kw, last_status(got).request) == (6.0, "r1")
        # what its map asks for and it has not is an exception, refused
    async with (
        foreign(kind) as server,
        field(unit(server.port, mapped(WATT.replace("address = 0", "address = 65534")))) as (driver, got),
    ):
        await got.wait_for(1)
        if kind == "libmodbus":
            assert "exception 2" in getattr(got[0], "detail", "")


async def mbpoll(port: int, *arguments: str) -> list[str]:
    """The lines that mbpoll says about registers."""
    process = await asyncio.create_subprocess_exec(
        *(tool("mbpoll", "mbpoll"), "-m", "tcp", "-0", "-1", "-a", "1", "-p", str(port), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WITHIN_S):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return [line for line in said.decode().splitlines() if line.startswith("[") or "Written" in line]


async def test_mbpoll_reads_and_writes_our_emulated_units() -> None:
    far = EmulatedUnit(mapped("charger_generic_amps").profile, RealClock())
    far.update({"p_kw": 7.36, "v_l1_v": 230.1})
    rtu = EmulatedUnit(mapped("rtu_generic").profile)
    rtu.update({"p_kw": 250.5})
    async with UnitServer({1: far}) as server, UnitServer({1: rtu}) as second:
        here = "127.0.0.1"
        read = await mbpoll(server.port, "-t", "3", "-r", "2", "-c", "1", here)
        assert [line.split() for line in read] == [["[2]:", "2301"]]
        assert (await mbpoll(second.port, "-t", "3:float", "-B", "-r", "0", "-c", "1", here))[0].endswith(
            "250.5"
        )
        for address, value in ((100, 900), (101, 60), (102, 1)):
            await mbpoll(server.port, "-t", "4", "-r", str(address), here, "--", str(value))
        assert far.limit_kw() == pytest.approx(4.14)
        assert [place[1] for place, _ in far.written] == [100, 101, 102]
        # and our driver shows what it set
        async with field(unit(server.port, mapped("charger_generic_amps"))) as (driver, got):
            await until(lambda: driver.connected)
            assert last_status(got).limit_kw == pytest.approx(4.14)


async def test_mbpoll_switches_our_emulated_contacts() -> None:
    far = EmulatedUnit(mapped(STATES).profile, RealClock())
    async with UnitServer({1: far}) as server:
        await mbpoll(server.port, "-t", "0", "-r", "0", "127.0.0.1", "--", "1", "0")
        assert far.limit_kw() == 4.2
        read = await mbpoll(server.port, "-t", "0", "-r", "0", "-c", "2", "127.0.0.1")
        assert [line.split()[1] for line in read] == ["1", "0"]
