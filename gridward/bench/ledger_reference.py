"""The ledger once more, naively, to compare the real one with: plain dicts, no journal, nothing shared.

Written from the rules in docs/operating.md, and on purpose without any module of the ledger: what both get
wrong in the same way they must have got wrong twice.
"""

from dataclasses import dataclass, field
from datetime import datetime

POINTS, MONEY = "points", "EUR-cent"


@dataclass
class Rules:
    """As the site has them."""

    points_per_kwh: int
    cents_per_kwh: int
    fact_points: int
    fact_points_per_euro: int
    fact_cap: int
    """a calendar year"""
    bonus: dict[int, int]
    """points of the last months → percent"""
    items: dict[str, tuple[int, int, int]]
    """item → points, cents, stock"""
    expires_after_months: int
    """so many months after the one they were earned in began, points are gone"""
    budget_points: int
    budget_cents: int


@dataclass
class Redeemed:
    """One redemption."""

    customer: str
    item: str
    points: int
    cents: int
    deadline: datetime
    lots: list[list[int]]
    state: str = "pending"


@dataclass
class Reference:
    """All balances, by account and unit; each operation answers `done`, `same` or `refused`."""

    rules: Rules
    balance: dict[tuple[str, str], int] = field(default_factory=dict)
    lots: dict[str, list[list[int]]] = field(default_factory=dict)
    earned: dict[str, dict[int, int]] = field(default_factory=dict)
    facts: dict[str, tuple[object, ...]] = field(default_factory=dict)
    counted: dict[tuple[str, int], int] = field(default_factory=dict)
    redeemed: dict[str, Redeemed] = field(default_factory=dict)
    credits: dict[str, tuple[int, int]] = field(default_factory=dict)
    corrections: dict[str, int] = field(default_factory=dict)
    """request → how many"""
    top_ups: set[str] = field(default_factory=set)
    payouts: set[str] = field(default_factory=set)
    expired: set[tuple[str, int]] = field(default_factory=set)
    """(customer, month)"""
    pending: set[str] = field(default_factory=set)
    out: dict[str, int] = field(default_factory=dict)
    """item → pieces that are pending or fulfilled"""
    touched: set[tuple[str, str]] = field(default_factory=set)
    """accounts moved since somebody last cleared this"""

    def credit(self, request: str, customer: str, wh: int, at: datetime) -> str:
        """A request's credit."""
        if request in self.credits:
            return "same"
        amounts = (wh * self.rules.points_per_kwh // 1000, wh * self.rules.cents_per_kwh // 1000)
        self.credits[request] = amounts
        self._earn(customer, amounts[0], at)
        self._post("budget", f"customer:{customer}", MONEY, amounts[1])
        return "done"

    def correct(self, request: str, customer: str, version: int, now: tuple[int, int], at: datetime) -> str:
        """Correction `version` of a request's credit, to `now` points and cents."""
        if version <= self.corrections.get(request, 0):
            return "same"
        self.corrections[request] = version
        before = self.credits[request]
        self.credits[request] = now
        self._earn(customer, now[0] - before[0], at)
        self._post("budget", f"customer:{customer}", MONEY, now[1] - before[1])
        return "done"

    def fact(self, fact: str, customer: str, cents: int, on: datetime, at: datetime) -> str:
        """A bill was paid."""
        if (at.year - on.year) * 12 + at.month - on.month > 12:
            return "refused"
        said = (customer, cents, on)
        if fact in self.facts:
            return "same" if self.facts[fact] == said else "refused"
        points = self.rules.fact_points + self.rules.fact_points_per_euro * (cents // 100)
        lately = self._lately(customer, at)
        bonus = max([0, *(percent for least, percent in self.rules.bonus.items() if lately >= least)])
        points = points * (100 + bonus) // 100
        points = min(points, self.rules.fact_cap - self.counted.get((customer, on.year), 0))
        if points and points > self.balance.get(("budget", POINTS), 0) + self.rules.budget_points:
            return "refused"
        self.facts[fact] = said
        self.counted[customer, on.year] = self.counted.get((customer, on.year), 0) + points
        self._earn(customer, points, at)
        return "done"

    def redeem(self, name: str, customer: str, item: str, deadline: datetime, at: datetime) -> str:
        """Points held for an item, of those that have not expired."""
        known = self.redeemed.get(name)
        if known is not None:
            return "same" if (known.customer, known.item) == (customer, item) else "refused"
        points, cents, stock = self.rules.items[item]
        if self.out.get(item, 0) >= stock or self._held(customer) - self._due(customer, at) < points:
            return "refused"
        if cents and cents > self.balance.get(("budget", MONEY), 0) + self.rules.budget_cents:
            return "refused"
        self._expire(customer, at)
        lots = self._use(customer, points)
        self.pending.add(name)
        self.out[item] = self.out.get(item, 0) + 1
        self.redeemed[name] = Redeemed(customer, item, points, cents, deadline, lots)
        self._post(f"customer:{customer}", f"redemption:{name}", POINTS, points)
        self._post("budget", f"redemption:{name}", MONEY, cents)
        return "done"

    def end(self, name: str, state: str, at: datetime) -> str:
        """`fulfilled` or `voided`."""
        one = self.redeemed.get(name)
        if one is None or (one.state not in ("pending", state)):
            return "refused"
        if one.state == state:
            return "same"
        if state == "fulfilled" and at >= one.deadline:
            return "refused"
        one.state = state
        self.pending.remove(name)
        if state == "fulfilled":
            self._post(f"redemption:{name}", "points:redeemed", POINTS, one.points)
            self._post(f"redemption:{name}", f"customer:{one.customer}", MONEY, one.cents)
        else:
            self.out[one.item] -= 1
            self._give(one.customer, one.lots)
            self._post(f"redemption:{name}", f"customer:{one.customer}", POINTS, one.points)
            self._post(f"redemption:{name}", "budget", MONEY, one.cents)
        return "done"

    def hourly(self, at: datetime) -> str:
        """What is due by itself."""
        for name in sorted(self.pending):
            if self.redeemed[name].deadline <= at:
                self.end(name, "voided", at)
        for customer in self.lots:
            self._expire(customer, at)
        return "done"

    def top_up(self, name: str, unit: str, amount: int) -> str:
        """More budget."""
        if name in self.top_ups:
            return "same"
        self.top_ups.add(name)
        self._post("funding", "budget", unit, amount)
        return "done"

    def pay_out(self, name: str) -> str:
        """All money out."""
        if name in self.payouts:
            return "same"
        due = [
            (a, n) for (a, u), n in self.balance.items() if u == MONEY and a.startswith("customer:") and n > 0
        ]
        for account, amount in due:
            self._post(account, f"payout:{name}", MONEY, amount)
        self.payouts.add(name)
        return "done"

    def _due(self, customer: str, at: datetime) -> int:
        present = at.year * 12 + at.month - 1
        if (customer, present) in self.expired:
            return 0
        last = present - self.rules.expires_after_months
        return sum(points for month, points in self.lots.get(customer, []) if month <= last)

    def _expire(self, customer: str, at: datetime) -> None:
        gone = self._due(customer, at)
        if gone:
            self.expired.add((customer, at.year * 12 + at.month - 1))
            self._use(customer, gone)
            self._post(f"customer:{customer}", "points:expired", POINTS, gone)

    def _held(self, customer: str) -> int:
        return self.balance.get((f"customer:{customer}", POINTS), 0)

    def _lately(self, customer: str, at: datetime) -> int:
        first = at.year * 12 + at.month - 1 - 12
        return sum(n for month, n in self.earned.get(customer, {}).items() if month >= first)

    def _earn(self, customer: str, points: int, at: datetime) -> None:
        month = at.year * 12 + at.month - 1
        mine = self.earned.setdefault(customer, {})
        mine[month] = mine.get(month, 0) + points
        if points > 0:
            self._give(customer, [[month, points]])
        else:
            self._use(customer, -points)
        self._post("budget", f"customer:{customer}", POINTS, points)

    def _give(self, customer: str, lots: list[list[int]]) -> None:
        debt = max(0, -self._held(customer))
        mine = self.lots.setdefault(customer, [])
        for month, points in lots:
            paid = min(points, debt)
            debt -= paid
            if points > paid:
                mine.append([month, points - paid])
        mine.sort()

    def _use(self, customer: str, points: int) -> list[list[int]]:
        mine = self.lots.setdefault(customer, [])
        used = []
        while points > 0 and mine:
            month, there = mine[0]
            taken = min(there, points)
            points -= taken
            used.append([month, taken])
            if taken == there:
                mine.pop(0)
            else:
                mine[0][1] -= taken
        return used

    def _post(self, source: str, target: str, unit: str, amount: int) -> None:
        for account, moved in ((source, -amount), (target, amount)):
            self.balance[account, unit] = self.balance.get((account, unit), 0) + moved
            self.touched.add((account, unit))
