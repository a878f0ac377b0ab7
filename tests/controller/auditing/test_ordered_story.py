"""The record of an operator's limit: its sentences, its story, its settlement when the books forgot it."""

from datetime import timedelta

import pytest

from controller.auditing.curtailment_table import row
from controller.auditing.curtailments import Curtailment, curtailments
from controller.auditing.story import story
from controller.books import Books
from controller.entries import RequestSettled
from controller.errors import BooksBroken
from controller.proving.past_requests import past_requests
from tests.builders import FEEDER
from tests.controller.worlds import World, evening


async def evening_by_hand() -> World:
    """One limit on two, one of whom the automatic limits already; all over and settled in the end."""
    world = World(evening())
    world.field.houses[0].ev_kw = 11.0
    world.field.houses[1].ev_kw = 11.0
    await world.tick(2)
    until = world.clock.now() + timedelta(minutes=10)
    await world.daemon.operate(
        FEEDER, "limit", None, "Ann", "works on cable 3", limit_kw=5.0, until=until, targets=["EV00", "C01"]
    )
    await world.tick(6 * 12)
    return world


def of(world: World, request: str) -> Curtailment:
    return curtailments(world.store.replay(), lambda plan: plan.request == request)[request]


async def test_the_story_says_who_ordered_it_and_why() -> None:
    world = await evening_by_hand()
    first, second = world.daemon.books.ordered_requests(FEEDER)
    one = of(world, first.request)
    assert one.record.settled is not None
    assert one.beside == ()
    told = {chapter.title: [line.text for line in chapter.lines] for chapter in story(one).chapters}
    ordered = "Ann limited EV00, C01 on F1 to 5.0 kW until 17:10 UTC (works on cable 3)"
    assert told["Why"][0] == ordered
    assert told["Why"][1].endswith("% when the request was planned")
    assert ordered not in told["What happened"]
    assert "Ann chose it" in told["Why this target"]
    assert "It is one of 2 requests of the order" in told["Why this target"]
    assert told["Credit"][0].startswith("Customer C00 was credited")
    assert row(one)["event"] == first.planned.event
    assert second.planned.event == first.planned.event
    sentences = [t.text for t in world.daemon.told()]
    assert ordered in sentences
    assert any(s.startswith("Asking EV charger EV00") and s.endswith("as Ann ordered") for s in sentences)


async def test_what_was_settled_is_found_again_in_the_journal() -> None:
    world = await evening_by_hand()
    past = past_requests(world.store.replay(), FEEDER, frozenset({"sp00"}))
    assert [r.planned.target for r in past.settled] == ["EV00"]
    assert past.settled[0].settled == world.entries(RequestSettled)[0]


async def test_old_orders_are_forgotten_and_an_order_is_given_once() -> None:
    world = await evening_by_hand()
    journal = list(world.store.replay())
    order = world.daemon.books.ordered_requests(FEEDER)[0].planned.event
    again = next(n.entry for n in journal if getattr(n.entry, "order", None) == order)
    with pytest.raises(BooksBroken, match="given before"):
        world.daemon.books.apply(again)
    forgetful = Books(keep_closed_events=1)
    forgetful.apply_all(journal)
    assert order in forgetful.events
    await world.daemon.operate(FEEDER, "limit", "EV00", "Ann", "x", limit_kw=5.0)
    forgetful.apply_all(n for n in world.store.replay(after=forgetful.seq))
    assert order not in forgetful.events
    assert not [r for r in forgetful.requests if r.startswith(order)]
    assert forgetful.totals(FEEDER, "EUR-cent") == world.daemon.books.totals(FEEDER, "EUR-cent")
