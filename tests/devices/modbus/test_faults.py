"""What the far side may do wrong, and what comes of it: real sockets, answers made by hand."""

import asyncio
import struct
from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from devices.errors import MalformedMessage, Unreachable
from devices.messages import DeviceStatus, Reading, Refused
from devices.modbus.connection import Connection, LinkLost
from devices.modbus.dialogue import Dialogue, Read
from devices.modbus.driver import ModbusField
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.settings import LinkPlace
from tests.devices.live import WITHIN_S, Deliveries, RealClock, until
from tests.devices.modbus.rig import (
    METER,
    QUICK,
    Reply,
    answer,
    answers,
    command,
    field,
    mapped,
    memory_reply,
    scripted,
    unit,
)
from tests.fair_time import fair_sleep

FREE = {0: 0, 1: 12_500, 11: 0xFFFF, 12: 0xFFFF}
"""12.5 kW, no limit"""


def refusals(got: Deliveries) -> set[str]:
    return {m.reason for m in got if isinstance(m, Refused)}


def readings(got: Deliveries, meter: str) -> list[float]:
    return [m.p_kw for m in got if isinstance(m, Reading) and m.meter == meter]


def warnings(logs: list) -> list[str]:  # type: ignore[type-arg]
    return [line["event"] for line in logs if line["log_level"] == "warning"]


async def test_connect_refused_is_told_once_and_nothing_waits() -> None:
    async with scripted(memory_reply(FREE)) as port:
        pass
    with capture_logs() as logs:
        async with field(unit(port, mapped())) as (driver, got):
            with pytest.raises(Unreachable):
                await driver.send(command())
            await asyncio.sleep(0.4)  # several attempts fail in this time
            assert got == []
            server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)
            server.close()
            assert not driver.connected
    assert warnings(logs) == ["modbus link lost"]


async def test_a_half_open_socket_is_found_by_its_silence() -> None:
    swallowed = 0

    def nothing(request: bytes) -> None:
        nonlocal swallowed
        swallowed += 1

    with capture_logs() as logs:
        async with scripted(nothing) as port, field(unit(port, mapped())) as (driver, got):
            await until(lambda: driver.tally.connections >= 3)
            assert got == [DeviceStatus("f1", "d1", None, online=False)]
            assert not driver.connected
    assert warnings(logs) == ["modbus link lost"]
    assert 2 <= swallowed <= 3  # no more than one question on each


async def test_one_that_falls_silent_ends_a_command_by_its_deadline() -> None:
    silent, memory = False, memory_reply(FREE)
    patient = replace(QUICK, command_deadline_s=WITHIN_S)
    async with (
        scripted(lambda request: None if silent else memory(request)) as port,
        field(unit(port, mapped(), period_s=30.0), settings=patient) as (driver, got),
    ):
        await until(lambda: driver.connected)
        silent = True
        async with asyncio.timeout(WITHIN_S / 2):
            with pytest.raises(Unreachable, match="no answer within"):
                await driver.send(command())
        await until(lambda: not driver.connected)
        assert got[-1] == DeviceStatus("f1", "d1", None, online=False)
        silent = False
        await until(lambda: driver.connected)
        await driver.send(command())
        assert answers(got) == [("r1", "accepted", None)]


async def test_a_slow_unit_is_lost_alone_and_its_late_answers_are_nobody_elses() -> None:
    memory = memory_reply(FREE)
    other = memory_reply({0: 0, 1: 7_000})

    answering: list[asyncio.Task[None]] = []

    async def late(answer: bytes | None, writer: asyncio.StreamWriter) -> None:
        await fair_sleep(1.2 * QUICK.deadline_s)
        writer.write(answer or b"")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readexactly(12)
                if request[6] == 1:
                    answering.append(asyncio.create_task(late(memory(request), writer)))
                else:
                    writer.write(other(request) or b"")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    slow = unit(port, mapped(), 1, meter="slow", device=None)
    fine = unit(port, mapped(), 2, meter="fine", device=None)
    with capture_logs() as logs:
        async with server, field(slow, fine) as (driver, got):
            await until(lambda: len(readings(got, "fine")) >= 20)
            assert readings(got, "slow") == []
            assert set(readings(got, "fine")) == {7.0}
            assert driver.tally.connections == 1
            await until(lambda: driver.tally.strays >= 1)
    assert warnings(logs) == ["modbus unit lost"]


@pytest.mark.parametrize(
    "silence",
    [lambda request: None, lambda request: answer(request, bytes([request[7] | 0x80, 11]))],
    ids=["silent", "gateway target failed to respond"],
)
async def test_a_silent_unit_does_not_starve_its_neighbours(silence: Reply) -> None:
    gone, memory = True, memory_reply(FREE)

    def gateway(request: bytes) -> bytes | None:
        return silence(request) if request[6] == 9 and gone else memory(request)

    with capture_logs() as logs:
        async with scripted(gateway) as port:
            units = [unit(port, mapped(), n, meter=f"m{n}", device=None) for n in (1, 2, 9)]
            async with field(*units) as (driver, got):
                await until(lambda: min(len(readings(got, m)) for m in ("m1", "m2")) >= 15)
                assert readings(got, "m9") == []
                assert driver.tally.connections == 1
                assert [s.online for s in driver.stations] == [True, True, False]
                gone = False
                await until(lambda: bool(readings(got, "m9")))
    assert [line["event"] for line in logs] == ["modbus link up", "modbus unit lost", "modbus unit up"]


async def test_dead_units_on_a_gateway_do_not_tear_down_the_link_of_the_others() -> None:
    memory = memory_reply(FREE)

    def gateway(request: bytes) -> bytes | None:
        return memory(request) if request[6] == 1 else None

    async with scripted(gateway) as port:
        units = [unit(port, mapped(METER), n, meter=f"m{n}", device=None) for n in (1, 2, 3, 4, 5)]
        async with field(*units, settings=replace(QUICK, deadline_s=0.05)) as (driver, got):
            await until(lambda: bool(readings(got, "m1")))
            connections = driver.tally.connections  # until it speaks, the dead may have been asked alone
            await until(lambda: len(readings(got, "m1")) >= 15)
            assert driver.tally.connections == connections


async def test_a_gateway_that_falls_silent_is_given_up_though_some_were_dead_before() -> None:
    silent, memory = False, memory_reply(FREE)

    def gateway(request: bytes) -> bytes | None:
        return None if silent or request[6] == 9 else memory(request)

    async with scripted(gateway) as port:
        units = [unit(port, mapped(METER), n, meter=f"m{n}", device=None) for n in (1, 2, 9)]
        async with field(*units, settings=replace(QUICK, deadline_s=0.05)) as (driver, got):
            await until(lambda: min(len(readings(got, m)) for m in ("m1", "m2")) >= 3)
            connections, silent = driver.tally.connections, True
            await until(lambda: driver.tally.connections > connections)


async def test_a_connection_that_is_lost_before_it_is_open_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS, what comes together with the end of the handshake is read before the connection is ours."""

    async def connect(place: LinkPlace, connection: Connection, *_: object) -> None:
        connection.end(MalformedMessage("malformed", "a banner"))

    monkeypatch.setattr("devices.modbus.link.connect", connect)
    driver = ModbusField([unit(9, mapped())], RealClock(), np.random.default_rng(1))
    (link,) = driver.links.values()
    assert str(await link._live()) == "malformed: a banner"
    assert (link._connection, link._open.is_set(), driver.tally.connections) == (None, False, 0)


async def test_a_station_lets_others_go_on_whatever_becomes_of_its_link() -> None:
    driver = ModbusField([unit(9, mapped())], RealClock(), np.random.default_rng(1))
    (link,) = driver.links.values()
    link._connection = gone = Connection(lambda: None, driver.tally)
    gone.end(LinkLost("gone"))
    once = driver.stations[0]._once()
    once.send(None)  # StopIteration if it were back without having let go of the loop
    once.close()


async def test_answers_of_another_transaction_are_no_answers() -> None:
    def wrong(request: bytes) -> bytes:
        number = int.from_bytes(request[:2], "big")
        return answer(request, struct.pack(">BB2H", 4, 4, 0, 1), transaction=(number + 1) & 0xFFFF)

    async with scripted(wrong) as port, field(unit(port, mapped(METER), meter="m1")) as (driver, got):
        await until(lambda: driver.tally.strays >= 2)
        assert readings(got, "m1") == []
        assert not driver.connected


async def test_an_answer_that_comes_twice_counts_once() -> None:
    memory = memory_reply(FREE)
    async with (
        scripted(lambda request: 2 * (memory(request) or b"")) as port,
        field(unit(port, mapped(), meter="m1")) as (driver, got),
    ):
        await until(lambda: len(readings(got, "m1")) >= 10)
        assert set(readings(got, "m1")) == {12.5}
        await driver.send(command())
        assert answers(got) == [("r1", "accepted", None)]
    assert driver.tally.connections == 1
    assert driver.tally.strays > 20


@pytest.mark.parametrize(
    ("pdu", "reason"),
    [
        (struct.pack(">BBi", 4, 4, 200_000), "out_of_range"),
        (struct.pack(">BB", 0x84, 2), "malformed"),
        (struct.pack(">BBH", 4, 2, 1), "malformed"),
        (struct.pack(">BBi", 3, 4, 1), "malformed"),
        (b"\x04", "malformed"),
    ],
    ids=["out of range", "exception", "too short", "another function", "nothing in it"],
)
async def test_a_wrong_answer_is_refused_never_guessed(pdu: bytes, reason: str) -> None:
    asked: list[bytes] = []

    def reply(request: bytes) -> bytes:
        asked.append(request)
        return answer(request, pdu)

    async with scripted(reply) as port, field(unit(port, mapped(METER), 9, meter="m1")) as (driver, got):
        await until(lambda: sum(isinstance(m, Refused) for m in got) >= 3)
        assert refusals(got) == {reason}
        assert {m.source for m in got if isinstance(m, Refused)} == {f"modbus://127.0.0.1:{port}/9"}
        assert readings(got, "m1") == []
        assert driver.connected
        assert driver.tally.connections == 1
        # function 4 on unit 9, both registers in one question
        assert asked[0][6:] == struct.pack(">BBHH", 9, 4, 0, 2)


async def test_a_unit_that_answers_for_another_is_refused() -> None:
    def reply(request: bytes) -> bytes:
        said = bytearray(answer(request, struct.pack(">BBi", 4, 4, 1)))
        said[6] = 77
        return bytes(said)

    async with scripted(reply) as port, field(unit(port, mapped(METER), meter="m1")) as (_, got):
        await until(lambda: bool(refusals(got)))
        assert readings(got, "m1") == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "malformed"),
        (struct.pack(">HHHB", 1, 0, 3, 1), None),  # a frame that never ends
        (b"".join(struct.pack(">HHHBBB", 60_000, 0, 3, 1, 0x83, 2) for _ in range(500)), "flood"),
    ],
    ids=["garbage", "half a frame", "flood"],
)
async def test_what_is_no_modbus_ends_the_connection_until_it_is(said: bytes, reason: str | None) -> None:
    mad, memory = True, memory_reply(FREE)
    async with (
        scripted(lambda request: said if mad else memory(request)) as port,
        field(unit(port, mapped(), meter="m1")) as (driver, got),
    ):
        await until(lambda: driver.tally.connections >= 3)
        assert refusals(got) == ({reason} if reason else set())
        assert readings(got, "m1") == []
        mad = False
        await until(lambda: 12.5 in readings(got, "m1"))


async def test_bytes_that_come_one_by_one_are_an_answer_all_the_same() -> None:
    memory = memory_reply(FREE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                for byte in memory(await reader.readexactly(12)) or b"":
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, field(unit(server.sockets[0].getsockname()[1], mapped(), meter="m1")) as (_, got):
        await until(lambda: readings(got, "m1")[-3:] == [12.5] * 3)


async def test_a_write_that_is_repeated_wrongly_is_not_taken_for_done() -> None:
    memory = memory_reply(FREE)

    def reply(request: bytes) -> bytes | None:
        if request[7] == 6:
            return answer(request, request[7:10] + b"\x00\x00")
        return memory(request)

    async with scripted(reply) as port, field(unit(port, mapped())) as (driver, got):
        await until(lambda: driver.connected)
        with pytest.raises(Unreachable, match="cannot be read"):
            await driver.send(command())
        assert answers(got) == []
        assert refusals(got) == {"malformed"}


async def test_a_unit_that_never_says_what_it_is_is_asked_with_pauses() -> None:
    asked = 0

    def no(request: bytes) -> bytes:
        nonlocal asked
        asked += 1
        return answer(request, bytes([request[7] | 0x80, 2]))

    class Asking(MappedUnit):
        def identify(self) -> Dialogue[str]:
            yield Read("holding", 0, 2)
            return "somebody"

    failing = Asking(mapped(METER).profile)
    async with scripted(no) as port, field(unit(port, failing)) as (driver, got):
        await until(lambda: asked >= 4)
        assert asked < 40
        assert not driver.connected
        assert refusals(got) == {"malformed"}


async def test_a_fault_of_our_own_stops_one_unit_only() -> None:
    class Broken:
        def identify(self):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError
            yield

    async with scripted(memory_reply(FREE)) as port:
        units = [unit(port, Broken(), 1, meter="m1"), unit(port, mapped(), 2, meter="m2", device=None)]
        async with field(*units) as (driver, got):
            async with asyncio.timeout(WITHIN_S):
                await until(lambda: len(readings(got, "m2")) >= 5)
            assert [s.online for s in driver.stations] == [False, True]
