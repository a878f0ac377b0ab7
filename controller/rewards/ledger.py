"""Double entry in integers: the transactions that credits are booked with, step [8] of the path.

Knows no store. A transaction's key is a function of what it is for, so the same credit again is the same key,
and the store books it once (reliability L3, L8). Its content is a function of what it is for as well, never
of a balance: so a credit or a correction that is tried again, in whatever order and after whatever crash, is
the same transaction.

One rounding rule (L2): energy is rounded down to whole watt-hours, and what it earns is rounded down to whole
points and whole minor units, per request. So never more is credited than was shown; no float touches an
amount. Nothing is ever split among several, so no rounding leaves a residue.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from controller.entries import LedgerPosted
from controller.settings import Rewards

RULE = "v1"
"""of the rounding and of what earns what; part of every key"""

POINTS = "points"
Posting = tuple[str, str, int]
"""(account, unit, amount)"""


EXPIRED = "points:expired"
"""where points go that nobody used in time"""
REDEEMED = "points:redeemed"
"""where points go that something was given for"""


def budget_account(programme: str) -> str:
    """What a programme's credits are paid from: its balance is what it was given minus what was credited."""
    return f"programme:{programme}:budget"


def funding_account(programme: str) -> str:
    """Where a programme's budget comes from: its balance is minus what was given to it."""
    return f"programme:{programme}:funding"


def customer_account(customer: str) -> str:
    """What a customer was credited and has not used."""
    return f"customer:{customer}"


def redemption_account(redemption: str) -> str:
    """What one pending redemption holds: empty before it, and once it is fulfilled or voided."""
    return f"redemption:{redemption}"


def payout_account(payout: str) -> str:
    """Money that one payout has taken out of customers' accounts."""
    return f"payout:{payout}"


def payout_of(account: str) -> str | None:
    """The payout whose account it is."""
    begin = payout_account("")
    return account[len(begin) :] if account.startswith(begin) else None


def is_programme(account: str) -> bool:
    """Whether it is an account of a programme's own."""
    return account.startswith("programme:")


def is_budget(account: str) -> bool:
    """Whether it is a programme's budget."""
    return is_programme(account) and account.endswith(":budget")


def is_customer(account: str) -> bool:
    """Whether it is a customer's account."""
    return account.startswith("customer:")


def is_redemption(account: str) -> bool:
    """Whether it is what a redemption holds."""
    return account.startswith("redemption:")


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


def correction_key(programme: str, feeder: str, request: str, version: int) -> str:
    """The key of a request's correction number `version`, from 1."""
    return f"{credit_key(programme, feeder, request)}/correction/{version}"


def correction(
    *,
    at: datetime,
    feeder: str,
    request: str,
    customer: str,
    version: int,
    before: tuple[int, int],
    after: tuple[int, int],
    cause: Literal["late_readings", "dispute"],
    rewards: Rewards,
) -> LedgerPosted | None:
    """The transaction that takes back what a request earned until now and books what it earns; None when that
    is the same.

    `before` and `after`: whole points and minor units that the request earns in all. Reversal and new entry
    stand in one transaction, which names the first credit (L4), so that no balance dips in between. What
    takes back more than the customer has left makes the balance negative: the next credits pay it.
    """
    postings: list[Posting] = []
    budget, own = budget_account(rewards.programme), customer_account(customer)
    for unit, old, new in zip((POINTS, rewards.currency), before, after, strict=True):
        if old == new:
            continue
        if old:
            postings += [(own, unit, -old), (budget, unit, old)]
        if new:
            postings += [(budget, unit, -new), (own, unit, new)]
    if not postings:
        return None
    return LedgerPosted(
        at=at,
        key=correction_key(rewards.programme, feeder, request, version),
        postings=tuple(postings),
        reason=f"{cause.replace('_', ' ')}: correction {version} of what was credited",
        request=request,
        corrects=credit_key(rewards.programme, feeder, request),
    )


def top_up(*, at: datetime, programme: str, top_up: str, unit: str, amount: int, who: str) -> LedgerPosted:
    """The transaction that gives a programme's budget more; `top_up` is its id, `amount` above 0."""
    assert amount > 0, amount
    return LedgerPosted(
        at=at,
        key=f"{programme}/top-up/{top_up}",
        postings=((funding_account(programme), unit, -amount), (budget_account(programme), unit, amount)),
        reason=f"budget topped up by {who}",
        request=None,
    )


def same_content(one: LedgerPosted, other: LedgerPosted) -> bool:
    """Whether two transactions say the same; when they were written does not matter."""
    return msgspec.structs.replace(one, at=other.at) == other


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
