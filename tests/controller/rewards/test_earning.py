"""What a fact earns, by rules, tiers and budget."""

from datetime import UTC, datetime

import pytest

from controller.entries import FactReported
from controller.rewards.accounts import Accounts
from controller.rewards.earning import earned_by
from controller.rewards.reward_errors import BudgetShort
from controller.rewards.reward_rules import Earning, Tier
from controller.settings import Rewards

NOW = datetime(2026, 3, 12, 18, tzinfo=UTC)
TWO_RULES = (
    Earning(rule="on-time", fact="bill_paid", points=50),
    Earning(rule="paid", fact="bill_paid", points_per_unit=2),
)


def paid(at: datetime = NOW, occurred_at: datetime = NOW, fact: str = "F1") -> FactReported:
    """A bill of 20.99 euros."""
    return FactReported(
        at=at,
        fact=fact,
        customer="C01",
        kind="bill_paid",
        amount_minor_units=2099,
        currency="EUR-cent",
        occurred_at=occurred_at,
    )


@pytest.mark.parametrize(("budget_points", "fits"), [(90, True), (89, False)])
def test_the_budget_must_do_for_all_rules_of_a_fact_together(budget_points: int, fits: bool) -> None:
    rewards = Rewards(earning=TWO_RULES, budget_points=budget_points)
    if fits:
        assert [one.postings[1][2] for one in earned_by(paid(), rewards, Accounts())] == [50, 40]
    else:
        with pytest.raises(BudgetShort, match="90 points, 89 are left"):
            earned_by(paid(), rewards, Accounts())


def test_the_bonus_is_of_the_tier_at_the_time_of_the_report() -> None:
    """What was earned more than twelve months before it gives no bonus to a fact that is told late."""
    rewards = Rewards(
        earning=TWO_RULES[:1],
        tier=(Tier(tier="silver", from_points=50, bonus_percent=10),),
        budget_points=500,
    )
    accounts = Accounts()
    long_ago = datetime(2025, 2, 10, tzinfo=UTC)
    for posted in earned_by(paid(long_ago, long_ago), rewards, accounts):
        accounts.post(posted)
    late = paid(occurred_at=datetime(2026, 2, 10, tzinfo=UTC), fact="F2")
    assert [one.postings[1][2] for one in earned_by(late, rewards, accounts)] == [50]
    in_time = paid(datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC), fact="F2")
    assert [one.postings[1][2] for one in earned_by(in_time, rewards, accounts)] == [55]
