"""Who is freed, in which order and at which pace; who is renewed."""

import itertools
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from controller import settings
from controller.entries import DataAlarm, EventShort, RequestChanged, RequestMoved
from controller.feeder_state import DeviceState
from controller.headroom import Headroom
from controller.release import fits_with
from customers.registry import Registry
from tests.builders import FEEDER, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind

HOLD = settings.Requests(duration_s=600.0, renew_before_s=120.0, min_between_s=300.0, raise_limits=False)
"""Releases by themselves: where limits go up before, `test_raising.py` sees to it."""


def _limited(base_kw: float = 6.5, **tables: object) -> Passes:
    """An evening in which devices were limited in the first pass and obey."""
    passes = Passes(control(calm_evening(**({"requests": HOLD} | tables))), base_kw=base_kw)
    passes.step()
    passes.obey()
    return passes


def _released(passes: Passes, steps: int) -> list[list[str]]:
    """The devices that each pass frees; they take 11 kW again from the next pass on."""
    freed: list[list[str]] = []
    for _ in range(steps):
        entries = [
            e for e in passes.step().entries if isinstance(e, RequestChanged) and e.reason == "released"
        ]
        targets = [passes.books.requests[e.request].planned.target for e in entries]
        for entry, target in zip(entries, targets, strict=True):
            passes.field.houses[int(target[2:])].ev_kw = 11.0
            passes.books.apply(
                RequestMoved(at=entry.at, request=entry.request, state="ended", reason="confirmed")
            )
        freed.append(targets)
    return freed


def _relax(passes: Passes, base_kw: float = 1.0) -> None:
    for house in passes.field.houses:
        house.base_kw = base_kw


def test_nobody_is_freed_before_the_hold_is_over() -> None:
    passes = _limited()
    _relax(passes)
    first = next(n for n, freed in enumerate(_released(passes, 60)) if freed)
    assert first == 29, "300 s after it was planned"


def test_one_a_minute_where_a_share_is_less_than_one_device() -> None:
    passes = _limited()
    _relax(passes)
    freed = _released(passes, 90)
    when = [n for n, targets in enumerate(freed) if targets]
    assert all(len(targets) <= 1 for targets in freed)
    assert all(later - earlier >= 6 for earlier, later in itertools.pairwise(when))
    assert len(when) > 5


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_the_pace_is_a_share_of_what_was_taken_away(share: float) -> None:
    passes = _limited(safety=settings.Safety(release_share_per_minute=share))
    cut = {r.planned.target: r.planned.p_before_kw - r.limit_kw for r in passes.books.open_requests(FEEDER)}
    _relax(passes)
    freed = _released(passes, 80)
    for minute in range(len(freed) - 5):
        window = [target for targets in freed[minute : minute + 6] for target in targets]
        assert sum(cut[target] for target in window) <= share * sum(cut.values()) + 1e-6
    assert sum(map(len, freed)) == len(cut)


def test_the_longest_limited_is_freed_first() -> None:
    passes = _limited(base_kw=6.5)
    early = {r.planned.target for r in passes.books.open_requests(FEEDER)}
    for house in passes.field.houses:
        house.base_kw = 7.5
    passes.run(6)
    passes.obey()
    late = {r.planned.target for r in passes.books.open_requests(FEEDER)} - early
    assert late
    _relax(passes)
    order = [target for targets in _released(passes, 150) for target in targets]
    assert set(order[: len(early)]) == early


def test_nothing_is_freed_into_a_new_overload() -> None:
    passes = _limited()
    worst = 0.0
    for base_kw in (6.5, 6.0, 5.0, 4.5, 4.0, 3.5):
        _relax(passes, base_kw)
        for _ in range(20):
            _released(passes, 1)
            worst = max(worst, passes.step().check.worst_ratio)
    assert worst <= 1.0
    assert any(r.releasing for r in passes.books.requests.values()), "some were freed on the way"


def test_a_limit_that_does_not_bind_is_freed_without_counting() -> None:
    """The car is full: letting it go changes nothing, although what it took before would not fit."""
    passes = _limited(base_kw=6.5)
    record = passes.books.open_requests(FEEDER)[0]
    passes.field.houses[int(record.planned.target[2:])].ev_kw = 0.0
    _relax(passes, 6.2)
    freed = [target for targets in _released(passes, 40) for target in targets]
    assert freed == [] or freed[0] == record.planned.target


def test_requests_near_their_end_are_renewed_when_they_cannot_be_freed() -> None:
    passes = _limited()
    before = {r.request: r.end for r in passes.books.open_requests(FEEDER)}
    renewed = [e for e in passes.run(59) if isinstance(e, RequestChanged)]
    assert {e.reason for e in renewed} <= {"renewed", "tightened"}
    first = next(e for e in renewed if e.request == min(before))
    assert before[first.request] - first.at <= timedelta(seconds=120)
    assert first.end == first.at + timedelta(seconds=600)
    ends = [r.end for r in passes.books.open_requests(FEEDER)]
    assert len(set(ends)) > 1, "the ends stay spread"


def test_a_device_that_is_gone_is_not_renewed() -> None:
    passes = _limited()
    gone = passes.books.open_requests(FEEDER)[0].planned.target
    for _ in range(45):
        passes.field.holders.pop(gone, None)
        states = {**passes.memory.state.devices, gone: DeviceState(False, None, None, None, None)}
        passes.memory = replace(passes.memory, state=replace(passes.memory.state, devices=states))
        passes.step()
    held = passes.books.held_by(FEEDER, gone)
    assert held is None or held.sequence == 1


def test_with_bad_data_nothing_is_freed_or_renewed() -> None:
    passes = _limited()
    _relax(passes)
    for house in passes.field.houses[:10]:
        house.meter_works = False
    entries = passes.run(60)
    assert of_kind(entries, DataAlarm)
    assert of_kind(entries, RequestChanged) == []


def test_at_the_end_of_the_programme_everybody_is_freed_in_time_without_proof() -> None:
    passes = _limited(events=settings.Events(max_duration_s=1800.0))
    opened = passes.books.open_event(FEEDER)
    assert opened is not None
    told = []
    for _ in range(180):
        entries = passes.step().entries
        told += entries
        for freed in (e for e in entries if isinstance(e, RequestChanged) and e.reason == "released"):
            device = passes.books.requests[freed.request].planned.target
            passes.field.houses[int(device[2:])].ev_kw = 11.0
    released = [e for e in told if isinstance(e, RequestChanged) and e.reason == "released"]
    assert released
    assert min(e.at for e in released) >= opened.opened.at + timedelta(seconds=1200)
    assert all(
        e.end <= opened.opened.at + timedelta(seconds=1800) for e in told if isinstance(e, RequestChanged)
    )
    loadings = [short.value for short in of_kind(told, EventShort)]  # as they come back, one after another
    assert 1 <= len(loadings) <= 3
    assert all(later >= earlier + 10 for earlier, later in pairwise(loadings))


def test_turns_that_end_soon_are_ended_in_time_however_slow_the_pace_is() -> None:
    """At its own pace of one a minute half of them would run out together in the last one."""
    passes = _limited(
        events=settings.Events(max_duration_s=600.0), safety=settings.Safety(release_share_per_minute=0.05)
    )
    together = len(passes.books.open_requests(FEEDER))
    freed = [len(targets) for targets in _released(passes, 60)]
    assert sum(freed) >= 0.8 * together > 8
    assert max(sum(freed[first : first + 6]) for first in range(55)) <= together / 2


def test_a_customer_who_becomes_critical_is_freed_at_once() -> None:
    passes = _limited()
    target = passes.books.open_requests(FEEDER)[0].planned.target
    passes.of = control(passes.of.site, registry(critical=frozenset({int(target[2:])})))
    freed = [e for e in passes.step().entries if isinstance(e, RequestChanged)]
    assert [e.reason for e in freed] == ["protected"]
    assert passes.books.held_by(FEEDER, target) is None


def test_a_device_that_left_the_registry_is_freed_at_once() -> None:
    passes = _limited()
    target = passes.books.open_requests(FEEDER)[0].planned.target
    who = registry()
    passes.of = control(
        passes.of.site, Registry(who.customers, tuple(d for d in who.devices if d.device != target))
    )
    freed = [e for e in passes.step().entries if isinstance(e, RequestChanged)]
    assert [(e.reason, passes.books.requests[e.request].planned.target) for e in freed] == [
        ("protected", target)
    ]


def test_a_request_is_not_renewed_and_tightened_in_one_pass() -> None:
    """Both would be the same sequence: the journal must never see two commands under one number."""
    passes = _limited()
    partly = next(r for r in passes.books.open_requests(FEEDER) if r.limit_kw > 4.2)
    while partly.end - passes.clock.now() > timedelta(seconds=120):
        passes.step()
    for house in passes.field.houses:
        house.base_kw += 1.0
    changed = [e for e in passes.step().entries if isinstance(e, RequestChanged)]
    assert [e.reason for e in changed if e.request == partly.request] == ["tightened"]
    changed = [e for e in passes.step().entries if isinstance(e, RequestChanged)]
    assert [e.reason for e in changed if e.request == partly.request] == ["renewed"]


def test_who_makes_up_for_what_was_missed_needs_room_for_that_too() -> None:
    """A charger comes back to 11 kW, a heat pump to 1.3 times as much for a while."""
    freed = {}
    for kind in ("ev_charger", "heat_pump"):
        who = registry()
        devices = tuple(replace(device, kind=kind, rated_kw=16.0) for device in who.devices)
        passes = Passes(control(calm_evening(requests=HOLD), Registry(who.customers, devices)), base_kw=6.5)
        passes.step()
        passes.obey()
        _relax(passes, 6.0)
        freed[kind] = [target for targets in _released(passes, 45) for target in targets]
    assert 0 < len(freed["heat_pump"]) < len(freed["ev_charger"])
    for target in freed["heat_pump"]:
        passes.field.houses[int(target[2:])].ev_kw = 1.3 * 11.0
    assert passes.step().check.worst_ratio <= passes.of.site.events.close_below


def test_nobody_is_freed_into_the_room_that_is_kept_for_what_may_come() -> None:
    passes = _limited()
    _relax(passes)
    situation = passes.step().situation
    record, of = situation.limited[0], passes.of
    assert fits_with(situation, record, 0.0)
    (loading,) = situation.check.result.transformer_loading_percent
    for more, fits in ((-1.0, True), (1.0, False)):
        rise = (100.0 - loading + more) / of.site.look_ahead.room_share
        room = Headroom(of, np.zeros(len(of.network.lines.ids)), np.array([rise]))
        assert fits_with(replace(situation, headroom=room), record, 0.0) is fits
