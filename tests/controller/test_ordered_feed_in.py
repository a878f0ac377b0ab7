"""Feed-in that an operator limits by hand: whom it reaches, what it is foreseen to do, how it ends."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller import settings
from controller.entries import (
    Entry,
    LedgerPosted,
    OperatorActed,
    RequestChanged,
    RequestPlanned,
    RequestSettled,
)
from controller.gatekeeper import Gatekeeper
from controller.operators import Orders, free
from controller.order_effects import ProposedOrder
from controller.ordered_limits import order_limit, propose
from controller.orders.order_rules import moved_kw
from controller.orders.stopping import stop_entries
from controller.situation import Situation
from controller.what_if import what_if
from devices.signing import device_key, verify
from tests.builders import FEEDER, HOUSES, SECRET
from tests.controller.passes import of_kind
from tests.controller.sunny import RATED_KW, ROOFS, SunnyPasses, roofs, sunny
from tests.controller.sunny_world import SunnyWorld
from tests.controller.worlds import evening
from tests.fair_time import turns

LESS = ProposedOrder("limit", limit_kw=5.0, direction="production")
MILD_KW = 12.0
"""of sun on each roof: the transformer carries that back"""
ALL = tuple(f"EV{number:02d}" for number in range(ROOFS))


def ordered(passes: SunnyPasses, order: ProposedOrder) -> tuple[OperatorActed, list[Entry]]:
    """Given now, and taken in."""
    act, entries = order_limit(passes.step().situation, frozenset(), order, who="Ann", why="works")
    passes.books.apply_all(entries)
    return act, list(entries[1:])


def mild(floor_kw: float = 0.0, chargers: int = 0, **tables: object) -> SunnyPasses:
    return SunnyPasses(sunny(roofs(floor_kw=floor_kw, chargers=chargers), **tables), sun_kw=MILD_KW)


def test_only_who_can_feed_in_less_is_reached_and_the_others_are_told_why() -> None:
    passes = mild(floor_kw=3.0, chargers=2)
    order = replace(LESS, targets=("EV00", "EV05", "C06"), limit_kw=1.0)
    act, entries = ordered(passes, order)
    assert (act.direction, act.limit_kw) == ("production", 1.0)
    assert act.left_out == (("EV00", "no_feed_in"),)
    assert {entry.target for entry in of_kind(entries, RequestPlanned)} == {"EV05", "EV06"}
    for entry in of_kind(entries, RequestPlanned):
        assert (entry.direction, entry.limit_kw, entry.floor_kw) == ("production", 3.0, 3.0)
        assert (entry.p_before_kw, entry.baseline_kw) == pytest.approx((MILD_KW, 1.0 - MILD_KW))
        assert entry.ordered is not None
        assert (entry.ordered.limit_kw, entry.ordered.order) == (3.0, act.order)


def test_who_feeds_in_is_not_reached_by_a_limit_on_what_is_taken() -> None:
    passes = mild(chargers=2)
    passes.field.houses[0].ev_kw = 11.0
    act, entries = ordered(passes, ProposedOrder("limit", targets=("EV00", "EV05"), limit_kw=5.0))
    assert (act.direction, act.left_out) == ("consumption", (("EV05", "feeds_in"),))
    assert [entry.direction for entry in of_kind(entries, RequestPlanned)] == ["consumption"]


def test_who_reaches_nobody_is_told_so() -> None:
    situation = mild(chargers=2).step().situation
    for targets, said in (
        (("EV00", "C01"), "no feed-in"),
        (("EV05",), "rated power"),
        (("C19",), "no device"),
    ):
        order = replace(LESS, targets=targets, limit_kw=RATED_KW)
        with pytest.raises(ValueError, match=f"nobody can be limited.*{said}"):
            order_limit(situation, frozenset(), order, who="Ann", why="x")
    with pytest.raises(ValueError, match="direction: expected one of consumption, production"):
        propose(situation, frozenset(), replace(LESS, target="EV05", direction="feed_in"))  # type: ignore[arg-type]


def test_in_the_dark_it_holds_for_the_sun_that_comes() -> None:
    """Before was nothing, never less than that: an inverter takes a few watts at night."""
    passes = SunnyPasses(sunny(), sun_kw=-0.02)
    for order in (replace(LESS, target="EV05"), replace(LESS, target="EV06", limit_kw=0.0)):
        _, entries = ordered(passes, order)
        assert [str(entry.p_before_kw) for entry in of_kind(entries, RequestPlanned)] == ["0.0"]
    passes.obey()
    passes.sun_kw[:] = MILD_KW
    passes.shine()
    assert [passes.field.houses[n].ev_kw for n in (4, 5, 6)] == [-MILD_KW, -5.0, 0.0]
    situation = passes.step().situation
    told = what_if(situation, frozenset(), [ProposedOrder("release", "EV05")], situation.now)
    assert [one.after_kw for one in told.devices] == [-RATED_KW], "nobody knows what the sun gives now"


@profile(max_examples=20, deadline=None)
@given(
    limit_kw=st.floats(0.0, 40.0),
    floor_kw=st.sampled_from([0.0, 2.0004, 8.0]),
    direction=st.sampled_from(["consumption", "production"]),
    named=st.sets(st.integers(0, HOUSES - 1), min_size=1),
)
def test_whatever_is_ordered_is_of_the_devices_own_direction_and_not_below_its_minimum(
    limit_kw: float, floor_kw: float, direction: str, named: set[int]
) -> None:
    who = roofs(floor_kw=floor_kw, chargers=4, critical=frozenset({5}))
    situation = replace(_looked_at(), control=sunny(who))
    order = replace(LESS, targets=tuple(f"C{n:02d}" for n in named), limit_kw=limit_kw, direction=direction)  # type: ignore[arg-type]
    try:
        _, entries = order_limit(situation, frozenset(), order, who="Ann", why="x")
    except ValueError as error:
        assert "nobody can be limited" in str(error)  # noqa: PT017
        return
    for entry in of_kind(entries, RequestPlanned):
        device = who.device[entry.target]
        assert not who.is_protected(device)
        assert (entry.direction == "production") == (device.kind == "pv_inverter")
        assert entry.direction == direction
        assert device.min_kw <= entry.limit_kw < device.rated_kw
        assert limit_kw <= entry.limit_kw <= max(limit_kw, device.min_kw) + 0.001


def _looked_at() -> Situation:
    return _LOOK[0] if _LOOK else _LOOK.append(mild(chargers=4).step().situation) or _LOOK[0]


_LOOK: list[Situation] = []


def test_an_old_journal_replays_and_a_new_one_tells_the_direction() -> None:
    passes = mild()
    act, entries = ordered(passes, replace(LESS, target="EV05"))
    again = msgspec.json.decode(msgspec.json.encode([act, *entries]), type=list[Entry])
    assert again == [act, *entries]
    built = msgspec.to_builtins(act)
    del built["direction"]
    old = msgspec.convert(built, OperatorActed)
    books = SunnyPasses(passes.of).books.fork()
    books.apply_all([old])
    assert old.direction is None


def test_what_is_foreseen_is_what_pandapower_finds_once_all_obey() -> None:
    by_hand = settings.Requests(limit_feed_in=False)
    passes = SunnyPasses(sunny(requests=by_hand))
    assert passes.flow().transformer_loading_percent[0] > 120
    situation = passes.step().situation
    order = replace(LESS, targets=ALL[:12])
    told = what_if(situation, frozenset(), [order], situation.now)
    assert len(told.devices) == 12
    for one in told.devices:
        assert (one.direction, one.limit_kw, one.customer) == ("production", 5.0, f"C{one.device[2:]}")
        assert (one.before_kw, one.after_kw, one.curtailed_kw) == pytest.approx((-22.0, -5.0, -17.0))
    assert told.less_fed_in_kw == pytest.approx(12 * 17.0)
    assert told.curtailed_kw == pytest.approx(-12 * 17.0)
    assert told.reach_kw == pytest.approx(12 * (RATED_KW - 5.0))
    assert told.reach_percent == pytest.approx(100 * 12 * 25.0 / (ROOFS * RATED_KW))
    ordered(passes, order)
    passes.obey()
    columns = told.columns_after
    assert columns is not None
    p_kw = [passes.field.meter_kw(number) for number in range(HOUSES)]
    np.testing.assert_allclose(columns.service_point_kw, p_kw, atol=1e-3)
    truth = passes.flow(situation.check.snapshot.q_kvar).transformer_loading_percent[0]
    assert told.after.highest_loading_percent == pytest.approx(truth, abs=1e-3)


def test_a_higher_limit_is_foreseen_with_the_sun_of_before_or_without_whichever_is_worse() -> None:
    passes = mild()
    ordered(passes, replace(LESS, target="EV05"))
    passes.obey()
    situation = passes.step().situation
    more = replace(LESS, target="EV05", limit_kw=9.0)
    told = what_if(situation, frozenset(), [more], situation.now)
    assert [(one.before_kw, one.after_kw) for one in told.devices] == [(-5.0, -9.0)]
    assert (told.less_fed_in_kw, told.reach_kw) == pytest.approx((-4.0, 0.0))
    for house in passes.field.houses:
        house.base_kw = 14.0
    situation = passes.step().situation
    told = what_if(situation, frozenset(), [more], situation.now)
    assert [one.after_kw for one in told.devices] == [-5.0], "no roof makes room for what is taken"
    stricter = what_if(situation, frozenset(), [replace(more, limit_kw=2.0)], situation.now)
    assert [one.after_kw for one in stricter.devices] == [-2.0]


def test_an_inverter_and_a_charger_are_foreseen_each_in_its_own_way() -> None:
    passes = mild(chargers=2)
    passes.field.houses[0].ev_kw = 11.0
    situation = passes.step().situation
    both = [replace(LESS, target="EV05"), ProposedOrder("limit", "EV00", limit_kw=5.0)]
    told = what_if(situation, frozenset(), both, situation.now)
    assert (told.curtailed_kw, told.less_fed_in_kw) == pytest.approx((6.0 - 7.0, 7.0))
    assert told.reach_kw == pytest.approx(RATED_KW - 5.0 + 6.0)


def test_one_step_moves_as_much_as_two() -> None:
    passes = mild()
    situation = passes.step().situation
    order = replace(LESS, targets=ALL[:3])
    _, entries = order_limit(situation, frozenset(), order, who="Ann", why="x")
    rated = {device.device: device.rated_kw for device in passes.of.registry.devices}
    told = what_if(situation, frozenset(), [order], situation.now)
    assert moved_kw(entries, passes.books, rated.__getitem__) == pytest.approx(told.reach_kw)


def test_the_automatic_may_ask_for_less_and_gives_nothing_back_beyond_the_order_nor_before_its_end() -> None:
    """Nobody else may be asked, so that it is needed; later there is room, first too little, then enough."""
    passes = mild()
    until = passes.clock.now() + timedelta(hours=1)
    ordered(passes, replace(LESS, target="EV05", limit_kw=20.0, until=until))
    passes.obey()
    record = passes.books.held_by(FEEDER, "EV05")
    assert record is not None
    passes.orders = Orders(excluded={FEEDER: frozenset(ALL) - {"EV05"}})
    passes.sun_kw[:] = 18.0
    passes.obey()
    stricter = _changes(passes, 6, record.request)
    assert {one.reason for one in stricter} == {"tightened"}
    assert stricter[-1].limit_kw < 10.0
    assert stricter[-1].end <= until
    for house in passes.field.houses:
        house.base_kw = 1.6
    assert not _changes(passes, 90, record.request), "it would not fit in"
    for house in passes.field.houses:
        house.base_kw = 4.0
    eased = _changes(passes, 20, record.request)
    assert [(one.reason, one.limit_kw) for one in eased] == [("relaxed", 20.0)]
    passes.sun_kw[:] = 1.0
    passes.obey()
    assert not _changes(passes, 20, record.request), "not freed, though nothing holds it back"


def _changes(passes: SunnyPasses, steps: int, request: str) -> list[RequestChanged]:
    found = []
    for _ in range(steps):
        changes = of_kind(passes.step().entries, RequestChanged)
        found += [one for one in changes if one.request == request]
        passes.obey()
    return found


@pytest.mark.parametrize("limit_feed_in", [True, False])
def test_an_end_that_would_overload_is_taken_over_where_the_automatic_asks_inverters_at_all(
    limit_feed_in: bool,
) -> None:
    passes = mild(requests=settings.Requests(limit_feed_in=limit_feed_in))
    until = passes.clock.now() + timedelta(minutes=5)
    ordered(passes, replace(LESS, targets=ALL, until=until))
    passes.obey()
    for house in passes.field.houses:
        house.base_kw = -9.0  # feed-in that nobody can hold back
    passes.shine()
    assert passes.flow().transformer_loading_percent[0] > 100
    renewed = []
    for _ in range(25):
        renewed += [c for c in of_kind(passes.step().entries, RequestChanged) if c.reason == "renewed"]
        passes.obey()
    assert bool(renewed) == limit_feed_in


def test_the_last_gate_lets_it_pass_as_one_on_feeding_in_alone() -> None:
    passes = mild()
    _, entries = ordered(passes, replace(LESS, target="EV05"))
    planned = of_kind(entries, RequestPlanned)[0]
    gatekeeper = Gatekeeper(
        control=passes.of, books=passes.books, now=passes.clock.now(), epoch=0, event_ends_by=None,
        data_good=False, feeder_budget_kw=0.0, fleet_budget_kw=0.0, knows_orders=True,
    )  # fmt: skip

    def passes_as(direction: str) -> bool:
        return gatekeeper.passes(
            planned.request, "device", "EV05", "new", limit_kw=5.0, start=planned.start, end=planned.end,
            epoch=0, direction=direction,  # type: ignore[arg-type]
        )  # fmt: skip

    assert passes_as("production")
    assert not passes_as("consumption")
    assert gatekeeper.refused == {"wrong_direction": 1}


def test_an_emergency_stop_frees_it_and_its_own_release_too() -> None:
    passes = mild()
    ordered(passes, replace(LESS, target="EV05"))
    passes.obey()
    now, books = passes.clock.now(), passes.books.fork()
    _, entries = stop_entries(books, 0, feeders=[FEEDER], manner="at_once", who="Ann", why="fire", now=now)
    books.apply_all(entries)
    assert not books.open_requests(FEEDER)
    passes.books.apply_all(free(passes.books.open_requests(FEEDER), 0, now, "overridden", "release by Ann"))
    assert not passes.books.open_requests(FEEDER)


async def test_it_goes_out_holds_ends_and_is_credited_by_what_the_meter_shows() -> None:
    world = SunnyWorld()
    world.shine(MILD_KW)
    await world.tick(3)
    until = world.clock.now() + timedelta(minutes=15)
    act = await world.daemon.operate(
        FEEDER, "limit", "EV05", "Ann", "works", limit_kw=5.0, until=until, direction="production"
    )
    await turns()
    assert isinstance(act, OperatorActed)
    assert world.field.held_back() == {"EV05": 5.0}
    command = world.field.commands[-1]
    assert (command.direction, command.limit_kw, command.end) == ("production", 5.0, until)
    assert verify(command, device_key(SECRET, "EV05"))
    await world.tick(6 * 14)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    shown = view.requests[0]
    assert (shown.state, shown.direction, shown.ordered_by) == ("active", "production", "Ann")
    assert shown.observed_kw == pytest.approx(5.0)
    await world.tick(6 * 3)
    assert world.field.held_back() == {}
    assert not world.entries(RequestChanged), "nobody renews it"
    settled = world.entries(RequestSettled)[-1]
    assert settled.outcome == "credited"
    assert 0.2 < settled.reduced_kwh < 0.25 * 7.0
    assert world.entries(LedgerPosted)[-1].request == settled.request


async def _under_a_cloud(*, restarted: bool) -> tuple[RequestSettled, float]:
    """One roof is held to 5 kW for minutes; after two of them a cloud leaves two thirds of the sun."""
    world = SunnyWorld(evening(rewards=settings.Rewards(interval_s=300.0)))
    world.shine(MILD_KW)
    await world.tick(3)
    until = world.clock.now() + timedelta(seconds=270)
    await world.daemon.operate(
        FEEDER, "limit", "EV05", "Ann", "works", limit_kw=5.0, until=until, direction="production"
    )
    await turns()
    await world.tick(6 * 2)
    if restarted:
        world.daemon = world.start()
    await world.tick()
    world.shine(MILD_KW * 2 / 3)
    await world.tick(2)
    now = world.clock.now()
    told = world.store.samples(FEEDER, now - timedelta(minutes=1), now)[-1]
    await world.tick(6 * 3)
    return world.entries(RequestSettled)[-1], told.curtailed_kw


async def test_a_restart_in_the_middle_changes_no_credit_and_other_roofs_tell_of_it_as_before() -> None:
    credit, told_kw = await _under_a_cloud(restarted=False)
    again, told_again_kw = await _under_a_cloud(restarted=True)
    assert told_kw == pytest.approx(MILD_KW * 2 / 3 - 5.0, abs=0.05)
    assert told_again_kw == pytest.approx(told_kw, abs=0.5)
    assert credit.sun is not None
    assert any(credit.sun.gone)
    assert credit.reduced_kwh > 0
    assert (again.reduced_kwh, again.points, again.sun) == (credit.reduced_kwh, credit.points, credit.sun)


async def test_a_release_of_the_order_frees_it_and_raising_it_takes_two_steps() -> None:
    world = SunnyWorld()
    world.shine(MILD_KW)
    await world.tick(2)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ann", "works")
    act = await world.daemon.operate(
        FEEDER, "limit", None, "Ann", "x", limit_kw=5.0, targets=("EV05", "C06"), direction="production"
    )
    assert isinstance(act, OperatorActed)
    await turns()
    assert world.field.held_back() == {"EV05": 5.0, "EV06": 5.0}
    await world.tick(2)
    await world.daemon.operate(FEEDER, "limit", "EV05", "Ann", "x", limit_kw=8.0, direction="production")
    await turns()
    assert world.field.held_back() == {"EV05": 8.0, "EV06": 5.0}
    assert world.entries(RequestChanged)[-1].reason == "relaxed"
    assert act.order is not None
    await world.daemon.operate(FEEDER, "release", act.order, "Ann", "done")
    await turns()
    assert set(world.field.held_back()) == {"EV05"}, "the later order is another one"
