"""What nobody planned for: a house that left the network, a disk that failed once, a clock that jumps, a
device that gives a part of what it was asked.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from devices.messages import Answer
from tests.controller.lifecycle import controllers, street
from tests.controller.lifecycle.controllers import PERIOD_S, Controller
from tests.controller.lifecycle.runs import Quiet
from tests.controller.lifecycle.street import CHARGERS, FLOOR_KW
from tests.controller.lifecycle.world import World

HELD = ("EV0", "EV1", "EV2")


@pytest.fixture
def world() -> Iterator[World]:
    with Quiet():
        world = World()
        world.start()
        yield world
        world.close()


def cycles(world: World, count: int) -> Controller:
    for _ in range(count):
        one = world.current or world.start()
        world.cycle(one)
        world.pass_time(PERIOD_S)
    return one


def held(world: World) -> dict[str, float]:
    limits = {name: world.street.chargers[name].holder.limit_at(world.now()) for name in CHARGERS}
    return {name: limit for name, limit in limits.items() if limit is not None}


def states(world: World) -> set[str]:
    return {told.state for told in world.judge.requests.values()}


@pytest.mark.parametrize("device_too", [True, False])
def test_a_house_that_left_the_network_is_freed_and_the_others_go_on(
    world: World, device_too: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.street.charge(11.0, 3.0)
    cycles(world, 4)
    assert set(held(world)) == set(HELD)
    one = world.current
    assert one is not None
    one.kill()
    without = frozenset({"sp2"})
    monkeypatch.setattr(controllers, "network_in_force", without)
    if not device_too:  # its charger now hangs at the neighbour's
        monkeypatch.setattr(street, "moved", {"EV2": "sp1"})
    world.street.chargers["EV2"].wants_kw = 0.0
    world.wire.weather["answers"] = "held"
    cycles(world, 2)
    assert "EV2" not in held(world)
    assert "EV1" in held(world)
    world.come_to_rest()
    (gone,) = [told for told in world.judge.requests.values() if told.target == "EV2"]
    outcomes = {s.request: s.outcome for s in settled(world)}
    assert gone.credits == 0
    assert outcomes[gone.request] == "too_little_data"
    assert world.current is not None
    assert world.current.daemon.books.alarms(street.FEEDER) == ()


def settled(world: World) -> list[controllers.RequestSettled]:
    entries = (numbered.entry for numbered in world.record.store.replay())
    return [entry for entry in entries if isinstance(entry, controllers.RequestSettled)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("cycle", range(1, 6))
def test_a_write_that_fails_once_costs_nothing_but_time(world: World, when: str, cycle: int) -> None:
    """`after`: the entries are there, and only the word that they are was lost."""
    world.street.charge(11.0, 3.0)
    cycles(world, cycle)
    world.record.hiccup = when
    cycles(world, 5)
    assert set(held(world)) == set(HELD)
    assert len([t for t in world.judge.requests.values() if t.resource == "device"]) == len(HELD)
    world.come_to_rest()
    assert states(world) == {"settled"}


@pytest.mark.parametrize("jump_s", [-600.0, -120.0, 120.0, 600.0])
@pytest.mark.parametrize("back", [True, False])
def test_a_clock_that_jumps_limits_nobody_for_longer_than_the_jump(
    world: World, jump_s: float, back: bool
) -> None:
    """Devices keep their own time, so what they hold ends by that; a controller whose clock is wrong neither
    stops nor asks twice, and once it is right again all comes to rest.
    """
    world.street.charge(11.0, 3.0)
    cycles(world, 4)
    opened_at = world.now()
    world.judge.off = timedelta(seconds=abs(jump_s))
    world.clock.off = timedelta(seconds=jump_s)
    for _ in range(20):
        cycles(world, 1)
        for name in held(world):
            command = world.street.chargers[name].holder.held
            assert command is not None
            assert command.limit_kw >= FLOOR_KW
            assert command.end <= opened_at + timedelta(seconds=300 + abs(jump_s))
    if back:
        world.clock.off = timedelta(0)
    cycles(world, 30)
    world.come_to_rest()
    assert held(world) == {}


def test_who_gives_a_part_is_told_again_then_left_in_peace_and_others_make_it_up(world: World) -> None:
    """EV1 rounds its limit up to 6 kW and says so."""
    world.street.chargers["EV1"].rounds_up_to_kw = 6.0
    world.street.charge(11.0, 3.0)
    cycles(world, 4)
    asked = [told for told in world.judge.requests.values() if told.target == "EV1"]
    cycles(world, 12)
    told = [p.command.sequence for p in world.wire.log if p.command.request == asked[0].request]
    first = told.count(1)
    assert 1 < first <= controllers.SITE.requests.attempts
    assert world.current is not None
    view = world.current.daemon.feeder_view(street.FEEDER)
    assert view is not None
    assert max(t.loading_percent for t in view.transformers) <= 100
    world.come_to_rest()
    assert {t.credits for t in world.judge.requests.values() if t.target == "EV1"} <= {0, 1}


@pytest.mark.parametrize("order", ["release_all", "release"])
def test_what_is_still_on_its_way_when_an_operator_frees_everybody_has_no_effect(
    world: World, order: str
) -> None:
    """Nobody answered and the requests were given up; their commands arrive after the order."""
    world.wire.weather["commands"] = "held"
    world.street.charge(11.0, 3.0)
    cycles(world, 8)
    (one,) = world.controllers
    devices = [told for told in world.judge.requests.values() if told.resource == "device"]
    assert {told.state for told in devices} == {"unanswered"}
    late = len(world.wire.waiting["commands"])
    world.wire.weather["commands"] = "fine"
    for target in [None] if order == "release_all" else HELD:
        assert world.run(one.operate(order, target))
    cycles(world, 1)
    world.wire.let_through("commands", list(range(late)))
    assert held(world) == {}
    cycles(world, 3)
    assert held(world) == {}
    world.come_to_rest()


@pytest.mark.parametrize("reason", ["signature", "stale epoch"])
def test_what_a_device_refuses_of_another_sender_ends_nothing(world: World, reason: str) -> None:
    """Whoever can write to the broker could else end every request without holding a key."""
    world.street.charge(11.0, 3.0)
    one = cycles(world, 4)
    for told in list(world.judge.requests.values()):
        one.hear(Answer(street.FEEDER, told.target, told.request, "refused", reason))
    cycles(world, 1)
    devices = {told.state for told in world.judge.requests.values() if told.resource == "device"}
    assert devices == {"active"}
    assert set(held(world)) == set(HELD)


def test_a_renewal_that_crosses_the_devices_own_end_limits_nobody_unseen(world: World) -> None:
    """It is still on its way when the device says that its time is up: it must not begin anew unseen."""
    world.street.charge(11.0, 3.0)
    cycles(world, 4)
    world.wire.weather["commands"] = "held"
    while not world.wire.waiting["commands"]:
        cycles(world, 1)
    late = len(world.wire.waiting["commands"])
    world.wire.weather["commands"] = "fine"
    (renewed,) = {p.command.device for p in world.wire.log[-late:]}
    (request,) = {p.command.request for p in world.wire.log[-late:]}
    while world.judge.requests[request].state == "active":
        world.wire.weather["commands"] = "cut"
        cycles(world, 1)
    world.wire.weather["commands"] = "fine"
    cycles(world, 1)
    world.wire.let_through("commands", list(range(late)))
    holder = world.street.chargers[renewed].holder.held
    assert holder is None or holder.request != request


def test_what_ran_out_is_not_renewed(world: World) -> None:
    """The controller was away until after the end, and what it heard could not be noted."""
    world.street.charge(11.0, 3.0)
    cycles(world, 3)
    world.pass_time(200.0)
    world.record.hiccup = "before"
    cycles(world, 1)
    last = {p.command.request: p.command for p in world.wire.log}
    assert {command.sequence for command in last.values()} == {1}
