"""What an answer proves, and what it does not."""

from datetime import timedelta

from controller.books import Books
from controller.entries import RequestSent
from controller.hearing import hear
from controller.intake import Drained
from controller.memory import fresh_memory
from devices.messages import Answer
from tests.builders import FEEDER, START, control
from tests.controller.record_builders import moved, opened, planned
from tests.controller.worlds import World, evening


async def test_a_late_accepted_does_not_confirm_a_release() -> None:
    """Answers bear no sequence: an old one may come after a release that the device never heard."""
    world = World(evening())
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    record = world.daemon.books.held_by(FEEDER, device)
    assert record is not None
    house = world.field.houses[int(device[2:])]
    house.silent = True
    await world.daemon.operate(FEEDER, "release", device, "Ann", "a complaint")
    await world.tick()
    world.daemon.intake.deliver(Answer(FEEDER, device, record.request, "accepted", None))
    await world.tick()
    house.silent = False
    await world.tick(5)
    assert device not in world.field.held()


class Watched(str):
    """A device's name that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return super().__eq__(other)


def test_many_answers_in_one_drain_cost_no_more_each() -> None:
    """After a lost link thousands of answers come at once: none may look at all those before it."""
    many, books, event = 400, Books(), f"E-{FEEDER}-1"
    books.apply(opened(event, FEEDER, at=START))
    for number in range(many):
        entry = planned(
            request=f"{event}-R{number:03d}",
            event=event,
            feeder=FEEDER,
            target=Watched(f"EV{number}"),
            at=START,
            start=START,
            end=START + timedelta(minutes=15),
        )
        books.apply_all(
            [
                entry,
                RequestSent(at=START, request=entry.request, sequence=1, attempt=1),
                moved(entry.request, "sent", START),
            ]
        )
    answers = tuple(Answer(FEEDER, f"EV{n}", f"{event}-R{n:03d}", "accepted", None) for n in range(many))
    of = control()
    now = START + timedelta(seconds=5)
    Watched.compared = 0
    heard = hear(of, books, fresh_memory(of), Drained(answers=answers), now)
    assert len(heard.entries) >= 2 * many
    assert Watched.compared < 20 * many
