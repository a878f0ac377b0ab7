"""What operators order while the loop runs beats the automatic, at once, and stays."""

import pytest

from controller.entries import (
    OperatorActed,
    RequestChanged,
    RequestPlanned,
)
from tests.builders import (
    FEEDER,
)
from tests.controller.worlds import World, evening
from tests.fair_time import turns


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}))


async def test_release_all_frees_everybody_at_once_and_stays(world: World) -> None:
    world.charge()
    await world.tick(6)
    assert world.field.held()
    told = len(world.field.commands)
    act = await world.daemon.operate(FEEDER, "release_all", None, "Ann", "fire drill")
    await turns()
    assert isinstance(act, OperatorActed)
    assert world.field.held() == {}
    assert len(world.field.commands) > told
    await world.tick(30)
    assert world.overloads[-1] > 100
    assert world.field.held() == {}
    assert world.store.balances() is not None
    states = world.daemon.books.count_by_state(FEEDER)
    assert "active" not in states


async def test_a_released_target_is_not_limited_again_in_this_event(world: World) -> None:
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    await world.daemon.operate(FEEDER, "release", device, "Ann", "a complaint")
    await world.tick(60)
    assert device not in world.field.held()
    assert world.overloads[-1] <= 100


async def test_an_excluded_target_stays_out_until_handed_back(world: World) -> None:
    await world.daemon.operate(FEEDER, "exclude", "EV09", "Ann", "repair")
    world.charge()
    await world.tick(60)
    assert world.field.held()
    assert "EV09" not in {p.target for p in world.entries(RequestPlanned)}


async def test_an_excluded_customers_devices_are_left_alone_until_included_again(world: World) -> None:
    for house in range(16):
        await world.daemon.operate(FEEDER, "exclude", f"C{house:02d}", "Ann", "life support")
    world.charge()
    await world.tick(10)
    assert {p.resource for p in world.entries(RequestPlanned)} == {"person"}
    await world.daemon.operate(FEEDER, "include", "C09", "Ann", "moved out")
    await world.tick(10)
    assert "EV09" in {p.target for p in world.entries(RequestPlanned)}


async def test_automatic_off_asks_nobody_and_lets_limits_end(world: World) -> None:
    world.charge()
    await world.tick(6)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ann", "switching")
    count = len(world.entries(RequestPlanned))
    await world.tick(6 * 30)
    assert len(world.entries(RequestPlanned)) == count
    assert world.field.held() == {}
    assert not [e for e in world.entries(RequestChanged) if e.reason in ("renewed", "tightened")]
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "done")
    await world.tick(6)
    assert len(world.entries(RequestPlanned)) > count


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("explode", None, "Ann", "x"), "expected one of"),
        (("release", None, "Ann", "x"), "expected a target"),
        (("release", "EV99", "Ann", "x"), "EV99"),
        (("release_all", None, " ", "x"), "who and why"),
    ],
)
async def test_an_order_that_makes_no_sense_says_what_was_expected(
    world: World, order: tuple[str, str | None, str, str], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        await world.daemon.operate(FEEDER, *order)
    assert world.entries(OperatorActed) == []


async def test_an_order_for_an_unknown_feeder_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="F9"):
        await world.daemon.operate("F9", "release_all", None, "Ann", "x")
