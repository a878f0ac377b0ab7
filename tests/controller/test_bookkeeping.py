"""The one writer: what does not fit the books never becomes durable."""

import copy
from datetime import timedelta

import pytest

from controller.bookkeeping import Bookkeeper, fork
from controller.entries import ReadingsRefused, RequestChanged, RequestMoved
from controller.errors import BooksBroken, Replaced
from controller.live import Live
from controller.metrics import Metrics
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.builders import FEEDER, START, inline
from tests.controller.worlds import World, evening


async def test_a_fork_takes_entries_and_leaves_the_books_alone() -> None:
    world = World(evening())
    world.charge()
    await world.tick(6)
    books = world.daemon.books
    before = copy.deepcopy(books)
    forked = fork(books)
    assert forked == books
    for record in books.open_requests(FEEDER):
        moved = RequestMoved(at=world.clock.now(), request=record.request, state="ended", reason="x")
        forked.apply(moved)
    forked.apply(ReadingsRefused(at=START, feeder=FEEDER, reason="x", count=3, sample=""))
    assert books == before
    assert forked != books
    assert forked.open_requests(FEEDER) == ()


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
