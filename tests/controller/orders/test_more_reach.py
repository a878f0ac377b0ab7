"""Held back by its limits on reach, the automatic asks two operators for more."""

import pytest

from controller import settings
from controller.entries import OrderClosed, OrderDrafted, RequestPlanned
from controller.orders.giving import Giver
from controller.orders.order_errors import AnotherNeeded, PersonNeeded
from tests.controller.worlds import World, evening

ANN, BOB = Giver("Ann", person=True), Giver("Bob", person=True)


async def held_back() -> World:
    """All chargers come at once, and one in a minute may be limited: 16 x 11 kW x 0.05."""
    world = World(evening(safety=settings.Safety(feeder_share_per_minute=0.05)))
    world.charge()
    await world.tick(4)
    return world


async def test_a_waiting_order_for_more_is_shown_while_the_automatic_is_held_back() -> None:
    world = await held_back()
    [drafted] = world.entries(OrderDrafted)
    assert (drafted.action, drafted.who, drafted.needed) == ("more_reach", "automatic", 2)
    assert "held back" in drafted.why
    await world.tick(3)
    assert len(world.entries(OrderDrafted)) == 1


async def test_two_different_operators_let_it_go_further() -> None:
    world = await held_back()
    desk = world.daemon.desks.orders
    [record] = world.daemon.books.order_book.open_drafts()
    with pytest.raises(PersonNeeded):
        await desk.confirm(record.draft, Giver("token:scada", person=False))
    await desk.confirm(record.draft, ANN)
    with pytest.raises(AnotherNeeded):
        await desk.confirm(record.draft, ANN)
    asked = len(world.entries(RequestPlanned))
    await world.tick()
    assert len(world.entries(RequestPlanned)) <= asked + 1, "one is not enough"
    assert (await desk.confirm(record.draft, BOB)).state == "carried_out"
    await world.tick(2)
    assert len(world.entries(RequestPlanned)) > asked + 2
    await world.tick(4)
    assert world.overloads[-1] <= 100


async def test_withdrawn_it_is_not_offered_again_at_once() -> None:
    world = await held_back()
    [record] = world.daemon.books.order_book.open_drafts()
    await world.daemon.desks.orders.withdraw(record.draft, "enough for now", ANN)
    await world.tick(3)
    assert len(world.entries(OrderDrafted)) == 1


async def test_it_is_void_once_nothing_is_held_back() -> None:
    world = await held_back()
    for house in world.field.houses:
        house.base_kw, house.ev_kw = 1.0, 2.0
    await world.tick(8)
    [closed] = world.entries(OrderClosed)
    assert (closed.outcome, closed.why) == ("void", "nothing is held back any more")
    assert len(world.entries(OrderDrafted)) == 1
