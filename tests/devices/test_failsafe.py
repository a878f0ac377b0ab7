"""What a device does in silence: step tables, and a model that ticks second by second beside it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from devices.failsafe import GuardedDevice, KeptGuard
from devices.limit_holder import LimitHolder
from devices.messages import Failsafe, GuardState, Heartbeat, LimitCommand
from devices.signing import device_key, sign

SECRET = bytes(range(32))
KEY = device_key(SECRET, "ev1")
T0 = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
FLOOR_KW, TIMEOUT_S, HOLD_S = 4.2, 120, 7200


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def failsafe(
    kw: float = 6.0, *, hold_s: int = HOLD_S, timeout_s: int = TIMEOUT_S, epoch: int = 1, sequence: int = 1
) -> Failsafe:
    return sign(Failsafe("f1", "ev1", kw, hold_s, timeout_s, epoch, sequence), SECRET)


def limit(
    request: str, kw: float, begin: float, seconds: float, *, sequence: int = 1, epoch: int = 1
) -> LimitCommand:
    bare = LimitCommand("f1", "ev1", request, kw, after(begin), after(begin + seconds), epoch, sequence)
    return sign(bare, SECRET)


class Device:
    """A guarded device whose day clock and steady seconds agree."""

    def __init__(self) -> None:
        self.guarded = GuardedDevice(LimitHolder("ev1", KEY, FLOOR_KW), KEY)
        self.beats = 0

    def beat(self, at_s: float) -> None:
        self.beats += 1
        assert self.guarded.hear(Heartbeat(after(at_s), 1, self.beats), at_s)

    def obey(self, command: LimitCommand, at_s: float) -> str | None:
        answer = self.guarded.receive(command, after(at_s), at_s)
        return None if answer is None else answer.answer

    def at(self, at_s: float) -> tuple[GuardState, float | None]:
        return self.guarded.state(after(at_s), at_s), self.guarded.limit_at(after(at_s), at_s)


@pytest.fixture
def armed() -> Device:
    """In control at second 0."""
    device = Device()
    device.beat(0)
    assert device.guarded.arm(failsafe(), 0) is None
    return device


def test_a_device_of_event_mode_knows_no_silence() -> None:
    device = Device()
    assert device.obey(limit("r1", 5.0, 0, 900), 0) == "accepted"
    assert device.at(899) == ("limited", 5.0)
    assert device.at(900) == ("unlimited_autonomous", None)


def test_in_control_it_takes_what_it_likes_or_its_limit(armed: Device) -> None:
    assert armed.at(0) == ("unlimited_controlled", None)
    armed.obey(limit("r1", 5.0, 10, 60), 10)
    assert armed.at(10) == ("limited", 5.0)
    assert armed.at(70) == ("unlimited_controlled", None)


def test_silence_leads_to_the_failsafe_on_the_second_and_holds_it(armed: Device) -> None:
    armed.beat(30)
    assert armed.at(149.9)[0] == "unlimited_controlled"
    assert armed.at(150) == ("failsafe", 6.0)
    assert armed.at(150 + HOLD_S - 0.1) == ("failsafe", 6.0)
    assert armed.at(150 + HOLD_S) == ("unlimited_autonomous", None)


def test_nobody_needs_to_look_for_the_failsafe_to_end_in_time(armed: Device) -> None:
    assert armed.at(120 + HOLD_S) == ("unlimited_autonomous", None)


@pytest.mark.parametrize(("held_kw", "in_force"), [(4.2, 4.2), (9.0, 6.0)])
def test_a_limit_that_is_held_stays_where_it_is_the_lower_one(
    armed: Device, held_kw: float, in_force: float
) -> None:
    armed.obey(limit("r1", held_kw, 0, 900), 0)
    assert armed.at(120) == ("failsafe", in_force)
    assert armed.at(900) == ("failsafe", 6.0)  # its end is no way out of the failsafe


def test_a_heartbeat_alone_does_not_lift_the_failsafe_a_word_after_it_does(armed: Device) -> None:
    armed.at(200)
    armed.beat(300)
    assert armed.at(330) == ("failsafe", 6.0)
    assert armed.obey(limit("r1", 8.0, 340, 900), 340) == "accepted"
    assert armed.at(340) == ("limited", 8.0)


def test_a_word_before_the_heartbeat_does_not_lift_it(armed: Device) -> None:
    armed.obey(limit("r1", 8.0, 200, 900), 200)
    assert armed.at(200) == ("failsafe", 6.0)


def test_a_release_is_such_a_word(armed: Device) -> None:
    armed.obey(limit("r1", 5.0, 0, 900), 0)
    armed.at(150)
    armed.beat(160)
    assert armed.obey(limit("r1", 5.0, 0, 100, sequence=2), 170) == "ended"
    assert armed.at(170) == ("unlimited_controlled", None)


def test_heartbeats_that_go_on_without_a_word_lift_it_after_the_time_out(armed: Device) -> None:
    for at_s in range(200, 320, 30):
        armed.beat(at_s)
    assert armed.at(319.9) == ("failsafe", 6.0)
    assert armed.at(320) == ("unlimited_controlled", None)
    assert armed.at(290 + 119)[0] == "unlimited_controlled"
    assert armed.at(290 + 120)[0] == "failsafe"  # counted from the last heartbeat, not from the turn


def test_one_stray_heartbeat_in_the_failsafe_begins_it_anew(armed: Device) -> None:
    armed.at(120)
    armed.beat(7000)
    assert armed.at(7000 + 120 + HOLD_S - 1) == ("failsafe", 6.0)


def test_repeated_and_stale_heartbeats_say_nothing(armed: Device) -> None:
    guarded = armed.guarded
    assert guarded.arm(failsafe(epoch=2), 1) is None
    assert not guarded.hear(Heartbeat(T0, 1, 99), 10)  # of a controller that was replaced
    assert guarded.hear(Heartbeat(T0, 2, 1), 20)
    assert not guarded.hear(Heartbeat(T0, 2, 1), 130)
    assert armed.at(140) == ("failsafe", 6.0)


def test_a_controller_that_was_replaced_keeps_nobody_from_the_failsafe(armed: Device) -> None:
    """Two that live, one of them cut off from the journal: what is below the last heartbeat is old."""
    hear = armed.guarded.hear
    assert hear(Heartbeat(T0, 4, 1), 10)
    assert not hear(Heartbeat(T0, 3, 900), 20)
    assert not hear(Heartbeat(T0, 4, 1), 30)
    assert hear(Heartbeat(T0, 4, 2), 40)
    assert armed.at(159.9)[0] == "unlimited_controlled"
    assert armed.at(160) == ("failsafe", 6.0)


def test_a_command_captured_long_ago_is_no_word(armed: Device) -> None:
    """Its request is forgotten by then: refused as expired, it says nothing of now."""
    captured = limit("r1", 8.0, 0, 900)
    armed.obey(captured, 0)
    armed.guarded.holder.expired(after(900), at_s=900)
    armed.beat(7000)
    armed.obey(limit("r2", 8.0, 7000, 60), 7000)
    assert armed.at(7200)[0] == "failsafe"
    armed.beat(7300)
    answer = armed.guarded.receive(captured, after(7302), 7302)
    assert answer is not None
    assert answer.reason == "expired"
    assert armed.at(7302) == ("failsafe", 6.0)


def test_what_a_slow_clock_refuses_is_no_word(armed: Device) -> None:
    armed.at(200)
    armed.beat(210)
    answer = armed.guarded.receive(limit("r1", 8.0, 300, 900), after(220), 220)
    assert answer is not None
    assert answer.reason == "clock"
    assert armed.at(220) == ("failsafe", 6.0)


def test_an_earlier_failsafe_that_is_over_lengthens_no_later_one() -> None:
    device = Device()
    device.beat(0)
    device.guarded.arm(failsafe(hold_s=86_400), 0)
    assert device.at(120) == ("failsafe", 6.0)
    device.beat(200)
    device.guarded.arm(failsafe(kw=7.0, hold_s=60, sequence=2), 210)
    assert device.at(210) == ("unlimited_controlled", None)
    device.beat(300)
    assert device.at(420) == ("failsafe", 7.0)
    assert device.at(479.9) == ("failsafe", 7.0)
    assert device.at(480) == ("unlimited_autonomous", None)


def test_a_replayed_command_is_no_word(armed: Device) -> None:
    captured = limit("r1", 8.0, 0, 9000)
    armed.obey(captured, 0)
    armed.at(150)
    armed.beat(160)
    armed.obey(captured, 170)
    assert armed.at(170)[0] == "failsafe"


def test_armed_in_silence_it_begins_limited_and_a_heartbeat_frees_it() -> None:
    device = Device()
    assert device.guarded.arm(failsafe(), 0) is None
    assert device.at(0) == ("init", 6.0)
    assert device.at(120) == ("failsafe", 6.0)
    other = Device()
    other.guarded.arm(failsafe(), 0)
    other.beat(20)
    assert other.at(20) == ("unlimited_controlled", None)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(failsafe(sequence=2), failsafe_kw=11.0), "signature"),
        (sign(replace(failsafe(sequence=2), device="ev2"), SECRET), "signature"),
        (failsafe(epoch=0, sequence=9), "stale epoch"),
        (failsafe(kw=9.0), "stale sequence"),
        (failsafe(kw=4.19, sequence=2), "below floor"),
        (failsafe(kw=float("nan"), sequence=2), "not a limit"),
        (failsafe(kw=float("inf"), sequence=2), "not a limit"),
        (failsafe(hold_s=0, sequence=2), "no duration"),
        (failsafe(timeout_s=0, sequence=2), "no duration"),
    ],
)
def test_what_must_not_arm_it_changes_nothing(armed: Device, wrong: Failsafe, why: str) -> None:
    assert armed.guarded.arm(wrong, 10) == why
    assert armed.guarded.failsafe == failsafe()
    assert armed.at(120) == ("failsafe", 6.0)


def test_the_same_failsafe_again_is_no_fault_and_no_word(armed: Device) -> None:
    """A retained one comes with every connection."""
    armed.at(150)
    armed.beat(160)
    assert armed.guarded.arm(failsafe(), 170) is None
    assert armed.at(170) == ("failsafe", 6.0)


def test_a_higher_one_replaces_it_at_once_also_in_the_failsafe(armed: Device) -> None:
    armed.at(150)
    assert armed.guarded.arm(failsafe(kw=7.0, hold_s=60, sequence=2), 160) is None
    assert armed.at(160) == ("failsafe", 7.0)
    assert armed.at(120 + HOLD_S - 1) == ("failsafe", 7.0)  # what was promised is not shortened


def restarted(device: Device, at_s: float, new_clock: float = 0.0) -> Device:
    kept = device.guarded.kept(after(at_s), at_s)
    fresh = Device()
    fresh.guarded.restore(kept, after(at_s), new_clock)
    return fresh


def test_a_restart_is_no_way_out_of_the_failsafe_and_does_not_lengthen_it(armed: Device) -> None:
    armed.at(120)
    fresh = restarted(armed, 120 + 7000)
    assert fresh.guarded.limit_at(after(7120), 0.0) == 6.0
    assert fresh.guarded.state(after(7320), 199.9) == "failsafe"
    assert fresh.guarded.state(after(7320), 200.0) == "unlimited_autonomous"
    again = restarted(fresh, 7320)
    assert again.guarded.state(after(7321), 1.0) == "unlimited_autonomous"


def test_a_restart_in_control_begins_limited_until_a_heartbeat(armed: Device) -> None:
    armed.obey(limit("r1", 5.0, 0, 900), 0)
    fresh = restarted(armed, 60)
    assert fresh.guarded.limit_at(after(60), 0.0) == 5.0
    assert fresh.guarded.state(after(60), 0.0) == "init"
    fresh.beats = 50
    assert fresh.guarded.hear(Heartbeat(after(70), 1, 51), 10)
    assert fresh.guarded.state(after(70), 10) == "limited"
    assert fresh.guarded.arm(failsafe(kw=9.0), 20) == "stale sequence"


def test_a_clock_that_begins_in_1970_holds_nobody_longer_than_it_had_left(armed: Device) -> None:
    armed.obey(limit("r1", 5.0, 0, 900), 0)
    kept = armed.guarded.kept(after(100), 100)
    fresh = Device()
    boot = datetime(1970, 1, 1, tzinfo=UTC)
    fresh.guarded.restore(kept, boot, 0.0)
    holder = fresh.guarded.holder
    assert holder.limit_at(boot, at_s=799.9) == 5.0
    assert holder.limit_at(boot, at_s=800.0) is None


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0, 315_360_000.0])
def test_a_clock_that_is_set_meanwhile_changes_no_limit(armed: Device, jump_s: float) -> None:
    armed.obey(limit("r1", 5.0, 0, 600), 0)
    for at_s in range(30, 600, 30):
        armed.beat(at_s)
    assert armed.guarded.limit_at(after(599 + jump_s), 599) == 5.0
    assert armed.guarded.limit_at(after(600 + jump_s), 600) is None
    ended = armed.guarded.holder.expired(after(600 + jump_s), at_s=600)
    assert ended is not None
    assert ended.reason == "end reached"


# ---- a model that ticks beside it


@dataclass
class Ticking:
    """The rules of the table in `devices.failsafe`, one second at a time, with nothing remembered but what
    the rules name. Time-out 12 s, failsafe 30 s.
    """

    state: GuardState = "unlimited_autonomous"
    failsafe_kw: float | None = None
    silent_s: int = 10_000
    """since the last heartbeat, or since `init` began"""
    back_s: int | None = None
    hold_s: int = 0
    limit_kw: float | None = None
    left_s: int = 0
    """of the held limit"""

    def second(self) -> None:
        self.silent_s += 1
        self.hold_s -= 1
        self.back_s = None if self.back_s is None else self.back_s + 1
        self.left_s -= 1
        if self.left_s <= 0:
            self.limit_kw = None
        if self.failsafe_kw is None:
            return
        if self.state in ("init", "unlimited_controlled") and self.silent_s >= 12:
            self.falls()
        elif self.state == "failsafe":
            if self.back_s is not None and self.silent_s >= 12:
                self.falls()
            elif self.back_s is not None and self.back_s >= 12:
                self.state, self.back_s = "unlimited_controlled", None
            elif self.back_s is None and self.hold_s <= 0:
                self.state = "unlimited_autonomous"

    def falls(self) -> None:
        self.state, self.back_s, self.hold_s = "failsafe", None, max(self.hold_s, 30)

    def word(self) -> None:
        if self.state == "failsafe" and self.back_s is not None:
            self.state, self.back_s = "unlimited_controlled", None

    def in_force(self) -> float | None:
        silent = self.failsafe_kw if self.state in ("init", "failsafe") else None
        both = [kw for kw in (silent, self.limit_kw) if kw is not None]
        return min(both) if both else None


class Silence(RuleBasedStateMachine):
    """Any order of heartbeats, words, restarts, clocks that are set, and silence."""

    def __init__(self) -> None:
        super().__init__()
        self.device, self.model = Device(), Ticking()
        self.at_s, self.clock_off_s, self.base_s = 0, 0.0, 0.0
        self.number = 0
        self.last_beat: Heartbeat | None = None
        self.told: set[float] = set()
        self.unheard_s = 0
        """since the last heartbeat, arming or restart"""

    def now(self) -> datetime:
        return after(self.at_s + self.clock_off_s)

    def steady(self) -> float:
        return self.at_s - self.base_s

    @rule(seconds=st.sampled_from([1, 2, 5, 11, 12, 13, 29, 30, 31, 60]))
    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.model.second()
        self.at_s += seconds
        self.unheard_s += seconds

    @rule()
    def beat(self) -> None:
        self.number += 1
        self.last_beat = Heartbeat(self.now(), 1, self.number)
        assert self.device.guarded.hear(self.last_beat, self.steady())
        self.unheard_s = 0
        model = self.model
        model.silent_s = 0
        if model.state == "failsafe":
            model.back_s = 0 if model.back_s is None else model.back_s
        elif model.failsafe_kw is not None:
            model.state = "unlimited_controlled"

    @precondition(lambda self: self.last_beat is not None)
    @rule()
    def beat_again(self) -> None:
        assert self.last_beat is not None
        assert not self.device.guarded.hear(self.last_beat, self.steady())

    @rule(kw=st.sampled_from([4.2, 6.0, 11.0]))
    def arm(self, kw: float) -> None:
        self.number += 1
        told = failsafe(kw, hold_s=30, timeout_s=12, sequence=self.number)
        assert self.device.guarded.arm(told, self.steady()) is None
        model, first = self.model, self.model.failsafe_kw is None
        model.failsafe_kw = kw
        self.told.add(kw)
        if not first:
            model.word()
        elif model.silent_s < 12:
            model.state = "unlimited_controlled"
        else:
            model.state, model.silent_s = "init", 0
            self.unheard_s = 0

    @rule(kw=st.sampled_from([0.0, 4.1]))
    def arm_too_low(self, kw: float) -> None:
        self.number += 1
        told = failsafe(kw, hold_s=30, timeout_s=12, sequence=self.number)
        assert self.device.guarded.arm(told, self.steady()) == "below floor"

    @rule(kw=st.sampled_from([4.2, 5.0, 8.0]), seconds=st.sampled_from([5, 20, 60]))
    def limit(self, kw: float, seconds: int) -> None:
        self.number += 1
        begin = self.at_s + self.clock_off_s
        command = limit(f"r{self.number}", kw, begin, seconds)
        answer = self.device.guarded.receive(command, self.now(), self.steady())
        assert answer is not None
        assert answer.answer == "accepted"
        self.model.limit_kw, self.model.left_s = kw, seconds
        self.model.word()
        self.told.add(kw)

    @rule()
    def limit_too_low(self) -> None:
        self.number += 1
        command = limit(f"r{self.number}", 0.0, self.at_s + self.clock_off_s, 60)
        answer = self.device.guarded.receive(command, self.now(), self.steady())
        assert answer is not None
        assert answer.reason == "below floor"
        self.model.word()

    @rule()
    def release(self) -> None:
        held = self.device.guarded.holder.held
        if held is None or self.model.limit_kw is None:
            return
        self.number += 1
        gone = sign(replace(held, end=self.now(), sequence=held.sequence + 1), SECRET)
        answer = self.device.guarded.receive(gone, self.now(), self.steady())
        assert answer is not None
        assert answer.answer == "ended"
        self.model.limit_kw = None
        self.model.word()

    @rule(seconds=st.sampled_from([-3600.0, 3600.0, 86_400.0]))
    def clock_is_set(self, seconds: float) -> None:
        self.clock_off_s += seconds

    @rule()
    def restart(self) -> None:
        """In no time, with a day clock that was not set meanwhile; steady seconds begin anew."""
        self.clock_off_s = 0.0 if self.model.limit_kw is None else self.clock_off_s
        kept: KeptGuard = self.device.guarded.kept(self.now(), self.steady())
        self.device, self.base_s, self.last_beat = Device(), float(self.at_s), None
        self.device.guarded.restore(kept, self.now(), self.steady())
        held = self.device.guarded.holder.held
        left_s = 0.0 if held is None else (held.end - self.now()).total_seconds()
        self.model.left_s = min(self.model.left_s, max(0, round(left_s)))
        if self.model.left_s <= 0:
            self.model.limit_kw = None
        model = self.model
        if model.failsafe_kw is None:
            model.silent_s = 10_000
        elif model.state in ("init", "unlimited_controlled") or (
            model.state == "failsafe" and model.hold_s <= 0
        ):
            model.state, model.silent_s, model.back_s = "init", 0, None
        else:
            model.silent_s, model.back_s = 10_000, None
        if model.state != "unlimited_autonomous":
            self.unheard_s = 0

    @invariant()
    def as_the_model(self) -> None:
        guarded, model = self.device.guarded, self.model
        expected = "limited" if model.limit_kw is not None and model.state[:9] == "unlimited" else model.state
        assert guarded.state(self.now(), self.steady()) == expected
        assert guarded.limit_at(self.now(), self.steady()) == model.in_force()

    @invariant()
    def never_below_the_floor_never_a_value_nobody_told(self) -> None:
        limit_kw = self.device.guarded.limit_at(self.now(), self.steady())
        assert limit_kw is None or (limit_kw >= FLOOR_KW and limit_kw in self.told)

    @invariant()
    def silence_is_no_freedom_before_the_failsafe_is_over(self) -> None:
        """Told without a state: by how long nothing was heard alone."""
        armed_kw = self.model.failsafe_kw
        if armed_kw is None or self.model.state == "unlimited_autonomous":
            return
        if 12 <= self.unheard_s < 12 + 30:
            limit_kw = self.device.guarded.limit_at(self.now(), self.steady())
            assert limit_kw is not None
            assert limit_kw <= armed_kw


Silence.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSilence = Silence.TestCase
