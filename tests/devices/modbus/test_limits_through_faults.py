"""A limit, its renewals and its end while the far side errs: answers lost, refusals, power cuts."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices.errors import Unreachable
from devices.modbus.driver import ModbusField
from tests.devices.live import Deliveries, until
from tests.devices.modbus.rig import (
    METER,
    SWITCHED,
    HandClock,
    answer,
    answers,
    command,
    field,
    last_status,
    mapped,
    scripted,
    unit,
)

PUMP = "heat_pump_generic_kw"
TIMER, SET_POINT, SWITCH = 10, 11, 13
NO_LIMIT = [0xFFFF, 0xFFFF]


class Far:
    """Several units of one memory each, whose answers can be lost, refused, or stay away."""

    def __init__(self) -> None:
        self.memory: dict[tuple[int, int], int] = {}
        self.mute: set[int] = set()
        """registers whose writes are taken and not answered"""
        self.refuses: dict[int, int] = {}
        """exceptions by register that is written"""
        self.silent: set[int] = set()
        """units that answer nothing"""
        self.written: list[tuple[int, int, list[int]]] = []

    def __call__(self, request: bytes) -> bytes | None:
        number, function, address = request[6], request[7], int.from_bytes(request[8:10], "big")
        if number in self.silent:
            return None
        if function in (6, 16):
            size = (len(request) - 13) // 2
            data = request[10:12] if function == 6 else request[13:]
            return self._write(
                request, number, address, [*struct.unpack(f">{size if size > 0 else 1}H", data)]
            )
        count = int.from_bytes(request[10:12], "big")
        words = [self.memory.get((number, address + n), 0) for n in range(count)]
        return answer(request, struct.pack(f">BB{count}H", function, 2 * count, *words))

    def _write(self, request: bytes, number: int, address: int, values: list[int]) -> bytes | None:
        self.written.append((number, address, values))
        if address in self.refuses:
            return answer(request, bytes([request[7] | 0x80, self.refuses[address]]))
        self.put(number, address, values)
        return None if address in self.mute else answer(request, request[7:12])

    def put(self, number: int, address: int, values: list[int]) -> None:
        self.memory.update({(number, address + n): value for n, value in enumerate(values)})

    def of(self, address: int) -> list[list[int]]:
        """What was written there."""
        return [values for _, place, values in self.written if place == address]


class Rig:
    def __init__(self, far: Far, driver: ModbusField, got: Deliveries, clock: HandClock) -> None:
        self.far, self.driver, self.got, self.clock = far, driver, got, clock

    async def send(self, request: str = "r1", for_s: float = 900.0, **changes: Any) -> None:
        now = self.clock.now()
        values = {"start": now, "end": now + timedelta(seconds=for_s)} | changes
        await self.driver.send(command(request, **values))

    async def online(self) -> None:
        await until(lambda: self.driver.stations[0].online)

    @property
    def answers(self) -> list[tuple[str, str, str | None]]:
        return answers(self.got)


@asynccontextmanager
async def rigged(profile: str = SWITCHED) -> AsyncIterator[Rig]:
    """One unit that is limited, behind a gateway with another that is well."""
    far, clock = Far(), HandClock()
    far.put(1, 40, NO_LIMIT)
    if profile == PUMP:
        far.put(1, 0, [1])
    async with scripted(far) as port:
        units = unit(port, mapped(profile)), unit(port, mapped(METER), 2, device=None, meter="m2")
        async with field(*units, clock=clock) as (driver, got):
            rig = Rig(far, driver, got, clock)
            await rig.online()
            await until(lambda: driver.stations[1].online)
            yield rig


async def test_a_release_reaches_a_unit_whose_yes_was_lost() -> None:
    async with rigged() as rig:
        rig.far.mute = {SWITCH}
        await rig.send(start=rig.clock.now() + timedelta(seconds=60), for_s=3600.0)
        rig.clock.forward(60.0)
        await until(lambda: rig.far.memory.get((1, SWITCH)) == 1)
        await until(lambda: not rig.driver.stations[0].online)
        rig.far.mute = set()
        await rig.online()
        await rig.send(sequence=2, for_s=-1.0)
        assert rig.answers[-1] == ("r1", "ended", "released")
        assert rig.far.memory[1, SWITCH] == 0


async def test_a_release_reaches_a_unit_that_kept_what_a_later_start_replaced() -> None:
    async with rigged() as rig:
        await rig.send()
        rig.far.refuses = {SWITCH: 4}
        later = rig.clock.now() + timedelta(seconds=600)
        await rig.send(sequence=2, start=later)
        rig.far.refuses = {}
        assert rig.far.memory[1, SWITCH] == 1
        await rig.send(sequence=3, for_s=-1.0)
        assert rig.far.memory[1, SWITCH] == 0


async def test_what_is_left_of_a_lost_yes_is_not_taken_for_what_a_unit_always_holds() -> None:
    async with rigged() as rig:
        rig.far.mute = {SWITCH}
        with pytest.raises(Unreachable):
            await rig.send(for_s=120.0)
        rig.far.mute = set()
        await until(lambda: last_status(rig.got).limit_kw == 4.2)
        await rig.send(for_s=120.0, sequence=2)
        rig.clock.forward(126.0)
        await until(lambda: rig.driver.tally.overstayed == 1)
        await until(lambda: rig.far.memory[1, SWITCH] == 0)


async def test_a_renewal_that_is_refused_is_tried_again() -> None:
    async with rigged(PUMP) as rig:
        await rig.send(for_s=3600.0)
        rig.far.refuses = {40: 4}
        rig.clock.forward(21.0)
        await until(lambda: len(rig.far.of(40)) >= 2)
        rig.far.refuses = {}
        rig.far.written.clear()
        rig.clock.forward(3.0)
        await until(lambda: rig.far.of(40) == [[4200, 0]])
        rig.clock.forward(21.0)
        await until(lambda: len(rig.far.of(40)) == 2)
        assert rig.answers == [("r1", "accepted", None)]


async def test_a_last_renewal_that_is_refused_is_not_tried_beyond_the_end() -> None:
    async with rigged(PUMP) as rig:
        await rig.send(for_s=100.0)
        rig.clock.forward(37.0)
        rig.far.refuses = {40: 4}
        await until(lambda: len(rig.far.of(40)) >= 2)
        rig.clock.forward(10.0)  # 53 s are left, and it would forget it after 60 s only
        claim = rig.driver.stations[0].session.held
        await until(lambda: claim.claim is not None and claim.claim.write_at_s is None)


async def test_a_unit_that_overstays_and_refuses_its_release_is_told_again() -> None:
    async with rigged() as rig:
        await rig.send(for_s=120.0)
        rig.far.refuses = {SWITCH: 4}
        rig.clock.forward(126.0)
        await until(lambda: rig.far.of(SWITCH)[-2:] == [[0], [0]])
        assert rig.answers == [("r1", "accepted", None)]
        rig.far.refuses = {}
        await until(lambda: rig.far.memory[1, SWITCH] == 0)
        await until(lambda: rig.answers[-1] == ("r1", "ended", "end reached, but held on until it was told"))
        assert rig.driver.tally.overstayed == 1


async def test_the_end_comes_though_nothing_can_be_read() -> None:
    async with rigged(PUMP) as rig:
        await rig.send(for_s=120.0)
        assert rig.far.memory[1, 40] == 4200
        rig.far.put(1, 0, [0])  # its status says that it does not measure
        rig.clock.forward(126.0)
        await until(lambda: rig.answers[-1] == ("r1", "ended", "end reached"))
        assert [rig.far.memory[1, 40], rig.far.memory[1, 41]] == NO_LIMIT


async def test_a_unit_behind_a_gateway_that_lost_power_gets_its_limit_again() -> None:
    async with rigged() as rig:
        await rig.send()
        connections = rig.driver.tally.connections
        rig.far.silent = {1}
        await until(lambda: not rig.driver.stations[0].online)
        rig.far.put(1, TIMER, [0, 0, 0, 0])
        rig.far.silent = set()
        rig.far.written.clear()
        await rig.online()
        rig.clock.forward(3.0)
        await until(lambda: rig.far.memory[1, SWITCH] == 1)
        assert rig.far.of(SET_POINT) == [[0, 4200]]
        assert rig.driver.tally.connections == connections


async def test_a_replacement_that_ends_half_way_leaves_the_old_limit_whole() -> None:
    async with rigged() as rig:
        await rig.send("a", for_s=3600.0)
        rig.far.mute = {SET_POINT}
        with pytest.raises(Unreachable):
            await rig.send("b", for_s=60.0, limit_kw=9.0)
        assert rig.far.memory[1, TIMER] < 60
        rig.far.mute = set()
        rig.clock.forward(3.0)
        await until(lambda: rig.far.memory[1, TIMER] > 3500)
        assert rig.far.memory[1, SET_POINT + 1] == 4200
        assert rig.answers == [("a", "accepted", None)]


async def test_a_clock_that_is_set_back_moves_neither_renewal_nor_end() -> None:
    async with rigged(PUMP) as rig:
        await rig.send(for_s=120.0)
        rig.clock.set_wrong = timedelta(hours=-1)
        rig.far.written.clear()
        rig.clock.forward(21.0)
        await until(lambda: len(rig.far.of(40)) == 1)
        rig.clock.forward(105.0)
        await until(lambda: rig.answers[-1][1] == "ended")
        assert [rig.far.memory[1, 40], rig.far.memory[1, 41]] == NO_LIMIT


async def test_a_busy_unit_is_renewed_later_and_polled_meanwhile() -> None:
    async with rigged(PUMP) as rig:
        await rig.send(for_s=3600.0)
        rig.far.refuses = {40: 6}
        rig.clock.forward(21.0)
        await until(lambda: len(rig.far.of(40)) >= 2)
        await asyncio.sleep(0.1)
        assert rig.driver.stations[0].online
        assert rig.answers == [("r1", "accepted", None)]
        assert rig.clock.now() > datetime.now(UTC)
        rig.far.refuses = {}
        rig.clock.forward(3.0)
        await until(lambda: len(rig.far.of(40)) >= 3)
