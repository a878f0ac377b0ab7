"""What is tried on a copy of the books leaves the books alone."""

import copy

from controller.entries import ReadingsRefused, RequestMoved
from tests.builders import FEEDER, START
from tests.controller.worlds import World, evening


async def test_a_fork_takes_entries_and_leaves_the_books_alone() -> None:
    world = World(evening())
    world.charge()
    await world.tick(6)
    books = world.daemon.books
    before = copy.deepcopy(books)
    forked = books.fork()
    assert forked == books
    for record in books.open_requests(FEEDER):
        moved = RequestMoved(at=world.clock.now(), request=record.request, state="ended", reason="x")
        forked.apply(moved)
    forked.apply(ReadingsRefused(at=START, feeder=FEEDER, reason="x", count=3, sample=""))
    assert books == before
    assert forked != books
    assert forked.open_requests(FEEDER) == ()
