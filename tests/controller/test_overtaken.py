"""A controller that stood still in the middle of a round does not act on what it saw before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest

from controller import settings
from controller.entries import EventOpened, RequestChanged, RequestPlanned, ViolationAppeared
from tests.builders import FakeClock, inline
from tests.controller.worlds import World, evening

STOOD_S = 60.0
CRITICAL = frozenset({3})


class SuspendedClock(FakeClock):
    """The machine slept: its monotonic time did not go on, that of the day did."""

    slept_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.slept_s)


class Pausing:
    """An `Offload` during one of whose calls the whole process stands still."""

    def __init__(self, clock: SuspendedClock) -> None:
        self.clock, self.during, self.asleep = clock, "", False

    async def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = await inline(function, *args, **kwargs)
        if function.__name__ == self.during:
            self.during = ""
            if self.asleep:
                self.clock.slept_s += STOOD_S
            else:
                self.clock.passed_s += STOOD_S
        return result


@pytest.fixture
def clock() -> SuspendedClock:
    return SuspendedClock()


@pytest.fixture
def pausing(clock: SuspendedClock) -> Pausing:
    return Pausing(clock)


@pytest.fixture
def world(clock: SuspendedClock, pausing: Pausing) -> World:
    # without raised limits releases come one after another, so that the next one can be waited for
    return World(evening(requests=settings.Requests(raise_limits=False)), clock=clock, offload=pausing)


async def until_planned(world: World) -> None:
    """To just before the round that limits somebody."""
    world.charge()
    await world.tick(2)
    assert not world.entries(RequestPlanned)


@pytest.mark.parametrize("asleep", [False, True])
@pytest.mark.parametrize("during", ["decide", "commit", "epoch"])
async def test_what_was_decided_before_a_pause_limits_nobody(
    world: World, pausing: Pausing, during: str, asleep: bool
) -> None:
    await until_planned(world)
    pausing.during, pausing.asleep = during, asleep
    await world.tick(1)
    assert not pausing.during, "it did not stand still"
    assert not world.field.commands


async def test_a_pause_while_it_thinks_moves_nobody(world: World, pausing: Pausing) -> None:
    await until_planned(world)
    pausing.during = "decide"
    await world.tick(1)
    assert not world.entries(RequestPlanned)
    assert b"gridward_rounds_overtaken_total 1.0" in generate_latest(world.daemon.metrics.registry)


async def test_a_machine_that_is_always_too_slow_limits_nobody_and_tells_the_overload(
    world: World, pausing: Pausing
) -> None:
    world.charge()
    for _ in range(20):
        pausing.during = "decide"
        await world.tick(1)
    assert not world.entries(RequestPlanned)
    assert world.entries(EventOpened)
    assert world.entries(ViolationAppeared)


@pytest.mark.parametrize("during", ["decide", "epoch"])
async def test_the_next_round_acts_on_what_is_true_then(world: World, pausing: Pausing, during: str) -> None:
    await until_planned(world)
    pausing.during = during
    await world.tick(2)
    assert world.field.held()


async def let_go(world: World) -> list[str]:
    """Tick until a release is the next thing that a round decides; the requests that were released so far."""
    await until_planned(world)
    await world.tick(2)
    assert world.field.held()
    for house in world.field.houses:
        house.base_kw = 0.5
    for _ in range(300):
        freed = [e.request for e in world.entries(RequestChanged) if e.reason == "released"]
        if freed:
            return freed
        await world.tick(1)
    raise AssertionError("nobody was released")


async def test_a_release_that_load_flow_proved_is_proven_anew(world: World, pausing: Pausing) -> None:
    """Nothing is released into a new overload; what fitted before a pause may be one after it."""
    freed = await let_go(world)
    for _ in range(3):
        pausing.during = "decide"
        await world.tick(1)
        assert [e.request for e in world.entries(RequestChanged) if e.reason == "released"] == freed
    await world.tick(1)
    assert len([e for e in world.entries(RequestChanged) if e.reason == "released"]) > len(freed)


async def test_who_must_be_free_whatever_the_readings_say_is_freed_all_the_same(
    world: World, pausing: Pausing
) -> None:
    """A customer who became critical does not wait for a controller that is always too slow."""
    await until_planned(world)
    await world.tick(2)
    target = next(iter(world.field.held()))
    world.critical = frozenset({int(target[2:])})
    world.daemon = world.start()
    pausing.during = "decide"
    await world.tick(1)
    assert not pausing.during
    assert target not in world.field.held()
