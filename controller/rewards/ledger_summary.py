"""The ledger in a few lines: what all accounts of one kind hold together, and that everything sums to zero.
Pure.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from controller.rewards import ledger

Group = Literal[
    "customers", "budgets", "funding", "held_for_redemptions", "redeemed", "expired", "payouts", "other"
]


@dataclass(frozen=True, slots=True)
class GroupSum:
    """All accounts of one kind, in one unit."""

    group: Group
    unit: str
    accounts: int
    """that are not empty"""
    amount: int


@dataclass(frozen=True, slots=True)
class LedgerSummary:
    """The ledger as it stands."""

    groups: tuple[GroupSum, ...]
    sums: dict[str, int]
    """unit → sum over all accounts: zero each, or something is very wrong (L1)"""


def group_of(account: str) -> Group:
    """By the account's name."""
    if ledger.is_customer(account):
        return "customers"
    if ledger.is_budget(account):
        return "budgets"
    if ledger.is_redemption(account):
        return "held_for_redemptions"
    if ledger.payout_of(account) is not None:
        return "payouts"
    if ledger.is_programme(account):
        return "funding"
    return {ledger.REDEEMED: "redeemed", ledger.EXPIRED: "expired"}.get(account, "other")  # type: ignore[return-value]


def summary(balances: Iterable[tuple[tuple[str, str], int]]) -> LedgerSummary:
    """Of (account, unit) → amount; adds up itself, and trusts no running sum."""
    amounts: Counter[tuple[Group, str]] = Counter()
    accounts: Counter[tuple[Group, str]] = Counter()
    sums: Counter[str] = Counter()
    for (account, unit), amount in balances:
        group = group_of(account)
        amounts[group, unit] += amount
        accounts[group, unit] += 1
        sums[unit] += amount
    groups = tuple(
        GroupSum(group, unit, accounts[group, unit], amounts[group, unit]) for group, unit in sorted(accounts)
    )
    return LedgerSummary(groups, dict(sums))
