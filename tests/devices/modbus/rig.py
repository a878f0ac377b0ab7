"""What the tests of the Modbus driver share: clocks, a driver that runs, far sides."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, TypeVar

import numpy as np

from devices.messages import Answer, DeviceStatus, LimitCommand
from devices.modbus.dialogue import Dialogue, Read, UnitException
from devices.modbus.driver import ModbusField
from devices.modbus.failsafe_unit import mapped_unit
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.register_map import load_profile, parse_profile
from devices.modbus.settings import FieldSettings, FieldUnit, LinkPlace
from simulations.modbus_units import EmulatedUnit
from tests.devices.live import Deliveries, RealClock

T = TypeVar("T")
BEGIN = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
QUICK = FieldSettings(
    deadline_s=0.3, command_deadline_s=2.0, first_retry_s=0.05, longest_retry_s=0.1, end_grace_s=5.0
)
WATT = """
name = "watt"
kind = "charger"
table = "input"
word_order = "high_first"
[quantities]
p_kw = { address = 0, encoding = "int32", scale = 0.001, min = -99.0, max = 99.0 }
[limit]
hold = "revert_timer"
timer = { address = 10 }
setpoint = { address = 11, encoding = "uint32", unit = "W", released = 0xFFFFFFFF }
read_back = { address = 11, encoding = "uint32", unit = "W", no_limit = [0xFFFFFFFF] }
"""


METER = WATT.partition("[limit]")[0]
SWITCHED = (
    METER
    + """
[limit]
hold = "revert_timer"
timer = { address = 10 }
setpoint = { address = 11, encoding = "uint32", unit = "W" }
enable = { address = 13, on = 1, off = 0 }
read_back = { address = 11, encoding = "uint32", unit = "W", active = { address = 13 } }
"""
)
CONTACTS = (resources.files("devices.profiles") / "heat_pump_sg_ready.toml").read_text(encoding="utf-8")
STATES = CONTACTS.replace("guaranteed_kw = 0.0", "guaranteed_kw = 4.2")
"""a site's copy of the map, with the maker's figure"""


class HandClock(RealClock):
    """Runs, and can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.set_wrong = timedelta()
        """what its time of day is off; seconds pass all the same"""

    def now(self) -> datetime:
        return super().now() + self.ahead + self.set_wrong

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class StillClock(RealClock):
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.at = BEGIN

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def mapped(profile: str = WATT, rated_kw: float | None = None) -> MappedUnit:
    """A unit of a built-in map, or of one in the test."""
    loaded = parse_profile(profile, "test.toml") if "\n" in profile else load_profile(profile)
    return mapped_unit(loaded, rated_kw)


def command(request: str = "r1", limit_kw: float = 4.2, **changes: Any) -> LimitCommand:
    now = datetime.now(UTC)
    values = {"start": now, "end": now + timedelta(minutes=15), "epoch": 1, "sequence": 1} | changes
    return LimitCommand("f1", values.pop("device", "d1"), request, limit_kw, **values)


def unit(port: int, speech: Any, number: int = 1, **changes: Any) -> FieldUnit:
    place = changes.pop("link", None) or LinkPlace("127.0.0.1", port)
    return FieldUnit("f1", place, number, speech, **({"period_s": 0.05, "device": "d1"} | changes))


@asynccontextmanager
async def field(
    *units: FieldUnit, clock: Any = None, settings: FieldSettings = QUICK, seed: int = 7
) -> AsyncIterator[tuple[ModbusField, Deliveries]]:
    """A driver that runs."""
    driver = ModbusField(units, clock or RealClock(), np.random.default_rng(seed), RealClock(), settings)
    deliveries = Deliveries()
    running = asyncio.create_task(driver.run(deliveries))
    try:
        yield driver, deliveries
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def answers(deliveries: Deliveries) -> list[tuple[str, str, str | None]]:
    return [(m.request, m.answer, m.reason) for m in deliveries if isinstance(m, Answer)]


def last_status(deliveries: Deliveries) -> DeviceStatus:
    return [m for m in deliveries if isinstance(m, DeviceStatus)][-1]


def talk(dialogue: Dialogue[T], far: EmulatedUnit) -> T:
    """A dialogue with an emulated unit, without a wire between."""
    try:
        operation = next(dialogue)
        while True:
            if isinstance(operation, Read):
                registers = far.registers()
                places = range(operation.address, operation.address + operation.count)
                operation = dialogue.send(tuple(registers[operation.table, place] for place in places))
            else:
                refused = far.write(operation.table, operation.address, operation.values)
                operation = dialogue.throw(UnitException(refused)) if refused else dialogue.send(())
    except StopIteration as done:
        result: T = done.value
        return result


Reply = Callable[[bytes], bytes | None]
"""What is said to one request frame; None: nothing."""


@asynccontextmanager
async def scripted(reply: Reply) -> AsyncIterator[int]:
    """A far side made by hand: its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(6)
                request = header + await reader.readexactly(int.from_bytes(header[4:6], "big"))
                said = reply(request)
                if said is not None:
                    writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answer(request: bytes, pdu: bytes, *, transaction: int | None = None) -> bytes:
    """A frame that answers a request."""
    number = int.from_bytes(request[:2], "big") if transaction is None else transaction
    return struct.pack(">HHHB", number, 0, len(pdu) + 1, request[6]) + pdu


def memory_reply(registers: Mapping[int, int]) -> Reply:
    """Answers reads from a memory, and takes writes."""
    memory = dict(registers)

    def reply(request: bytes) -> bytes:
        function, address, count = request[7], *struct.unpack(">HH", request[8:12])
        if function in (3, 4):
            words = [memory.get(address + n, 0) for n in range(count)]
            return answer(request, struct.pack(f">BB{count}H", function, 2 * count, *words))
        written = [count] if function == 6 else struct.unpack(f">{count}H", request[13:])
        memory.update(enumerate(written, start=address))
        return answer(request, request[7:12])

    return reply
