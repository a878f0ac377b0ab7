"""Who is told its failsafe, when, and what is proof: step tables without a wire."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from controller import settings
from controller.books import Books
from controller.entries import DataAlarm, Entry, FailsafeArmed, FailsafeConfirmed
from controller.errors import BooksBroken, ConfigRejected
from controller.failsafes import FailsafeMemory, Watched, is_confirmed, may_be_asked, watch
from controller.feeder_state import DeviceState, FeederState, Readings
from customers.registry import Device, Registry
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
    return FeederState(Readings(*(np.full(HOUSES, np.nan) for _ in range(5))), devices)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Watch:
    """Cycles, with the books that their entries give."""

    def __init__(self) -> None:
        self.books, self.memory = Books(), FailsafeMemory()

    def at(self, seconds: float, **devices: DeviceState) -> list[tuple[str, ...]]:
        """What one cycle tells, in short; who is online has just spoken, unless it spoke later than START."""
        now = after(seconds)
        spoken = {name: replace(d, at=now) if d.at == START else d for name, d in devices.items()}
        watched: Watched = watch(CONTROL, self.books, self.memory, state(**spoken), now=now, epoch=7)
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
    assert cycles.at(2000, EV00=replace(SILENT, online=False)) == [
        ("over", "all devices of guard mode that are there show their failsafe")
    ]
    assert _armed(cycles.at(2010, EV00=SILENT))


def test_who_has_not_spoken_lately_is_neither_told_nor_named() -> None:
    """Half-open lines and retained words of the gone: its status is its heartbeat."""
    cycles = Watch()
    assert cycles.at(0, EV00=SILENT) == [("armed", "EV00", "1")]
    for seconds in range(50, 1000, 10):
        assert cycles.at(seconds, EV00=replace(SILENT, at=after(10))) == []
    assert cycles.at(1000, EV00=SILENT) == [("armed", "EV00", "2")]


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


@pytest.mark.parametrize(
    ("change", "proof"),
    [
        ({}, True),
        ({"failsafe_kw": 6.04}, True),
        ({"failsafe_s": 86_400, "heartbeat_timeout_s": 60}, True),
        ({"online": False}, False),
        ({"failsafe_kw": 6.1}, False),
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


def test_without_a_word_there_is_no_proof_but_event_mode_needs_none() -> None:
    assert not may_be_asked(GUARD, state())
    assert may_be_asked(CONTROL.registry.device["EV05"], state())


def test_who_is_protected_is_not_told_what_would_limit_it() -> None:
    who = guarded(*GUARDS, critical=True)
    assert control(site(), who).guarded == ()


def test_a_cycle_that_is_too_slow_for_heartbeats_is_refused() -> None:
    slow = site(cycle=settings.Cycle(period_s=60))
    with pytest.raises(ConfigRejected, match=r"period_s: expected at most 30.*EV00.*got 60"):
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
