"""A programme as an operator sees it: what a verified kWh earns, and how much of the budget is left. Pure."""

from dataclasses import dataclass

from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.reward_rules import Earning, Expiry, Tier
from controller.settings import Rewards


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one programme in one unit."""

    unit: str
    given: int
    """by top-ups"""
    used: int
    """credited to customers, less what came back"""
    cap: int | None
    """so far below what was given it may go; None: any depth"""
    left: int | None
    """None: without end"""


@dataclass(frozen=True, slots=True)
class ProgrammeView:
    """One programme."""

    programme: str
    currency: str
    points_per_kwh: int
    minor_units_per_kwh: int
    interval_s: float
    dispute_days: int
    redemption_days: int
    budgets: tuple[Budget, ...]
    earning: tuple[Earning, ...]
    tiers: tuple[Tier, ...]
    expiry: Expiry | None


def programme_view(accounts: Accounts, rewards: Rewards) -> ProgrammeView:
    """The site's programme as the accounts stand."""
    caps = ((ledger.POINTS, rewards.budget_points), (rewards.currency, rewards.budget_minor_units))
    return ProgrammeView(
        programme=rewards.programme,
        currency=rewards.currency,
        points_per_kwh=rewards.points_per_kwh,
        minor_units_per_kwh=rewards.minor_units_per_kwh,
        interval_s=rewards.interval_s,
        dispute_days=rewards.dispute_days,
        redemption_days=rewards.redemption_days,
        budgets=tuple(_budget(accounts, rewards.programme, unit, cap) for unit, cap in caps),
        earning=rewards.earning,
        tiers=rewards.tier,
        expiry=rewards.expiry,
    )


def _budget(accounts: Accounts, programme: str, unit: str, cap: int | None) -> Budget:
    """A top-up moves from the funding account into the budget, a credit from the budget to a customer."""
    given = -accounts.balance(ledger.funding_account(programme), unit)
    stands = accounts.balance(ledger.budget_account(programme), unit)
    left = None if cap is None else accounts.budget_left(programme, unit, cap)
    return Budget(unit=unit, given=given, used=given - stands, cap=cap, left=left)
