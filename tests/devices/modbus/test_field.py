"""The driver against emulated units over real sockets: readings, many units, limits and their ends."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pymodbus.constants import ExcCodes

from devices.errors import CommandRejected, ProfileRejected, Unreachable
from devices.messages import (
    SUBSTATION,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    LimitCommand,
    Reading,
    Refused,
)
from devices.modbus.dialogue import Dialogue, UnitState, Write
from devices.modbus.driver import ModbusField
from devices.modbus.register_map import load_profile
from devices.modbus.settings import FieldUnit, LinkPlace
from simulations.modbus_units import EmulatedUnit, UnitServer
from simulations.rtu_server import RtuServer
from tests.devices.command_contract import CommandContract
from tests.devices.driver_contract import TelemetryContract
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.modbus.rig import (
    QUICK,
    STATES,
    WATT,
    HandClock,
    answers,
    command,
    field,
    last_status,
    mapped,
    unit,
)

VOLTAGES, CURRENTS = (230.0, 231.0, 229.5), (36.0, 36.1, 35.9)


class MappedRig:
    """The contract's far side: an emulated unit."""

    def __init__(self, server: RtuServer, driver: ModbusField, deliveries: Deliveries) -> None:
        self.driver, self.deliveries, self.server = driver, deliveries, server

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

    @pytest.fixture(params=["rtu_generic", "rtu_scaled", "heat_pump_generic_kw"])
    async def rig(self, request: pytest.FixtureRequest) -> AsyncIterator[MappedRig]:
        speech = mapped(request.param)
        async with (
            RtuServer(speech.profile) as server,
            field(unit(server.port, speech, meter="m1", device=None)) as (driver, deliveries),
        ):
            yield MappedRig(server, driver, deliveries)


class LimitedRig:
    """The command contract's device: an emulated unit with a revert timer."""

    feeder, device = "f1", "d1"

    def __init__(self, server: UnitServer, driver: ModbusField, deliveries: Deliveries) -> None:
        self.driver, self.deliveries, self._server = driver, deliveries, server

    async def send(self, command: LimitCommand) -> None:
        await self.driver.send(command)

    async def held_kw(self) -> float | None:
        return self._server.units[1].limit_kw()

    async def lose(self) -> None:
        await self._server.__aexit__(None, None, None)

    async def come_back(self) -> None:
        await self._server.__aenter__()


class TestCommands(CommandContract):
    """The contract of every channel of commands."""

    @pytest.fixture
    async def rig(self) -> AsyncIterator[LimitedRig]:
        far = EmulatedUnit(mapped().profile, RealClock())
        async with (
            UnitServer({1: far}) as server,
            field(unit(server.port, mapped())) as (driver, deliveries),
        ):
            await until(lambda: driver.connected)
            yield LimitedRig(server, driver, deliveries)


async def test_every_quantity_arrives() -> None:
    async with (
        RtuServer(load_profile("rtu_scaled")) as server,
        field(unit(server.port, mapped("rtu_scaled"), device=None, meter=SUBSTATION)) as (driver, got),
    ):
        server.update(-12.345, 6.7, VOLTAGES, CURRENTS, 1234.5)
        await until(lambda: isinstance(got[-1], Reading) and got[-1].p_kw < 0 if got else False)
        reading = got[-1]
        assert isinstance(reading, Reading)
        assert (reading.feeder, reading.meter) == ("f1", SUBSTATION)
        assert (reading.p_kw, reading.q_kvar) == (pytest.approx(-12.345), pytest.approx(6.7))
        assert reading.v_v == pytest.approx(VOLTAGES)
        assert reading.i_a == pytest.approx(CURRENTS)
        assert reading.energy_kwh == pytest.approx(1234.5)
        assert abs((datetime.now(UTC) - reading.at).total_seconds()) < 5
        assert list(driver.health) == [f"rtu modbus://127.0.0.1:{server.port}/1"]
        assert driver.health.popitem()[1].connected


async def test_many_units_behind_one_gateway_and_on_links_of_their_own() -> None:
    watt = mapped().profile
    gateway = {number: EmulatedUnit(watt) for number in range(1, 31)}
    alone = [EmulatedUnit(watt) for _ in range(10)]
    for number, far in [*gateway.items(), *enumerate(alone, start=100)]:
        far.update({"p_kw": number / 10})
    async with UnitServer(gateway) as server:
        servers = [UnitServer({1: far}) for far in alone]
        for one in servers:
            await one.__aenter__()
        units = [unit(server.port, mapped(), n, meter=f"m{n}", device=None) for n in gateway]
        units += [
            unit(one.port, mapped(), meter=f"m{n}", device=None) for n, one in enumerate(servers, start=100)
        ]
        async with field(*units) as (driver, got):
            await until(lambda: min(Counter(m.meter for m in got).get(u.meter, 0) for u in units) >= 3)
            assert {m.meter: round(m.p_kw, 3) for m in got if isinstance(m, Reading)} == {
                **{f"m{n}": n / 10 for n in gateway},
                **{f"m{n}": n / 10 for n in range(100, 110)},
            }
            # one connection for each host and port
            assert driver.tally.connections == len(driver.links) == 11
        for one in servers:
            await one.__aexit__(None, None, None)


async def test_periods_are_kept_and_phases_are_spread() -> None:
    far = {number: EmulatedUnit(mapped().profile) for number in range(1, 21)}
    async with UnitServer(far) as server:
        units = [unit(server.port, mapped(), n, meter=f"m{n}", device=None, period_s=0.4) for n in far]
        async with field(*units, clock=RealClock()) as (_, got):
            await until(lambda: min(Counter(m.meter for m in got).get(u.meter, 0) for u in units) >= 4)
    at: dict[str, list[datetime]] = {}
    for reading in got:
        assert isinstance(reading, Reading)
        at.setdefault(reading.meter, []).append(reading.at)
    gaps = [(b - a).total_seconds() for times in at.values() for a, b in pairwise(times[1:])]
    assert min(gaps) > 0.25
    assert max(gaps) < 0.8
    # 20 units within a period: no half of it holds nearly all of them
    phases = sorted(times[2].timestamp() % 0.4 for times in at.values())
    assert max(sum(0 <= (p - begin) % 0.4 < 0.2 for p in phases) for begin in phases) < 18


async def test_long_periods_are_spread_and_begin_anew_when_a_link_comes_back() -> None:
    far = {number: EmulatedUnit(mapped().profile) for number in range(1, 31)}
    async with UnitServer(far) as server:
        units = [unit(server.port, mapped(), n, meter=f"m{n}", device=None, period_s=100.0) for n in far]
        async with field(*units) as (driver, got):
            await until(lambda: len({m.meter for m in got}) == 30)
            now_s = asyncio.get_running_loop().time()
            due = sorted(station._due_s - now_s for station in driver.stations)
            assert due[0] < 25.0
            assert due[-1] > 75.0
            got.clear()
            await server.__aexit__(None, None, None)
            await until(lambda: not driver.connected)
            await server.__aenter__()
            await until(lambda: len({m.meter for m in got}) == 30)


async def test_units_that_contradict_each_other_are_told_all_at_once() -> None:
    one = unit(502, mapped())
    with pytest.raises(ProfileRejected) as caught:
        ModbusField(
            [
                one,
                one,
                replace(one, unit=300, device="d2", period_s=0.0),
                replace(one, unit=3, device=None, floor_kw=-1.0),
                replace(one, unit=4, device="a/b", link=LinkPlace("127.0.0.1", 502, None, "other")),
            ],
            RealClock(),
            None,  # type: ignore[arg-type]
        )
    told = str(caught.value)
    for words in (
        "modbus://127.0.0.1:502/1: is there 2 times",
        "device 'd1' of feeder 'f1': is there 2 times",
        "unit is 300, expected 0 to 255",
        "period_s is 0.0",
        "floor_kw is -1.0, expected 0 or more",
        "is neither a meter nor a device",
        "described in two ways",
        "device ",
    ):
        assert words in told


# ---- limits ------------------------------------------------------------------------------------------------


class Limited:
    """A driver with one device that can be limited."""

    def __init__(self, far: EmulatedUnit, driver: ModbusField, got: Deliveries, clock: HandClock) -> None:
        self.far, self.driver, self.got, self.clock = far, driver, got, clock

    def asked(self, request: str = "r1", limit_kw: float = 4.2, **changes: Any) -> Any:
        now = self.clock.now()
        values = {"start": now, "end": now + timedelta(minutes=15)} | changes
        return command(request, limit_kw, **values)

    async def online(self) -> None:
        await until(lambda: self.driver.connected)


@pytest.fixture
async def limited(request: pytest.FixtureRequest) -> AsyncIterator[Limited]:
    profile = getattr(request, "param", WATT)
    clock = HandClock()
    far = EmulatedUnit(mapped(profile).profile, clock)
    async with (
        UnitServer({1: far}) as server,
        field(unit(server.port, mapped(profile)), clock=clock) as (driver, got),
    ):
        rig = Limited(far, driver, got, clock)
        await rig.online()
        yield rig


@pytest.mark.parametrize(
    "limited", [WATT, "charger_generic_amps", "heat_pump_generic_kw", STATES], indirect=True
)
async def test_a_limit_goes_out_is_shown_and_ends_by_itself(limited: Limited) -> None:
    await limited.driver.send(limited.asked())
    assert answers(limited.got) == [("r1", "accepted", None)]
    held_kw = limited.far.limit_kw()
    assert held_kw == pytest.approx(4.2, abs=0.01)
    status = last_status(limited.got)
    assert (status.online, status.limit_kw, status.request) == (True, pytest.approx(held_kw), "r1")
    limited.clock.forward(910.0)
    await until(lambda: answers(limited.got)[-1] == ("r1", "ended", "end reached"))
    await until(lambda: last_status(limited.got).limit_kw is None)
    assert limited.far.limit_kw() is None
    assert limited.driver.tally.overstayed == 0


async def test_renewed_changed_replaced_and_released(limited: Limited) -> None:
    send = limited.driver.send
    await send(limited.asked())
    await send(limited.asked(sequence=2, limit_kw=6.0, end=limited.clock.now() + timedelta(minutes=30)))
    assert limited.far.limit_kw() == 6.0
    limited.clock.forward(1000.0)
    assert limited.far.limit_kw() == 6.0
    await send(limited.asked("r2", 5.0))
    assert answers(limited.got)[-2:] == [("r1", "ended", "replaced"), ("r2", "accepted", None)]
    assert limited.far.limit_kw() == 5.0
    # what is released is a request, not whatever is held
    await send(limited.asked("r1", sequence=3, end=limited.clock.now()))
    assert answers(limited.got)[-1] == ("r1", "ended", "not held any more")
    assert limited.far.limit_kw() == 5.0
    await send(limited.asked("r2", sequence=2, end=limited.clock.now()))
    assert answers(limited.got)[-1] == ("r2", "ended", "released")
    assert limited.far.limit_kw() is None
    assert last_status(limited.got).limit_kw is None


async def test_a_limit_of_before_our_start_is_shown_and_can_be_released(limited: Limited) -> None:
    limited.far.write("holding", 10, (900,))
    limited.far.write("holding", 11, (0, 4200))
    await until(lambda: last_status(limited.got).limit_kw == 4.2)
    assert last_status(limited.got).request is None
    await limited.driver.send(limited.asked("r9", end=limited.clock.now()))
    assert limited.far.limit_kw() is None


async def test_what_must_not_go_out_does_not(limited: Limited) -> None:
    send, now = limited.driver.send, limited.clock.now()
    await send(limited.asked(sequence=5, epoch=3))
    limited.far.written.clear()
    for wrong, words in (
        (limited.asked(sequence=6, epoch=2), "stale epoch"),
        (limited.asked(sequence=4, epoch=3), "stale sequence"),
        (limited.asked("r2", 4.1, epoch=3), "floor"),
        (limited.asked("r2", float("nan"), epoch=3), "floor"),
        (limited.asked("r2", epoch=3, start=now + timedelta(hours=1)), "before it starts"),
        (limited.asked("r2", epoch=3, end=(now + timedelta(hours=9)).replace(tzinfo=None)), "time"),
        (limited.asked("r2", epoch=3, device="d9"), "no unit here"),
    ):
        with pytest.raises((CommandRejected, TypeError), match=words):
            await send(wrong)
    assert limited.far.written == []
    assert limited.far.limit_kw() == 4.2


async def test_it_is_written_when_it_starts(limited: Limited) -> None:
    start = limited.clock.now() + timedelta(seconds=60)
    await limited.driver.send(limited.asked())
    await limited.driver.send(limited.asked("r2", 5.0, start=start))
    assert answers(limited.got)[-2:] == [("r1", "ended", "replaced"), ("r2", "accepted", None)]
    assert limited.far.limit_kw() is None
    limited.clock.forward(60.0)
    await until(lambda: limited.far.limit_kw() == 5.0)
    await until(lambda: last_status(limited.got).request == "r2")
    # one that was not begun is let go of without a word to the unit
    await limited.driver.send(limited.asked("r3", start=limited.clock.now() + timedelta(seconds=60)))
    limited.far.written.clear()
    await limited.driver.send(limited.asked("r3", sequence=2, end=limited.clock.now()))
    assert (answers(limited.got)[-1], limited.far.written) == (("r3", "ended", "released"), [])


@pytest.mark.parametrize("limited", ["heat_pump_generic_kw", STATES], indirect=True)
async def test_a_set_point_that_is_forgotten_is_refreshed_until_its_end(limited: Limited) -> None:
    await limited.driver.send(limited.asked(end=limited.clock.now() + timedelta(seconds=200)))
    for _ in range(7):
        limited.clock.forward(20.0)
        writes = len(limited.far.written)
        await until(
            lambda seen=writes: len(limited.far.written) > seen or limited.clock.ahead.total_seconds() > 138
        )
        assert limited.far.limit_kw() == pytest.approx(4.2)
    # from here on the unit holds it to the end without us, and not beyond
    limited.far.written.clear()
    limited.clock.forward(62.0)
    assert limited.far.limit_kw() is None
    limited.clock.forward(4.0)
    await until(lambda: answers(limited.got)[-1] == ("r1", "ended", "end reached"))


async def test_a_unit_that_keeps_a_limit_is_told_to_let_go_and_counted(limited: Limited) -> None:
    await limited.driver.send(limited.asked())
    limited.far.keeps_limits = True
    limited.clock.forward(904.0)
    await asyncio.sleep(0.1)
    assert limited.far.limit_kw() == 4.2
    limited.clock.forward(2.0)
    await until(lambda: limited.driver.tally.overstayed == 1)
    await until(lambda: answers(limited.got)[-1][2] == "end reached, but held on until it was told")
    assert limited.far.limit_kw() is None


async def test_the_units_no_is_a_refusal_and_what_was_held_is_made_whole(limited: Limited) -> None:
    await limited.driver.send(limited.asked())
    limited.far.refuse_writes = ExcCodes.ILLEGAL_VALUE
    await limited.driver.send(limited.asked("r2", 5.0))
    assert answers(limited.got)[-1] == ("r2", "refused", "the unit answers exception 3")
    limited.far.refuse_writes = None
    limited.far.written.clear()
    await limited.driver.send(limited.asked("r3", 5_000_000.0))
    assert answers(limited.got)[-1][1] == "refused"
    await until(lambda: limited.far.written[-1:] == [(("holding", 11), (0, 4200))])
    assert limited.far.limit_kw() == 4.2


@pytest.mark.parametrize("code", [ExcCodes.DEVICE_BUSY, ExcCodes.GATEWAY_NO_RESPONSE])
async def test_a_unit_that_cannot_now_may_be_asked_again(limited: Limited, code: ExcCodes) -> None:
    limited.far.refuse_writes = code
    with pytest.raises(Unreachable):
        await limited.driver.send(limited.asked())
    limited.far.refuse_writes = None
    await limited.driver.send(limited.asked())
    assert answers(limited.got) == [("r1", "accepted", None)]


async def test_a_unit_that_lost_power_gets_its_limit_again_only_in_its_window() -> None:
    clock, far = HandClock(), None
    profile = mapped().profile
    for away_s, limit_kw in ((60.0, 4.2), (950.0, None)):
        far = EmulatedUnit(profile, clock)
        server = UnitServer({1: far})
        await server.__aenter__()
        async with field(unit(server.port, mapped()), clock=clock) as (driver, got):
            await until(lambda d=driver: d.connected)
            rig = Limited(far, driver, got, clock)
            await driver.send(rig.asked())
            await server.__aexit__(None, None, None)
            await until(lambda d=driver: not d.connected)
            assert last_status(got) == DeviceStatus("f1", "d1", None, online=False)
            assert sum(isinstance(m, DeviceStatus) and not m.online for m in got) == 1
            with pytest.raises(Unreachable):
                await driver.send(rig.asked(sequence=2))
            clock.forward(away_s)
            fresh = EmulatedUnit(profile, clock)
            server = UnitServer({1: fresh}, port=server.port)
            await server.__aenter__()
            await until(lambda d=driver: d.connected)
            await until(lambda g=got: last_status(g).online)
            await until(lambda f=fresh, kw=limit_kw: f.limit_kw() == kw)
            assert (fresh.written == []) is (limit_kw is None)
            if limit_kw is None:
                await until(lambda g=got: answers(g)[-1] == ("r1", "ended", "end reached"))
        await server.__aexit__(None, None, None)


@pytest.mark.parametrize("limited", ["charger_generic_amps"], indirect=True)
async def test_a_failsafe_is_read_back_and_heartbeats_keep_the_unit_from_it(limited: Limited) -> None:
    driver, far = limited.driver, limited.far
    failsafe = Failsafe("f1", "d1", 6.9, 7200, 120, epoch=1, sequence=1)
    await driver.arm(failsafe)
    status = last_status(limited.got)
    assert (status.failsafe_kw, status.failsafe_s, status.heartbeat_timeout_s) == (
        pytest.approx(6.9),
        7200,
        120,
    )
    beats = [(("holding", 112), (number,)) for number in (1, 2)]
    for number in (1, 2, 2):  # what is said twice is said once
        await driver.beat(Heartbeat(limited.clock.now(), 1, number))
        await until(lambda: far.written[-1] == beats[number - 1])  # noqa: B023
    await asyncio.sleep(0.1)
    assert [written for written in far.written if written[0] == ("holding", 112)] == beats
    # polls alone keep nobody from it: they do not say that the controller's cycles go on
    limited.clock.forward(121.0)
    await until(lambda: far.limit_kw() == pytest.approx(6.9))
    await driver.beat(Heartbeat(limited.clock.now(), 1, 3))
    await until(lambda: far.limit_kw() is None)


async def test_a_failsafe_that_cannot_be_is_rejected(limited: Limited) -> None:
    failsafe = Failsafe("f1", "d1", 6.9, 7200, 120, epoch=1, sequence=2)
    for wrong, words in (
        (failsafe, "knows no failsafe"),
        (replace(failsafe, sequence=1), "a later one has gone out"),
        (replace(failsafe, device="d9"), "no unit here"),
        (replace(failsafe, failsafe_kw=4.1, sequence=3), "expected at least its floor, 4.2"),
        (replace(failsafe, failsafe_kw=float("nan"), sequence=3), "expected at least its floor, 4.2"),
    ):
        with pytest.raises(CommandRejected, match=words):
            await limited.driver.arm(wrong)
    assert limited.far.written == []


async def test_failsafes_of_two_feeders_do_not_outrank_each_other() -> None:
    units = [replace(unit(9, mapped("charger_generic_amps"), n), feeder=f"f{n}") for n in (1, 2)]
    driver = ModbusField(units, RealClock(), np.random.default_rng(1))
    for feeder, sequence in (("f1", 5), ("f2", 1)):
        with pytest.raises(Unreachable):  # both get as far as the wire
            await driver.arm(Failsafe(feeder, "d1", 4.2, 7200, 120, 1, sequence))


async def test_a_limit_of_feed_in_is_shown_as_one() -> None:
    text = WATT.replace('hold = "revert_timer"', 'hold = "revert_timer"\ndirection = "production"')
    far = EmulatedUnit(mapped(text).profile, RealClock())
    async with UnitServer({1: far}) as server, field(unit(server.port, mapped(text))) as (driver, got):
        await until(lambda: driver.connected)
        # the floor is one of consumption
        await driver.send(command(limit_kw=0.5, direction="production"))
        status = last_status(got)
        assert (status.production_limit_kw, status.production_request) == (0.5, "r1")
        assert (status.limit_kw, status.request) == (None, None)


async def test_commands_go_ahead_of_polls() -> None:
    far = {number: EmulatedUnit(mapped().profile, RealClock()) for number in range(1, 51)}
    async with UnitServer(far) as server:
        units = [unit(server.port, mapped(), n, device=f"d{n}", period_s=0.01) for n in far]
        async with field(*units) as (driver, _):
            await until(lambda: all(station.online for station in driver.stations))
            # the link is busy with polls all the time: a poll of each other unit lies between two of one
            before = driver.tally.polls
            await driver.send(command(device="d7"))
            polls = driver.tally.polls - before
            assert far[7].limit_kw() == 4.2
            # without a way past them, each of its questions would wait for a poll of every other unit
            assert polls <= 12


async def test_only_so_many_commands_wait_for_a_unit() -> None:
    far = EmulatedUnit(mapped().profile, RealClock())
    async with UnitServer({1: far}) as server, field(unit(server.port, mapped())) as (driver, got):
        await until(lambda: driver.connected)
        sendings = [driver.send(command(f"r{n}", 5.0 + n / 10)) for n in range(10)]
        outcomes = await asyncio.gather(*sendings, return_exceptions=True)
        assert sum(isinstance(o, Unreachable) and "wait" in str(o) for o in outcomes) == 6
        assert [a for a in answers(got) if a[1] == "accepted"] == [
            (f"r{n}", "accepted", None) for n in range(QUICK.max_waiting)
        ]


class Rogue:
    """A unit whose dialogue writes where its map names nothing."""

    def __init__(self) -> None:
        self._inner = mapped()

    def identify(self) -> Dialogue[str]:
        return self._inner.identify()

    def poll(self) -> Dialogue[UnitState]:
        return self._inner.poll()

    def limit(self, limit_kw: float, direction: str, hold_s: float) -> Dialogue[None]:
        yield Write(0, (1,))

    def release(self) -> Dialogue[None]:
        return self._inner.release()

    def may_write(self, write: Write) -> bool:
        return self._inner.may_write(write)


async def test_what_no_map_names_is_not_written() -> None:
    far = EmulatedUnit(mapped().profile, RealClock())
    async with UnitServer({1: far}) as server, field(unit(server.port, Rogue())) as (driver, got):
        await until(lambda: driver.connected)
        await driver.send(command())
        assert (answers(got)[-1][1], far.written, driver.tally.unwritten) == ("refused", [], 1)


async def test_a_meter_without_its_power_is_refused_a_device_is_shown_all_the_same() -> None:
    text = WATT.replace("min =", "not_available = [0x80000000], min =")
    far = EmulatedUnit(mapped(text).profile)
    far.update({"p_kw": None})
    async with UnitServer({1: far}) as server, field(unit(server.port, mapped(text), meter="m1")) as (_, got):
        await got.wait_for(2)
    assert {type(m) for m in got} == {Refused, DeviceStatus}
    assert last_status(got).p_kw is None


def test_a_field_unit_names_its_place() -> None:
    assert FieldUnit("f1", LinkPlace("h", 5), 3, mapped(), meter="m").source == "modbus://h:5/3"
