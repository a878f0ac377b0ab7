"""Random operations on the ledger, each compared with a naive one; after every step all sums are zero.

The real parts: desk, bookkeeper, books and the SQLite store (in memory). Credits, corrections, facts,
redemptions, their ends, expiry, top-ups and payouts, and all of them again with the same id or with another
content. Every step checks the sums, every account that it moved, and that no customer is below zero but by
what corrections took back; now and then all balances are compared with the reference, with the sum of all
transactions and with the store.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from controller.bookkeeping import Bookkeeper
from controller.entries import LedgerPosted
from controller.live import Live
from controller.metrics import Metrics
from controller.rewards import ledger
from controller.rewards.reward_errors import RewardRefused
from controller.rewards.reward_rules import Earning, Expiry, Item, Tier
from controller.rewards.rewards_desk import RewardsDesk
from controller.settings import Rewards
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from gridward.bench.ledger_reference import Reference, Rules

_STARTS = datetime(2026, 1, 1, tzinfo=UTC)
_SPAN_S = 900 * 86_400
"""that a run takes, however many operations it has"""
_REDEMPTION_DAYS = 60
_RULES = Rules(
    points_per_kwh=100,
    cents_per_kwh=25,
    fact_points=20,
    fact_points_per_euro=3,
    fact_cap=900,
    bonus={2_000: 10, 6_000: 33},
    items={"lamp": (300, 0, 10**9), "rare": (900, 0, 15), "credit": (500, 450, 10**9)},
    expires_after_months=4,
    budget_points=20_000,
    budget_cents=8_000,
)
_REWARDS = Rewards(
    points_per_kwh=100,
    minor_units_per_kwh=25,
    budget_points=20_000,
    budget_minor_units=8_000,
    redemption_days=_REDEMPTION_DAYS,
    earning=(
        Earning(
            rule="paid", fact="bill_paid", points=20, points_per_unit=3, cap_points=900, cap_period="year"
        ),
        Earning(rule="over", fact="bill_paid", points=1000, valid_until=date(2020, 1, 1)),
    ),
    tier=(
        Tier(tier="gold", from_points=6_000, bonus_percent=33),
        Tier(tier="silver", from_points=2_000, bonus_percent=10),
    ),
    catalogue=(
        Item(item="lamp", kind="gift", points=300, names={"en": "LED lamp"}),
        Item(item="rare", kind="gift", points=900, names={"en": "Meter"}, stock=15),
        Item(item="credit", kind="bill_credit", points=500, minor_units=450, names={"en": "4.50 off"}),
    ),
    expiry=Expiry(after_months=3),
)


class StandingClock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.at = _STARTS

    def now(self) -> datetime:
        """The time of the run."""
        return self.at

    def monotonic(self) -> float:
        """Seconds since the run began."""
        return (self.at - _STARTS).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Go on."""
        self.at += timedelta(seconds=seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Nothing here waits."""
        return asyncio.timeout(seconds)


async def _inline(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


@dataclass
class Outcome:
    """What a run did."""

    operations: int = 0
    transactions: int = 0
    seconds: float = 0.0
    by_kind: Counter[str] = field(default_factory=Counter)
    """`kind outcome` → how often"""
    below_zero: int = 0
    """steps after which a customer was below zero: by corrections alone"""


class RandomLedger:
    """One run, step by step. Raises AssertionError at the first difference."""

    def __init__(self, seed: int, operations: int) -> None:
        self._operations = operations
        self._customers = min(300, 10 + operations // 150)
        self._rng = np.random.default_rng(seed)
        self._clock = StandingClock()
        self._store = SqliteStore(IN_MEMORY, durable=False)
        self.keeper = Bookkeeper(self._store, _inline, Metrics(), Live(()))
        self.desk = RewardsDesk(self.keeper, asyncio.Lock(), self._clock, _REWARDS)
        self.reference = Reference(_RULES)
        self.outcome = Outcome()
        self._made: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in _OPERATIONS}
        self._seen, self._keys = 0, set[str]()
        self._summed: Counter[tuple[str, str]] = Counter()

    async def run(self) -> Outcome:
        """All operations."""
        operations = self._operations
        await self.keeper.take_over("bench", "0", (), self._clock.now())
        began = time.perf_counter()
        kinds, weights = list(_OPERATIONS), np.array([one[1] for one in _OPERATIONS.values()], dtype=float)
        for number, kind in enumerate(self._rng.choice(kinds, operations, p=weights / weights.sum())):
            await self._step(number, str(kind))
            if number % max(operations // 20, 1_000) == 0:
                self._compare_all()
        self._compare_all()
        self.outcome.operations, self.outcome.seconds = operations, time.perf_counter() - began
        self.outcome.transactions = len(self._store.transactions())
        return self.outcome

    def close(self) -> None:
        """Free the store."""
        self._store.close()

    async def _step(self, number: int, kind: str) -> None:
        self._clock.at += timedelta(seconds=int(self._rng.integers(2 * _SPAN_S // self._operations)))
        self.reference.touched.clear()
        real, expected = await _OPERATIONS[kind][0](self, number)
        self.outcome.by_kind[f"{kind} {expected}"] += 1
        assert real == expected, f"step {number}: {kind} was {real}, expected {expected}"
        accounts = self.desk.accounts
        assert not any(accounts.sums().values()), f"step {number}: {kind} left {accounts.sums()}"
        for account, unit in self.reference.touched:
            found, balance = accounts.balance(_name(account), unit), self.reference.balance[account, unit]
            assert found == balance, (
                f"step {number}: {kind} left {account} with {found}, not {balance} {unit}"
            )
            if balance < 0 and account.startswith("customer:"):
                self.outcome.below_zero += 1
                assert kind != "redeem", f"step {number}: {account} overdrawn"

    def _compare_all(self) -> None:
        for one in self._store.replay(after=self._seen):
            self._seen = one.seq
            if isinstance(one.entry, LedgerPosted):
                assert one.entry.key not in self._keys, f"{one.entry.key} is booked twice"
                self._keys.add(one.entry.key)
                for account, unit, amount in one.entry.postings:
                    self._summed[account, unit] += amount
        held = self.desk.accounts.balances()
        expected = {(_name(account), unit): n for (account, unit), n in self.reference.balance.items() if n}
        summed = {place: amount for place, amount in self._summed.items() if amount}
        stored = {place: amount for place, amount in self._store.balances().items() if amount}
        assert held == expected == summed == stored

    async def _asked(self, call: Awaitable[object], same: Callable[[object], bool]) -> str:
        before = self.keeper.books.seq
        try:
            answer = await call
        except RewardRefused:
            assert self.keeper.books.seq == before, "refused, but something was written"
            return "refused"
        return "same" if same(answer) else "done"

    def _again(self, kind: str, share: float, latest: int = 500) -> tuple[Any, ...] | None:
        """One of the latest of its kind, to be tried once more."""
        made = self._made[kind]
        if made and self._rng.random() < share:
            return made[int(self._rng.integers(max(0, len(made) - latest), len(made)))]
        return None

    def _customer(self) -> str:
        return f"C{int(self._rng.integers(self._customers)):03d}"

    def _unwritten(self, before: int) -> Callable[[object], bool]:
        return lambda _: self.keeper.books.seq == before

    async def credit(self, number: int) -> tuple[str, str]:
        """A request's credit, or the same once more."""
        drawn = (f"R{number}", self._customer(), int(self._rng.integers(40, 6_000)))
        request, customer, wh = self._again("credit", 0.15) or drawn
        at = self._clock.now()
        posted = ledger.credit(
            at=at, feeder="f", request=request, customer=customer, energy_wh=wh, rewards=_REWARDS
        )
        assert posted is not None
        before = self.keeper.books.seq
        real = await self._asked(self.keeper.write((posted,)), self._unwritten(before))
        self._made["credit"].append((request, customer, wh))
        return real, self.reference.credit(request, customer, wh, at)

    async def correct(self, number: int) -> tuple[str, str]:
        """A correction of a credit, or the same once more."""
        del number
        made = self._again("correct", 0.2)
        if made is None:
            chosen = self._again("credit", 1.0)
            if chosen is None:
                return "none", "none"
            request, customer, _ = chosen
            version = 1 + self.reference.corrections.get(request, 0)
            wh = int(self._rng.integers(0, 6_000)) * int(self._rng.random() < 0.8)
            before, after = self.reference.credits[request], (wh // 10, wh * 25 // 1000)
            if before == after:
                return "none", "none"
            made = (request, customer, version, before, after)
            self._made["correct"].append(made)
        request, customer, version, before, after = made
        at, seq = self._clock.now(), self.keeper.books.seq
        posted = ledger.correction(
            at=at, feeder="f", request=request, customer=customer, version=version, before=before,
            after=after, cause="late_readings", rewards=_REWARDS,
        )  # fmt: skip
        assert posted is not None
        real = await self._asked(self.keeper.write((posted,)), self._unwritten(seq))
        return real, self.reference.correct(request, customer, version, after, at)

    async def fact(self, number: int) -> tuple[str, str]:
        """A paid bill; some again, some of these with another amount."""
        at = self._clock.now()
        on = at - timedelta(days=int(self._rng.integers(0, 60)))
        fact, customer, cents, on = self._again("fact", 0.2) or (
            f"F{number}", self._customer(), int(self._rng.integers(0, 12_000)), on,
        )  # fmt: skip
        self._made["fact"].append((fact, customer, cents, on))
        cents += int(self._rng.random() < 0.05)
        report = self.desk.report_fact(
            fact=fact, customer=customer, kind="bill_paid", occurred_at=on, amount_minor_units=cents,
            currency="EUR-cent",
        )  # fmt: skip
        real = await self._asked(report, lambda points: points is None)
        return real, self.reference.fact(fact, customer, cents, on, at)

    async def redeem(self, number: int) -> tuple[str, str]:
        """Points for an item; some again, some of these for another."""
        items = list(_RULES.items)
        drawn = (f"X{number}", self._customer(), items[int(self._rng.integers(len(items)))])
        name, customer, item = self._again("redeem", 0.15) or drawn
        if self._rng.random() < 0.02:
            item = items[0]
        at, before = self._clock.now(), self.keeper.books.seq
        call = self.desk.redeem(redemption=name, customer=customer, item=item, who="bench")
        real = await self._asked(call, self._unwritten(before))
        expected = self.reference.redeem(name, customer, item, at + timedelta(days=_REDEMPTION_DAYS), at)
        if expected == "done":
            self._made["redeem"].append((name, customer, item))
        return real, expected

    async def end(self, number: int) -> tuple[str, str]:
        """A redemption is fulfilled or voided; often one that is already."""
        name = (self._again("redeem", 0.98, latest=40) or (f"X{number}",))[0]
        at, before = self._clock.now(), self.keeper.books.seq
        state = "fulfilled" if self._rng.random() < 0.7 else "voided"
        end = self.desk.fulfil if state == "fulfilled" else self.desk.void
        real = await self._asked(end(name, who="bench", reason="drawn"), self._unwritten(before))
        return real, self.reference.end(name, state, at)

    async def hourly(self, number: int) -> tuple[str, str]:
        """What is due by itself."""
        del number
        await self.desk.housekeep()
        return "done", self.reference.hourly(self._clock.now())

    async def top_up(self, number: int) -> tuple[str, str]:
        """More budget, or the same once more."""
        unit = "points" if self._rng.random() < 0.5 else "EUR-cent"
        amount = int(self._rng.integers(1, 200_000 if unit == "points" else 70_000))
        name, unit, amount = self._again("top_up", 0.2) or (f"T{number}", unit, amount)
        before = self.keeper.books.seq
        call = self.desk.top_up(top_up=name, unit=unit, amount=amount, who="bench")
        real = await self._asked(call, self._unwritten(before))
        self._made["top_up"].append((name, unit, amount))
        return real, self.reference.top_up(name, unit, amount)

    async def pay_out(self, number: int) -> tuple[str, str]:
        """All money out, or the same payout once more."""
        (name,) = self._again("pay_out", 0.3) or (f"P{number}",)
        before = self.keeper.books.seq
        real = await self._asked(self.desk.pay_out(payout=name), self._unwritten(before))
        self._made["pay_out"].append((name,))
        return real, self.reference.pay_out(name)


def _name(account: str) -> str:
    """The ledger's name for an account of the reference."""
    return f"programme:{_REWARDS.programme}:{account}" if account in ("budget", "funding") else account


_Operation = Callable[[RandomLedger, int], Awaitable[tuple[str, str]]]
_OPERATIONS: dict[str, tuple[_Operation, float]] = {
    "credit": (RandomLedger.credit, 30),
    "correct": (RandomLedger.correct, 12),
    "fact": (RandomLedger.fact, 25),
    "redeem": (RandomLedger.redeem, 18),
    "end": (RandomLedger.end, 14),
    "hourly": (RandomLedger.hourly, 0.5),
    "top_up": (RandomLedger.top_up, 0.3),
    "pay_out": (RandomLedger.pay_out, 0.02),
}
