"""Orders in two steps on a running daemon: drafted, agreed to by whom it takes, carried out once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from controller import settings
from controller.entries import (
    CommandTaken,
    OperatorActed,
    OrderAgreed,
    OrderClosed,
    OrderDrafted,
    RequestPlanned,
)
from controller.order_effects import NotNow, ProposedOrder, WhatIf
from controller.orders.effects_kept import EffectsKept
from controller.orders.giving import CommandKey, Giver
from controller.orders.more_reach import HeldBack
from controller.orders.order_desk import OrderDesk
from controller.orders.order_errors import (
    AnotherNeeded,
    EffectChanged,
    NotOpen,
    PersonNeeded,
    TooManyOpen,
    TwoStepsNeeded,
    UnknownOrder,
)
from controller.rounds import Rounds
from controller.stores.port import StoreUnavailable
from tests.builders import FEEDER, Crash
from tests.controller.worlds import World, evening
from tests.fair_time import turns

ANN, BOB = Giver("Ann", person=True), Giver("Bob", person=True)
SCADA = Giver("token:scada", person=False)
LIMIT = ProposedOrder("limit", targets=("EV03", "EV04"), limit_kw=4.2)
TWO = settings.Orders(two_person=("limit", "automatic_on"))


async def charging(**tables: object) -> tuple[World, OrderDesk]:
    """Six chargers at work, no overload."""
    world = World(evening(**tables))
    for house in world.field.houses[:6]:
        house.ev_kw = 11.0
    await world.tick(2)
    return world, world.daemon.desks.orders


def acts(world: World) -> list[OperatorActed]:
    return world.entries(OperatorActed)


async def test_a_draft_tells_its_effect_and_does_nothing() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    await world.tick(2)
    assert world.field.held() == {}
    assert acts(world) == []
    number, effect = desk.seen.get(record.draft)
    assert number == 1
    assert effect is not None
    assert effect.curtailed_kw == pytest.approx(13.6, abs=0.1)
    [drafted] = world.entries(OrderDrafted)
    assert (drafted.who, drafted.why, drafted.needed) == ("Ann", "cable 3", 1)
    assert drafted.expires_at - drafted.at == timedelta(minutes=2)
    assert drafted.before_percent is not None
    assert drafted.after_percent is not None
    assert drafted.after_percent < drafted.before_percent


async def test_confirmed_it_is_carried_out_once_in_one_commit() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    done = await desk.confirm(record.draft, ANN)
    await world.tick(2)
    assert set(world.field.held()) == {"EV03", "EV04"}
    assert done.state == "carried_out"
    [act] = acts(world)
    assert (act.who, act.why, act.draft, act.agreed_by) == ("Ann", "cable 3", record.draft, ())
    with pytest.raises(NotOpen, match="carried out"):
        await desk.confirm(record.draft, ANN)
    assert len(world.entries(RequestPlanned)) == 2
    assert done.acted == act


async def test_of_two_who_confirm_at_once_one_carries_it_out() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    ended = await asyncio.gather(
        *(desk.confirm(record.draft, giver) for giver in (ANN, BOB, SCADA)), return_exceptions=True
    )
    assert sum(isinstance(one, NotOpen) for one in ended) == 2
    assert len(acts(world)) == 1


async def test_two_different_persons_where_the_rule_says_so() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    assert desk.judge.needed(record) == 2
    for alone in (ANN, Giver("ann", person=True)):
        with pytest.raises(AnotherNeeded, match="agreed already"):
            await desk.confirm(record.draft, alone)
    with pytest.raises(PersonNeeded, match="account"):
        await desk.confirm(record.draft, SCADA)
    assert acts(world) == []
    await desk.confirm(record.draft, BOB)
    [act] = acts(world)
    assert (act.who, act.agreed_by) == ("Ann", ("Bob",))
    assert [told.text for told in world.daemon.told() if told.entry == "operator_acted"][-1].endswith(
        "(cable 3, agreed by Bob)"
    )


async def test_what_a_program_drafts_takes_two_persons_more() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", SCADA)
    waiting = await desk.confirm(record.draft, ANN)
    assert waiting.state == "open"
    assert acts(world) == []
    with pytest.raises(AnotherNeeded):
        await desk.confirm(record.draft, ANN)
    assert (await desk.confirm(record.draft, BOB)).state == "carried_out"
    assert [one.who for one in world.entries(OrderAgreed)] == ["Ann", "Bob"]


async def test_a_large_reach_takes_two_also_in_small_orders_within_a_minute() -> None:
    """16 chargers of 11 kW are 176 kW; two of them limited give up 13.6 kW, which is 7.7 %."""
    world, desk = await charging(orders=settings.Orders(two_person_above_percent=10.0))
    first = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    second = await desk.draft(FEEDER, replace(LIMIT, targets=("EV00", "EV01")), "cable 3", ANN)
    assert desk.judge.needed(first) == desk.judge.needed(second) == 1
    await desk.confirm(first.draft, ANN)
    with pytest.raises(AnotherNeeded, match="last minute"):
        await desk.confirm(second.draft, ANN)
    assert len(acts(world)) == 1
    with pytest.raises(AnotherNeeded, match="two persons"):
        await world.daemon.operate(
            FEEDER,
            "limit",
            None,
            "Ann",
            "x",
            limit_kw=4.2,
            targets=("EV00", "EV01"),
            warrant=desk.direct(ANN),
        )
    assert (await desk.confirm(second.draft, BOB)).state == "carried_out"
    assert len(acts(world)) == 2


async def test_what_frees_people_never_waits_for_a_second_person() -> None:
    world, desk = await charging(orders=replace_all(TWO))
    for action in ("automatic_off", "release_all"):
        await world.daemon.operate(FEEDER, action, None, "Ann", "x", warrant=desk.direct(ANN))
        record = await desk.draft(FEEDER, ProposedOrder(action), "x", ANN)
        assert (await desk.confirm(record.draft, ANN)).state == "carried_out"
    with pytest.raises(AnotherNeeded):
        await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "x", warrant=desk.direct(ANN))
    assert not world.daemon.books.automatic(FEEDER)


def replace_all(rules: settings.Orders) -> settings.Orders:
    """The strictest there is."""
    return settings.Orders(two_person=(*rules.two_person, "include"), two_person_above_percent=0.0)


async def test_nobody_confirms_what_has_expired() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    await world.clock.sleep(120)
    with pytest.raises(NotOpen, match="expired"):
        await desk.confirm(record.draft, ANN)
    assert (await desk.find(record.draft)) == record
    await world.tick()
    [closed] = world.entries(OrderClosed)
    assert (closed.outcome, closed.draft) == ("expired", record.draft)
    assert acts(world) == []


async def test_withdrawn_it_is_over() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    over = await desk.withdraw(record.draft, "mended", BOB)
    assert over.closed is not None
    assert (over.state, over.closed.who, over.closed.why) == ("withdrawn", "Bob", "mended")
    for end in (desk.confirm(record.draft, ANN), desk.withdraw(record.draft, "again", ANN)):
        with pytest.raises(NotOpen):
            await end
    with pytest.raises(UnknownOrder):
        await desk.confirm("O-nothing", ANN)
    assert acts(world) == []


async def test_a_draft_does_not_outlive_its_controller() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    world.daemon = world.start()
    await world.daemon.start()
    with pytest.raises(NotOpen, match="started again"):
        await world.daemon.desks.orders.confirm(record.draft, ANN)
    await world.tick()
    [closed] = world.entries(OrderClosed)
    assert (closed.outcome, closed.why) == ("void", "the controller was started again")
    assert "Order void" in world.daemon.told()[-1].text or any(
        "Order void" in told.text for told in world.daemon.told()
    )


async def test_a_feeder_that_changed_must_be_looked_at_again() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    for house in world.field.houses[6:14]:
        house.ev_kw = 11.0
    await world.tick()
    with pytest.raises(EffectChanged, match="highest loading"):
        await desk.confirm(record.draft, ANN)
    assert acts(world) == []
    assert desk.seen.get(record.draft)[0] == 2
    with pytest.raises(EffectChanged, match="newer forecast"):
        await desk.confirm(record.draft, ANN, seen=1)
    assert (await desk.confirm(record.draft, ANN, seen=2)).state == "carried_out"


async def test_a_release_is_carried_out_whatever_has_changed() -> None:
    world, desk = await charging()
    await world.daemon.operate(FEEDER, "limit", None, "Ann", "x", limit_kw=4.2, targets=("EV03", "EV04"))
    await world.tick(2)
    record = await desk.draft(FEEDER, ProposedOrder("release_all"), "mended", ANN)
    for house in world.field.houses[6:14]:
        house.ev_kw = 11.0
    await world.tick()
    await desk.confirm(record.draft, ANN)
    await asyncio.sleep(0)
    await world.tick()
    assert world.field.held() == {}


async def test_a_journal_that_cannot_be_written_takes_no_draft_but_lets_go() -> None:
    world, desk = await charging()
    await world.daemon.operate(FEEDER, "limit", "EV03", "Ann", "x", limit_kw=4.2)
    await world.tick()
    freeing = await desk.draft(FEEDER, ProposedOrder("release", "EV03"), "x", ANN)
    limiting = await desk.draft(FEEDER, LIMIT, "x", ANN)
    world.store.broken = True
    with pytest.raises(StoreUnavailable):
        await desk.draft(FEEDER, LIMIT, "x", ANN)
    with pytest.raises(StoreUnavailable):
        await desk.confirm(limiting.draft, ANN)
    assert (await desk.confirm(freeing.draft, ANN)).state == "carried_out"
    await turns()
    assert world.field.held() == {}
    world.store.broken = False
    assert (await desk.confirm(limiting.draft, ANN)).state == "carried_out"
    outcomes = [(closed.draft, closed.outcome) for closed in world.entries(OrderClosed)]
    assert outcomes == [(freeing.draft, "carried_out"), (limiting.draft, "carried_out")]


@pytest.mark.parametrize(("dies", "carried_out"), [("before", 0), ("after", 1)])
async def test_dying_at_the_confirmation_it_is_done_once_or_not_at_all(dies: str, carried_out: int) -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, LIMIT, "x", ANN)
    world.store.die_at = (world.store.commits + 1, dies)
    with pytest.raises(Crash):
        await desk.confirm(record.draft, ANN)
    world.daemon = world.start()
    await world.daemon.start()
    with pytest.raises(NotOpen):
        await world.daemon.desks.orders.confirm(record.draft, ANN)
    assert len(acts(world)) == carried_out
    await world.tick(2)
    assert len(world.field.held()) == 2 * carried_out


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.orders.order_desk.MOST_OPEN", 4)
    _, desk = await charging()
    off = ProposedOrder("automatic_off")
    records = [await desk.draft(FEEDER, off, "x", ANN) for _ in range(4)]
    assert len({record.draft for record in records}) == 4
    with pytest.raises(TooManyOpen):
        await desk.draft(FEEDER, off, "x", ANN)
    await desk.withdraw(records[0].draft, "x", ANN)
    await desk.draft(FEEDER, off, "x", ANN)


@pytest.mark.parametrize("excluded", ["EV03", "C03"])
async def test_whoever_was_excluded_since_is_not_limited_by_an_older_draft(excluded: str) -> None:
    world, desk = await charging()
    two = await desk.draft(FEEDER, LIMIT, "x", ANN)
    alone = await desk.draft(FEEDER, replace(LIMIT, targets=("EV03",)), "x", ANN)
    await world.daemon.operate(FEEDER, "exclude", excluded, "Bob", "life support")
    with pytest.raises(EffectChanged, match="EV03"):
        await desk.confirm(two.draft, ANN)
    for _ in range(2):  # an order for it alone would limit it whatever stands
        with pytest.raises(EffectChanged, match="excluded by Bob since"):
            await desk.confirm(alone.draft, ANN)
    await desk.confirm(two.draft, ANN)
    await world.tick()
    assert set(world.field.held()) == {"EV04"}


async def test_what_can_no_longer_be_meant_has_failed() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, replace(LIMIT, targets=("EV03",)), "x", ANN)
    world.clock.passed_s += 100
    world.field.houses[3].ev_kw = 0.0
    with pytest.raises((ValueError, EffectChanged)):
        await desk.confirm(record.draft, ANN)
    assert world.field.held() == {}


async def test_keys_stand_beside_what_was_done_and_survive() -> None:
    world, desk = await charging()
    draft_key, act_key = CommandKey("Ann", "k1", "f1"), CommandKey("Ann", "k2", "f2")
    record = await desk.draft(FEEDER, LIMIT, "x", replace(ANN, command=draft_key))
    await desk.confirm(record.draft, ANN)
    act = await world.daemon.operate(
        FEEDER, "exclude", "EV05", "Ann", "x", warrant=desk.direct(replace(ANN, command=act_key))
    )
    world.daemon = world.start()
    again = world.daemon.desks.orders
    first, second = await again.command("Ann", "k1"), await again.command("Ann", "k2")
    assert isinstance(first, CommandTaken)
    assert (first.did, first.about, first.fingerprint) == ("draft", record.draft, "f1")
    assert isinstance(second, CommandTaken)
    assert await again.find(second.about) == act
    assert await again.command("Bob", "k1") is None


async def test_of_two_persons_who_confirm_at_the_same_time_the_second_carries_it_out() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", SCADA)
    await asyncio.gather(desk.confirm(record.draft, ANN), desk.confirm(record.draft, BOB))
    await world.tick(2)
    assert len(acts(world)) == 1
    assert set(world.field.held()) == {"EV03", "EV04"}
    assert desk.judge.record(record.draft).acted == acts(world)[0]


async def test_the_same_where_the_second_person_is_found_to_be_needed_only_then() -> None:
    world, desk = await charging(orders=settings.Orders(two_person_above_percent=10.0))
    first = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    second = await desk.draft(FEEDER, replace(LIMIT, targets=("EV00", "EV01")), "cable 3", SCADA)
    await desk.confirm(first.draft, ANN)
    await asyncio.gather(
        desk.confirm(second.draft, BOB), desk.confirm(second.draft, Giver("Cat", person=True))
    )
    await world.tick(2)
    assert desk.judge.record(second.draft).state == "carried_out"
    assert set(world.field.held()) == {"EV00", "EV01", "EV03", "EV04"}


async def test_in_one_step_the_same_is_counted_as_in_two() -> None:
    """Chargers that take 3 kW now and may take 11 kW: a limit at 4.2 kW takes 6.8 kW from each."""
    world = World(evening(orders=settings.Orders(two_person_above_percent=10.0)))
    for house in world.field.houses[:16]:
        house.ev_kw = 3.0
    await world.tick(3)
    desk = world.daemon.desks.orders
    names = tuple(f"EV{number:02d}" for number in range(16))
    record = await desk.draft(FEEDER, ProposedOrder("limit", targets=names, limit_kw=4.2), "x", ANN)
    assert desk.judge.needed(record) == 2
    with pytest.raises(AnotherNeeded, match="two persons"):
        await world.daemon.operate(
            FEEDER, "limit", None, "Ann", "x", limit_kw=4.2, targets=names, warrant=desk.direct(ANN)
        )
    assert acts(world) == []


async def test_an_effect_that_nobody_saw_is_shown_before_the_order_goes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, desk = await charging()
    foresee = Rounds.foresee

    async def busy(*_: object, **__: object) -> WhatIf:
        raise NotNow("ask again")

    monkeypatch.setattr(Rounds, "foresee", busy)
    record = await desk.draft(FEEDER, LIMIT, "x", ANN)
    assert desk.seen.get(record.draft) == (1, None)
    monkeypatch.setattr(Rounds, "foresee", foresee)
    with pytest.raises(EffectChanged, match="was not foreseen"):
        await desk.confirm(record.draft, ANN, seen=1)
    number, effect = desk.seen.get(record.draft)
    assert number == 2
    assert effect is not None
    monkeypatch.setattr(Rounds, "foresee", busy)
    with pytest.raises(EffectChanged, match="cannot be foreseen"):
        await desk.confirm(record.draft, ANN, seen=2)
    assert desk.seen.get(record.draft) == (2, effect), "what is known is kept"
    assert acts(world) == []
    monkeypatch.setattr(Rounds, "foresee", foresee)
    assert (await desk.confirm(record.draft, ANN, seen=2)).state == "carried_out"


async def test_drafts_of_the_automatic_take_nobodys_place_and_nobody_takes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("controller.orders.order_desk.MOST_OPEN", 4)
    monkeypatch.setattr("controller.orders.order_desk.MOST_OPEN_EACH", 2)
    world, desk = await charging()
    held = {f"F{n}": HeldBack(world.clock.now(), 1, ("fleet_budget",)) for n in range(2, 9)}
    monkeypatch.setattr(Rounds, "held_back", held)
    await desk.round()
    assert len(world.daemon.books.order_book.open_drafts()) == 7
    off = ProposedOrder("automatic_off")
    for _ in range(2):
        await desk.draft(FEEDER, off, "x", SCADA)
    with pytest.raises(TooManyOpen, match="token:scada"):
        await desk.draft(FEEDER, off, "x", SCADA)
    await desk.draft(FEEDER, off, "x", ANN)


async def test_a_clock_that_is_set_back_gives_no_draft_more_time() -> None:
    world, desk = await charging()
    record = await desk.draft(FEEDER, ProposedOrder("automatic_on"), "x", ANN)
    world.clock.passed_s -= 3600
    with pytest.raises(NotOpen, match="clock was set back"):
        await desk.confirm(record.draft, BOB)
    await desk.round()
    assert desk.judge.record(record.draft).state == "void"


async def test_limits_are_raised_in_two_steps_only_whose_preview_shows_what_comes_back() -> None:
    world = World(evening(orders=settings.Orders(two_person_above_percent=5.0)))
    world.charge()
    await world.tick(8)
    held = tuple(sorted(world.field.held()))
    desk = world.daemon.desks.orders
    order = ProposedOrder("limit", targets=held, limit_kw=10.9)
    with pytest.raises(TwoStepsNeeded, match="drafted"):
        await world.daemon.operate(
            FEEDER, "limit", None, "Ann", "x", limit_kw=10.9, targets=held, warrant=desk.direct(ANN)
        )
    assert acts(world) == []
    record = await desk.draft(FEEDER, order, "x", ANN)
    effect = desk.seen.get(record.draft)[1]
    assert effect is not None
    assert "new_violations" in {one.code for one in effect.cautions}
    assert (await desk.confirm(record.draft, ANN)).state == "carried_out"


async def test_the_agreement_of_who_may_not_operate_any_more_does_not_count() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    waiting = await desk.confirm(record.draft, BOB, lost={"Ann"})
    assert (waiting.state, acts(world)) == ("open", [])
    assert desk.judge.agreed(waiting) == ("Bob",)
    with pytest.raises(AnotherNeeded, match="Bob has agreed"):
        await desk.confirm(record.draft, BOB, lost={"Ann"})
    await desk.confirm(record.draft, Giver("Cat", person=True), lost={"Ann"})
    [act] = acts(world)
    assert act.agreed_by == ("Bob", "Cat")
    await world.tick(2)
    assert set(world.field.held()) == {"EV03", "EV04"}


async def test_it_counts_again_once_they_may() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", SCADA)
    await desk.confirm(record.draft, ANN)
    await desk.confirm(record.draft, BOB, lost={"Ann"})
    assert acts(world) == []
    await desk.confirm(record.draft, Giver("Cat", person=True))
    [act] = acts(world)
    assert act.agreed_by == ("Ann", "Bob", "Cat")


async def test_what_turned_out_of_a_draft_is_forgotten_with_it() -> None:
    _, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    await desk.confirm(record.draft, BOB, lost={"Ann"})
    await desk.withdraw(record.draft, "x", BOB)
    assert desk.seen.lost(record.draft) == frozenset()


async def test_what_is_foreseen_too_late_of_a_draft_that_was_withdrawn_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, desk = await charging()
    foresee, go_on = Rounds.foresee, asyncio.Event()

    async def busy(*_: object) -> WhatIf:
        raise NotNow("busy")

    async def slow(*args: object) -> WhatIf:
        await go_on.wait()
        return await foresee(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Rounds, "foresee", busy)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    monkeypatch.setattr(Rounds, "foresee", slow)
    confirming = asyncio.create_task(desk.confirm(record.draft, ANN))
    await turns()
    await desk.withdraw(record.draft, "x", BOB)
    go_on.set()
    with pytest.raises(EffectChanged, match="was not foreseen"):
        await confirming
    assert desk.seen.get(record.draft) == (0, None)
    with pytest.raises(NotOpen):
        await desk.confirm(record.draft, ANN)


def test_of_what_is_over_or_was_never_drafted_nothing_is_kept() -> None:
    is_open = {"O-1"}
    kept = EffectsKept(is_open.__contains__)
    for draft in ("O-1", "O-2"):
        kept.put(draft, None)
        kept.needs(draft, 2)
        kept.lose(draft, frozenset({"Ann"}))
    assert (kept.get("O-1"), kept.needed("O-1"), kept.lost("O-1")) == ((1, None), 2, {"Ann"})
    assert (kept.get("O-2"), kept.needed("O-2"), kept.lost("O-2")) == ((0, None), 1, frozenset())
    is_open.clear()
    kept.needs("O-1", 3)
    assert kept.needed("O-1") == 2, "until it is forgotten what is known stands"
    kept.forget("O-1")
    kept.needs("O-1", 2)
    assert kept.needed("O-1") == 1


async def test_each_refusal_has_a_code() -> None:
    world, desk = await charging(orders=TWO)
    record = await desk.draft(FEEDER, LIMIT, "cable 3", ANN)
    with pytest.raises(AnotherNeeded) as has_agreed:
        await desk.confirm(record.draft, ANN)
    with pytest.raises(PersonNeeded) as no_person:
        await desk.confirm(record.draft, SCADA)
    with pytest.raises(EffectChanged) as newer:
        await desk.confirm(record.draft, BOB, seen=7)
    with pytest.raises(UnknownOrder) as unknown:
        await desk.find("O-none")
    world.clock.passed_s += 121
    with pytest.raises(NotOpen) as late:
        await desk.confirm(record.draft, BOB)
    refused = (has_agreed, no_person, newer, unknown, late)
    assert [one.value.code for one in refused] == [
        "has_agreed",
        "person_needed",
        "effect_newer",
        "unknown_order",
        "expired",
    ]
