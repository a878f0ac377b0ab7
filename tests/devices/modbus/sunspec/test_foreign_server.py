"""Our unit over a real socket, with a server and a client that we did not write."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from devices.modbus.dialogue import Operation, Read, Registers, UnitException
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from tests.brokers import free_port, tool
from tests.devices.modbus.sunspec.talking import Answer, talk

SERVER = Path(__file__).with_name("foreign_server.py")
BASE = 50000


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The foreign device."""
    port = free_port()
    command = [sys.executable, str(SERVER), str(port), str(BASE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "ready\n"
        yield port
        server.stdin.close()
        server.wait(60)


def answers_at(client: ModbusTcpClient) -> Answer:
    """What the far side of a real connection answers."""

    def answer(operation: Operation) -> Registers:
        if isinstance(operation, Read):
            got = client.read_holding_registers(operation.address, count=operation.count, device_id=1)
        else:
            got = client.write_registers(operation.address, list(operation.values), device_id=1)
        if got.isError():
            raise UnitException(got.exception_code)
        return tuple(got.registers) if isinstance(operation, Read) else ()

    return answer


def mbpoll() -> tuple[str, ...]:
    """Its command for one look at holding registers."""
    return (tool("mbpoll", "mbpoll"), "-m", "tcp", "-a", "1", "-0", "-t", "4", "-1")


def polled(port: int, address: int, count: int) -> list[int]:
    """Registers as mbpoll shows them."""
    command = [
        *mbpoll(),
        "-r",
        str(address),
        "-c",
        str(count),
        "-p",
        str(port),
        "127.0.0.1",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return [int(line.split()[1]) for line in shown.splitlines() if line.startswith("[")]


def test_the_alliances_example_device_is_found_read_limited_and_released(port: int) -> None:
    unit = SunSpecUnit(SunSpecSettings("inverter", energy="export"))
    with ModbusTcpClient("127.0.0.1", port=port) as client:
        answer = answers_at(client)
        assert (
            talk(unit.identify(), answer)[0] == "SunSpecTest Test-1547-1, version 1.2.3, serial sn-123456789"
        )
        state, asked = talk(unit.poll(), answer)
        # the example's own figures: W 9800, Var 200, V 120 at scale -1, A 137, 136 and 138 at -1, Wh 150 at 3
        assert (state.p_kw, state.q_kvar, state.energy_kwh) == (-9.8, -0.2, 150.0)
        assert (state.v_v, state.i_a) == ((12.0,) * 3, (13.7, 13.6, 13.8))
        assert (state.limit_kw, state.says_limit, len(asked)) == (None, True, 2)

        talk(unit.limit(4.25, "production", 900.0), answer)
        assert talk(unit.poll(), answer)[0].limit_kw == pytest.approx(4.25)
        at = BASE + 2 + 68 + 155 + 52 + 19  # behind models 1, 701, 702 and 703
        # id; enabled, 42.5 %; after the end: not enabled; after 900 s
        assert polled(port, at, 1) == [704]
        assert polled(port, at + 14, 2) == [1, 425]
        assert polled(port, at + 17, 3) == [0, 0, 900]

        talk(unit.release(), answer)
        assert polled(port, at + 14, 1) == [0]
        assert talk(unit.poll(), answer)[0].limit_kw is None


def test_another_limit_of_mbpoll_is_seen(port: int) -> None:
    """Somebody else's hand on the device: what we show is what it holds, not what we sent."""
    unit = SunSpecUnit(SunSpecSettings("inverter"))
    at = BASE + 2 + 68 + 155 + 52 + 19
    for offset, value in ((15, 333), (14, 1)):
        command = [
            *mbpoll(),
            "-r",
            str(at + offset),
            "-p",
            str(port),
            "127.0.0.1",
            str(value),
        ]
        subprocess.run(command, capture_output=True, timeout=60, check=True)
    with ModbusTcpClient("127.0.0.1", port=port) as client:
        assert talk(unit.poll(), answers_at(client))[0].limit_kw == pytest.approx(3.33)
        talk(unit.release(), answers_at(client))
