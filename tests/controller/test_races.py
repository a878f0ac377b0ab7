"""What happens at the same time as a round: an operator's order, a restart, a record that is down."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from controller.books import Books
from controller.entries import RequestAnswered, RequestPlanned, RequestSent, RequestSettled
from controller.stores.port import FeederSample
from tests.builders import FEEDER, inline
from tests.controller.worlds import World, evening
from tests.fair_time import turns


async def slow(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """An `Offload` as a worker thread is one: others have their turn before the result is there."""
    for _ in range(20):
        await asyncio.sleep(0)
    return await inline(function, *args, **kwargs)


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}), offload=slow)


async def test_an_order_while_commands_go_out_sends_none_twice(world: World) -> None:
    """Its sendings are done, but not noted yet: they are not due again, and the journal stays readable."""
    world.charge()
    for _ in range(6):
        await asyncio.gather(world.tick(), world.daemon.operate(FEEDER, "release", "EV15", "Ann", "repair"))
    assert world.field.held()
    told = Counter((c.request, c.sequence) for c in world.field.commands)
    assert set(told.values()) == {1}
    noted = Counter((e.request, e.sequence) for e in world.entries(RequestSent))
    assert set(noted.values()) == {1}
    Books().apply_all(world.store.replay())


async def test_an_order_before_the_record_is_read_waits_for_it(world: World) -> None:
    world.charge()
    await world.tick(6)
    held = world.field.held()
    world.daemon = world.start()
    starting = asyncio.create_task(world.daemon.start())
    await asyncio.sleep(0)
    await world.daemon.operate(FEEDER, "release_all", None, "Ann", "fire")
    await starting
    await turns()
    assert held
    assert world.field.held() == {}
    Books().apply_all(world.store.replay())


async def test_an_answer_that_could_not_be_noted_is_noted_later(world: World) -> None:
    world.charge()
    await world.tick(1)
    while not world.field.commands:
        await world.tick(1)
    world.store.broken = True
    await world.tick(3)
    assert world.entries(RequestAnswered) == []
    world.store.broken = False
    await world.tick(1)
    answered = {e.request for e in world.entries(RequestAnswered)}
    asked = {p.request for p in world.entries(RequestPlanned) if p.resource == "device"}
    assert answered >= {c.request for c in world.field.commands if c.request in asked}


async def test_samples_of_another_network_are_not_used(world: World) -> None:
    """The network file was changed between two starts: what was measured before fits no position any more."""
    world.charge()
    await world.tick(8)
    assert world.field.held()
    samples = world.store.samples
    restarted_at = world.clock.now()

    def narrower_before(feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        return tuple(
            replace(sample, p_kw=sample.p_kw[:5]) if sample.at < restarted_at else sample
            for sample in samples(feeder, start, end)
        )

    world.store.samples = narrower_before  # type: ignore[method-assign]
    world.daemon = world.start()
    await world.daemon.operate(FEEDER, "release_all", None, "Ann", "rebuilding")
    await world.tick(8)
    assert world.daemon.books.alarms(FEEDER) == ()
    settled = world.entries(RequestSettled)
    assert len(settled) == len(world.entries(RequestPlanned))
    assert {s.outcome for s in settled} <= {"too_little_data", "refused_or_silent"}
