"""Balances, lots, facts and redemptions as the journal tells them; and what it can never tell."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from controller.books import Books
from controller.entries import FactReported, LedgerPosted, RedemptionMoved
from controller.errors import BooksBroken
from controller.rewards import ledger
from controller.rewards.accounts import KEEP_FACT_MONTHS, Accounts
from controller.rewards.ledger import Posting
from controller.settings import Rewards

JANUARY = datetime(2026, 1, 12, 18, tzinfo=UTC)
BUDGET, OWN, HELD = "programme:p:budget", "customer:C", "redemption:X"


def month(number: int) -> datetime:
    """The 12th of a month, 1 for January 2026."""
    return JANUARY.replace(year=2026 + (number - 1) // 12, month=(number - 1) % 12 + 1)


def posted(*postings: Posting, at: datetime = JANUARY, **told: object) -> LedgerPosted:
    values: dict[str, object] = {"key": "k", "reason": "", "request": None}
    return LedgerPosted(at=at, postings=postings, **(values | told))  # type: ignore[arg-type]


def move(source: str, target: str, points: int, at: datetime = JANUARY, **told: object) -> LedgerPosted:
    return posted((source, "points", -points), (target, "points", points), at=at, **told)


def step(state: str, points: int = 50, at: datetime = JANUARY, **told: object) -> RedemptionMoved:
    values: dict[str, object] = {
        "redemption": "X",
        "customer": "C",
        "item": "lamp",
        "who": "w",
        "reason": "r",
    }
    return RedemptionMoved(at=at, points=points, state=state, **(values | told))  # type: ignore[arg-type]


def fact(at: datetime = JANUARY, **told: object) -> FactReported:
    values: dict[str, object] = {
        "fact": "F", "customer": "C", "kind": "paid", "amount_minor_units": 5, "currency": "EUR-cent",
        "occurred_at": at,
    }  # fmt: skip
    return FactReported(at=at, **(values | told))  # type: ignore[arg-type]


def accounts_of(*entries: LedgerPosted | FactReported | RedemptionMoved) -> Accounts:
    books = Books()
    books.apply_all(entries)
    return books.accounts


def test_balances_are_the_sums_of_all_postings() -> None:
    money = posted((BUDGET, "EUR-cent", -30), (OWN, "EUR-cent", 30))
    told = [move(BUDGET, OWN, 100), money, move(BUDGET, OWN, 23), move(OWN, "points:expired", 123)]
    accounts = accounts_of(*told)
    assert accounts.balances_of(OWN) == {"EUR-cent": 30}
    assert accounts.balance(BUDGET, "points") == -123
    assert accounts.balances() == {place: n for place, n in ledger.balances(told).items() if n}
    assert accounts.sums() == {"points": 0, "EUR-cent": 0}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([posted((BUDGET, "points", -1), (OWN, "points", 2))], "do not sum to zero"),
        ([move(BUDGET, OWN, 10), move(OWN, HELD, 11)], "takes customer:C down to -1 points"),
        ([posted((OWN, "EUR-cent", -1), ("payout:1", "EUR-cent", 1))], "down to -1 EUR-cent"),
        ([move(HELD, OWN, 1)], "takes redemption:X down"),
        ([move("points:expired", OWN, 1)], "takes points:expired down"),
        ([step("pending")], "0 points are held"),
        ([step("fulfilled")], "it is not known"),
        (
            [move(BUDGET, OWN, 50), move(OWN, HELD, 50), step("pending"), step("fulfilled")],
            "50 points are held",
        ),
        ([fact(), fact()], "fact F is reported twice"),
    ],
)
def test_what_cannot_be(entries: list[LedgerPosted | RedemptionMoved], said: str) -> None:
    books = Books()
    books.apply_all(entries[:-1])
    before = books.fork()
    with pytest.raises(BooksBroken, match=said):
        books.apply(entries[-1])
    assert books == before


HOLD = (move(BUDGET, OWN, 120), move(OWN, HELD, 50), step("pending"))


@pytest.mark.parametrize("first", ["fulfilled", "voided"])
@pytest.mark.parametrize("then", ["pending", "fulfilled", "voided"])
def test_a_redemption_ends_once(first: str, then: str) -> None:
    target = "points:redeemed" if first == "fulfilled" else OWN
    ended = (*HOLD, move(HELD, target, 50), step(first))
    accounts = accounts_of(*ended)
    assert accounts.balance(OWN, "points") == (70 if first == "fulfilled" else 120)
    assert accounts.taken("lamp") == (1 if first == "fulfilled" else 0)
    assert list(accounts.pending()) == []
    again = (move(OWN, HELD, 50), step(then)) if then == "pending" else (step(then),)
    with pytest.raises(BooksBroken, match="redemption X is"):
        accounts_of(*ended, *again)


def test_a_redemption_is_pending_with_its_points_held() -> None:
    accounts = accounts_of(*HOLD)
    assert [one.redemption for one in accounts.pending()] == ["X"]
    assert (accounts.balance(HELD, "points"), accounts.taken("lamp")) == (50, 1)
    with pytest.raises(BooksBroken, match="as another"):
        accounts_of(*HOLD, move(HELD, OWN, 50), step("voided", customer="D"))


def test_the_oldest_points_are_used_first_and_given_back_as_old_as_they_were() -> None:
    earned = [
        move(BUDGET, OWN, 40, month(1)),
        move(BUDGET, OWN, 40, month(2)),
        move(BUDGET, OWN, 40, month(3)),
    ]
    held = accounts_of(*earned, move(OWN, HELD, 50, month(4)), step("pending", at=month(4)))
    january = month(1).year * 12
    assert held.points_of("C").lots == ((january + 1, 30), (january + 2, 40))
    back = (move(HELD, OWN, 50, month(5)), step("voided", at=month(5)))
    again = accounts_of(*earned, move(OWN, HELD, 50, month(4)), step("pending", at=month(4)), *back)
    assert again.points_of("C").lots == ((january, 40), (january + 1, 40), (january + 2, 40))
    assert again.left_before(january + 2) == 80
    assert again.with_points_before(january + 1) == ["C"]
    assert again.with_points_before(january) == []


def test_a_correction_may_take_back_what_is_used_and_the_next_credits_pay_it() -> None:
    spent = (*HOLD, move(HELD, "points:redeemed", 50), step("fulfilled"))
    back = move(OWN, BUDGET, 100, month(2), corrects="k")
    assert accounts_of(*spent, back).balance(OWN, "points") == -30
    assert accounts_of(*spent, back).points_of("C").lots == ()
    after = accounts_of(*spent, back, move(BUDGET, OWN, 45, month(3)))
    assert after.balance(OWN, "points") == 15
    assert after.points_of("C").lots == ((2026 * 12 + 2, 15),)
    assert after.left_before(2027 * 12) == 15


def test_points_given_back_pay_a_debt_as_well() -> None:
    back = (move(OWN, BUDGET, 120, corrects="k"), move(HELD, OWN, 50), step("voided"))
    accounts = accounts_of(*HOLD, *back)
    assert (accounts.balance(OWN, "points"), accounts.points_of("C").lots) == (0, ())


def test_a_tier_looks_back_on_what_was_earned_not_on_what_is_left() -> None:
    accounts = accounts_of(
        *HOLD, move(BUDGET, OWN, 30, month(13)), move(OWN, BUDGET, 10, month(13), corrects="k")
    )
    held = accounts.points_of("C")
    january = 2026 * 12
    assert held.earned_lately(january + 12) == 140
    assert held.earned_lately(january + 13) == 20  # what was redeemed was earned all the same
    later = accounts_of(*HOLD, move(BUDGET, OWN, 30, month(14))).points_of("C")
    assert later.earned == ((january + 13, 30),)


def test_a_fact_is_known_until_no_such_old_one_is_taken_any_more() -> None:
    books = Books()
    books.apply(fact())
    books.apply(fact(month(1 + KEEP_FACT_MONTHS), fact="G"))
    assert books.accounts.fact("F") is not None
    books.apply(fact(month(2 + KEEP_FACT_MONTHS), fact="H"))
    assert books.accounts.fact("F") is None
    assert books.accounts.fact("G") is not None


def test_what_a_cap_counts() -> None:
    counted = [
        move(BUDGET, OWN, 40, counts_for="r/2026"),
        move(BUDGET, OWN, 5, month(3), counts_for="r/2026"),
        move(BUDGET, OWN, 7, month(3), counts_for="r/2027"),
    ]
    assert accounts_of(*counted).counted("C", "r/2026") == 45
    assert accounts_of(*counted).counted("D", "r/2026") == 0


def test_the_budget_that_is_left() -> None:
    rewards = Rewards(programme="p")
    topped = ledger.top_up(at=JANUARY, programme="p", top_up="1", unit="points", amount=70, who="w")
    accounts = accounts_of(move(BUDGET, OWN, 100), topped)
    assert accounts.budget_left(rewards.programme, "points", 50) == 20


def test_a_fork_shares_nothing_that_is_written_later() -> None:
    books = Books()
    books.apply_all((*HOLD, fact()))
    forked = books.fork()
    assert forked == books
    more = (
        move(HELD, OWN, 50, month(2)),
        step("voided"),
        fact(month(2), fact="G"),
        move(BUDGET, OWN, 9, month(2)),
    )
    forked.apply_all(more)
    assert books.accounts.balance(OWN, "points") == 70
    assert books.accounts.fact("G") is None
    assert forked != books
    books.apply_all((move(BUDGET, OWN, 1), fact(fact="Z")))
    assert forked.accounts.fact("Z") is None
    assert forked.accounts.balance(OWN, "points") == 129


def test_books_of_100_000_customers_are_copied_in_a_blink() -> None:
    books = Books()
    for number in range(100_000):
        books.accounts._balances[f"customer:C{number}", "points"] = number
        books.accounts._redemptions[f"X{number}"] = HOLD[2]
    least = min(_seconds(books.fork) for _ in range(20))
    assert least < 0.001
    assert books.fork().accounts.balance("customer:C99999", "points") == 99_999


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_days_do_not_matter_months_do() -> None:
    end = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    accounts = accounts_of(move(BUDGET, OWN, 1, end), move(BUDGET, OWN, 2, end + timedelta(seconds=1)))
    assert accounts.points_of("C").lots == ((2026 * 12, 1), (2026 * 12 + 1, 2))
