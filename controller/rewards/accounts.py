"""The ledger as it stands: all balances, what is left of earned points, facts and redemptions. Pure.

A part of the books: folded from the journal, entry by entry, so that a replay gives the same. Knows no rules
and no settings: what a replay must never refuse later is not checked here (a programme's budget cap may be
changed), what can never be is. A customer's balance never goes below zero, but for a correction that takes
back what is spent already. `fork` copies at once, also with 100,000 customers.

What is closed is kept for ever: who was ever a customer, redemptions and payouts. Ids are given from outside,
and one that were forgotten could be used again for something else, with points held twice; a redemption that
is asked for again is answered as it stands, however old. That is about 1 KB each: some 100 MB for 100,000
customers who redeem once a year.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Self

import msgspec

from controller.entries import FactReported, LedgerPosted, RedemptionMoved
from controller.errors import BooksBroken
from controller.rewards import ledger
from controller.rewards.months import month_of
from controller.rewards.payout_state import Payouts
from controller.rewards.points import Lots, PointsHeld, after_debt
from controller.shared_map import MapsByMonth, SharedMap

KEEP_FACT_MONTHS = 12
"""So long the id of a fact is known; `earning` takes no older facts. Not a setting, because every replay of a
journal must forget alike."""
KEEP_COUNTED_MONTHS = 2 * 12 + KEEP_FACT_MONTHS
"""A cap may count for a year, in which the latest fact may be that old."""

_NO_POINTS = PointsHeld()
_FACTS = msgspec.json.Encoder()


@dataclass(slots=True)
class Accounts:
    """Compare with ==: equal accounts came from journals that tell the same."""

    _balances: SharedMap[tuple[str, str], int] = field(default_factory=SharedMap)
    """only those that are not zero"""
    _sums: dict[str, int] = field(default_factory=dict)
    """unit → sum over all accounts"""
    _points: SharedMap[str, PointsHeld] = field(default_factory=SharedMap)
    """by customer's account"""
    _left: Counter[int] = field(default_factory=Counter)
    """month → points earned in it that nobody has used yet"""
    _on_hold: SharedMap[str, Lots] = field(default_factory=SharedMap)
    """redemption's account → the points it holds, by when they were earned"""
    _redemptions: SharedMap[str, RedemptionMoved] = field(default_factory=SharedMap)
    """the latest step of each"""
    _pending: SharedMap[str, None] = field(default_factory=SharedMap)
    payouts: Payouts = field(default_factory=Payouts)
    _ever: SharedMap[str, None] = field(default_factory=SharedMap)
    """customers' accounts that anything was ever posted to"""
    _taken: Counter[str] = field(default_factory=Counter)
    """item → pieces that are pending or fulfilled"""
    _facts: MapsByMonth[str, bytes] = field(default_factory=MapsByMonth)
    """fact → digest of what was reported"""
    _counted: MapsByMonth[tuple[str, str], int] = field(default_factory=MapsByMonth)
    """(customer's account, rule and period) → points"""

    # --- what is asked of them

    def balance(self, account: str, unit: str) -> int:
        """What an account holds."""
        return self._balances.get((account, unit), 0)

    def balances_of(self, account: str) -> dict[str, int]:
        """All that an account holds, by unit; no zeros."""
        held = ((unit, self.balance(account, unit)) for unit in self._sums)
        return {unit: amount for unit, amount in held if amount}

    def balances(self) -> dict[tuple[str, str], int]:
        """Every account that is not empty."""
        return dict(self._balances.items())

    def sums(self) -> dict[str, int]:
        """Unit → sum over all accounts: zero each, always (L1)."""
        return dict(self._sums)

    def budget_left(self, programme: str, unit: str, cap: int) -> int:
        """What a programme may still credit, when its budget may go down to minus `cap` (L9)."""
        return self.balance(ledger.budget_account(programme), unit) + cap

    def points_of(self, customer: str) -> PointsHeld:
        """When a customer's points were earned, and which are left."""
        return self._points.get(ledger.customer_account(customer), _NO_POINTS)

    def customers(self) -> list[str]:
        """All who ever had points, sorted."""
        begin = len(ledger.customer_account(""))
        return sorted(account[begin:] for account in self._points)

    def knows(self, customer: str) -> bool:
        """Whether anything was ever posted to a customer's account."""
        return ledger.customer_account(customer) in self._ever

    def owed(self, currency: str, least: int) -> list[str]:
        """Customers' accounts with at least `least` of a currency, sorted."""
        return sorted(
            account
            for (account, unit), amount in self._balances.items()
            if amount >= least and unit == currency and ledger.is_customer(account)
        )

    def left_before(self, month: int) -> int:
        """Points of all customers that were earned before a month and are left."""
        return sum(left for earned, left in self._left.items() if earned < month)

    def with_points_before(self, month: int) -> list[str]:
        """Customers with points left that were earned before a month, sorted."""
        begin = len(ledger.customer_account(""))
        return sorted(account[begin:] for account, held in self._points.items() if held.left_before(month))

    def counted(self, customer: str, counts_for: str) -> int:
        """Points that a customer got for a rule in a period: what its cap counts."""
        return sum(self._counted.found((ledger.customer_account(customer), counts_for)))

    def fact(self, fact: str) -> bytes | None:
        """The digest of a fact that is known."""
        return next(self._facts.found(fact), None)

    def redemption(self, redemption: str) -> RedemptionMoved | None:
        """The latest step of a redemption."""
        return self._redemptions.find(redemption)

    def pending(self) -> Iterator[RedemptionMoved]:
        """Redemptions that are neither fulfilled nor voided, by id."""
        for redemption in sorted(self._pending):
            latest = self._redemptions.find(redemption)
            assert latest is not None
            yield latest

    def taken(self, item: str) -> int:
        """How many pieces of an item are pending or fulfilled."""
        return self._taken[item]

    # --- what they are told

    def fork(self) -> Self:
        """A copy that can be written to without touching the original."""
        copied = type(self)()
        for own in fields(self):
            value = getattr(self, own.name)
            forked = value.fork() if isinstance(value, SharedMap | MapsByMonth | Payouts) else value.copy()
            setattr(copied, own.name, forked)
        return copied

    def post(self, posted: LedgerPosted) -> None:
        """Take a transaction in; raises BooksBroken, having changed nothing, when it cannot be."""
        for fault in ledger.faults(posted):
            raise BooksBroken(fault)
        moved: Counter[tuple[str, str]] = Counter()
        for account, unit, amount in posted.postings:
            moved[account, unit] += amount
        for (account, unit), amount in moved.items():
            after = self.balance(account, unit) + amount
            if amount < 0 and after < 0 and not may_be_negative(account, posted):
                raise BooksBroken(f"{posted.key} takes {account} down to {after} {unit}")
        self.payouts.post(posted, (account for account, _ in moved))
        self._move_points(posted, moved)
        for place, amount in moved.items():
            self._move(place, amount)

    def report(self, entry: FactReported) -> None:
        """Take a fact in; raises BooksBroken for one that is known."""
        if self.fact(entry.fact) is not None:
            raise BooksBroken(f"fact {entry.fact} is reported twice")
        self._facts.drop_before(month_of(entry.at) - KEEP_FACT_MONTHS)
        self._facts.of_month(month_of(entry.occurred_at))[entry.fact] = fact_digest(entry)

    def redeem(self, entry: RedemptionMoved) -> None:
        """Take a redemption's step in, after its transaction; raises BooksBroken for one that cannot be."""
        before = self.redemption(entry.redemption)
        held = self.balance(ledger.redemption_account(entry.redemption), ledger.POINTS)
        if held != (entry.points if entry.state == "pending" else 0):
            raise BooksBroken(f"redemption {entry.redemption} is {entry.state}, but {held} points are held")
        if entry.state == "pending":
            if before is not None:
                raise BooksBroken(f"redemption {entry.redemption} is made twice")
            self._pending[entry.redemption] = None
            self._taken[entry.item] += 1
        else:
            if before is None or before.state != "pending":
                is_now = "not known" if before is None else before.state
                raise BooksBroken(f"redemption {entry.redemption} is {entry.state}, but it is {is_now}")
            if (before.customer, before.item, before.points) != (entry.customer, entry.item, entry.points):
                raise BooksBroken(f"redemption {entry.redemption} is {entry.state} as another than it was")
            self._pending.discard(entry.redemption)
            if entry.state == "voided":
                self._taken[entry.item] -= 1
        self._redemptions[entry.redemption] = entry

    def _move(self, place: tuple[str, str], amount: int) -> None:
        self._sums[place[1]] = self._sums.get(place[1], 0) + amount
        if ledger.is_customer(place[0]) and place[0] not in self._ever:
            self._ever[place[0]] = None
        after = self._balances.get(place, 0) + amount
        if after:
            self._balances[place] = after
        else:
            self._balances.discard(place)

    def _move_points(self, posted: LedgerPosted, moved: Counter[tuple[str, str]]) -> None:
        """Keep the lots of customers' points in line; before the balances are moved."""
        month = month_of(posted.at)
        of_points = {account: amount for (account, unit), amount in moved.items() if unit == ledger.POINTS}
        hold = next((account for account in of_points if ledger.is_redemption(account)), None)
        earning = hold is None and any(map(ledger.is_budget, of_points))
        for account, amount in of_points.items():
            if not amount or not ledger.is_customer(account):
                continue
            held = self._points.get(account, _NO_POINTS)
            if amount < 0:
                held = self._use(held, -amount, hold)
            else:
                held = self._give(held, account, ((month, amount),) if hold is None else self._let_go(hold))
            if earning:
                held = held.earn(month, amount)
            if ledger.EXPIRED in of_points:
                held = replace(held, expired_through=month)
            self._points[account] = held
            self._count(posted.counts_for, account, month, amount)

    def _use(self, held: PointsHeld, points: int, hold: str | None) -> PointsHeld:
        held, taken = held.take(points)
        self._left.subtract(dict(taken))
        if hold is not None:
            self._on_hold[hold] = taken
        return held

    def _give(self, held: PointsHeld, account: str, lots: Lots) -> PointsHeld:
        given = after_debt(lots, -self.balance(account, ledger.POINTS))
        self._left.update(dict(given))
        return held.give(given)

    def _let_go(self, hold: str) -> Lots:
        lots = self._on_hold.get(hold, ())
        self._on_hold.discard(hold)
        return lots

    def _count(self, counts_for: str | None, account: str, month: int, points: int) -> None:
        if counts_for is not None:
            self._counted.drop_before(month - KEEP_COUNTED_MONTHS)
            counted = self._counted.of_month(month)
            counted[account, counts_for] = counted.get((account, counts_for), 0) + points


def may_be_negative(account: str, posted: LedgerPosted) -> bool:
    """A programme's accounts may: it owes what customers hold. A customer's may by a correction alone."""
    return ledger.is_programme(account) or (ledger.is_customer(account) and posted.corrects is not None)


def fact_digest(entry: FactReported) -> bytes:
    """What a fact says, whenever it was reported, in 16 bytes."""
    said = (entry.customer, entry.kind, entry.amount_minor_units, entry.currency, entry.occurred_at)
    return hashlib.blake2b(_FACTS.encode(said), digest_size=16).digest()
