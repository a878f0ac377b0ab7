"""The desk: whatever is asked again, at once or after a crash, happens once and never overdraws."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from controller.entries import FactReported, LedgerPosted, RedemptionMoved
from controller.rewards import ledger, redemptions
from controller.rewards.reward_errors import (
    AlreadyDecided,
    BudgetShort,
    IdTaken,
    NotDue,
    NotEnough,
    NotOffered,
    RewardRefused,
    UnknownReward,
)
from controller.stores.port import StoreUnavailable
from tests.builders import Crash
from tests.controller.rewards.reward_worlds import CURRENCY, REWARDS, START, DeskWorld


@pytest.fixture
async def world() -> DeskWorld:
    return await DeskWorld().start()


def day(month: int, number: int, hour: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, number, hour, tzinfo=UTC)


async def report(world: DeskWorld, fact: str = "F1", customer: str = "C", **told: object) -> int | None:
    values: dict[str, object] = {"kind": "bill_paid_on_time", "occurred_at": START}
    return await world.desk.report_fact(fact=fact, customer=customer, **(values | told))  # type: ignore[arg-type]


async def redeem(
    world: DeskWorld, item: str = "lamp", name: str = "X", customer: str = "C"
) -> RedemptionMoved:
    return await world.desk.redeem(redemption=name, customer=customer, item=item, who="portal")


# --- facts


async def test_a_fact_earns_once(world: DeskWorld) -> None:
    assert await report(world) == 50
    length = world.entries()
    assert await report(world) is None
    assert (world.points("C"), world.entries()) == (50, length)
    with pytest.raises(IdTaken, match="another content"):
        await report(world, occurred_at=START - timedelta(days=1))
    assert world.entries() == length


async def test_a_fact_is_written_in_one_commit_with_what_it_earns(world: DeskWorld) -> None:
    commits = world.store.commits
    await report(world)
    assert world.store.commits == commits + 1
    posted, fact = [one.entry for one in world.store.replay()][-2:]
    assert isinstance(posted, LedgerPosted)
    assert isinstance(fact, FactReported)
    assert posted.key == "evening/fact/F1/on-time/v1"
    assert posted.counts_for == "on-time/2026-Q1"


async def test_a_fact_that_no_rule_rewards_is_known_all_the_same(world: DeskWorld) -> None:
    assert await report(world, kind="moved_house") == 0
    assert await report(world, kind="moved_house") is None
    assert await report(world, "F2", kind="took_part") == 0  # not before March
    world.at(day(3, 1))
    assert await report(world, "F3", kind="took_part", occurred_at=day(3, 1)) == 10


async def test_whole_units_of_an_amount_earn_and_the_rest_does_not(world: DeskWorld) -> None:
    paid = {"kind": "bill_paid", "currency": CURRENCY}
    assert await report(world, "F1", amount_minor_units=1_299, **paid) == 24
    assert await report(world, "F2", amount_minor_units=99, **paid) == 0
    for wrong in ({"currency": "CHF-rappen"}, {"amount_minor_units": None}, {"amount_minor_units": -1}):
        with pytest.raises(NotDue, match="expected an amount in EUR-cent"):
            await report(world, "F4", **(paid | {"amount_minor_units": 500} | wrong))


async def test_a_cap_holds_in_its_period_and_cuts_the_last_one(world: DeskWorld) -> None:
    assert [await report(world, f"F{n}") for n in range(4)] == [50, 50, 20, 0]
    world.at(day(4, 2))
    assert await report(world, "F5", occurred_at=day(3, 31)) == 0  # it counts when it happened
    assert await report(world, "F6", occurred_at=day(4, 1)) == 50


@pytest.mark.parametrize(("earned", "points"), [(299, 50), (300, 52), (999, 52), (1_000, 62)])
async def test_a_tier_adds_its_bonus_rounded_down(world: DeskWorld, earned: int, points: int) -> None:
    await world.credit("C", earned)
    assert await report(world) == points


async def test_a_tier_looks_back_on_twelve_months(world: DeskWorld) -> None:
    await world.credit("C", 1_000)
    world.at(day(1, 31, year=2027))
    assert await report(world, "F1", occurred_at=world.clock.now()) == 62
    world.at(day(2, 1, year=2027))
    assert await report(world, "F2", occurred_at=world.clock.now()) == 50


async def test_facts_that_are_too_old_or_ahead_of_time(world: DeskWorld) -> None:
    for wrong in (START + timedelta(hours=2), day(12, 31, year=2024)):
        with pytest.raises(NotDue):
            await report(world, occurred_at=wrong)
    assert await report(world, occurred_at=day(1, 1, year=2025)) == 50


async def test_a_fact_that_the_budget_cannot_pay_can_be_reported_again() -> None:
    world = await DeskWorld(rewards=replace(REWARDS, budget_points=60)).start()
    assert await report(world, "F1") == 50
    with pytest.raises(BudgetShort, match="10 are left"):
        await report(world, "F2")
    await world.desk.top_up(top_up="T", unit="points", amount=40, who="controlling")
    assert await report(world, "F2") == 50
    assert world.desk.accounts.budget_left("evening", "points", 60) == 0


# --- redemptions


async def test_points_for_a_gift(world: DeskWorld) -> None:
    await world.credit("C", 250)
    moved = await redeem(world)
    assert (moved.state, moved.points, moved.deadline) == ("pending", 100, START + timedelta(days=10))
    assert world.points("C") == 150
    done = await world.desk.fulfil("X", who="shop", reason="handed over")
    assert done.state == "fulfilled"
    assert world.desk.accounts.balance(ledger.REDEEMED, "points") == 100
    assert world.desk.accounts.balances_of("redemption:X") == {}


async def test_what_is_voided_is_given_back(world: DeskWorld) -> None:
    await world.credit("C", 250)
    await redeem(world, "credit")
    assert world.desk.accounts.balance("programme:evening:budget", CURRENCY) == -150
    await world.desk.void("X", who="shop", reason="out of stock")
    assert (world.points("C"), world.money("C")) == (250, 0)
    assert world.desk.accounts.balance("programme:evening:budget", CURRENCY) == 0


async def test_a_bill_credit_is_money(world: DeskWorld) -> None:
    await world.credit("C", 250)
    await redeem(world, "credit")
    await world.desk.fulfil("X", who="billing", reason="on the next bill")
    assert (world.points("C"), world.money("C")) == (50, 150)


async def test_the_same_asked_again_is_answered_as_it_stands(world: DeskWorld) -> None:
    await world.credit("C", 250)
    first = await redeem(world)
    length = world.entries()
    assert await redeem(world) == first
    done = await world.desk.fulfil("X", who="a", reason="b")
    assert await world.desk.fulfil("X", who="c", reason="d") == done
    assert (await redeem(world)).state == "fulfilled"
    assert world.entries() == length + 2
    with pytest.raises(IdTaken):
        await redeem(world, "cinema")
    with pytest.raises(IdTaken):
        await redeem(world, customer="D")
    with pytest.raises(AlreadyDecided, match="is fulfilled since"):
        await world.desk.void("X", who="a", reason="b")
    with pytest.raises(UnknownReward):
        await world.desk.void("Y", who="a", reason="b")
    assert world.entries() == length + 2


@pytest.mark.parametrize(
    ("item", "error", "said"),
    [
        ("spoon", UnknownReward, "expected one of lamp, cinema"),
        ("credit", NotEnough, "expected 200 points, C has 199"),
        ("golden", NotOffered, "for gold and above"),
        ("summer", NotOffered, "from 2026-06-01"),
        ("past", NotOffered, "to 2025-12-31"),
    ],
)
async def test_what_is_not_to_be_had(
    world: DeskWorld, item: str, error: type[RewardRefused], said: str
) -> None:
    await world.credit("C", 199)
    length = world.entries()
    with pytest.raises(error, match=said):
        await redeem(world, item)
    assert world.entries() == length


async def test_the_last_piece_is_had_once_and_a_voided_one_again(world: DeskWorld) -> None:
    await world.credit("C", 600)
    await redeem(world, "cinema", "X1")
    await redeem(world, "cinema", "X2")
    with pytest.raises(NotOffered, match="all 2 are taken"):
        await redeem(world, "cinema", "X3")
    await world.desk.void("X1", who="a", reason="b")
    assert (await redeem(world, "cinema", "X3")).state == "pending"


async def test_a_customer_that_is_not_supplied_is_not_known() -> None:
    world = await DeskWorld(customers=frozenset({"C"})).start()
    with pytest.raises(UnknownReward, match="no customer 'D'"):
        await redeem(world, customer="D")
    with pytest.raises(UnknownReward, match="no customer 'D'"):
        await report(world, customer="D")


async def test_who_has_something_in_the_accounts_is_known_although_not_supplied_any_more() -> None:
    world = await DeskWorld(customers=frozenset({"C"})).start()
    await world.credit("gone", 300, 50)
    await world.credit("paid", 0, 50)
    await world.desk.pay_out(payout="P")
    assert world.desk.knows("gone")
    assert world.desk.knows("paid")  # nothing left, but a statement to ask for
    assert not world.desk.knows("D")
    assert (await redeem(world, customer="gone")).state == "pending"
    assert await report(world, customer="gone") == 52


async def test_no_pending_redemption_outlives_its_deadline(world: DeskWorld) -> None:
    await world.credit("C", 250)
    await redeem(world)
    world.at(START + timedelta(days=10, seconds=-1))
    await world.desk.housekeep()
    assert world.points("C") == 150
    world.at(START + timedelta(days=10))
    with pytest.raises(AlreadyDecided, match="its deadline was"):
        await world.desk.fulfil("X", who="a", reason="b")
    assert await world.desk.void_overdue() == 1
    assert world.points("C") == 250
    assert await world.desk.void_overdue() == 0


# --- expiry


async def test_points_expire_when_their_quarter_is_over_by_so_many_months(world: DeskWorld) -> None:
    await world.credit("C", 100)
    world.at(day(4, 1))
    await world.credit("C", 30)
    world.at(day(9, 30, 23))
    assert await world.desk.expire_due() == 0
    world.at(day(10, 1, 0))
    assert await world.desk.expire_due() == 1
    assert world.points("C") == 30
    posted = [one.entry for one in world.store.replay()][-1]
    assert isinstance(posted, LedgerPosted)
    assert posted.key == "points/C/expired/2026-10"
    assert posted.reason == "expired: earned before 2026-04 and not used"
    assert await world.desk.expire_due() == 0
    await (world := await world.start()).desk.expire_due()
    assert world.points("C") == 30


async def test_what_was_used_does_not_expire(world: DeskWorld) -> None:
    await world.credit("C", 100)
    await redeem(world)
    world.at(day(10, 1))
    assert await world.desk.expire_due() == 0
    await world.desk.void("X", who="a", reason="b")
    assert await world.desk.expire_due() == 1  # as old as they were


async def test_points_given_back_after_this_month_s_expiry_stay_until_the_next(world: DeskWorld) -> None:
    await world.credit("C", 150)
    world.at(day(9, 28))
    await redeem(world)
    world.at(day(10, 2))
    assert await world.desk.expire_due() == 1
    await world.desk.void("X", who="a", reason="b")
    assert await world.desk.expire_due() == 0
    assert world.points("C") == 100
    world.at(day(11, 1))
    assert await world.desk.expire_due() == 1
    assert world.points("C") == 0


async def test_many_expire_in_parts_and_the_turn_is_free_between(world: DeskWorld) -> None:
    for number in range(450):
        await world.credit(f"C{number:03d}", 1)
    world.at(day(10, 1))
    commits = world.store.commits
    assert await world.desk.expire_due() == 450
    assert world.store.commits == commits + 3


async def test_points_that_have_expired_cannot_be_used_before_the_hour_is_over(world: DeskWorld) -> None:
    await world.credit("C", 150)
    world.at(day(10, 1, 0))
    with pytest.raises(NotEnough, match="expected 100 points, C has 0"):
        await redeem(world)
    assert world.points("C") == 150  # refused, so nothing was written; the hourly work takes them
    await world.credit("C", 110)
    commits = world.store.commits
    await redeem(world)
    assert (world.points("C"), world.store.commits) == (10, commits + 1)
    assert world.desk.accounts.balance(ledger.EXPIRED, "points") == 150
    assert await world.desk.expire_due() == 0


async def test_one_that_is_refused_does_not_stop_the_others_nor_the_rest(world: DeskWorld) -> None:
    for number in range(450):
        await world.credit(f"C{number:03d}", 150)
    for name in ("X", "Y"):
        await redeem(world, name=name, customer="C449")
        await world.credit("C449", 100, key=f"more {name}")
    taken = [("points/C007/expired/2026-10", "C007"), ("redemption/X/ended", "C449")]
    for key, customer in taken:
        await world.credit(customer, 0, 1, key=key)
    world.at(day(10, 1))
    with capture_logs() as logs:
        await world.desk.housekeep()
    assert {one.state for n in "XY" if (one := world.desk.accounts.redemption(n))} == {"pending", "voided"}
    assert [world.points(f"C{number:03d}") for number in (6, 7, 8, 448)] == [0, 150, 0, 0]
    assert [one["one"] for one in logs if one["event"] == "not_done_by_itself"] == ["X", "C007"]


# --- at once, and after a crash


async def test_eight_redemptions_at_once_do_not_overdraw(world: DeskWorld) -> None:
    await world.credit("C", 350)
    found = await world.gather(*(redeem(world, "lamp", f"X{n}") for n in range(8)))
    assert Counter(type(one) for one in found) == {RedemptionMoved: 3, NotEnough: 5}
    assert world.points("C") == 50


async def test_eight_of_the_same_at_once_are_one(world: DeskWorld) -> None:
    await world.credit("C", 350)
    found = await world.gather(*(redeem(world) for _ in range(8)))
    assert {one.redemption for one in found if isinstance(one, RedemptionMoved)} == {"X"}
    assert len(found) == 8
    assert world.points("C") == 250
    ends = [world.desk.fulfil("X", who="a", reason="b"), world.desk.void("X", who="a", reason="b")] * 4
    states = Counter(getattr(one, "state", type(one).__name__) for one in await world.gather(*ends))
    assert states == {"fulfilled": 4, "AlreadyDecided": 4}


async def test_eight_at_once_share_a_budget_and_a_stock() -> None:
    world = await DeskWorld(rewards=replace(REWARDS, budget_points=130, budget_minor_units=400)).start()
    facts = await world.gather(*(report(world, f"F{n}", f"C{n}") for n in range(8)))
    assert Counter(type(one) for one in facts) == {int: 2, BudgetShort: 6}
    await world.desk.top_up(top_up="T", unit="points", amount=10**6, who="w")
    for number in range(8):
        await world.credit(f"D{number}", 500)
    bills = await world.gather(*(redeem(world, "credit", f"X{n}", f"D{n}") for n in range(8)))
    assert Counter(type(one) for one in bills) == {RedemptionMoved: 2, BudgetShort: 6}
    coupons = await world.gather(*(redeem(world, "cinema", f"Y{n}", f"D{n}") for n in range(8)))
    assert Counter(type(one) for one in coupons) == {RedemptionMoved: 2, NotOffered: 6}


async def test_nothing_is_done_while_the_store_is_out_of_order(world: DeskWorld) -> None:
    await world.credit("C", 350, 5)
    world.store.broken = True
    for call in (redeem(world), report(world), world.desk.pay_out(payout="P")):
        with pytest.raises(StoreUnavailable):
            await call
    world.store.broken = False
    assert world.points("C") == 350
    assert world.desk.accounts.redemption("X") is None
    assert (await redeem(world)).state == "pending"


async def story(world: DeskWorld) -> None:
    """Everything the desk does, in an order that goes on wherever it was cut off."""
    await world.credit("C", 400, 75, key="first")
    await report(world, "F1")
    await redeem(world, "credit", "X1")
    await redeem(world, "cinema", "X2")
    await world.desk.fulfil("X1", who="a", reason="b")
    await world.desk.void("X2", who="a", reason="b")
    await world.desk.top_up(top_up="T", unit="points", amount=5, who="a")
    await world.desk.pay_out(payout="P")
    world.at(day(10, 1))
    await world.desk.housekeep()


async def test_a_crash_at_any_commit_and_doing_all_again_changes_nothing() -> None:
    whole = await DeskWorld().start()
    first = whole.store.commits
    await story(whole)
    last, expected = whole.store.commits, whole.desk.accounts.balances()
    assert last - first == 9
    for commit in range(first + 1, last + 1):
        for when in ("before", "after"):
            world = await DeskWorld().start()
            world.store.die_at = (commit, when)
            with pytest.raises(Crash):
                await story(world)
            world.store.dead, world.store.die_at = False, None
            await world.start()  # as another process: nothing is left but the store
            world.at(START)
            await story(world)
            await story(world)
            assert world.desk.accounts.balances() == expected, (commit, when)
            posted = [e.entry.key for e in world.store.replay() if isinstance(e.entry, LedgerPosted)]
            assert len(posted) == len(set(posted))
            world.store.close()


async def test_a_restart_knows_all_that_was_known(world: DeskWorld) -> None:
    await story(world)
    before = world.desk.accounts
    await world.start()
    assert world.desk.accounts == before


# --- money out


async def test_a_payout_takes_all_money_once(world: DeskWorld) -> None:
    await world.credit("C", 0, 75)
    await world.credit("D", 10, 9)
    assert await world.desk.pay_out(payout="2026-01", least=10)
    await world.credit("C", 0, 30)
    assert await world.desk.pay_out(payout="2026-01", least=10)  # as it was booked
    assert (world.money("C"), world.money("D")) == (30, 9)
    assert world.desk.accounts.balance("payout:2026-01", CURRENCY) == 75
    assert await world.desk.pay_out(payout="2026-02")
    assert not await world.desk.pay_out(payout="2026-03")


async def test_a_top_up_with_another_content_is_refused(world: DeskWorld) -> None:
    await world.desk.top_up(top_up="T", unit=CURRENCY, amount=5, who="a")
    length = world.entries()
    await world.desk.top_up(top_up="T", unit=CURRENCY, amount=5, who="a")
    with pytest.raises(IdTaken, match="booked already, with another content"):
        await world.desk.top_up(top_up="T", unit=CURRENCY, amount=6, who="a")
    with pytest.raises(UnknownReward, match="expected points or EUR-cent"):
        await world.desk.top_up(top_up="U", unit="CHF-rappen", amount=6, who="a")
    assert world.entries() == length


async def test_both_ends_of_a_redemption_have_one_key(world: DeskWorld) -> None:
    await world.credit("C", 250)
    await redeem(world, "credit")
    accounts, now = world.desk.accounts, world.clock.now()
    kept, _ = redemptions.fulfilled(accounts, "X", who="a", reason="b", now=now)
    back, _ = redemptions.voided(accounts, "X", who="a", reason="b", now=now)
    assert kept.key == back.key == "redemption/X/ended"
    assert kept.postings != back.postings
