"""What a reported fact earns by the earning rules: a bill paid on time, an amount paid, taking part. Pure.

One rounding rule: with the bonus of the customer's tier, points are rounded down to whole ones, once per fact
and rule. Then a rule's cap cuts them to what is left of it in the period of the fact. A fact that the budget
cannot pay is refused whole, so that it can be reported again after a top-up.
"""

from datetime import timedelta

from controller.entries import FactReported, LedgerPosted
from controller.rewards import ledger
from controller.rewards.accounts import KEEP_FACT_MONTHS, Accounts
from controller.rewards.money import decimals_of
from controller.rewards.months import month_of, period_name
from controller.rewards.reward_errors import BudgetShort, NotDue
from controller.rewards.reward_rules import Earning, is_valid, tier_of
from controller.settings import Rewards

MOST_AHEAD = timedelta(hours=1)
"""that a fact's own time may be ahead of ours: the clock of whoever reports it"""


def check_time(fact: FactReported) -> None:
    """Raise NotDue for a fact of the future, or one so old that nobody knows any more whether it was told."""
    if fact.occurred_at > fact.at + MOST_AHEAD:
        raise NotDue(f"expected a fact of the past, it is of {fact.occurred_at.isoformat()}")
    if month_of(fact.occurred_at) < month_of(fact.at) - KEEP_FACT_MONTHS:
        found = fact.occurred_at.isoformat()
        raise NotDue(f"expected a fact of the last {KEEP_FACT_MONTHS} months, it is of {found}")


def earned_by(fact: FactReported, rewards: Rewards, accounts: Accounts) -> tuple[LedgerPosted, ...]:
    """The transactions that a fact earns, one for each rule that pays; to be written before the fact.

    Raises NotDue and BudgetShort.
    """
    rules = [rule for rule in rewards.earning if rule.fact == fact.kind and is_valid(rule, fact.occurred_at)]
    paid = [(rule, points) for rule in rules if (points := _points(rule, fact, rewards, accounts)) > 0]
    _check_budget(sum(points for _, points in paid), rewards, accounts)
    return tuple(
        LedgerPosted(
            at=fact.at,
            key=f"{rewards.programme}/fact/{fact.fact}/{rule.rule}/{ledger.RULE}",
            postings=(
                (ledger.budget_account(rewards.programme), ledger.POINTS, -points),
                (ledger.customer_account(fact.customer), ledger.POINTS, points),
            ),
            reason=fact.kind.replace("_", " "),
            request=None,
            counts_for=_counts_for(rule, fact),
        )
        for rule, points in paid
    )


def _points(rule: Earning, fact: FactReported, rewards: Rewards, accounts: Accounts) -> int:
    points = rule.points + rule.points_per_unit * _whole_units(rule, fact, rewards)
    if rule.tier_bonus:
        earned = accounts.points_of(fact.customer).earned_lately(month_of(fact.at))
        tier = tier_of(rewards.tier, earned)
        points = points * (100 + (0 if tier is None else tier.bonus_percent)) // 100
    if rule.cap_points is not None:
        points = min(points, rule.cap_points - accounts.counted(fact.customer, _counts_for(rule, fact)))
    return max(points, 0)


def _whole_units(rule: Earning, fact: FactReported, rewards: Rewards) -> int:
    """Whole units of the currency, such as euros, in the fact's amount."""
    if not rule.points_per_unit:
        return 0
    if fact.amount_minor_units is None or fact.amount_minor_units < 0:
        raise NotDue(f"{fact.kind}: expected an amount in {rewards.currency}, 0 or more")
    if fact.currency != rewards.currency:
        raise NotDue(f"{fact.kind}: expected an amount in {rewards.currency}, got {fact.currency}")
    return int(fact.amount_minor_units // 10 ** decimals_of(rewards.currency))


def _counts_for(rule: Earning, fact: FactReported) -> str:
    return f"{rule.rule}/{period_name(fact.occurred_at, rule.cap_period)}"


def _check_budget(points: int, rewards: Rewards, accounts: Accounts) -> None:
    if points and rewards.budget_points is not None:
        left = accounts.budget_left(rewards.programme, ledger.POINTS, rewards.budget_points)
        if points > left:
            raise BudgetShort(f"{rewards.programme}: expected a budget of {points} points, {left} are left")
