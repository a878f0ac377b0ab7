"""A dead record and a dead process, anywhere in an evening."""

import contextlib
from dataclasses import dataclass

import pytest

from controller import settings
from controller.entries import (
    ControllerStarted,
    EventClosed,
    LedgerPosted,
    OperatorActed,
    RequestMoved,
    RequestPlanned,
    RequestSettled,
)
from controller.errors import Replaced
from controller.stores.port import StoreUnavailable
from tests.builders import (
    FEEDER,
    Crash,
)
from tests.controller.worlds import PERIOD_S, World, evening
from tests.fair_time import turns

PARTS = 4
"""Each is a test of its own: all of it takes a loaded machine minutes."""


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}))


async def test_with_the_record_down_nothing_goes_out_but_releases(world: World) -> None:
    world.charge()
    await world.tick(1)
    world.store.broken = True
    await world.tick(5)
    assert world.field.commands == []
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert "journal" in (view.quality.alarm or "")
    world.store.broken = False
    await world.tick(5)
    assert world.field.held()

    world.store.broken = True
    act = await world.daemon.operate(FEEDER, "release_all", None, "Ann", "disk full")
    await turns()
    assert world.field.held() == {}
    with pytest.raises(StoreUnavailable):
        await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "not now")
    await world.tick(3)
    world.store.broken = False
    await world.tick(3)
    assert world.entries(OperatorActed) == [act]
    assert world.field.held() == {}
    again = world.start()
    await again.start()
    assert again.books == world.daemon.books or again.books.epoch == world.daemon.books.epoch + 1


async def test_proven_releases_go_out_while_the_record_is_down(world: World) -> None:
    world.charge()
    await world.tick(80)
    assert world.field.held()
    world.charge(1.0)
    world.store.broken = True
    await world.tick(60)
    assert len(world.field.held()) < len(world.daemon.books.open_requests(FEEDER))
    world.store.broken = False
    await world.tick(120)
    assert world.field.held() == {}
    assert len(world.entries(EventClosed)) == 1


async def test_a_replaced_controller_stops_commanding(world: World) -> None:
    world.charge()
    await world.tick(2)
    world.store._connection.execute("UPDATE control SET epoch = epoch + 1")
    told = len(world.field.commands)
    world.field.speak(world.daemon.intake.deliver)
    with pytest.raises(Replaced):
        await world.daemon.cycle()
    assert len(world.field.commands) == told


async def _evening_with_crash(where: str, number: int) -> World:
    """A short evening; at the N-th commit or sending the process dies and starts again at once."""
    quick = evening(
        requests=settings.Requests(duration_s=300.0, renew_before_s=60.0, min_between_s=120.0),
        events=settings.Events(close_after_s=60.0),
        safety=settings.Safety(release_share_per_minute=0.25),
    )
    world = World(quick, notices=frozenset({17}))
    world.field.houses[17].person_cut_kw = 2.0
    world.field.houses[8].refuses = True
    for house in world.field.houses:
        house.base_kw = 6.0
    world.charge()
    if where == "send":
        world.die_at_send = number
    else:
        world.store.die_at = (number, where)
    for tick in range(75):
        if tick == 36:
            world.charge(1.0)
        said = world.field.messages()
        for _ in range(2):
            for message in said:  # what the dead process had taken, the broker delivers again
                world.daemon.intake.deliver(message)
            with contextlib.suppress(Crash):
                await world.daemon.cycle()
            if not world.store.dead:
                break
            world.daemon = world.start()
        await world.clock.sleep(PERIOD_S)
    return world


def _assert_sound(world: World) -> None:
    """What must hold however often the process died."""
    planned = world.entries(RequestPlanned)
    assert planned
    active: dict[str, str] = {}
    for numbered in world.store.replay():
        entry = numbered.entry
        if isinstance(entry, RequestPlanned):
            assert entry.target not in active, "two limits for one target"
            active[entry.target] = entry.request
        elif isinstance(entry, RequestMoved) and entry.state not in ("sent", "accepted", "active"):
            active = {t: r for t, r in active.items() if r != entry.request}
    assert active == {}
    assert world.field.held() == {}
    keys = [p.key for p in world.entries(LedgerPosted)]
    assert len(keys) == len(set(keys))
    settled = [s.request for s in world.entries(RequestSettled)]
    assert sorted(settled) == sorted(p.request for p in planned)
    assert sum(world.store.balances().values()) == 0
    assert all(c.limit_kw >= 4.2 for c in world.field.commands)


@dataclass(frozen=True)
class Calm:
    """The same evening without a crash."""

    balances: dict[tuple[str, str], int]
    commits: int
    sends: int


_calm: list[Calm] = []


async def _calm_evening() -> Calm:
    if not _calm:
        world = await _evening_with_crash("before", 0)
        _assert_sound(world)
        _calm.append(Calm(world.store.balances(), world.store.commits, world.sends))
    return _calm[0]


async def _same_ledger(points: list[tuple[str, int]]) -> None:
    """Same requests, same credits, never two limits, wherever it dies (C13, L7)."""
    calm = await _calm_evening()
    starts = 0
    for where, number in points:
        world = await _evening_with_crash(where, number)
        _assert_sound(world)
        assert world.store.balances() == calm.balances, (where, number)
        starts += len(world.entries(ControllerStarted)) - 1
    assert starts == len(points) > 0


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_crash_at_any_commit_or_sending_leaves_the_same_ledger(part: int) -> None:
    """Fail-at-N over the whole evening: while all begins every one, then some; `make soak` has all."""
    calm = await _calm_evening()
    assert calm.sends >= 10
    points = [("send", n) for n in range(1, calm.sends + 1) if n <= 8 or n % 4 == 0]
    busy = [n for n in range(2, calm.commits + 1) if n <= 12 or n % 20 == 0]
    points += [(where, n) for n in busy for where in ("before", "after")]
    await _same_ledger(points[part::PARTS])


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_crash_at_every_commit_and_sending(part: int) -> None:
    calm = await _calm_evening()
    points = [("send", n) for n in range(1, calm.sends + 1)]
    points += [(where, n) for n in range(2, calm.commits + 1) for where in ("before", "after")]
    await _same_ledger(points[part::PARTS])


async def test_a_restart_does_not_act_before_data_are_fresh(world: World) -> None:
    world.charge()
    await world.tick(6)
    held = world.field.held()
    world.daemon = world.start()
    told = len(world.field.commands)
    await world.daemon.cycle()
    assert len(world.field.commands) == told
    assert world.field.held() == held
    await world.tick(60)
    assert world.overloads[-1] <= 100
