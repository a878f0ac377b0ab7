"""The whole loop in fake time: overload, event, requests, answers, release, credit; and its shell."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from controller import settings
from controller.entries import (
    DataAlarm,
    EventClosed,
    EventOpened,
    EventShort,
    LedgerPosted,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
    RequestSettled,
)
from controller.occurrences import recorder
from devices.ports import Deliver
from tests.builders import FEEDER, control, inline
from tests.controller.worlds import PERIOD_S, World, evening


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}))


async def test_the_whole_loop_from_overload_to_credit(world: World) -> None:
    world.charge()
    world.field.houses[17].person_cut_kw = 2.0
    await world.tick(6)
    opened = world.entries(EventOpened)
    assert len(opened) == 1
    planned = world.entries(RequestPlanned)
    assert {p.resource for p in planned} == {"device", "person"}
    assert world.overloads[0] > 100
    assert world.overloads[-1] <= 100
    held = world.field.held()
    assert held
    assert all(limit >= 4.2 for limit in held.values())
    assert [n.customer for n in world.field.notices] == ["C18", "C17"]

    await world.tick(60)
    world.charge(1.0)
    await world.tick(120)

    assert world.field.held() == {}
    assert len(world.entries(EventClosed)) == 1
    settled = world.entries(RequestSettled)
    assert sorted(s.request for s in settled) == sorted(p.request for p in planned)
    credited = {s.request: s.points for s in settled if s.outcome == "credited"}
    posted = world.entries(LedgerPosted)
    assert sorted(p.request for p in posted) == sorted(credited)
    by_customer = {p.customer: credited.get(p.request, 0) for p in planned}
    assert by_customer["C17"] > 0
    assert by_customer["C18"] == 0
    assert sum(world.store.balances().values()) == 0
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.totals.credited_points == sum(credited.values())
    assert len(world.daemon.trend(FEEDER)) == len(world.overloads)


async def test_releases_are_staggered_and_never_overload(world: World) -> None:
    world.charge()
    await world.tick(100)
    world.charge(9.0)
    await world.tick(200)
    released = [e.at for e in world.entries(RequestChanged) if e.reason == "released"]
    assert len(released) >= 4
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in itertools.pairwise(released))
    assert max(world.overloads[6:]) <= 100
    assert world.field.held() == {}


async def test_limits_are_renewed_while_the_overload_lasts(world: World) -> None:
    world.charge()
    await world.tick(6 * 60)
    assert max(world.overloads[6:]) <= 100
    assert [e for e in world.entries(RequestChanged) if e.reason == "renewed"]
    assert world.field.held()


async def test_whom_an_event_asks_are_free_after_its_longest_duration() -> None:
    world = World(evening(events=settings.Events(max_duration_s=3600.0)))
    world.charge()
    for house in world.field.houses:
        house.base_kw = 8.0  # all are needed from the begin: nobody is left to be asked in their place
    await world.tick(6 * 62)
    assert world.field.held() == {}
    assert world.entries(EventShort)
    opened = world.entries(EventOpened)[0]
    ends = [e.end for e in world.entries(RequestPlanned, RequestChanged)]
    assert max(ends) <= opened.at + timedelta(seconds=3600)
    released = [e.at for e in world.entries(RequestChanged) if e.reason == "released"]
    assert released[0] < released[-1]
    assert world.entries(EventClosed) == []


async def test_a_device_that_refuses_is_left_alone_and_others_give_more(world: World) -> None:
    world.charge()
    for number in range(0, 16, 2):
        world.field.houses[number].refuses = True
    await world.tick(30)
    refused = [e.request for e in world.entries(RequestMoved) if e.state == "refused"]
    assert refused
    targets = {p.request: p.target for p in world.entries(RequestPlanned)}
    asked = [targets[request] for request in refused]
    assert len(asked) == len(set(asked))
    assert world.overloads[-1] <= 100


async def test_a_device_that_vanishes_is_asked_again_then_given_up(world: World) -> None:
    world.charge()
    for number in range(6, 10):
        world.field.houses[number].silent = True
    # what it said a moment ago still counts: the device is chosen, then says nothing
    for number in range(16):
        world.field.houses[number].silent = False
    await world.tick(2)
    for number in range(6, 10):
        world.field.houses[number].silent = True
    await world.tick(30)
    unanswered = {e.request for e in world.entries(RequestMoved) if e.state == "unanswered"}
    assert unanswered
    attempts = {}
    for sent in world.entries(RequestSent):
        attempts[sent.request] = max(sent.attempt, attempts.get(sent.request, 0))
    assert all(attempts[request] == world.of.requests.attempts for request in unanswered)
    assert world.overloads[-1] <= 100
    await world.tick(200)
    outcomes = {s.request: s.outcome for s in world.entries(RequestSettled)}
    assert all(outcomes[request] == "refused_or_silent" for request in unanswered)


async def test_a_device_that_accepts_and_does_not_obey_is_made_up_for(world: World) -> None:
    world.charge()
    for number in (7, 8, 9):
        world.field.houses[number].obeys = False
    await world.tick(40)
    assert world.overloads[-1] <= 100


async def test_what_cannot_be_cleared_is_told_once(world: World) -> None:
    world.charge()
    for house in world.field.houses:
        house.base_kw = 12.0
    await world.tick(30)
    assert len(world.entries(EventShort)) == 1
    assert all(limit >= 4.2 for limit in world.field.held().values())


async def test_critical_customers_are_never_asked() -> None:
    world = World(evening(), critical=frozenset(range(8, 16)), notices=frozenset(range(8, 20)))
    world.charge()
    await world.tick(30)
    asked = {p.customer for p in world.entries(RequestPlanned)}
    assert asked
    assert asked.isdisjoint({f"C{n:02d}" for n in range(8, 16)})


class FallingSource:
    """A source that falls over at once, every time."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, deliver: Deliver) -> None:
        self.runs += 1
        raise RuntimeError("no broker")


async def test_run_restarts_sources_goes_on_and_stops_at_once() -> None:
    source = FallingSource()
    world = World(evening(), sources=[source])
    task = asyncio.create_task(world.daemon.run())
    while not task.done() and (source.runs < 5 or world.daemon.feeder_view(FEEDER) is None):
        await asyncio.sleep(0)
    assert not task.done(), task
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)


@pytest.mark.parametrize("writable", [True, False], ids=["journaled", "while the journal is out of order"])
async def test_a_pass_that_fails_again_and_again_takes_the_automatic_out(
    world: World, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    world.charge()
    await world.tick(1)

    def fails(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    world.store.broken = not writable
    for _ in range(2):
        with monkeypatch.context() as broken:
            broken.setattr("controller.passes.decide", fails)
            for _ in range(5):
                world.field.speak(world.daemon.intake.deliver)
                await world.daemon.cycle()
                await world.clock.sleep(PERIOD_S)
        await world.tick(1)
    world.store.broken = False
    await world.tick(1)
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)] == [("controller_fault", True)]
    await world.tick(10)
    assert world.entries(RequestPlanned) == []
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "looked at the log")
    await world.tick(10)
    assert world.entries(RequestPlanned)


async def test_an_unreachable_field_is_tried_again(world: World) -> None:
    world.charge()
    await world.tick(1)
    world.field.unreachable = True
    await world.tick(4)
    assert world.entries(RequestPlanned)
    assert world.entries(RequestSent) == []
    world.field.unreachable = False
    await world.tick(4)
    assert world.field.held()
    assert world.entries(RequestAnswered)


async def test_subscribers_are_told_and_can_leave(world: World) -> None:
    told: list[str] = []
    leave = world.daemon.subscribe(told.append)
    await world.tick(2)
    leave()
    await world.tick(1)
    assert told == [FEEDER, FEEDER]
    assert world.daemon.told()[0].entry == "controller_started"
    assert world.daemon.network(FEEDER) is not None
    assert world.daemon.network("F9") is None


async def test_a_recorder_that_fails_costs_states_and_counts_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise ValueError("I/O operation on closed file")

    monkeypatch.setattr(recorder, "frame_of", wrong)
    daemon = world.daemon
    daemon._recorder = recorder.Recorder(tmp_path, {FEEDER: control(world.of)}, inline, keep_days=14)
    lost = daemon.metrics.cycles.states_not_recorded.labels(FEEDER)
    running = asyncio.create_task(daemon.run())
    async with asyncio.timeout(10):
        while not lost._value.get() and not running.done():
            await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
