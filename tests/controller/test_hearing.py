"""What an answer proves, and what it does not."""

from devices.messages import Answer
from tests.builders import FEEDER
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
