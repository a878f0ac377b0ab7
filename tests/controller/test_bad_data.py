"""Bad data and bad load flows in the running loop: alarm, no action, and it keeps running."""

import pytest

from controller.entries import (
    DataAlarm,
    ReadingsRefused,
    RequestPlanned,
)
from devices.messages import Reading, Refused
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from grid_model.referee import Referee
from grid_model.results import LoadFlowResult, not_converged
from tests.builders import (
    FEEDER,
    small_network,
)
from tests.controller.worlds import PERIOD_S, World, evening


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}))


async def test_too_few_meters_means_alarm_and_no_action(world: World) -> None:
    world.charge()
    for house in world.field.houses[:8]:
        house.meter_works = False
    await world.tick(10)
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)] == [("too_few_meters", True)]
    assert world.entries(RequestPlanned) == []
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.quality.alarm
    for house in world.field.houses:
        house.meter_works = True
    await world.tick(10)
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)][-1] == ("too_few_meters", False)
    assert world.entries(RequestPlanned)


async def test_a_load_flow_that_does_not_converge_means_alarm_and_no_action(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.charge()
    await world.tick(6)
    held = world.field.held()
    told = len(world.field.commands)

    def diverges(self: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, **_: float) -> LoadFlowResult:
        return not_converged(small_network(), 20)

    monkeypatch.setattr(FactoredLoadFlow, "solve", diverges)
    monkeypatch.setattr(Referee, "solve", diverges)
    for _ in range(12):
        world.field.speak(world.daemon.intake.deliver)
        await world.daemon.cycle()
        await world.clock.sleep(PERIOD_S)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert not view.converged
    assert view.transformers == ()
    assert ("diverged", True) in [(a.kind, a.raised) for a in world.entries(DataAlarm)]
    assert len(world.field.commands) == told, "nothing is widened or renewed on a guess"
    assert world.field.held() == held
    monkeypatch.undo()
    await world.tick(60)
    assert [a.raised for a in world.entries(DataAlarm)] == [True, False]
    assert world.overloads[-1] <= 100


async def test_bad_input_is_counted_and_journaled_without_a_flood(world: World) -> None:
    world.charge()
    for _ in range(5):
        for _ in range(50):
            world.daemon.intake.deliver(Reading(FEEDER, "M00", world.clock.now(), float("nan")))
            world.daemon.intake.deliver(Reading(FEEDER, "M99", world.clock.now(), 1.0))
            world.daemon.intake.deliver(Reading("F9", "M00", world.clock.now(), 1.0))
            world.daemon.intake.deliver(Refused("gridward/F1/x", "malformed", "not JSON", b"{"))
        await world.tick()
    refused = world.entries(ReadingsRefused)
    assert {(r.feeder, r.reason) for r in refused} == {
        (FEEDER, "not_finite"),
        (FEEDER, "unknown_meter"),
        (None, "unknown_feeder"),
        (None, "malformed"),
    }
    assert len(refused) == 4
    await world.tick(6)
    assert sum(r.count for r in world.entries(ReadingsRefused)) == 4 * 250
    assert world.entries(RequestPlanned)
