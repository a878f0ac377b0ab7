"""The one writer: what does not fit the books never becomes durable."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from controller.auditing.checkpoints import SigningKey
from controller.auditing.sealing import Sealer
from controller.bookkeeping import Bookkeeper
from controller.entries import ReadingsRefused, RequestChanged
from controller.errors import BooksBroken, Replaced
from controller.live import Live
from controller.metrics import Metrics
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.builders import FEEDER, START, inline
from tests.controller.worlds import World, evening


async def test_entries_that_contradict_the_books_are_found_before_they_are_written() -> None:
    world = World(evening())
    world.charge()
    await world.tick(6)
    keeper = world.daemon._keeper
    record = keeper.books.open_requests(FEEDER)[0]
    change = RequestChanged(
        at=world.clock.now(),
        request=record.request,
        limit_kw=record.limit_kw,
        end=record.end + timedelta(minutes=5),
        epoch=1,
        sequence=record.sequence + 1,
        reason="renewed",
    )
    keeper.fits([change])
    with pytest.raises(BooksBroken):
        keeper.fits([change, change])


async def test_a_pass_that_contradicts_the_books_is_dropped_and_the_daemon_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(evening())
    world.charge()
    await world.tick(6)
    length = len(world.entries(RequestChanged))

    def twice(*args: object, **kwargs: object) -> tuple[RequestChanged, ...]:
        record = world.daemon.books.open_requests(FEEDER)[0]
        change = RequestChanged(
            at=world.clock.now(),
            request=record.request,
            limit_kw=record.limit_kw,
            end=record.end,
            epoch=1,
            sequence=record.sequence + 1,
            reason="renewed",
        )
        return change, change

    monkeypatch.setattr("controller.cycle.renewals", twice)
    for _ in range(4):
        world.field.speak(world.daemon.intake.deliver)
        await world.daemon.cycle()
        await world.clock.sleep(10)
    assert len(world.entries(RequestChanged)) == length
    assert [alarm.kind for alarm in world.daemon.books.alarms(FEEDER)] == ["controller_fault"]


async def test_the_epoch_in_force_is_checked() -> None:
    store = SqliteStore(IN_MEMORY, durable=False)
    keepers = [Bookkeeper(store, inline, Metrics(), Live([FEEDER])) for _ in range(2)]
    for keeper in keepers:
        await keeper.take_over("me", "0", [FEEDER], START)
    assert [keeper.epoch for keeper in keepers] == [1, 2]
    with pytest.raises(Replaced):
        await keepers[0].check_epoch()
    await keepers[1].check_epoch()


class Held:
    """An `Offload` whose next call waits, once asked to, until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self.go.wait()
        return function(*args, **kwargs)


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_write_that_is_cancelled_while_it_commits_is_applied_all_the_same(sealed: bool) -> None:
    """It may be durable: the books must follow, or the next entry does not fit."""
    held, store = Held(), SqliteStore(IN_MEMORY, durable=False)
    sealer = Sealer(SigningKey("gridward/test", bytes(32)), 300.0, 1000) if sealed else None
    keeper = Bookkeeper(store, held, Metrics(), Live([FEEDER]), sealer)
    await keeper.take_over("me", "0", [FEEDER], START)
    held.go.clear()
    cancelled = asyncio.create_task(keeper.write([refused_at(1)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    after = asyncio.create_task(keeper.write([refused_at(2)]))
    await asyncio.sleep(0)
    held.go.set()
    await after
    told = [one.entry for one in store.replay()]
    assert [entry for entry in told if isinstance(entry, ReadingsRefused)] == [refused_at(1), refused_at(2)]
    assert keeper.books.seq == len(told)


async def test_a_write_that_is_cancelled_while_it_waits_for_its_turn_writes_nothing() -> None:
    held, store = Held(), SqliteStore(IN_MEMORY, durable=False)
    keeper = Bookkeeper(store, held, Metrics(), Live([FEEDER]))
    await keeper.take_over("me", "0", [FEEDER], START)
    held.go.clear()
    first, second = (asyncio.create_task(keeper.write([refused_at(n)])) for n in (1, 2))
    await asyncio.sleep(0)
    second.cancel()
    held.go.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second
    assert [one.entry for one in store.replay()][1:] == [refused_at(1)]


async def test_what_fails_after_nobody_waits_for_it_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    held, store = Held(), SqliteStore(IN_MEMORY, durable=False)
    keeper = Bookkeeper(store, held, Metrics(), Live([FEEDER]))
    await keeper.take_over("me", "0", [FEEDER], START)
    held.go.clear()
    cancelled = asyncio.create_task(keeper.write([refused_at(1)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    store._connection.execute("UPDATE control SET epoch = epoch + 1")  # another has taken over
    held.go.set()
    with pytest.raises(Replaced):
        await keeper.write([refused_at(2)])
    logged = "".join(capfd.readouterr())
    assert "write_failed_unseen" in logged
    assert "never retrieved" not in logged


def refused_at(seconds: float) -> ReadingsRefused:
    at = START + timedelta(seconds=seconds)
    return ReadingsRefused(at=at, feeder=FEEDER, reason="x", count=1, sample="")
