"""The driver against the emulated RTU over a real socket, and each of them against hand-made frames."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from devices.messages import Reading, Refused
from devices.modbus.driver import ModbusRtu, RtuSettings
from devices.modbus.register_map import built_in_profiles, load_profile
from simulations.rtu_server import RtuServer
from tests.devices.driver_contract import TelemetryContract
from tests.devices.live import WITHIN_S, Deliveries, RealClock, until

VOLTAGES = (230.0, 231.0, 229.5)
CURRENTS = (360.0, 361.0, 359.0)


@asynccontextmanager
async def polling(
    port: int, profile: str = "rtu_generic", unit: int = 1
) -> AsyncIterator[tuple[ModbusRtu, Deliveries]]:
    """A driver that runs."""
    settings = RtuSettings(
        "f1", "127.0.0.1", port, unit, period_s=0.05, deadline_s=0.3, first_retry_s=0.05, longest_retry_s=0.1
    )
    rtu = ModbusRtu(settings, load_profile(profile), RealClock(), np.random.default_rng(7))
    deliveries = Deliveries()
    running = asyncio.create_task(rtu.run(deliveries))
    try:
        yield rtu, deliveries
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class RtuRig:
    """The contract's far side: the emulated RTU."""

    def __init__(self, server: RtuServer, driver: ModbusRtu, deliveries: Deliveries) -> None:
        self.driver = driver
        self.deliveries = deliveries
        self.server = server

    async def measure(self, p_kw: float) -> None:
        self.server.update(p_kw, 0.0, VOLTAGES, CURRENTS, 1.0)

    async def measure_nonsense(self) -> None:
        self.server.update(99_999.0, 0.0, VOLTAGES, CURRENTS, 1.0)

    async def lose(self) -> None:
        await self.server.__aexit__(None, None, None)

    async def come_back(self) -> None:
        await self.server.__aenter__()


class TestTelemetry(TelemetryContract):
    """The contract of every driver."""

    @pytest.fixture(params=built_in_profiles())
    async def rig(self, request: pytest.FixtureRequest) -> AsyncIterator[RtuRig]:
        async with (
            RtuServer(load_profile(request.param)) as server,
            polling(server.port, request.param) as (driver, deliveries),
        ):
            yield RtuRig(server, driver, deliveries)


async def test_every_quantity_arrives() -> None:
    async with (
        RtuServer(load_profile("rtu_scaled")) as server,
        polling(server.port, "rtu_scaled") as (_, got),
    ):
        server.update(-12.345, 6.7, VOLTAGES, CURRENTS, 1234.5)
        await until(lambda: isinstance(got[-1], Reading) and got[-1].p_kw < 0 if got else False)
        reading = got[-1]
        assert isinstance(reading, Reading)
        assert reading.p_kw == pytest.approx(-12.345)
        assert reading.q_kvar == pytest.approx(6.7)
        assert reading.v_v == pytest.approx(VOLTAGES)
        assert reading.i_a == pytest.approx(CURRENTS)
        assert reading.energy_kwh == pytest.approx(1234.5)
        assert abs((RealClock().now() - reading.at).total_seconds()) < 5


async def test_the_emulated_rtu_answers_a_frame_made_by_hand() -> None:
    async with RtuServer(load_profile("rtu_generic")) as server:
        server.update(123.456, 0.0, VOLTAGES, CURRENTS, 1.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        # MODBUS Messaging on TCP/IP 1.0b: transaction, protocol, length, unit; function, address, count
        writer.write(struct.pack(">HHHBBHH", 7, 0, 6, 1, 4, 0, 2))
        answer = await asyncio.wait_for(reader.readexactly(13), WITHIN_S)
        assert answer == struct.pack(">HHHBBBf", 7, 0, 7, 1, 4, 4, 123.456)
        # it cannot be written to: function 6 comes back as an exception
        writer.write(struct.pack(">HHHBBHH", 8, 0, 6, 1, 6, 0, 1))
        assert (await asyncio.wait_for(reader.readexactly(9), WITHIN_S))[7] == 0x86
        writer.close()


async def scripted(answer: bytes, requests: list[bytes]) -> asyncio.Server:
    """A device that gives the same PDU to every question, with the question's transaction and unit."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readexactly(12)
                requests.append(request)
                writer.write(request[:4] + struct.pack(">HB", len(answer) + 1, request[6]) + answer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (struct.pack(">BB18H", 4, 36, *[0x7FC0, 0] * 9), "out_of_range"),
        (struct.pack(">BB", 0x84, 2), "malformed"),
        (struct.pack(">BB2H", 4, 4, 0x42F6, 0xE979), "malformed"),
    ],
    ids=["nan", "exception", "too short"],
)
async def test_a_wrong_answer_is_refused_never_guessed(answer: bytes, reason: str) -> None:
    requests: list[bytes] = []
    server = await scripted(answer, requests)
    async with server, polling(server.sockets[0].getsockname()[1], unit=9) as (rtu, got):
        await got.wait_for(2)
        assert {m.reason if isinstance(m, Refused) else "a reading" for m in got} == {reason}
        assert rtu.connected
        # function 4 on unit 9, all 18 registers in one question
        assert requests[0][6:] == struct.pack(">BBHH", 9, 4, 0, 18)


async def test_a_silent_rtu_is_given_up_by_the_deadline_and_asked_again() -> None:
    connections = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with server, polling(server.sockets[0].getsockname()[1]) as (rtu, got):
        await until(lambda: connections >= 3)
        assert got == []
        assert not rtu.connected


async def test_a_taken_port_is_told() -> None:
    profile = load_profile("rtu_generic")
    async with RtuServer(profile) as server:
        with pytest.raises(OSError, match="cannot listen"):
            await RtuServer(profile, port=server.port).__aenter__()
