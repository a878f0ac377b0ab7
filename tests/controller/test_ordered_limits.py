"""An operator's own limit in the running loop: what it never does, how long it stands, how it ends."""

from datetime import datetime, timedelta

import pytest

from controller import settings
from controller.entries import (
    EventClosed,
    LedgerPosted,
    OperatorActed,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSettled,
)
from controller.order_effects import ProposedOrder
from controller.stores.port import StoreUnavailable
from devices.signing import device_key, verify
from tests.builders import FEEDER, SECRET
from tests.controller.worlds import PERIOD_S, World, evening
from tests.fair_time import turns


@pytest.fixture
def world() -> World:
    return World(evening(), critical=frozenset({3}))


async def limit(world: World, *targets: str, kw: float = 5.0, minutes: float = 15.0) -> OperatorActed:
    until = world.clock.now() + timedelta(minutes=minutes)
    act = await world.daemon.operate(
        FEEDER, "limit", None, "Ann", "works", limit_kw=kw, until=until, targets=targets
    )
    await turns()
    assert isinstance(act, OperatorActed)
    return act


def charging(world: World, houses: int) -> None:
    """So few cars that nothing is overloaded."""
    for house in world.field.houses[:houses]:
        house.ev_kw = 11.0


async def test_a_limit_reaches_the_device_without_an_event_and_ends_at_its_end(world: World) -> None:
    charging(world, 2)
    await world.tick(3)
    act = await limit(world, "EV01")
    assert world.field.held() == {"EV01": 5.0}
    command = world.field.commands[-1]
    assert (command.sequence, command.epoch, command.end) == (1, world.daemon.books.epoch, act.until)
    assert verify(command, device_key(SECRET, "EV01"))
    planned = world.entries(RequestPlanned)[-1]
    assert (planned.event, planned.p_before_kw, planned.floor_kw) == (act.order, 11.0, 4.2)
    assert planned.ordered is not None
    assert (planned.ordered.by, planned.ordered.until) == ("Ann", act.until)
    await world.tick(6 * 14)
    assert world.field.held() == {"EV01": 5.0}
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert (view.requests[0].state, view.requests[0].ordered_by) == ("active", "Ann")
    await world.tick(6 * 3)
    assert world.field.held() == {}
    assert not world.entries(RequestChanged), "nobody renews it"
    states = [e.state for e in world.entries(RequestMoved)]
    assert states == ["sent", "accepted", "active", "ended", "settled"]
    settled = world.entries(RequestSettled)[-1]
    assert settled.outcome == "credited"
    assert settled.reduced_kwh == pytest.approx(6.0 * 0.25, rel=0.1)
    assert world.entries(LedgerPosted)[-1].request == planned.request


async def test_it_outlives_a_restart_and_is_given_again_to_a_device_that_missed_it(world: World) -> None:
    charging(world, 1)
    await world.tick(2)
    world.field.unreachable = True
    await limit(world, "EV00", minutes=30)
    assert world.field.held() == {}
    world.field.unreachable = False
    world.daemon = world.start()
    await world.tick(3)
    assert world.field.held() == {"EV00": 5.0}
    assert [r.state for r in world.daemon.books.open_requests(FEEDER)] == ["active"]
    assert world.daemon.books.open_requests(FEEDER)[0].ordered is not None


async def test_the_automatic_being_off_does_not_stop_it_and_release_frees_it(world: World) -> None:
    charging(world, 2)
    await world.tick(2)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ann", "works")
    act = await limit(world, "EV00", "C01", minutes=60)
    assert world.field.held() == {"EV00": 5.0, "EV01": 5.0}
    await world.tick(2)
    await world.daemon.operate(FEEDER, "release", "EV00", "Ann", "a call")
    await turns()
    assert world.field.held() == {"EV01": 5.0}
    assert act.order is not None
    await world.daemon.operate(FEEDER, "release", act.order, "Ann", "works are over")
    await turns()
    assert world.field.held() == {}
    await world.tick(8)
    assert {s.request for s in world.entries(RequestSettled)} == {
        p.request for p in world.entries(RequestPlanned)
    }


async def test_data_that_keep_the_automatic_out_do_not_keep_a_person_out(world: World) -> None:
    charging(world, 1)
    await world.tick(2)
    for house in world.field.houses:
        house.meter_works = False
    await world.tick(3)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.quality.alarm is not None
    await limit(world, "EV00", minutes=30)
    await world.tick(2)
    assert world.field.held() == {"EV00": 5.0}


async def test_the_automatic_tightens_it_and_does_not_release_it_before_its_end(world: World) -> None:
    charging(world, 2)
    await world.tick(2)
    await limit(world, "EV00", kw=9.0, minutes=60)
    for number in range(1, 13):
        await world.daemon.operate(FEEDER, "exclude", f"C{number:02d}", "Ann", "so that it is needed")
    world.charge()
    await world.tick(12)
    assert world.field.held()["EV00"] < 9.0
    assert {r.reason for r in world.entries(RequestChanged) if r.request.startswith("O-")} == {"tightened"}
    for house in world.field.houses[1:]:
        house.ev_kw = 0.0
    await world.tick(6 * 40)
    assert set(world.field.held()) == {"EV00"}, "all others are free"
    assert world.entries(EventClosed), "what an operator limits keeps no event open"
    await world.tick(6 * 20)
    assert world.field.held() == {}


async def test_what_the_automatic_took_below_it_comes_back_up_to_it_one_by_one(world: World) -> None:
    charging(world, 2)
    await world.tick(2)
    await limit(world, "EV00", "EV01", kw=9.0, minutes=180)
    for number in range(2, 16):
        await world.daemon.operate(FEEDER, "exclude", f"C{number:02d}", "Ann", "so that it is needed")
    world.charge()
    await world.tick(6)
    assert max(world.field.held().values()) < 9.0
    for house in world.field.houses[3:]:
        house.ev_kw = 0.0
    await world.tick(6 * 30)
    assert world.field.held() == {"EV00": 9.0, "EV01": 9.0}
    changes = [e for e in world.entries(RequestChanged) if e.request.startswith("O-")]
    first, second = (e.at for e in changes if e.reason == "relaxed")
    assert second - first >= timedelta(seconds=60)
    assert world.daemon.books.open_event(FEEDER) is None


async def test_what_the_automatic_takes_below_orders_counts_for_its_reach() -> None:
    world = World(evening(safety=settings.Safety(feeder_share_per_minute=0.05)))
    charging(world, 16)
    await world.tick(1)
    await limit(world, *(f"EV{n:02d}" for n in range(16)), kw=9.0, minutes=180)
    for house in world.field.houses:
        house.base_kw = 8.0
    await world.tick(8)
    last_kw = {p.request: p.limit_kw for p in world.entries(RequestPlanned)}
    taken: list[tuple[datetime, float]] = []
    for entry in world.entries(RequestChanged):
        taken.append((entry.at, last_kw[entry.request] - entry.limit_kw))
        last_kw[entry.request] = entry.limit_kw
    assert taken
    for until, _ in taken:
        minute_kw = sum(kw for at, kw in taken if until - timedelta(seconds=60) < at <= until)
        assert minute_kw <= 0.05 * 16 * 11.0 + 1e-6


async def test_a_limit_on_what_the_automatic_limits_is_a_change_of_the_same_request(world: World) -> None:
    world.charge()
    await world.tick(8)
    device, held_kw = next((d, kw) for d, kw in world.field.held().items() if kw < 6)
    request = world.daemon.books.held_by(FEEDER, device)
    assert request is not None
    await limit(world, device, kw=7.0, minutes=60)
    assert world.field.held()[device] == 7.0
    changed = world.entries(RequestChanged)[-1]
    assert (changed.request, changed.reason) == (request.request, "relaxed")
    assert changed.ordered is not None
    assert len(world.entries(RequestPlanned)) == len({p.request for p in world.entries(RequestPlanned)})
    assert held_kw < 7.0
    stands = world.daemon.books.requests[request.request]
    assert stands.is_ordered(world.clock.now())
    await world.tick(2)
    for house in world.field.houses:
        house.ev_kw = 0.0
    await world.tick(6 * 40)
    assert set(world.field.held()) == {device}, "the automatic does not free it"


async def test_an_end_that_would_overload_is_taken_over_by_the_event(world: World) -> None:
    charging(world, 2)
    await world.tick(2)
    await limit(world, "EV00", kw=4.2, minutes=12)
    world.charge()
    await world.tick(6 * 20)
    assert world.field.held().get("EV00") == 4.2
    renewed = [e for e in world.entries(RequestChanged) if e.request.startswith("O-")]
    assert {e.reason for e in renewed} == {"renewed"}
    assert max(world.overloads[-30:]) <= 100


@pytest.mark.parametrize("taken_out", ["EV00", "C00"])
async def test_an_end_is_not_taken_over_where_the_target_is_taken_out(world: World, taken_out: str) -> None:
    """An order for it alone limits it all the same; the automatic leaves it alone."""
    charging(world, 2)
    await world.tick(2)
    await world.daemon.operate(FEEDER, "exclude", taken_out, "Ann", "repair")
    await limit(world, taken_out, kw=4.2, minutes=12)
    world.charge()
    await world.tick(6 * 20)
    assert "EV00" not in world.field.held()
    assert not [e for e in world.entries(RequestChanged) if e.request.startswith("O-")]


async def test_in_an_event_it_ends_all_the_same_where_there_is_room(world: World) -> None:
    world.charge()
    await world.tick(6)
    device = next(f"EV{n:02d}" for n in range(16) if f"EV{n:02d}" not in world.field.held() and n != 3)
    await limit(world, device, minutes=6)
    for number, house in enumerate(world.field.houses):
        house.ev_kw = 11.0 if f"EV{number:02d}" == device else 0.0
    await world.tick(6 * 7)
    assert world.daemon.books.open_event(FEEDER) is not None
    assert world.field.held()
    assert device not in world.field.held()
    assert not [e for e in world.entries(RequestChanged) if e.request.startswith("O-")]


async def test_who_was_limited_before_they_took_anything_may_come_back_with_all_they_can(
    world: World,
) -> None:
    await world.tick(1)
    await limit(world, "EV00", minutes=60)
    charging(world, 1)
    await world.tick(3)
    assert world.field.ev_kw(0) == 5.0
    found = await world.daemon.what_if(FEEDER, ProposedOrder("release", "EV00"))
    assert [(one.before_kw, one.after_kw) for one in found.devices] == [(5.0, 11.0)]


async def test_ends_of_many_are_spread_before_the_orders_end(world: World) -> None:
    charging(world, 12)
    await world.tick(1)
    targets = [f"EV{n:02d}" for n in range(12) if n != 3]
    act = await limit(world, *targets, minutes=30)
    ends = sorted(p.end for p in world.entries(RequestPlanned) if p.ordered is not None)
    assert ends[-1] == act.until
    assert len(set(ends)) == len(targets)
    assert ends[0] > world.clock.now() + timedelta(minutes=15)


async def test_who_is_left_out_is_told(world: World) -> None:
    charging(world, 6)
    await world.tick(2)
    await world.daemon.operate(FEEDER, "exclude", "EV02", "Ann", "repair")
    await world.daemon.operate(FEEDER, "exclude", "C04", "Ann", "a baby")
    world.field.houses[5].silent = True
    await world.tick(6)
    act = await limit(world, "EV00", "EV02", "C03", "EV04", "EV05", kw=1.0)
    assert dict(act.left_out) == {
        "EV02": "excluded",
        "EV03": "protected",
        "EV04": "excluded",
        "EV05": "power_not_known",
    }
    assert world.field.held() == {"EV00": 4.2}, "no device below its floor"
    await limit(world, "C04")
    assert world.field.held()["EV04"] == 5.0, "an order for it alone means it"
    with pytest.raises(ValueError, match="critical"):
        await limit(world, "C03")
    with pytest.raises(ValueError, match="in any case"):
        await limit(world, "EV01", kw=11.0)
    assert "EV03" not in {c.device for c in world.field.commands}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "limit_kw"),
        ({"limit_kw": float("nan"), "targets": ["EV00"]}, "limit_kw"),
        ({"limit_kw": -1.0, "targets": ["EV00"]}, "limit_kw"),
        ({"limit_kw": 5.0}, "targets"),
        ({"limit_kw": 5.0, "targets": [f"X{n}" for n in range(201)]}, "200"),
        ({"limit_kw": 5.0, "targets": ["EV99"]}, "EV99"),
        ({"limit_kw": 5.0, "targets": ["C19"]}, "no device"),
        ({"limit_kw": 5.0, "targets": ["EV00"], "minutes": 0.5}, "until"),
        ({"limit_kw": 5.0, "targets": ["EV00"], "minutes": 4 * 60 + 1}, "until"),
    ],
)
async def test_an_order_that_makes_no_sense_says_what_was_expected(
    world: World, more: dict[str, object], expected: str
) -> None:
    charging(world, 1)
    await world.tick(1)
    minutes = more.pop("minutes", None)
    if isinstance(minutes, float | int):
        more["until"] = world.clock.now() + timedelta(minutes=minutes)
    with pytest.raises(ValueError, match=expected):
        await world.daemon.operate(FEEDER, "limit", None, "Ann", "x", **more)  # type: ignore[arg-type]
    assert world.entries(OperatorActed) == []
    assert world.field.commands == []


async def test_without_a_journal_nobody_is_limited(world: World) -> None:
    charging(world, 1)
    await world.tick(1)
    world.store.broken = True
    with pytest.raises(StoreUnavailable):
        await limit(world, "EV00")
    world.store.broken = False
    await world.tick(2)
    assert world.field.commands == []


async def test_release_all_frees_what_was_ordered_and_a_later_limit_stands(world: World) -> None:
    charging(world, 2)
    await world.tick(1)
    await limit(world, "EV00", minutes=60)
    await world.daemon.operate(FEEDER, "release_all", None, "Ann", "fire drill")
    await turns()
    assert world.field.held() == {}
    await world.tick(2)
    await limit(world, "EV00", kw=6.0, minutes=60)
    await world.tick(2)
    assert world.field.held() == {"EV00": 6.0}
    assert {r.planned.event for r in world.daemon.books.ordered_requests(FEEDER)} == {
        e.order for e in world.entries(OperatorActed) if e.order is not None
    }


async def test_a_whole_order_lasts_no_longer_than_the_setting() -> None:
    world = World(evening(requests=settings.Requests(longest_order_s=600.0)))
    charging(world, 1)
    await world.tick(1)
    act = await world.daemon.operate(FEEDER, "limit", "EV00", "Ann", "x", limit_kw=5.0)
    assert isinstance(act, OperatorActed)
    assert act.until == world.clock.now() + timedelta(seconds=600)
    assert PERIOD_S < 600
