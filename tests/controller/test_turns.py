"""How long an event may ask something of each customer, and when each of them leaves."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from msgspec import structs

from controller import settings
from controller.books import Books
from controller.entries import (
    EventClosed,
    EventOpened,
    EventShort,
    OperatorActed,
    Ordered,
    RequestChanged,
    RequestPlanned,
)
from controller.turns import Turn, leaving_s, turn_of, turns_of
from tests.builders import FEEDER, START, site
from tests.controller import worlds
from tests.controller.record_builders import T0, after, ended, moved, planned
from tests.controller.worlds import World, evening

LONGEST_S = 3600.0


def hour() -> settings.Site:
    return evening(events=settings.Events(max_duration_s=LONGEST_S))


@pytest.mark.parametrize("many", [1, 2, 3, 10, 60])
def test_those_asked_together_leave_at_even_distances_before_their_end(many: int) -> None:
    of = site(events=settings.Events(max_duration_s=LONGEST_S))
    turns = [Turn(START, number) for number in range(1, many + 1)]
    left = np.sort([(turn.ends_by(of.events) - turn.leaves_at(of)).total_seconds() for turn in turns])
    assert left.min() >= 0
    assert left.max() <= leaving_s(of, "ev_charger") == LONGEST_S / 4
    if many > 1:  # the three-distance theorem: with the golden ratio no gap is above 2.62 times the mean
        assert np.diff(left).max() <= 2.62 * leaving_s(of, "ev_charger") / many
        assert np.diff(left).min() > 0


def test_what_makes_up_for_what_it_missed_leaves_over_half_of_the_turn() -> None:
    of = site(events=settings.Events(max_duration_s=LONGEST_S))
    assert leaving_s(of, "heat_pump") == LONGEST_S / 2


async def test_others_are_asked_in_the_place_of_those_whose_turn_ends() -> None:
    """The overload goes on for longer than anybody may be limited, and passes for a moment at most."""
    world = World(hour())
    world.charge()
    await world.tick(6 * 110)
    assert sum(loading > 100 for loading in world.overloads[6:]) <= 6
    assert max(world.overloads[6:]) <= 102
    (event,) = world.entries(EventOpened)
    planned = {p.request: p for p in world.entries(RequestPlanned)}
    first: dict[str, datetime] = {}
    for one in planned.values():
        assert one.event == event.event
        first.setdefault(one.target, one.at)
    assert len(first) > 5, "nobody else was asked"
    ends = [(planned[e.request].target, e.end) for e in world.entries(RequestPlanned, RequestChanged)]
    assert all(end <= first[target] + timedelta(seconds=LONGEST_S) for target, end in ends)
    assert max(end for _, end in ends) > event.at + timedelta(seconds=LONGEST_S)


async def test_others_are_asked_in_the_very_pass_that_lets_somebody_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one leaves in each pass, or the overload would grow until none does."""
    monkeypatch.setattr(worlds, "PERIOD_S", 60.0)
    of = site(
        cycle=settings.Cycle(period_s=60.0, fresh_s=150.0), events=settings.Events(max_duration_s=1800.0)
    )
    world = World(of)
    for number, house in enumerate(world.field.houses):
        house.base_kw, house.ev_kw = 5.5, 11.0 if number < 10 else 0.0
    await world.tick(12)
    for house in world.field.houses[10:16]:
        house.ev_kw = 11.0
    await world.tick(35)
    assert max(world.overloads[16:]) < 105
    let_go = {e.at for e in world.entries(RequestChanged) if e.reason == "released"}
    assert let_go & {p.at for p in world.entries(RequestPlanned)}


def test_a_turn_begins_with_what_begins_first_whatever_was_planned_first() -> None:
    """A notice for the afternoon does not give the car more of the morning."""
    car = ended()
    notice = replace(car, planned=structs.replace(car.planned, start=car.planned.start + timedelta(hours=2)))
    books = SimpleNamespace(
        events={"E": None}, requests_of=lambda _: (notice, car), ordered_requests=lambda _: ()
    )
    turns = turns_of(cast("Books", books), FEEDER, "E", START)
    assert turns[car.planned.customer].began == turns[car.planned.target].began == car.planned.start


async def test_where_nobody_is_left_they_are_let_go_one_after_another_and_an_alarm_tells() -> None:
    world = World(hour())
    for house in world.field.houses:
        house.base_kw = 8.0
    world.charge()
    await world.tick(6 * 40)
    held = [len(world.field.held())]
    for _ in range(25):
        await world.tick(6)
        held.append(len(world.field.held()))
    assert (held[0], held[-1]) == (16, 0)
    assert max(before - after for before, after in pairwise(held)) <= 3
    assert world.entries(EventShort)
    assert world.entries(EventClosed) == []
    asked = [p.target for p in world.entries(RequestPlanned)]
    assert len(asked) == len(set(asked)), "somebody was asked again in the same event"


def test_however_slow_the_pace_nobody_leaves_in_the_first_half_of_their_turn() -> None:
    of = site(
        events=settings.Events(max_duration_s=LONGEST_S),
        safety=settings.Safety(release_share_per_minute=0.001),
    )
    assert leaving_s(of, "ev_charger") == LONGEST_S / 2
    assert leaving_s(of, "heat_pump") == LONGEST_S / 2


def test_the_first_turn_to_begin_counts_of_a_customer_and_their_devices() -> None:
    early, late = Turn(START, 2), Turn(START + timedelta(minutes=5), 1)
    for turns in ({"C00": early, "EV00": late}, {"C00": late, "EV00": early}):
        assert turn_of(turns, "C00", "EV00") == turn_of(turns, "EV00", "C00") == early
    assert turn_of({"C00": early}, "C01") is None


def test_what_operators_limited_counts_from_the_events_begin_only_while_it_is_in_force() -> None:
    of, order = Books(), "O-1"
    ordered = Ordered(order=order, by="Ann", limit_kw=4.2, until=after(900))
    told = OperatorActed(
        at=T0, who="Ann", why="works", action="limit", feeder="dorf", target="ev-001", order=order
    )
    requests = [planned(n, event=order, request=f"{order}-R{n:03d}", ordered=ordered) for n in (1, 2)]
    over = [moved(requests[0].request, state, T0) for state in ("sent", "accepted", "refused")]
    of.apply_all([told, *requests, *over])
    assert turns_of(of, "dorf", "E-1", after(60)) == {"ev-002": Turn(after(60), 0)}
