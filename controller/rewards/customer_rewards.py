"""What customers see of their rewards: balances, tier, what expires next, what is pending; the catalogue.

Pure values for the API and the command line, made from the accounts and the rules.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controller.entries import RedemptionMoved
from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.expiry import next_expiry
from controller.rewards.months import month_name, month_of
from controller.rewards.reward_rules import is_valid, tier_of
from controller.settings import Rewards


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer's rewards as they stand."""

    customer: str
    balances: dict[str, int]
    """unit → balance; no zeros, negative only after a correction of what was used already"""
    tier: str | None
    earned_points: int
    """in this calendar month and the twelve before: what the tier goes by"""
    next_tier: str | None
    points_to_next_tier: int | None
    expiring_points: int | None
    """the next that expire, ..."""
    expiring_on: str | None
    """... and the day on which they are gone; None when none ever do"""
    pending: tuple[RedemptionMoved, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """One item that can be had now."""

    item: str
    kind: Literal["gift", "coupon", "bill_credit"]
    points: int
    names: dict[str, str]
    minor_units: int
    currency: str
    from_tier: str | None
    left: int | None
    """pieces; None: as many as are wanted"""
    valid_until: str | None


def tier(accounts: Accounts, rewards: Rewards, customer: str, now: datetime) -> tuple[str | None, int]:
    """A customer's tier, and the points earned in this calendar month and the twelve before."""
    earned = accounts.points_of(customer).earned_lately(month_of(now))
    found = tier_of(rewards.tier, earned)
    return None if found is None else found.tier, earned


def standing(accounts: Accounts, rewards: Rewards, customer: str, now: datetime) -> Standing:
    """A customer's; one who never earned anything has empty ones."""
    own, earned = tier(accounts, rewards, customer, now)
    higher = sorted((one.from_points, one.tier) for one in rewards.tier if one.from_points > earned)
    expiring = None if rewards.expiry is None else next_expiry(accounts, rewards.expiry, customer)
    return Standing(
        customer=customer,
        balances=accounts.balances_of(ledger.customer_account(customer)),
        tier=own,
        earned_points=earned,
        next_tier=higher[0][1] if higher else None,
        points_to_next_tier=higher[0][0] - earned if higher else None,
        expiring_points=None if expiring is None else expiring[1],
        expiring_on=None if expiring is None else f"{month_name(expiring[0])}-01",
        pending=tuple(one for one in accounts.pending() if one.customer == customer),
    )


def catalogue(accounts: Accounts, rewards: Rewards, now: datetime) -> list[Offer]:
    """What can be had now, in the order of the settings."""
    return [
        Offer(
            item=item.item,
            kind=item.kind,
            points=item.points,
            names=dict(item.names),
            minor_units=item.minor_units,
            currency=rewards.currency,
            from_tier=item.from_tier,
            left=None if item.stock is None else max(0, item.stock - accounts.taken(item.item)),
            valid_until=None if item.valid_until is None else item.valid_until.isoformat(),
        )
        for item in rewards.catalogue
        if is_valid(item, now)
    ]
