"""The emergency stop: waits for nobody, works without a journal, and holds until it is handed back."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller import settings
from controller.entries import EmergencyStopped, OperatorActed, OrderClosed, OrderDrafted, RequestPlanned
from controller.order_effects import ProposedOrder
from controller.orders.giving import CommandKey, Giver
from controller.orders.more_reach import HeldBack, drafts_of_more
from controller.orders.order_errors import NotOpen, StopHolds
from controller.orders.stopping import Manner, all_free_by
from controller.stores.port import StoreUnavailable
from devices.messages import DeviceStatus, Inbound, LimitCommand
from tests.builders import FEEDER, Field
from tests.controller.worlds import World, evening
from tests.fair_time import turns

ANN = Giver("Ann", person=True)
STRICT = settings.Orders(two_person=("limit", "automatic_on", "include"), two_person_above_percent=0.0)


async def overloaded(**tables: object) -> World:
    """Limits are held."""
    world = World(evening(**tables))
    world.charge()
    await world.tick(8)
    assert len(world.field.held()) > 4
    return world


async def test_at_once_everybody_is_free_and_nobody_is_asked_again() -> None:
    world = await overloaded(orders=STRICT)
    asked = len(world.entries(RequestPlanned))
    stop = await world.daemon.desks.orders.stop([FEEDER], "at_once", "fire", ANN)
    await turns()
    assert world.field.held() == {}
    await world.tick(30)
    assert world.overloads[-1] > 100
    assert len(world.entries(RequestPlanned)) == asked
    assert world.daemon.books.order_book.stopped(FEEDER) == stop
    assert [(act.action, act.draft) for act in world.entries(OperatorActed)] == [
        ("automatic_off", stop.stop),
        ("release_all", stop.stop),
    ]
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert not view.automatic
    assert view.by_hand is not None
    assert (view.by_hand.who, view.by_hand.is_stop) == ("Ann", True)
    assert "emergency_stop" in {alarm.kind for alarm in world.daemon.desks.alarms.views()}
    told = next(told for told in world.daemon.told() if told.entry == "emergency_stopped")
    assert told.severity == "alarm"


async def test_it_ends_only_by_an_explicit_automatic_on() -> None:
    world = await overloaded()
    desk = world.daemon.desks.orders
    await desk.stop([FEEDER], "at_once", "fire", ANN)
    limit = ProposedOrder("limit", "EV03", limit_kw=4.2)
    with pytest.raises(StopHolds, match="automatic_on"):
        await desk.draft(FEEDER, limit, "x", ANN)
    with pytest.raises(StopHolds):
        await world.daemon.operate(
            FEEDER, "limit", "EV03", "Ann", "x", limit_kw=4.2, warrant=desk.direct(ANN)
        )
    world.daemon = world.start()
    await world.daemon.start()
    assert world.daemon.books.order_book.stopped(FEEDER) is not None, "also after a restart"
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "fire is out")
    assert world.daemon.books.order_book.stopped(FEEDER) is None
    await world.tick(6)
    assert world.field.held()


async def test_it_works_when_the_journal_cannot_be_written() -> None:
    world = await overloaded()
    world.store.broken = True
    await world.daemon.desks.orders.stop([FEEDER], "at_once", "fire", ANN)
    await turns()
    assert world.field.held() == {}
    assert world.entries(EmergencyStopped) == []
    await world.tick(2)
    assert world.field.held() == {}
    world.store.broken = False
    await world.tick()
    [stop] = world.entries(EmergencyStopped)
    assert (stop.who, stop.why) == ("Ann", "fire")


async def test_staggered_it_frees_one_after_another_and_all_in_the_end() -> None:
    world = await overloaded(safety=settings.Safety(release_share_per_minute=0.5))
    for house in world.field.houses:
        house.base_kw = 1.0  # there is room for all
    await world.tick()
    before = len(world.field.held())
    stop = await world.daemon.desks.orders.stop([FEEDER], "staggered", "works", ANN)
    await world.tick()
    assert 0 < len(world.field.held()) < before, "some at once, whoever was limited a moment ago"
    while world.field.held():
        assert world.clock.now() < all_free_by(stop, world.of)
        await world.tick()
    assert max(world.overloads[-6:]) < 100


async def test_staggered_all_are_free_by_the_time_that_is_promised_also_where_there_is_no_room() -> None:
    world = await overloaded(safety=settings.Safety(release_share_per_minute=0.5))
    long = world.clock.now() + timedelta(hours=2)
    await world.daemon.operate(
        FEEDER, "limit", None, "Bob", "x", limit_kw=4.2, until=long, targets=["EV00", "EV01", "EV02"]
    )
    await world.tick(2)
    stop = await world.daemon.desks.orders.stop([FEEDER], "staggered", "works", ANN)
    while world.clock.now() < all_free_by(stop, world.of):
        await world.tick()
    await world.tick(2)
    assert world.field.held() == {}


async def test_what_was_drafted_before_is_void() -> None:
    world = await overloaded()
    desk = world.daemon.desks.orders
    record = await desk.draft(FEEDER, ProposedOrder("limit", "EV03", limit_kw=4.2), "x", ANN)
    await desk.stop([FEEDER], "staggered", "fire", ANN)
    with pytest.raises(NotOpen, match="void"):
        await desk.confirm(record.draft, ANN)
    [closed] = world.entries(OrderClosed)
    assert (closed.outcome, closed.why) == ("void", "emergency stop")


async def test_its_key_stands_beside_it() -> None:
    world = await overloaded()
    desk = world.daemon.desks.orders
    giver = Giver("Ann", person=True, command=CommandKey("Ann", "k", "f"))
    stop = await desk.stop([FEEDER], "at_once", "fire", giver)
    taken = await desk.command("Ann", "k")
    assert taken is not None
    assert (taken.did, taken.about) == ("stop", stop.stop)
    assert await desk.find(stop.stop) == stop


async def test_no_limit_goes_out_after_it_also_none_that_an_operator_ordered() -> None:
    world = World(evening())
    for house in world.field.houses[:6]:
        house.ev_kw = 11.0
    await world.tick(2)
    world.field.unreachable = True
    long = world.clock.now() + timedelta(hours=2)
    await world.daemon.operate(
        FEEDER, "limit", None, "Bob", "x", limit_kw=4.2, until=long, targets=["EV00", "EV01", "EV02"]
    )
    await world.tick()
    for house in world.field.houses:
        house.base_kw = 9.0  # no room: the load flow lets nobody go
    await world.tick()
    sent = len(world.field.commands)
    await world.daemon.desks.orders.stop([FEEDER], "staggered", "fire", ANN)
    world.field.unreachable = False
    await world.tick(4)
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "fire is out")
    await world.tick(4)
    ordered = {"EV00", "EV01", "EV02"}
    late = [
        c for c in world.field.commands[sent:] if c.device in ordered and c.end >= long - timedelta(hours=1)
    ]
    assert late == []


async def test_while_it_holds_the_last_moment_before_sending_lets_no_limit_through() -> None:
    world = await overloaded()
    long = world.clock.now() + timedelta(hours=2)
    await world.daemon.operate(FEEDER, "limit", "EV00", "Bob", "x", limit_kw=4.2, until=long)
    await world.tick(2)
    for house in world.field.houses:
        house.base_kw = 9.0
    await world.daemon.desks.orders.stop([FEEDER], "staggered", "fire", ANN)
    world.field.holders["EV00"] = Field(world.clock).holders["EV00"]  # restarted, it holds nothing
    sent = len(world.field.commands)
    await world.tick(5)
    assert [c for c in world.field.commands[sent:] if c.end > world.clock.now()] == []


async def test_staggered_it_frees_at_once_who_was_given_up_and_holds_all_the_same() -> None:
    world = World(evening())
    for house in world.field.houses[:6]:
        house.ev_kw = 11.0
    await world.tick(2)
    send, messages = world.field.send, world.field.messages

    async def send_and_lose_the_answer(command: LimitCommand) -> None:
        await send(command)
        world.field.answers.clear()

    def without_status() -> list[Inbound]:
        return [one for one in messages() if not isinstance(one, DeviceStatus) or one.device != "EV00"]

    world.field.send, world.field.messages = send_and_lose_the_answer, without_status  # type: ignore[method-assign]
    long = world.clock.now() + timedelta(hours=3)
    await world.daemon.operate(FEEDER, "limit", "EV00", "Bob", "x", limit_kw=4.2, until=long)
    await world.tick(30)
    assert {r.state for r in world.daemon.books.unsettled(FEEDER)} == {"unanswered"}
    assert set(world.field.held()) == {"EV00"}
    await world.daemon.desks.orders.stop([FEEDER], "staggered", "fire", ANN)
    await turns()
    assert world.field.held() == {}


async def test_staggered_all_are_free_in_time_also_where_every_pass_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await overloaded()
    for house in world.field.houses:
        house.base_kw = 9.0
    await world.tick()

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the pass fails")

    monkeypatch.setattr("controller.passes.decide", fails)
    long = world.clock.now() + timedelta(hours=2)
    await world.daemon.operate(FEEDER, "limit", "EV00", "Bob", "x", limit_kw=4.2, until=long)
    stop = await world.daemon.desks.orders.stop([FEEDER], "staggered", "fire", ANN)
    while world.clock.now() < all_free_by(stop, world.of):
        await world.tick()
    assert world.field.held() == {}


@pytest.mark.parametrize("manner", ["at_once", "staggered"])
async def test_no_more_reach_outlives_it(manner: Manner) -> None:
    world = await overloaded()
    desk, keeper = world.daemon.desks.orders, world.daemon.desks.orders.keeper
    now = world.clock.now()
    draft = OrderDrafted(
        at=now,
        draft="M",
        feeder=FEEDER,
        action="more_reach",
        who="automatic",
        why="x",
        person=False,
        needed=2,
        expires_at=now + timedelta(seconds=100),
        epoch=keeper.epoch,
        grants_s=3600.0,
    )
    await keeper.write((draft,))
    await desk.confirm("M", ANN)
    await desk.confirm("M", Giver("Bob", person=True))
    assert world.daemon.books.order_book.has_more_reach(FEEDER, now)
    await desk.stop([FEEDER], manner, "fire", ANN)
    assert not world.daemon.books.order_book.has_more_reach(FEEDER, now)
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "fire is out")
    assert not world.daemon.books.order_book.has_more_reach(FEEDER, now)


async def test_nothing_asks_for_more_reach_while_it_holds_and_nobody_can_grant_it() -> None:
    world = await overloaded()
    desk, keeper = world.daemon.desks.orders, world.daemon.desks.orders.keeper
    await desk.stop([FEEDER], "at_once", "fire", ANN)
    await world.tick()
    now, books = world.clock.now(), world.daemon.books
    held = {FEEDER: HeldBack(now, 3, ("feeder_budget",))}
    assert list(drafts_of_more(books, held, world.of.orders, epoch=keeper.epoch, now=now)) == []
    with pytest.raises(StopHolds):
        desk.judge.check_stop(FEEDER, "more_reach")


async def test_what_its_drafts_were_foreseen_to_do_is_forgotten() -> None:
    world = await overloaded()
    desk = world.daemon.desks.orders
    record = await desk.draft(FEEDER, ProposedOrder("release_all"), "x", ANN)
    await desk.stop([FEEDER], "staggered", "fire", ANN)
    assert desk.seen.get(record.draft) == (0, None)


class HangingStore:
    """Commits and epochs that are not answered, until `answer`; then they fail."""

    def __init__(self) -> None:
        self.hangs, self.asked = False, 0
        self._answered = asyncio.Event()

    async def offload(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if self.hangs and getattr(function, "__name__", "") in ("commit", "epoch"):
            self.asked += 1
            await self._answered.wait()
            raise StoreUnavailable("no answer")
        return function(*args, **named)

    def answer(self) -> None:
        self._answered.set()


async def held_with(store: HangingStore) -> World:
    world = World(evening(), offload=store.offload)
    world.charge()
    await world.tick(8)
    assert len(world.field.held()) > 4
    return world


async def test_a_round_that_waits_for_a_store_that_hangs_holds_up_nobodys_release() -> None:
    store = HangingStore()
    world = await held_with(store)
    store.hangs = True
    world.field.speak(world.daemon.intake.deliver)
    cycle = asyncio.create_task(world.daemon.cycle())
    await turns()
    assert store.asked == 1
    stop = asyncio.create_task(world.daemon.desks.orders.stop([FEEDER], "at_once", "fire", ANN))
    await turns()
    assert (world.field.held(), store.asked, stop.done()) == ({}, 1, False)
    store.answer()
    await asyncio.gather(cycle, stop)
    assert world.daemon.books.order_book.stopped(FEEDER) == stop.result()
    store.hangs = False
    await world.tick(2)
    assert world.field.held() == {}
    assert world.entries(EmergencyStopped) == [stop.result()]


async def test_where_the_store_is_out_of_order_a_stop_waits_for_it_once_and_its_releases_never() -> None:
    store = HangingStore()
    world = await held_with(store)
    world.daemon.desks.orders.keeper.store_fault = "no answer"
    store.hangs = True
    stop = asyncio.create_task(world.daemon.desks.orders.stop([FEEDER], "at_once", "fire", ANN))
    await turns()
    assert (world.field.held(), stop.done()) == ({}, False)
    store.answer()
    await stop
    assert store.asked == 1


async def test_a_round_under_way_asks_nobody_once_a_stop_was_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, rounds_until_asked = World(evening()), 0
    first.charge()
    while not first.field.held():
        await first.tick()
        rounds_until_asked += 1
    world = World(evening())
    world.charge()
    stops: list[asyncio.Task[Any]] = []
    sent: list[Any] = []
    decide, hand_over = world.daemon._rounds._decide, world.daemon._dispatch._hand_over

    async def pressed_meanwhile(now: datetime) -> Any:
        if rounds == rounds_until_asked:
            stop = world.daemon.desks.orders.stop([FEEDER], "at_once", "fire", ANN)
            stops.append(asyncio.create_task(stop))
            await turns()
        return await decide(now)

    async def watched(message: Any) -> None:
        sent.append(message)
        await hand_over(message)

    monkeypatch.setattr(world.daemon._rounds, "_decide", pressed_meanwhile)
    monkeypatch.setattr(world.daemon._dispatch, "_hand_over", watched)
    for rounds in range(1, rounds_until_asked + 1):  # noqa: B007 - read by the round
        await world.tick()
    await asyncio.gather(*stops)
    await turns()
    assert [message for message in sent if message.end > world.clock.now()] == []
    assert world.field.held() == {}
