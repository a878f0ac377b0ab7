"""Double entry in integers: the transactions that credits are booked with, step [8] of the path.

Knows no store. A transaction's key is a function of what it is for, so the same credit again is the same key,
and the store books it once (reliability L3, L8).

One rounding rule (L2): energy is rounded down to whole watt-hours, and what it earns is rounded down to whole
points and whole minor units, per request. So never more is credited than was shown; no float touches an
amount.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from controller.entries import LedgerPosted
from controller.settings import Rewards

RULE = "v1"
"""of the rounding and of what earns what; part of every key"""

POINTS = "points"
Posting = tuple[str, str, int]
"""(account, unit, amount)"""


def budget_account(programme: str) -> str:
    """What a programme's credits are paid from: its balance is minus what was credited."""
    return f"programme:{programme}:budget"


def customer_account(customer: str) -> str:
    """What a customer was credited."""
    return f"customer:{customer}"


def whole_wh(energy_kwh: float) -> int:
    """Whole watt-hours, rounded down; the noise of binary fractions (below 1 µWh) is not taken for energy."""
    return int(round(energy_kwh * 1000.0, 6) // 1)


def earned(energy_wh: int, per_kwh: int) -> int:
    """What whole watt-hours earn at `per_kwh` whole units per kWh, rounded down."""
    return energy_wh * per_kwh // 1000


def credit_key(programme: str, feeder: str, request: str) -> str:
    """The key of a request's one credit."""
    return f"{programme}/{feeder}/{request}/credit/{RULE}"


def credit(
    *,
    at: datetime,
    feeder: str,
    request: str,
    customer: str,
    energy_wh: int,
    rewards: Rewards,
) -> LedgerPosted | None:
    """The transaction that credits a customer for verified energy; None when that earns nothing."""
    postings: list[Posting] = []
    for unit, per_kwh in (
        (POINTS, rewards.points_per_kwh),
        (rewards.currency, rewards.minor_units_per_kwh),
    ):
        amount = earned(energy_wh, per_kwh)
        if amount > 0:
            postings.append((budget_account(rewards.programme), unit, -amount))
            postings.append((customer_account(customer), unit, amount))
    if not postings:
        return None
    return LedgerPosted(
        at=at,
        key=credit_key(rewards.programme, feeder, request),
        postings=tuple(postings),
        reason=f"{energy_wh} Wh less at the meter",
        request=request,
    )


def same_content(one: LedgerPosted, other: LedgerPosted) -> bool:
    """Whether two transactions say the same; when they were written does not matter."""
    return (one.key, one.postings, one.reason, one.request) == (
        other.key,
        other.postings,
        other.reason,
        other.request,
    )


def faults(posted: LedgerPosted) -> tuple[str, ...]:
    """What forbids a transaction; empty when it may be booked (L1, L2)."""
    sums: Counter[str] = Counter()
    found: list[str] = []
    for account, unit, amount in posted.postings:
        sums[unit] += amount
        if not account or not unit:
            found.append(f"{posted.key}: a posting without account or unit")
        if amount == 0:
            found.append(f"{posted.key}: nothing is posted to {account}")
    found.extend(f"{posted.key}: {unit} do not sum to zero but to {n}" for unit, n in sums.items() if n)
    if not posted.postings:
        found.append(f"{posted.key}: no postings")
    return tuple(found)


def balances(posted: Iterable[LedgerPosted]) -> dict[tuple[str, str], int]:
    """(account, unit) → balance, recomputed from the first transaction (L5)."""
    sums: Counter[tuple[str, str]] = Counter()
    for transaction in posted:
        for account, unit, amount in transaction.postings:
            sums[account, unit] += amount
    return dict(sums)


def sum_per_unit(balance: Iterable[tuple[tuple[str, str], int]]) -> dict[str, int]:
    """Unit → sum over all accounts: zero each, always (L1)."""
    sums: Counter[str] = Counter()
    for (_, unit), amount in balance:
        sums[unit] += amount
    return dict(sums)
