"""The gate: one reason per rule by table; by any command, what must hold when it passes (C1-C3, C17)."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import settings as site_settings
from controller.books import Books
from controller.gatekeeper import Gatekeeper
from controller.safety_gate import Ask, Facts, Passed, Refused, judge
from controller.turns import Turn
from tests.builders import START, control, registry, site

ASK = Ask("EV1", "new", 4.2, START, START + timedelta(minutes=15), epoch=3, moves_kw=6.8)
FACTS = Facts(
    now=START,
    known=True,
    protected=False,
    floor_kw=4.2,
    epoch=3,
    event_ends_by=START + timedelta(hours=6),
    limited_by_other=False,
    data_good=True,
    feeder_budget_kw=50.0,
    fleet_budget_kw=50.0,
)


def test_a_sound_command_passes() -> None:
    assert judge(ASK, FACTS) == Passed()


@pytest.mark.parametrize(
    ("ask", "facts", "reason"),
    [
        ({}, {"known": False}, "unknown_target"),
        ({}, {"protected": True}, "protected"),
        ({"limit_kw": math.nan}, {}, "not_finite"),
        ({"limit_kw": math.inf}, {}, "not_finite"),
        ({"moves_kw": math.nan}, {}, "not_finite"),
        ({}, {"floor_kw": math.nan}, "not_finite"),
        ({"limit_kw": 4.199}, {}, "below_floor"),
        ({"limit_kw": -1.0}, {}, "below_floor"),
        ({"direction": "production"}, {}, "wrong_direction"),
        ({}, {"direction": "production"}, "wrong_direction"),
        ({"epoch": 2}, {}, "stale_epoch"),
        ({"epoch": 4}, {}, "stale_epoch"),
        ({"end": START}, {}, "window"),
        ({"start": START + timedelta(minutes=15)}, {}, "window"),
        ({}, {"now": START + timedelta(minutes=15)}, "window"),
        ({}, {"event_ends_by": None}, "too_long"),
        ({"end": START + timedelta(hours=6, seconds=1)}, {}, "too_long"),
        ({}, {"limited_by_other": True}, "already_limited"),
        ({}, {"failsafe_proven": False}, "failsafe_unproven"),
        ({"purpose": "renewed"}, {"failsafe_proven": False}, "failsafe_unproven"),
        ({}, {"data_good": False}, "data_not_good"),
        ({}, {"feeder_budget_kw": 6.7}, "feeder_budget"),
        ({}, {"fleet_budget_kw": 6.7}, "fleet_budget"),
    ],
)
def test_each_rule_refuses(ask: dict[str, Any], facts: dict[str, Any], reason: str) -> None:
    assert judge(replace(ASK, **ask), replace(FACTS, **facts)) == Refused(reason)  # type: ignore[arg-type]
    released = replace(ASK, **{**ask, "purpose": "release"})
    assert judge(released, replace(FACTS, **facts)) == Passed()


numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([4.2, 4.19, 0.0, 50.0]))
moments = st.integers(-30, 600).map(lambda minutes: START + timedelta(minutes=minutes))
asks = st.builds(
    Ask,
    target=st.just("EV1"),
    purpose=st.sampled_from(["new", "tightened", "renewed"]),
    limit_kw=numbers,
    start=moments,
    end=moments,
    epoch=st.integers(2, 4),
    moves_kw=numbers,
)
facts = st.builds(
    Facts,
    now=moments,
    known=st.booleans(),
    protected=st.booleans(),
    floor_kw=numbers,
    epoch=st.just(3),
    event_ends_by=st.one_of(st.none(), moments),
    limited_by_other=st.booleans(),
    data_good=st.booleans(),
    feeder_budget_kw=numbers,
    fleet_budget_kw=numbers,
)


@settings(deadline=None)
@given(asks, facts)
def test_whatever_is_asked_what_passes_is_safe(ask: Ask, fact: Facts) -> None:
    if not isinstance(judge(ask, fact), Passed):
        return
    assert math.isfinite(ask.limit_kw)
    assert ask.limit_kw >= fact.floor_kw
    assert fact.known
    assert not fact.protected
    assert not fact.limited_by_other
    assert fact.data_good
    assert ask.epoch == fact.epoch
    assert fact.event_ends_by is not None
    assert max(ask.start, fact.now) < ask.end <= fact.event_ends_by
    assert not ask.moves_kw > min(fact.feeder_budget_kw, fact.fleet_budget_kw)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 19), st.floats(0, 12), st.floats(0, 12)), max_size=40),
    st.floats(0, 60),
    st.floats(0, 60),
)
def test_no_pass_moves_more_than_the_budgets(
    wishes: list[tuple[int, float, float]], feeder_kw: float, fleet_kw: float
) -> None:
    critical = frozenset({1, 2, 3})
    keeper = Gatekeeper(
        control=control(who=registry(critical=critical)),
        books=Books(),
        now=START,
        epoch=1,
        event_ends_by=START + timedelta(hours=1),
        data_good=True,
        feeder_budget_kw=feeder_kw,
        fleet_budget_kw=fleet_kw,
    )
    moved, passed = 0.0, 0
    for house, limit_kw, moves_kw in wishes:
        passes = keeper.passes(
            f"R{house}",
            "device",
            f"EV{house:02d}",
            "new",
            limit_kw=limit_kw,
            start=START,
            end=START + timedelta(minutes=15),
            epoch=1,
            moves_kw=moves_kw,
        )
        if passes:
            moved, passed = moved + moves_kw, passed + 1
            assert limit_kw >= 4.2
            assert house not in critical
            assert house < 16, "there is no such device"
    assert moved <= min(feeder_kw, fleet_kw) + 1e-9
    assert keeper.moved_kw == pytest.approx(moved)
    assert sum(keeper.refused.values()) + passed == len(wishes)


def test_a_device_is_limited_no_longer_than_its_owners_turn_in_the_event() -> None:
    """The owner's turn began with a notice, or with another device of theirs."""
    ends_by = START + timedelta(minutes=10)
    of = control(site(events=site_settings.Events(max_duration_s=3600.0)))
    keeper = Gatekeeper(
        control=of,
        books=Books(),
        now=START,
        epoch=1,
        event_ends_by=START + timedelta(hours=1),
        data_good=True,
        feeder_budget_kw=50.0,
        fleet_budget_kw=50.0,
        read_turns=lambda: {"C00": Turn(ends_by - timedelta(hours=1), 1)},
    )
    asked = {"limit_kw": 5.0, "start": START, "epoch": 1}
    assert keeper.passes("R1", "device", "EV00", "new", end=ends_by, **asked)  # type: ignore[arg-type]
    assert not keeper.passes(
        "R2",
        "device",
        "EV00",
        "new",
        end=ends_by + timedelta(seconds=1),
        **asked,  # type: ignore[arg-type]
    )
    assert keeper.refused == {"too_long": 1}
