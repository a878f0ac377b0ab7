"""Who is told its failsafe, when, and what is proof: step tables without a wire."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from controller import settings
from controller.books import Books
from controller.entries import DataAlarm, Entry, FailsafeArmed, FailsafeConfirmed
from controller.errors import BooksBroken, ConfigRejected
from controller.failsafes import (
    FailsafeMemory,
    Watched,
    is_confirmed,
    may_be_asked,
    unproven,
    watch,
)
from controller.feeder_control import FeederControl
from controller.feeder_state import DeviceState, FeederState, Readings
from controller.silence_alarms import NOT_LIFTED, UNHEARD
from customers.registry import Device, Registry
from devices.modbus.register_map import load_profile
from devices.modbus.set_point import kw_per_unit, limit_words
from tests.builders import FEEDER, HOUSES, START, control, registry, site

GUARDS = ("EV00", "EV01")


def guarded(*names: str, **changes: Any) -> Registry:
    """The houses of the small feeder; these devices are of guard mode."""
    plain = registry()
    guard: dict[str, Any] = {"on_contact_loss": "guard", "failsafe_kw": 6.0} | changes
    return replace(
        plain, devices=tuple(replace(d, **guard) if d.device in names else d for d in plain.devices)
    )


CONTROL = control(site(), guarded(*GUARDS))
SHOWN = DeviceState(
    online=True,
    at=START,
    p_kw=3.0,
    limit_kw=None,
    request=None,
    failsafe_kw=6.0,
    failsafe_s=7200,
    heartbeat_timeout_s=120,
)
SILENT = replace(SHOWN, failsafe_kw=None, failsafe_s=None, heartbeat_timeout_s=None)
GUARD = CONTROL.registry.device["EV00"]


def state(**devices: DeviceState) -> FeederState:
    return FeederState(Readings(*(np.full(HOUSES, np.nan) for _ in range(6))), devices)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Watch:
    """Cycles, with the books that their entries give."""

    def __init__(self, of: FeederControl = CONTROL) -> None:
        self.control, self.books, self.memory = of, Books(), FailsafeMemory()
        self.kinds: list[str] = []
        """of the alarms that were told"""

    def at(self, seconds: float, **devices: DeviceState) -> list[tuple[str, ...]]:
        """What one cycle tells, in short; who is online has just spoken, unless it spoke later than START."""
        now = after(seconds)
        spoken = {name: replace(d, at=now) if d.at == START else d for name, d in devices.items()}
        watched: Watched = watch(self.control, self.books, self.memory, state(**spoken), now=now, epoch=7)
        self.kinds += [entry.kind for entry in watched.entries if isinstance(entry, DataAlarm)]
        self.books.apply_all(watched.entries)
        self.memory = watched.memory
        return [_short(entry) for entry in watched.entries]


def _short(entry: Entry) -> tuple[str, ...]:
    match entry:
        case FailsafeArmed(device=device, sequence=sequence):
            return ("armed", device, str(sequence))
        case FailsafeConfirmed(device=device, sequence=sequence):
            return ("confirmed", device, str(sequence))
        case DataAlarm(raised=raised, text=text):
            return ("alarm" if raised else "over", text)
        case _:
            raise AssertionError(entry)


def test_the_entry_says_all_that_goes_out() -> None:
    watched = watch(CONTROL, Books(), FailsafeMemory(), state(EV00=SILENT), now=START, epoch=7)
    assert watched.entries == (
        FailsafeArmed(
            at=START,
            feeder=FEEDER,
            device="EV00",
            failsafe_kw=6.0,
            failsafe_s=7200,
            heartbeat_timeout_s=120,
            epoch=7,
            sequence=1,
        ),
    )


def test_told_once_then_shown_then_left_alone() -> None:
    cycles = Watch()
    assert cycles.at(0, EV00=SILENT) == [("armed", "EV00", "1")]
    assert cycles.at(10, EV00=SILENT) == []
    assert cycles.at(20, EV00=SHOWN) == [("confirmed", "EV00", "1")]
    assert cycles.at(30, EV00=SHOWN) == []


def test_one_that_shows_it_already_is_not_told() -> None:
    """After a restart of ours, too: nothing goes out that is so already."""
    assert Watch().at(0, EV00=SHOWN) == []


def test_devices_of_event_mode_and_absent_ones_are_not_told() -> None:
    cycles = Watch()
    assert cycles.at(0, EV05=SILENT) == []
    assert cycles.at(10, EV00=replace(SILENT, online=False)) == []


def test_the_pauses_grow_and_begin_anew_when_it_comes_back() -> None:
    cycles = Watch()
    told = [s for s in range(0, 2000, 10) if _armed(cycles.at(s, EV00=SILENT))]
    assert told == [0, 60, 180, 420, 900, 1860]
    assert cycles.at(2000, EV00=replace(SILENT, online=False)) == []
    assert cycles.at(2110, EV00=replace(SILENT, online=False)) == [
        ("over", "all devices of guard mode that are there show their failsafe")
    ]
    back = [s for s in range(2120, 4000, 10) if _armed(cycles.at(s, EV00=SILENT))]
    assert back == [2340, 3300]  # 8 minutes after the last telling, not an hour, and not at once


def test_one_that_comes_and_goes_is_not_told_each_time_and_named_once() -> None:
    cycles, told = Watch(), list[tuple[str, ...]]()
    for seconds in range(0, 3600, 5):
        told += cycles.at(seconds, EV00=SILENT if seconds % 10 == 0 else replace(SILENT, online=False))
    assert [one[0] for one in told].count("armed") == 10
    assert [one for one in told if one[0] != "armed"] == [("alarm", "EV00")]


@pytest.mark.parametrize("clock_off_s", [-3600, -45, 3600])
def test_a_device_whose_clock_is_wrong_is_told_like_any_other(clock_off_s: float) -> None:
    cycles = Watch()
    told = [
        one
        for s in range(0, 130, 10)
        for one in cycles.at(s, EV00=replace(SILENT, at=after(s + clock_off_s)))
    ]
    assert told == [("armed", "EV00", "1"), ("armed", "EV00", "2"), ("alarm", "EV00")]


def test_a_device_that_speaks_each_minute_is_told_no_more_often_and_named() -> None:
    cycles, told = Watch(), list[tuple[str, ...]]()
    for seconds in range(0, 6 * 3600, 5):
        told += cycles.at(seconds, EV00=replace(SILENT, at=after(seconds // 60 * 60 + 0.5)))
    assert [one[0] for one in told].count("armed") == 11
    assert [one for one in told if one[0] == "alarm"] == [("alarm", "EV00")]


def test_after_a_restart_nothing_is_over_before_it_is_known() -> None:
    cycles = Watch()
    for seconds in range(0, 200, 10):
        cycles.at(seconds, EV00=SILENT)
    cycles.memory = FailsafeMemory()
    told = [one for s in range(200, 400, 10) for one in cycles.at(s, EV00=SILENT)]
    assert [one[0] for one in told] == ["armed", "armed", "armed"]
    cycles.memory = FailsafeMemory()
    assert cycles.at(400) == []  # nobody has spoken yet
    assert cycles.at(410, EV00=SHOWN)[1:] == []
    assert cycles.at(520, EV00=SHOWN)[-1][0] == "over"


def test_how_many_more_there_are_is_told_once() -> None:
    names = [f"EV{n:02d}" for n in range(14)]
    cycles = Watch(control(site(), guarded(*names)))
    told = list[tuple[str, ...]]()
    for seconds in range(0, 400, 10):
        there = names[: 11 + seconds // 100]
        told += cycles.at(seconds, **dict.fromkeys(there, SILENT))
    (alarm,) = [one[1] for one in told if one[0] == "alarm"]
    assert alarm.endswith("EV09 and 1 more")


def _armed(told: list[tuple[str, ...]]) -> bool:
    return any(one[0] == "armed" for one in told)


def test_another_value_is_told_anew_under_the_next_sequence() -> None:
    cycles = Watch()
    cycles.at(0, EV00=SILENT)
    cycles.at(10, EV00=SHOWN)
    assert cycles.at(20, EV00=replace(SHOWN, failsafe_kw=11.0)) == [("armed", "EV00", "2")]
    assert cycles.at(30, EV00=SHOWN) == [("confirmed", "EV00", "2")]


def test_who_does_not_show_it_is_named_once_and_when_that_is_over() -> None:
    cycles = Watch()
    cycles.at(0, EV00=SILENT, EV01=SILENT)
    assert [one for s in range(10, 120, 10) for one in cycles.at(s, EV00=SILENT, EV01=SILENT)] == [
        ("armed", "EV00", "2"),
        ("armed", "EV01", "2"),
    ]
    assert ("alarm", "EV00, EV01") in cycles.at(120, EV00=SILENT, EV01=SILENT)
    assert cycles.at(130, EV00=SILENT, EV01=SILENT) == []
    assert cycles.at(140, EV00=SILENT, EV01=SHOWN) == [("confirmed", "EV01", "2"), ("alarm", "EV00")]
    assert cycles.at(150, EV00=SHOWN, EV01=SHOWN)[-1][0] == "over"


def test_a_declaration_that_changed_is_told_once_also_where_what_is_shown_would_do() -> None:
    cycles = Watch()
    longer = replace(SHOWN, failsafe_s=86_400)
    cycles.at(0, EV00=SILENT)
    cycles.at(5, EV00=SHOWN)
    cycles.control = control(site(), guarded(*GUARDS, failsafe_s=86_400))
    assert cycles.at(10, EV00=SHOWN) == [("armed", "EV00", "2")]
    assert cycles.at(20, EV00=longer) == [("confirmed", "EV00", "2")]
    cycles.control = CONTROL
    assert may_be_asked(GUARD, state(EV00=longer))
    assert cycles.at(30, EV00=longer) == [("armed", "EV00", "3")]
    assert cycles.at(40, EV00=SHOWN) == [("confirmed", "EV00", "3")]
    assert cycles.at(50, EV00=SHOWN) == []


# ---- whom silence must not limit any more


def let_go(**changes: Any) -> FeederControl:
    return control(site(), guarded(*GUARDS, **changes))


@pytest.mark.parametrize(
    "changes",
    [{"critical": True}, {"on_contact_loss": "event", "failsafe_kw": None}],
    ids=["critical", "event"],
)
def test_who_must_not_be_limited_by_silence_any_more_is_told_a_failsafe_that_limits_nothing(
    changes: dict[str, Any],
) -> None:
    cycles = Watch()
    cycles.at(0, EV00=SILENT)
    cycles.at(10, EV00=SHOWN)
    cycles.control = let_go(**changes)
    assert cycles.at(20, EV00=SHOWN) == [("armed", "EV00", "2")]
    told = cycles.books.failsafe_told(FEEDER, "EV00")
    assert told is not None
    assert told.failsafe_kw == 11.0
    assert [one for s in range(30, 150, 10) for one in cycles.at(s, EV00=SHOWN)] == [
        ("armed", "EV00", "3"),
        ("alarm", "EV00"),
    ]
    free = replace(SHOWN, failsafe_kw=11.0)
    assert [one[0] for one in cycles.at(200, EV00=free)] == ["confirmed", "over"]
    assert cycles.at(210, EV00=free) == []
    assert cycles.kinds == [NOT_LIFTED, NOT_LIFTED]


def test_what_a_device_can_take_at_most_limits_nothing_either() -> None:
    cycles = Watch(let_go(critical=True))
    assert cycles.at(0, EV00=replace(SHOWN, failsafe_kw=9.0)) == [("armed", "EV00", "1")]
    assert cycles.at(10, EV00=replace(SHOWN, failsafe_kw=9.0, nominal_kw=9.0)) == [("confirmed", "EV00", "1")]


@pytest.mark.parametrize("changes", [{"critical": True}, {"on_contact_loss": "event"}])
def test_who_shows_no_failsafe_and_is_not_to_have_one_is_told_none(changes: dict[str, Any]) -> None:
    cycles = Watch(let_go(**changes))
    assert [cycles.at(s, EV00=SILENT) for s in range(0, 300, 60)] == [[]] * 5


# ---- whether heartbeats arrive


def test_who_hears_no_heartbeat_is_named_and_not_told_again() -> None:
    cycles = Watch()
    held = replace(SHOWN, guard="failsafe", limit_kw=6.0)
    told = {s: out for s in range(0, 3600, 10) if (out := cycles.at(s, EV00=held))}
    assert told == {240: [("alarm", "EV00")]}
    assert cycles.at(3600, EV00=replace(SHOWN, guard="unlimited_controlled"))[0][0] == "over"
    assert cycles.kinds == [UNHEARD, UNHEARD]


def test_who_must_not_be_limited_by_silence_is_not_named_for_it() -> None:
    cycles = Watch(let_go(critical=True))
    held = replace(SHOWN, failsafe_kw=11.0, guard="failsafe", limit_kw=11.0)
    assert [out for s in range(0, 600, 10) if (out := cycles.at(s, EV00=held))] == []


@pytest.mark.parametrize(
    ("change", "proof"),
    [
        ({}, True),
        ({"failsafe_kw": 6.69}, True),
        ({"failsafe_kw": 6.71}, False),
        ({"failsafe_kw": 5.95}, False),
        ({"heartbeat_timeout_s": 59}, False),
        ({"heartbeat_timeout_s": 1}, False),
        ({"failsafe_s": 86_400, "heartbeat_timeout_s": 60}, True),
        ({"online": False}, False),
        ({"failsafe_kw": 5.0}, False),
        ({"failsafe_kw": None}, False),
        ({"failsafe_s": 7199}, False),
        ({"failsafe_s": None}, False),
        ({"heartbeat_timeout_s": 121}, False),
        ({"heartbeat_timeout_s": None}, False),
    ],
)
def test_what_is_proof(change: dict[str, Any], proof: bool) -> None:
    shown = replace(SHOWN, **change)
    assert is_confirmed(GUARD, shown) is proof
    assert may_be_asked(GUARD, state(EV00=shown)) is proof
    assert unproven(CONTROL, state(EV00=shown, EV01=SHOWN)) == (set() if proof else {"EV00"})


def test_a_failsafe_at_the_floor_is_not_proven_by_less() -> None:
    lowest = replace(GUARD, failsafe_kw=GUARD.min_kw)
    assert is_confirmed(lowest, replace(SHOWN, failsafe_kw=4.2))
    assert not is_confirmed(lowest, replace(SHOWN, failsafe_kw=4.15))


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_what_a_mapped_unit_rounds_up_is_proof(scale: float) -> None:
    """A charger that is set in amperes shows the next step above nearly every failsafe."""
    profile = load_profile("charger_generic_amps")
    assert profile.failsafe is not None
    point = structs.replace(profile.failsafe.setpoint, scale=scale)
    for tenths in range(42, 111):
        raw = limit_words(point, tenths / 10, 11.0, profile)[0]
        shown = replace(SHOWN, failsafe_kw=raw * scale * kw_per_unit(point, 11.0))
        assert is_confirmed(replace(GUARD, failsafe_kw=tenths / 10), shown), tenths


def test_without_a_word_there_is_no_proof_but_event_mode_needs_none() -> None:
    assert not may_be_asked(GUARD, state())
    assert may_be_asked(CONTROL.registry.device["EV05"], state())


def test_a_cycle_that_is_too_slow_for_heartbeats_is_refused() -> None:
    slow = site(cycle=settings.Cycle(period_s=16))
    with pytest.raises(ConfigRejected, match=r"period_s: expected at most 15.*EV00.*got 16"):
        control(slow, guarded(*GUARDS))
    assert control(slow, registry()).guarded == ()


def test_books_that_do_not_fit_are_broken() -> None:
    armed = FailsafeArmed(
        at=START,
        feeder=FEEDER,
        device="EV00",
        failsafe_kw=6.0,
        failsafe_s=7200,
        heartbeat_timeout_s=120,
        epoch=1,
        sequence=2,
    )
    shown = FailsafeConfirmed(
        at=START, feeder=FEEDER, device="EV00", failsafe_kw=6.0, failsafe_s=7200, sequence=3
    )
    books = Books()
    with pytest.raises(BooksBroken, match="never told"):
        books.apply(shown)
    books.apply(armed)
    with pytest.raises(BooksBroken, match="told after 2"):
        books.apply(armed)
    assert books.next_failsafe(FEEDER, "EV00") == 3
    assert books.next_failsafe("F2", "EV00") == 1


def test_a_device_without_a_failsafe_is_never_proven() -> None:
    bare = Device("x", "sp00", "ev_charger", 11.0, 4.2, on_contact_loss="guard")
    assert not is_confirmed(bare, SHOWN)
