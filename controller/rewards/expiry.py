"""Points that nobody used in time are gone: one transaction per customer and month. Pure.

The month that a transaction's key names is the one in which it is booked, whatever it takes: so a customer's
points expire at most once a month, and what a voided redemption gives back too late stays until the next.
"""

from datetime import datetime

from controller.entries import LedgerPosted
from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.months import month_name, month_of
from controller.rewards.reward_rules import Expiry


def due(accounts: Accounts, expiry: Expiry, now: datetime) -> list[str]:
    """Customers whose points are due to expire. Looks at all customers only where somebody's may be."""
    oldest = expiry.oldest_left(month_of(now))
    if not accounts.left_before(oldest):
        return []
    found = accounts.with_points_before(oldest)
    return [one for one in found if accounts.points_of(one).expired_through < month_of(now)]


def expired(accounts: Accounts, expiry: Expiry, customer: str, now: datetime) -> LedgerPosted | None:
    """The transaction that takes a customer's old points; None when nothing is due, or was taken already."""
    month, held = month_of(now), accounts.points_of(customer)
    oldest = expiry.oldest_left(month)
    points = held.left_before(oldest)
    if not points or held.expired_through >= month:
        return None
    return LedgerPosted(
        at=now,
        key=f"points/{customer}/expired/{month_name(month)}",
        postings=(
            (ledger.customer_account(customer), ledger.POINTS, -points),
            (ledger.EXPIRED, ledger.POINTS, points),
        ),
        reason=f"expired: earned before {month_name(oldest)} and not used",
        request=None,
    )


def next_expiry(accounts: Accounts, expiry: Expiry, customer: str) -> tuple[int, int] | None:
    """(month in which they are gone as it begins, points): what a customer loses next; None without any."""
    held = accounts.points_of(customer)
    if not held.lots:
        return None
    gone = expiry.gone_in(held.lots[0][0])
    return gone, sum(points for month, points in held.lots if expiry.gone_in(month) == gone)
