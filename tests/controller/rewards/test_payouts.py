"""Payouts: one id, one content, one list; in parts, and whole after whatever crash."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from controller.entries import LedgerPosted, PayoutMoved
from controller.errors import BooksBroken
from controller.rewards import payouts
from controller.rewards.accounts import Accounts
from controller.rewards.reward_errors import IdTaken
from controller.stores.port import StoreUnavailable
from tests.builders import Crash
from tests.controller.rewards.reward_worlds import CURRENCY, START, DeskWorld


@pytest.fixture
async def world() -> DeskWorld:
    return await DeskWorld().start()


def listed(world: DeskWorld, payout: str = "P") -> list[tuple[str, str, int]]:
    """What the list for the bank is made from."""
    told = [one.entry for one in world.store.replay()]
    return payouts.payments([one for one in told if isinstance(one, LedgerPosted)], payout)


async def test_the_same_id_with_another_least_is_refused(world: DeskWorld) -> None:
    await world.credit("C", 0, 75)
    await world.credit("D", 0, 9)
    assert await world.desk.pay_out(payout="P", least=10)
    length = world.entries()
    with pytest.raises(IdTaken, match="payout P is known already, with another content"):
        await world.desk.pay_out(payout="P", least=1)
    assert await world.desk.pay_out(payout="P", least=10)
    assert (world.money("D"), world.entries()) == (9, length)


async def test_an_empty_payout_takes_its_id_too(world: DeskWorld) -> None:
    assert not await world.desk.pay_out(payout="P")
    await world.credit("C", 0, 75)
    length = world.entries()
    assert not await world.desk.pay_out(payout="P")
    with pytest.raises(IdTaken):
        await world.desk.pay_out(payout="P", least=2)
    assert (world.money("C"), world.entries()) == (75, length)
    await world.start()
    assert not await world.desk.pay_out(payout="P")


async def many(world: DeskWorld, monkeypatch: pytest.MonkeyPatch, customers: int = 7) -> None:
    monkeypatch.setattr(payouts, "AT_ONCE", 3)
    for number in range(customers):
        await world.credit(f"C{number}", 0, 10 + number)


async def test_many_are_paid_in_parts_and_the_turn_is_free_between(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(world, monkeypatch)
    commits, seen = world.store.commits, set[int]()

    paying = asyncio.create_task(world.desk.pay_out(payout="P"))
    while not paying.done():
        async with world.turn:
            seen.add(world.store.commits - commits)
        await asyncio.sleep(0)
    assert await paying
    assert world.store.commits == commits + 3
    assert {1, 2} <= seen
    assert listed(world) == [(f"C{n}", CURRENCY, 10 + n) for n in range(7)]


async def test_cut_off_anywhere_it_goes_on_and_pays_everybody_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for commit in (1, 2, 3):
        for when in ("before", "after"):
            world = await DeskWorld().start()
            await many(world, monkeypatch, customers=8)
            world.store.die_at = (world.store.commits + commit, when)
            with pytest.raises(Crash):
                await world.desk.pay_out(payout="P", least=11)
            world.store.dead, world.store.die_at = False, None
            await world.start()  # as another process: nothing is left but the store
            world.clock.passed_s += 60
            await world.credit("C1", 0, 500)  # meanwhile: it may be paid already, then it is for the next
            await world.credit("C5", 0, 500)
            if (commit, when) != (1, "before"):  # else nothing of it was begun
                with pytest.raises(IdTaken):
                    await world.desk.pay_out(payout="P", least=12)
            assert await world.desk.pay_out(payout="P", least=11)
            found = listed(world)
            assert [one[0] for one in found] == [f"C{n}" for n in range(1, 8)], (commit, when)
            left = sum(world.money(f"C{n}") for n in range(8))
            assert sum(one[2] for one in found) + left == 108 + 1_000
            length = world.entries()
            assert await world.desk.pay_out(payout="P", least=11)
            assert (listed(world), world.entries()) == (found, length)
            world.store.close()


async def test_what_was_begun_is_finished_by_itself(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(world, monkeypatch)
    world.store.die_at = (world.store.commits + 2, "before")
    with pytest.raises(Crash):
        await world.desk.pay_out(payout="P")
    world.store.dead, world.store.die_at = False, None
    await world.start()
    assert len(listed(world)) == 3
    await world.desk.housekeep()
    assert len(listed(world)) == 7
    assert world.desk.accounts.payouts.begun() == []


async def test_one_that_is_refused_does_not_stop_the_others(world: DeskWorld) -> None:
    await world.credit("C", 0, 75)
    await world.credit("D", 0, 5, key="payout/P/1")
    await world.keeper.write((moved("begun", 6), replace(moved("begun", 7), payout="Q")))
    await world.desk.housekeep()
    assert world.desk.accounts.payouts.begun() == ["P"]
    assert (world.money("C"), world.desk.accounts.balance("payout:Q", CURRENCY)) == (0, 75)


async def test_eight_of_the_same_at_once_are_one(world: DeskWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    await many(world, monkeypatch)
    found = await world.gather(*(world.desk.pay_out(payout="P") for _ in range(8)))
    assert found == [True] * 8
    assert listed(world) == [(f"C{n}", CURRENCY, 10 + n) for n in range(7)]


async def test_a_store_out_of_order_stops_it_and_the_same_again_goes_on(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(world, monkeypatch)
    world.store.broken = True
    with pytest.raises(StoreUnavailable):
        await world.desk.pay_out(payout="P")
    world.store.broken = False
    assert await world.desk.pay_out(payout="P")
    assert len(listed(world)) == 7


def moved(state: str, least: int = 1) -> PayoutMoved:
    return PayoutMoved(at=START, payout="P", currency=CURRENCY, least=least, state=state)  # type: ignore[arg-type]


def test_what_a_journal_can_never_tell_of_a_payout() -> None:
    accounts = Accounts()
    with pytest.raises(BooksBroken, match="is booked, but it is not begun"):
        accounts.payouts.move(moved("booked"))
    accounts.payouts.move(moved("begun"))
    with pytest.raises(BooksBroken, match="is begun twice"):
        accounts.payouts.move(moved("begun"))
    with pytest.raises(BooksBroken, match="as another than it was"):
        accounts.payouts.move(moved("booked", least=2))
    accounts.payouts.move(moved("booked"))
    with pytest.raises(BooksBroken, match="is booked twice"):
        accounts.payouts.move(moved("booked"))
    late = LedgerPosted(
        at=START + timedelta(days=1),
        key="payout/P/1",
        postings=(("programme:p:budget", CURRENCY, -5), ("payout:P", CURRENCY, 5)),
        reason="",
        request=None,
    )
    with pytest.raises(BooksBroken, match="payout P is booked, nothing more can be paid by it"):
        accounts.post(late)
    assert accounts.balances() == {}


async def test_a_payout_of_a_journal_that_told_no_terms_stays_as_it_is(world: DeskWorld) -> None:
    await world.credit("C", 0, 75)
    postings = (("customer:C", CURRENCY, -70), ("payout:P", CURRENCY, 70))
    booked = LedgerPosted(at=START, key="payout/P/1", postings=postings, reason="paid out: P", request=None)
    await world.keeper.write((booked,))
    length = world.entries()
    assert await world.desk.pay_out(payout="P", least=5)
    assert (world.money("C"), world.entries()) == (5, length)
