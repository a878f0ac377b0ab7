"""The whole loop with devices of guard mode: told, proven, limited; then the controller is cut off."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

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
from devices.errors import CommandRejected, Unreachable
from devices.failsafe import GuardedDevice
from devices.limit_holder import LimitHolder
from devices.messages import Answer, DeviceStatus, Failsafe, Heartbeat, Inbound, LimitCommand
from devices.signing import device_key
from tests.builders import FEEDER, SECRET, START, FakeClock, Field, control, inline
from tests.controller.test_failsafes import guarded
from tests.controller.worlds import PERIOD_S, World, evening

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

    def __post_init__(self) -> None:
        super().__post_init__()
        self.field: GuardedField = GuardedField(self.clock)
        self.daemon = self.start()

    def start(self) -> Daemon:
        who = guarded(GUARD)
        channels = self.field if isinstance(self.field, GuardedField) else None
        return Daemon(
            self.of,
            [control(self.of, who)],
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


async def test_a_controller_that_hangs_sends_no_heartbeat() -> None:
    """The cycle feeds it: an event loop that goes on is no proof."""
    world = GuardedWorld(evening())
    await world.tick(4)
    before = len(world.field.beats)
    await world.silence(130)
    assert len(world.field.beats) == before
    now = world.clock.now()
    assert world.field.guard.guard.state(now, now.timestamp()) == "failsafe"


async def test_a_controller_whose_rounds_fail_sends_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    world = GuardedWorld(evening())
    await world.tick()

    async def fails() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(world.daemon._rounds, "round", fails)
    for _ in range(13):
        await world.daemon._guarded_cycle()
        await world.clock.sleep(PERIOD_S)
    assert len(world.field.beats) == 1


async def test_heartbeats_go_out_each_half_minute_and_are_numbered() -> None:
    world = GuardedWorld(evening())
    await world.tick(12)
    times = [(beat.at - START).total_seconds() for beat in world.field.beats]
    assert times == [0, 30, 60, 90]
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
