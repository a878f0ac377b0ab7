"""Emulated Modbus units by the same maps as the driver's: what they measure, and how they hold a limit.

A unit lets go of a limit by its own clock, as its map says: when its timer has run out, or when its set-point
was not written again in time; it goes to its failsafe limit when its heartbeat stays away. `UnitServer` puts
any number of them behind one port, as a gateway does. The server is the library's, so the driver talks to
something that it shares no frames with.
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer, ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.modbus.codec import bits_of, encode, number_of, words_of, words_of_bits
from devices.modbus.dialogue import Table
from devices.modbus.limit_map import LimitMap, ReadBack, SetPoint, Timer
from devices.modbus.quantities import REGISTERS_OF, RegisterMap
from devices.modbus.register_map import blocks
from devices.modbus.set_point import kw_per_unit
from devices.ports import Clock

Place = tuple[Table, int]
_TABLE_OF: Mapping[int, Table] = {
    1: "coil",
    2: "discrete",
    3: "holding",
    4: "input",
    5: "coil",
    6: "holding",
    15: "coil",
    16: "holding",
}
"""by function code"""


class EmulatedUnit:
    """One unit. Without a clock it cannot be limited."""

    def __init__(
        self, profile: RegisterMap, clock: Clock | None = None, *, rated_kw: float | None = None
    ) -> None:
        self.profile = profile
        self.written: list[tuple[Place, tuple[int, ...]]] = []
        """every write that came in"""
        self.refuse_writes: ExcCodes | None = None
        self.silent = False
        """nobody answers behind the gateway"""
        self.keeps_limits = False
        """a unit that is broken: it forgets the end"""
        self._clock, self._rated_kw = clock, rated_kw
        self._values: dict[str, float | None] = {}
        self._stored: dict[Place, int] = dict.fromkeys(_written_places(profile), 0)
        self._until: datetime | None = None
        self._heard_at: datetime | None = None
        if profile.valid is not None:
            place = profile.valid.table or profile.table, profile.valid.address
            self._stored[place] = (profile.valid.mask & -profile.valid.mask) * profile.valid.one_of[0]
        self._let_go()

    def update(self, values: Mapping[str, float | None]) -> None:
        """What is read from now on, in our units; None: not available."""
        self._values = dict(values)

    def store(self, table: Table, address: int, register: int) -> None:
        """Put something into a register that the map does not measure."""
        self._stored[table, address] = register

    def limit_kw(self) -> float | None:
        """The limit that it keeps now; None: none."""
        self._pass_time()
        limit, failsafe_kw = self.profile.limit, self._failsafe_kw()
        held = None if limit is None or not self._in_force(limit) else self._held_kw(limit)
        given = [kw for kw in (held, failsafe_kw) if kw is not None]
        return min(given) if given else None

    # ---- what the server asks ------------------------------------------------------------------------------

    def registers(self) -> dict[Place, int]:
        """Everything that can be read now."""
        self._pass_time()
        registers = self._stored | encode(self.profile, self._values)
        limit = self.profile.limit
        if limit is not None and limit.timer is not None:
            registers |= self._running(limit.timer)
        if limit is not None and limit.read_back is not None:
            registers |= self._shown(limit.read_back, limit)
        return registers

    def write(self, table: Table, address: int, values: tuple[int, ...]) -> ExcCodes | None:
        """Take a write, or say why not."""
        self._pass_time()
        self.written.append(((table, address), values))
        places: list[Place] = [(table, address + n) for n in range(len(values))]
        if self.refuse_writes is not None:
            return self.refuse_writes
        if self._clock is None:
            return ExcCodes.ILLEGAL_FUNCTION
        if not set(places) <= _written_places(self.profile):
            return ExcCodes.ILLEGAL_ADDRESS
        self._stored.update(zip(places, values, strict=True))
        self._note(places)
        return None

    # ---- how it holds a limit ------------------------------------------------------------------------------

    def _now(self) -> datetime:
        assert self._clock is not None
        return self._clock.now()

    def _note(self, places: Iterable[Place]) -> None:
        limit, failsafe = self.profile.limit, self.profile.failsafe
        given = set(places)
        if failsafe is not None and ("holding", failsafe.heartbeat.address) in given:
            self._heard_at = self._now()
        if limit is None:
            return
        if limit.timer is not None and ("holding", limit.timer.address) in given:
            seconds = self._number(limit.timer.address, limit.timer.encoding) * limit.timer.unit_s
            self._until = self._now() + timedelta(seconds=seconds)
        if limit.forgets_after_s is not None and given & _limit_places(limit):
            self._until = self._now() + timedelta(seconds=limit.forgets_after_s)

    def _pass_time(self) -> None:
        if self._until is not None and self._now() >= self._until and not self.keeps_limits:
            self._let_go()

    def _let_go(self) -> None:
        self._until = None
        limit = self.profile.limit
        if limit is None:
            return
        if limit.sg_ready is not None:
            states = zip(limit.sg_ready.addresses, limit.sg_ready.normal_state, strict=True)
            self._stored.update({(limit.sg_ready.table, address): state for address, state in states})
        if limit.enable is not None:
            self._stored[limit.enable.table, limit.enable.address] = limit.enable.off
        if limit.setpoint is not None and limit.setpoint.released is not None:
            point = limit.setpoint
            assert point.released is not None
            words = words_of_bits(point.released, REGISTERS_OF[point.encoding], self.profile)
            self._stored.update({("holding", point.address + n): word for n, word in enumerate(words)})
        if limit.timer is not None:
            for n in range(REGISTERS_OF[limit.timer.encoding]):
                self._stored["holding", limit.timer.address + n] = 0

    def _in_force(self, limit: LimitMap) -> bool:
        if limit.sg_ready is not None:
            states = limit.sg_ready
            return tuple(self._stored[states.table, a] for a in states.addresses) == states.limit_state
        if limit.enable is not None:
            return self._stored[limit.enable.table, limit.enable.address] == limit.enable.on
        assert limit.setpoint is not None
        return bits_of(self._words(limit.setpoint), self.profile) != limit.setpoint.released

    def _held_kw(self, limit: LimitMap) -> float:
        if limit.sg_ready is not None:
            return limit.sg_ready.guaranteed_kw
        assert limit.setpoint is not None
        return self._kw(limit.setpoint)

    def _failsafe_kw(self) -> float | None:
        failsafe = self.profile.failsafe
        if failsafe is None or self._heard_at is None:
            return None
        silent_s = (self._now() - self._heard_at).total_seconds() - failsafe.heartbeat.within_s
        steps = self._number(failsafe.duration.address, failsafe.duration.encoding)
        held_s = steps * failsafe.duration.unit_s
        return self._kw(failsafe.setpoint) if 0 <= silent_s < held_s else None

    def _running(self, timer: Timer) -> dict[Place, int]:
        left_s = 0.0 if self._until is None else (self._until - self._now()).total_seconds()
        steps = max(0, -int(-left_s // timer.unit_s))
        words = words_of(steps, timer.encoding, self.profile)
        return {("holding", timer.address + n): word for n, word in enumerate(words)}

    def _shown(self, read_back: ReadBack, limit: LimitMap) -> dict[Place, int]:
        """Where it is not the set-point's own registers that are read."""
        registers = REGISTERS_OF[read_back.encoding]
        point = limit.setpoint
        if point is None or (read_back.table, read_back.address) == ("holding", point.address):
            return {}
        held_kw = self.limit_kw()
        if held_kw is None:
            words = words_of_bits(read_back.no_limit[0] if read_back.no_limit else 0, registers, self.profile)
        else:
            raw = held_kw / kw_per_unit(read_back, self._rated_kw) / read_back.scale
            words = words_of(round(raw, 6), read_back.encoding, self.profile)
        return {(read_back.table, read_back.address + n): word for n, word in enumerate(words)}

    def _kw(self, point: SetPoint) -> float:
        raw = number_of(self._words(point), point.encoding, self.profile)
        return raw * point.scale * kw_per_unit(point, self._rated_kw)

    def _words(self, point: SetPoint) -> tuple[int, ...]:
        return tuple(self._stored["holding", point.address + n] for n in range(REGISTERS_OF[point.encoding]))

    def _number(self, address: int, encoding: str) -> float:
        words = [self._stored["holding", address + n] for n in range(REGISTERS_OF[encoding])]
        return number_of(words, encoding, self.profile)


class ModbusServer(ABC):
    """Listens for the units of a subclass: `async with` it, and it answers on `host`, `port` until the end.

    Raises OSError when the port is taken.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self._port = port
        self._tls = tls
        self._server: ModbusTcpServer | None = None

    @property
    def port(self) -> int:
        """The port in use: the one asked for, or for 0 the free one that was found."""
        return self._port

    async def __aenter__(self) -> Self:
        devices = self._devices()
        address = self.host, self._port
        if self._tls is None:
            self._server = ModbusTcpServer(devices, address=address)
        else:
            framer = FramerType.SOCKET  # the library's own TLS framer takes whatever comes for one frame
            self._server = ModbusTlsServer(devices, framer=framer, address=address, sslctx=self._tls)
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(
                f"{type(self).__name__} cannot listen on {self.host}:{self._port}: {error}"
            ) from error
        listening = self._server.transport
        assert isinstance(listening, asyncio.Server)
        self._port = listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.shutdown()  # type: ignore[no-untyped-call]

    @abstractmethod
    def _devices(self) -> list[SimDevice]:
        """The library's devices, by whom every question is answered."""


class UnitServer(ModbusServer):
    """`async with UnitServer({1: unit}) as server:` answers for units that follow a map."""

    def __init__(
        self,
        units: Mapping[int, EmulatedUnit],
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host, port, tls)
        self.units = units

    def _devices(self) -> list[SimDevice]:
        return [_device(number, unit) for number, unit in self.units.items()]


def _device(number: int, unit: EmulatedUnit) -> SimDevice:
    """The library's device, which asks the unit for everything."""

    async def serve(  # noqa: PLR0917  # the library calls it by position
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if unit.silent:
            return ExcCodes.GATEWAY_NO_RESPONSE
        table = _TABLE_OF.get(function_code)
        if table is None:
            return ExcCodes.ILLEGAL_FUNCTION
        if set_values is not None:
            refused = unit.write(table, address, tuple(int(value) for value in set_values))
            if refused is not None:
                return refused
        bits = table in ("coil", "discrete")
        for (where, place), value in unit.registers().items():
            if where != table:
                continue
            if bits:
                word, bit = divmod(place, 16)
                kept = current_registers[word - start_address] & ~(1 << bit)
                current_registers[word - start_address] = kept | value << bit
            else:
                current_registers[place - start_address] = value
        return None

    return SimDevice(number, simdata=_memory(unit), action=serve)


def _memory(unit: EmulatedUnit) -> tuple[list[SimData], list[SimData], list[SimData], list[SimData]]:
    """Where there is something to read or write at all; anywhere else the library answers an exception."""
    places = set(unit.registers()) | _read_places(unit.profile)
    tables: list[list[SimData]] = []
    for table in ("coil", "discrete"):
        words = sorted({place // 16 for where, place in places if where == table}) or [0]
        tables.append([SimData(word, values=[False] * 16, datatype=DataType.BITS) for word in words])
    for table in ("holding", "input"):
        addresses = sorted(place for where, place in places if where == table) or [0]
        tables.append([SimData(a, values=[0], datatype=DataType.REGISTERS) for a in addresses])
    return tables[0], tables[1], tables[2], tables[3]


def _read_places(profile: RegisterMap) -> set[Place]:
    return {(b.table, b.address + n) for b in blocks(profile) for n in range(b.count)}


def _limit_places(limit: LimitMap) -> set[Place]:
    """What puts a limit in force."""
    places: set[Place] = set()
    if limit.setpoint is not None:
        registers = REGISTERS_OF[limit.setpoint.encoding]
        places |= {("holding", limit.setpoint.address + n) for n in range(registers)}
    if limit.enable is not None:
        places.add((limit.enable.table, limit.enable.address))
    if limit.sg_ready is not None:
        places |= {(limit.sg_ready.table, address) for address in limit.sg_ready.addresses}
    return places


def _written_places(profile: RegisterMap) -> set[Place]:
    places = set() if profile.limit is None else _limit_places(profile.limit)
    timers = [] if profile.limit is None or profile.limit.timer is None else [profile.limit.timer]
    if profile.failsafe is not None:
        point = profile.failsafe.setpoint
        places |= {("holding", point.address + n) for n in range(REGISTERS_OF[point.encoding])}
        places.add(("holding", profile.failsafe.heartbeat.address))
        timers.append(profile.failsafe.duration)
    for timer in timers:
        places |= {("holding", timer.address + n) for n in range(REGISTERS_OF[timer.encoding])}
    return places
