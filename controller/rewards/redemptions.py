"""Points for something: held while it is pending, then used up or given back, exactly once. Pure.

Every step is a transaction and a RedemptionMoved after it, for one commit. Fulfilling and voiding have the
same key, so that the ledger itself takes only one of them (reliability L6). What a bill credit is worth in
money is held from the budget at once: what was promised is there.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from controller.entries import LedgerPosted, RedemptionMoved
from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.ledger import Posting
from controller.rewards.months import month_of
from controller.rewards.reward_errors import AlreadyDecided, BudgetShort, NotEnough, NotOffered, UnknownReward
from controller.rewards.reward_rules import Item, is_valid, tier_of
from controller.settings import Rewards


def held(
    accounts: Accounts,
    rewards: Rewards,
    *,
    customer: str,
    item: str,
    redemption: str,
    who: str,
    now: datetime,
) -> tuple[LedgerPosted, RedemptionMoved]:
    """The entries that begin a new redemption. Raises UnknownReward, NotOffered, NotEnough, BudgetShort."""
    wanted = next((one for one in rewards.catalogue if one.item == item), None)
    if wanted is None:
        known = ", ".join(one.item for one in rewards.catalogue) or "an item of a catalogue, which is empty"
        raise UnknownReward(f"item {item!r}: expected one of {known}")
    _check_offer(wanted, accounts, rewards, customer, now)
    account = ledger.redemption_account(redemption)
    postings: list[Posting] = [
        (ledger.customer_account(customer), ledger.POINTS, -wanted.points),
        (account, ledger.POINTS, wanted.points),
    ]
    if wanted.minor_units:
        postings.append((ledger.budget_account(rewards.programme), rewards.currency, -wanted.minor_units))
        postings.append((account, rewards.currency, wanted.minor_units))
    posted = LedgerPosted(
        at=now,
        key=f"redemption/{redemption}/held",
        postings=tuple(postings),
        reason=f"held for {item}, redemption {redemption}",
        request=None,
    )
    moved = RedemptionMoved(
        at=now,
        redemption=redemption,
        customer=customer,
        item=item,
        points=wanted.points,
        state="pending",
        who=who,
        reason="redeemed",
        deadline=now + timedelta(days=rewards.redemption_days),
        programme=rewards.programme,
    )
    return posted, moved


def fulfilled(
    accounts: Accounts, redemption: str, *, who: str, reason: str, now: datetime
) -> tuple[LedgerPosted, RedemptionMoved]:
    """The entries that end a redemption as kept. Raises UnknownReward and AlreadyDecided."""
    pending = _pending(accounts, redemption)
    if is_overdue(pending, now):
        raise AlreadyDecided(f"redemption {redemption}: its deadline was {pending.deadline}")
    account, own = ledger.redemption_account(redemption), ledger.customer_account(pending.customer)
    postings: list[Posting] = []
    for unit, amount in accounts.balances_of(account).items():
        postings += [
            (account, unit, -amount),
            (ledger.REDEEMED if unit == ledger.POINTS else own, unit, amount),
        ]
    ended = replace(pending, at=now, state="fulfilled", who=who, reason=reason, deadline=None)
    return _end(ended, postings, f"used for {pending.item}, redemption {redemption}")


def voided(
    accounts: Accounts, redemption: str, *, who: str, reason: str, now: datetime
) -> tuple[LedgerPosted, RedemptionMoved]:
    """The entries that end a redemption with all given back. Raises UnknownReward and AlreadyDecided."""
    pending = _pending(accounts, redemption)
    account, own = ledger.redemption_account(redemption), ledger.customer_account(pending.customer)
    budget = ledger.budget_account(pending.programme or "")
    postings: list[Posting] = []
    for unit, amount in accounts.balances_of(account).items():
        postings += [(account, unit, -amount), (own if unit == ledger.POINTS else budget, unit, amount)]
    ended = replace(pending, at=now, state="voided", who=who, reason=reason, deadline=None)
    return _end(ended, postings, f"given back, redemption {redemption} of {pending.item}: {reason}")


def overdue(accounts: Accounts, now: datetime) -> tuple[str, ...]:
    """Pending redemptions whose deadline has passed."""
    return tuple(one.redemption for one in accounts.pending() if is_overdue(one, now))


def is_overdue(redemption: RedemptionMoved | None, now: datetime) -> bool:
    """Whether a redemption is pending and its deadline has passed."""
    if redemption is None or redemption.state != "pending":
        return False
    return redemption.deadline is not None and redemption.deadline <= now


def _pending(accounts: Accounts, redemption: str) -> RedemptionMoved:
    found = accounts.redemption(redemption)
    if found is None:
        raise UnknownReward(f"there is no redemption {redemption!r}")
    if found.state != "pending":
        raise AlreadyDecided(f"redemption {redemption} is {found.state} since {found.at.isoformat()}")
    return found


def _end(ended: RedemptionMoved, postings: list[Posting], told: str) -> tuple[LedgerPosted, RedemptionMoved]:
    key = f"redemption/{ended.redemption}/ended"
    return LedgerPosted(at=ended.at, key=key, postings=tuple(postings), reason=told, request=None), ended


def _check_offer(item: Item, accounts: Accounts, rewards: Rewards, customer: str, now: datetime) -> None:
    if not is_valid(item, now):
        days = f"{item.valid_from or 'any day'} to {item.valid_until or 'any day'}"
        raise NotOffered(f"{item.item} is to be had from {days}")
    if item.stock is not None and accounts.taken(item.item) >= item.stock:
        raise NotOffered(f"{item.item}: all {item.stock} are taken")
    _check_tier(item, accounts, rewards, customer, now)
    have = accounts.balance(ledger.customer_account(customer), ledger.POINTS)
    if have < item.points:
        raise NotEnough(f"{item.item}: expected {item.points} points, {customer} has {have}")
    if item.minor_units and rewards.budget_minor_units is not None:
        left = accounts.budget_left(rewards.programme, rewards.currency, rewards.budget_minor_units)
        if item.minor_units > left:
            expected = f"expected a budget of {item.minor_units} {rewards.currency}"
            raise BudgetShort(f"{rewards.programme}: {expected}, {left} are left")


def _check_tier(item: Item, accounts: Accounts, rewards: Rewards, customer: str, now: datetime) -> None:
    least = next((tier for tier in rewards.tier if tier.tier == item.from_tier), None)
    tier = tier_of(rewards.tier, accounts.points_of(customer).earned_lately(month_of(now)))
    if least is not None and (tier is None or tier.from_points < least.from_points):
        raise NotOffered(f"{item.item} is for {least.tier} and above")
