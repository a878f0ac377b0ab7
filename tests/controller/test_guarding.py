"""The whole loop with devices of guard mode: told, proven, limited; then the controller is cut off."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

import pytest

from controller.daemon import Daemon
from controller.entries import (
    DataAlarm,
    FailsafeArmed,
    FailsafeConfirmed,
    RequestPlanned,
    RequestSent,
)
from controller.guarding import Guarding
from customers.registry import Registry
from devices.errors import CommandRejected, Unreachable
from devices.failsafe import GuardedDevice
from devices.limit_holder import LimitHolder
from devices.messages import (
    HEARTBEAT_PERIOD_S,
    Answer,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    Inbound,
    LimitCommand,
)
from devices.signing import device_key
from tests.builders import FEEDER, SECRET, START, FakeClock, Field, control, inline
from tests.controller.test_failsafes import guarded
from tests.controller.worlds import World, evening

GUARD, EVENT = "EV00", "EV01"


class GuardedHolder(LimitHolder):
    """A device of guard mode in the place of a plain one."""

    def __init__(self, device: str, floor_kw: float) -> None:
        key = device_key(SECRET, device)
        super().__init__(device, key, floor_kw)
        self.guard = GuardedDevice(LimitHolder(device, key, floor_kw), key)

    @property
    def held(self) -> LimitCommand | None:
        return self.guard.holder.held

    def receive(self, command: LimitCommand, now: datetime, *, at_s: float | None = None) -> Answer | None:
        return self.guard.receive(command, now, now.timestamp())

    def limit_at(self, now: datetime, *_: object, **__: object) -> float | None:
        return self.guard.limit_at(now, now.timestamp())

    def expired(self, now: datetime, *, at_s: float | None = None) -> Answer | None:
        return self.guard.holder.expired(now)


@dataclass
class GuardedField(Field):
    """The houses; one device is of guard mode. All wires can be cut."""

    armed: list[Failsafe] = field(default_factory=list)
    beats: list[Heartbeat] = field(default_factory=list)
    deaf: bool = False
    """an older device: knows no failsafe"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.guard = GuardedHolder(GUARD, 4.2)
        self.holders[GUARD] = self.guard

    async def arm(self, failsafe: Failsafe) -> None:
        if self.unreachable:
            raise Unreachable("the field is cut off")
        assert self.beats, "armed in what looks like silence it would be limited at once"
        self.armed.append(failsafe)
        if failsafe.device == GUARD and not self.deaf:
            assert self.guard.guard.arm(failsafe, self.clock.now().timestamp()) is None

    async def beat(self, heartbeat: Heartbeat) -> None:
        if self.unreachable:
            raise Unreachable("the field is cut off")
        self.beats.append(heartbeat)
        self.guard.guard.hear(heartbeat, self.clock.now().timestamp())

    def messages(self) -> list[Inbound]:
        return [self._read_back(message) for message in super().messages()]

    def _read_back(self, message: Inbound) -> Inbound:
        told = self.guard.guard.failsafe
        if not isinstance(message, DeviceStatus) or message.device != GUARD or told is None:
            return message
        now = self.clock.now()
        return replace(
            message,
            failsafe_kw=told.failsafe_kw,
            failsafe_s=told.failsafe_s,
            heartbeat_timeout_s=told.heartbeat_timeout_s,
            state=self.guard.guard.state(now, now.timestamp()),
        )


@dataclass
class GuardedWorld(World):
    """A daemon and such a field."""

    declared: Registry = field(default_factory=lambda: guarded(GUARD))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.field: GuardedField = GuardedField(self.clock)
        self.daemon = self.start()

    def start(self) -> Daemon:
        channels = self.field if isinstance(self.field, GuardedField) else None
        return Daemon(
            self.of,
            [control(self.of, self.declared)],
            store=self.store,
            sources=[],
            commands=self.field,
            notices=self.field,
            failsafes=channels,
            heartbeats=channels,
            clock=self.clock,
            offload=inline,
            secret=SECRET,
        )

    async def silence(self, seconds: float) -> list[tuple[float, float | None, float | None]]:
        """Nobody of ours is there; what the devices of both modes may take, second by second."""
        begin, seen = self.clock.passed_s, []
        while self.clock.passed_s - begin < seconds:
            await self.clock.sleep(1.0)
            limits = self.field.held()
            seen.append((self.clock.passed_s - begin, limits.get(GUARD), limits.get(EVENT)))
        return seen


def charging(world: GuardedWorld) -> None:
    """So much that every charger is needed."""
    world.charge()
    for house in world.field.houses:
        house.base_kw = 8.0


async def in_event() -> GuardedWorld:
    """Both devices are limited."""
    world = GuardedWorld(evening())
    await world.tick(2)
    charging(world)
    for _ in range(30):
        await world.tick()
        if {GUARD, EVENT} <= set(world.field.held()):
            return world
    raise AssertionError("nobody is limited")


async def test_first_the_failsafe_then_the_proof_then_the_limit() -> None:
    world = await in_event()
    (armed,), (confirmed,) = world.entries(FailsafeArmed), world.entries(FailsafeConfirmed)
    planned = next(e for e in world.entries(RequestPlanned) if e.target == GUARD)
    assert armed.at < confirmed.at <= planned.at
    assert [(f.device, f.failsafe_kw, f.epoch) for f in world.field.armed] == [(GUARD, 6.0, armed.epoch)]


async def test_asked_acknowledged_shown_and_measured_are_told_apart() -> None:
    """C16: a device that accepts and holds nothing, and one that shows a limit and takes more."""
    world = await in_event()
    world.field.holders[EVENT]._held.clear()
    world.field.houses[2].obeys = False
    await world.tick()
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    by_device = {r.target: r for r in view.requests}
    honest, forgetful, greedy = by_device[GUARD], by_device[EVENT], by_device["EV02"]
    assert {r.state for r in (honest, forgetful, greedy)} == {"active"}
    assert (honest.shown_limit_kw, honest.observed_kw) == (4.2, 4.2)
    assert (forgetful.shown_limit_kw, forgetful.observed_kw) == (None, 11.0)
    assert (greedy.shown_limit_kw, greedy.observed_kw) == (4.2, 11.0)


async def test_cut_off_each_device_reaches_what_it_declared_in_time_and_returns() -> None:
    """C9: guard at its failsafe within 120 s, event free at its end; then contact comes back."""
    world = await in_event()
    guard, event = world.field.guard.held, world.field.holders[EVENT].held
    assert guard is not None
    assert event is not None
    guard_end_s, event_end_s = ((c.end - world.clock.now()).total_seconds() for c in (guard, event))
    seen = await world.silence(max(guard_end_s, event_end_s) + 300)
    lowest = min(guard.limit_kw, 6.0)
    for at_s, guard_kw, event_kw in seen:
        assert event_kw == (event.limit_kw if at_s < event_end_s else None)
        if at_s >= 120:
            assert guard_kw == (lowest if at_s < guard_end_s else 6.0)
        else:
            assert guard_kw is not None or at_s >= guard_end_s
    world.charge(0.0)
    await world.tick(20)
    now = world.clock.now()
    assert world.field.guard.guard.state(now, now.timestamp()) == "unlimited_controlled"
    assert GUARD not in world.field.held()
    assert len(world.field.armed) == 1  # it shows what it was told: nobody tells it again


async def hangs() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise RuntimeError("a fault of ours")


async def counts() -> None:
    """A round that has nothing to do."""


@pytest.mark.parametrize(("round_", "beats"), [(hangs, False), (fails, False), (counts, True)])
async def test_a_daemon_whose_rounds_do_not_end_sends_no_heartbeat(
    monkeypatch: pytest.MonkeyPatch, round_: Callable[[], Awaitable[None]], beats: bool
) -> None:
    """The cycle feeds it: all else of a daemon that runs goes on, and is no proof."""
    world = GuardedWorld(evening())
    await world.tick(4)
    monkeypatch.setattr(world.daemon._rounds, "round", round_)
    monkeypatch.setattr("controller.daemon.HOUSEKEEPING_S", 20.0)  # each sleep moves the clock
    before, began_s = len(world.field.beats), world.clock.passed_s
    running = asyncio.create_task(world.daemon.run())
    while world.clock.passed_s - began_s < 150:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (len(world.field.beats) > before) is beats
    now = world.clock.now()
    assert (world.field.guard.guard.state(now, now.timestamp()) == "failsafe") is not beats


async def test_without_a_journal_no_heartbeat_goes_out() -> None:
    """C20: it decides nothing and limits nobody. So does one that is cut off while another took over."""
    world = GuardedWorld(evening())
    await world.tick(4)
    before = len(world.field.beats)
    world.store.broken = True
    await world.tick(13)
    assert len(world.field.beats) == before
    now = world.clock.now()
    assert world.field.guard.guard.state(now, now.timestamp()) == "failsafe"
    world.store.broken = False
    await world.tick(2)
    assert len(world.field.beats) > before


async def test_one_that_joined_after_a_heartbeat_is_not_limited_by_its_arming() -> None:
    world = GuardedWorld(evening())
    speak, hear = world.field.messages, world.field.guard.guard.hear
    world.field.messages = lambda: [m for m in speak() if getattr(m, "device", "") != GUARD]  # type: ignore[method-assign]
    world.field.guard.guard.hear = lambda *_: False  # type: ignore[method-assign]
    await world.tick()
    world.field.messages, world.field.guard.guard.hear = speak, hear  # type: ignore[method-assign]
    for _ in range(4):
        await world.tick()
        now = world.clock.now()
        assert world.field.guard.limit_at(now) is None
        assert world.field.guard.guard.state(now, now.timestamp()) == "unlimited_controlled"


async def test_one_that_hears_no_heartbeat_is_named() -> None:
    world = GuardedWorld(evening())
    await world.tick(3)
    world.field.guard.guard.hear = lambda *_: False  # type: ignore[method-assign]
    await world.tick(45)
    (alarm,) = world.entries(DataAlarm)
    assert (alarm.kind, alarm.text) == ("heartbeats_not_heard", GUARD)
    assert (alarm.at - START).total_seconds() >= 120 + 240
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.quality.alarm is None


async def test_one_that_lost_its_failsafe_is_not_renewed() -> None:
    world = await in_event()
    begun = len(world.field.commands)
    world.field.deaf, world.field.guard.guard.failsafe = True, None
    world.field.guard.guard._state = "unlimited_autonomous"
    held = world.field.guard.held
    assert held is not None
    for _ in range(92):
        await world.tick()
        later = [c for c in world.field.commands[begun:] if c.device == GUARD and c.end > held.end]
        assert later == []
    assert [c for c in world.field.commands[begun:] if c.device == EVENT]  # the others are
    assert GUARD not in world.field.held()


async def test_who_became_critical_is_not_limited_by_our_silence() -> None:
    world = GuardedWorld(evening())
    await world.tick(3)
    world.declared = guarded(GUARD, critical=True)
    world.daemon = world.start()
    await world.tick(3)
    assert [f.failsafe_kw for f in world.field.armed] == [6.0, 11.0]
    assert {kw for _, kw, _ in await world.silence(400)} == {None, 11.0}


@pytest.mark.parametrize("period_s", [5.0, 10.0, 15.0])
async def test_heartbeats_are_no_further_apart_than_promised(period_s: float) -> None:
    clock, lags, times = FakeClock(), random.Random(1), list[float]()

    class Noting(Wire):
        async def beat(self, heartbeat: Heartbeat) -> None:
            times.append(clock.passed_s)

    wire = Noting()
    guarding = Guarding(wire, wire, clock, SECRET, 5.0)
    for cycle in range(100):
        await clock.sleep(cycle * period_s + lags.uniform(0.1, 0.6) - clock.passed_s)
        await guarding.after_round(1, [])
    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps) <= HEARTBEAT_PERIOD_S + 0.6
    assert min(gaps) >= HEARTBEAT_PERIOD_S / 2


async def test_heartbeats_are_numbered() -> None:
    world = GuardedWorld(evening())
    await world.tick(8)
    times = [(beat.at - START).total_seconds() for beat in world.field.beats]
    assert times == [0, 20, 40, 60]
    assert [beat.sequence for beat in world.field.beats] == [1, 2, 3, 4]
    assert {beat.epoch for beat in world.field.beats} == {world.daemon.books.epoch}


async def test_a_device_that_does_not_show_it_is_asked_for_nothing_and_named() -> None:
    world = GuardedWorld(evening())
    world.field.deaf = True
    charging(world)
    await world.tick(30)
    assert EVENT in world.field.held()
    assert GUARD not in {e.target for e in world.entries(RequestPlanned)}
    assert GUARD not in {c.device for c in world.field.commands}
    (alarm,) = world.entries(DataAlarm)
    assert (alarm.kind, alarm.raised, alarm.text) == ("failsafe_unconfirmed", True, GUARD)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.quality.alarm is None  # the data are good, and all others are asked


async def test_killed_before_the_telling_went_out_it_is_told_after_the_restart() -> None:
    world = GuardedWorld(evening())
    world.field.unreachable = True
    await world.tick()
    assert len(world.entries(FailsafeArmed)) == 1
    world.field.unreachable = False
    world.daemon = world.start()
    await world.tick(3)
    assert [(f.epoch, f.sequence) for f in world.field.armed] == [(2, 2)]
    assert len(world.entries(FailsafeConfirmed)) == 1


async def test_a_restarted_controller_tells_nobody_what_it_shows_already() -> None:
    world = GuardedWorld(evening())
    await world.tick(3)
    world.daemon = world.start()
    await world.tick(3)
    assert len(world.field.armed) == 1


async def test_nothing_is_told_before_it_is_durable() -> None:
    world = GuardedWorld(evening())
    await world.daemon.start()
    world.store.broken = True
    await world.tick(2)
    assert world.field.armed == []
    world.store.broken = False
    await world.tick(2)
    assert len(world.field.armed) == 1


# ---- the shell alone


def armed(device: str) -> FailsafeArmed:
    return FailsafeArmed(
        at=START,
        feeder=FEEDER,
        device=device,
        failsafe_kw=6.0,
        failsafe_s=7200,
        heartbeat_timeout_s=120,
        epoch=1,
        sequence=1,
    )


class Wire:
    """Takes what it is given, or fails as it is told."""

    def __init__(self, faults: Sequence[Exception] = ()) -> None:
        self.faults, self.taken = list(faults), list[Failsafe | Heartbeat]()
        self.hold: asyncio.Event | None = None

    async def arm(self, failsafe: Failsafe) -> None:
        await self._take(failsafe)

    async def beat(self, heartbeat: Heartbeat) -> None:
        await self._take(heartbeat)

    async def _take(self, message: Failsafe | Heartbeat) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(message)


@pytest.mark.parametrize(
    "fault", [Unreachable("gone"), CommandRejected("no"), RuntimeError("bug"), TimeoutError()]
)
async def test_a_heartbeat_that_fails_is_tried_in_the_next_cycle_and_stops_nothing(fault: Exception) -> None:
    wire, clock = Wire([fault]), FakeClock()
    guarding = Guarding(wire, wire, clock, SECRET, 5.0)
    await guarding.after_round(1, [])
    await clock.sleep(10)
    await guarding.after_round(1, [])
    assert guarding.beats == 1
    assert [m.sequence for m in wire.taken] == [2]


async def test_a_wire_that_hangs_is_left_and_stopped() -> None:
    wire = Wire()
    wire.hold = asyncio.Event()
    guarding = Guarding(wire, wire, FakeClock(), SECRET, 5.0)
    await guarding.after_round(1, [armed("EV00"), armed("EV00"), armed("EV01")])
    assert guarding.beats == 0
    await guarding.stop()
    assert wire.taken == []


async def test_without_channels_nothing_is_said() -> None:
    guarding = Guarding(None, None, FakeClock(), SECRET, 5.0)
    await guarding.after_round(1, [armed("EV00")])
    assert guarding.beats == 0


async def test_sent_commands_wait_for_no_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failsafe that hangs holds up no limit of others."""
    world = GuardedWorld(evening())
    world.charge()

    async def hangs(_: Failsafe) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(world.field, "arm", hangs)
    await world.tick(20)
    assert world.entries(RequestSent)
    await world.daemon._guarding.stop()
