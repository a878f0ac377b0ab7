"""A rewards desk on a store in memory, for tests; it may die and be started anew on the same store."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from controller.bookkeeping import Bookkeeper
from controller.entries import LedgerPosted
from controller.live import Live
from controller.metrics import Metrics
from controller.rewards import ledger
from controller.rewards.reward_rules import Earning, Expiry, Item, Tier
from controller.rewards.rewards_desk import RewardsDesk
from controller.settings import Rewards
from tests.builders import FakeClock
from tests.controller.worlds import FailingStore

START = datetime(2026, 1, 12, 18, tzinfo=UTC)
CURRENCY = "EUR-cent"
REWARDS = Rewards(
    programme="evening",
    currency=CURRENCY,
    redemption_days=10,
    earning=(
        Earning(rule="on-time", fact="bill_paid_on_time", points=50, cap_points=120, cap_period="quarter"),
        Earning(rule="paid", fact="bill_paid", points_per_unit=2),
        Earning(rule="spring", fact="took_part", points=10, valid_from=date(2026, 3, 1)),
    ),
    tier=(
        Tier(tier="gold", from_points=1_000, bonus_percent=25),
        Tier(tier="silver", from_points=300, bonus_percent=5),
    ),
    catalogue=(
        Item(item="lamp", kind="gift", points=100, names={"en": "LED lamp", "de": "LED-Lampe"}),
        Item(item="cinema", kind="coupon", points=60, names={"en": "Cinema"}, stock=2),
        Item(item="credit", kind="bill_credit", points=200, minor_units=150, names={"en": "1.50 off"}),
        Item(item="golden", kind="gift", points=1, names={"en": "Pin"}, from_tier="gold"),
        Item(item="summer", kind="gift", points=1, names={"en": "Hat"}, valid_from=date(2026, 6, 1)),
        Item(item="past", kind="gift", points=1, names={"en": "Scarf"}, valid_until=date(2025, 12, 31)),
    ),
    expiry=Expiry(after_months=6, earned_in="quarter"),
)


async def yielding(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """An `Offload` that lets others in before and after."""
    await asyncio.sleep(0)
    found = function(*args, **kwargs)
    await asyncio.sleep(0)
    return found


@dataclass
class DeskWorld:
    """A desk, its clock and its store."""

    rewards: Rewards = REWARDS
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    store: FailingStore = field(default_factory=FailingStore)
    customers: frozenset[str] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> "DeskWorld":
        """Read the journal, as at every start."""
        self.keeper = Bookkeeper(self.store, yielding, Metrics(), Live(()))
        await self.keeper.take_over("test", "0", (), self.clock.now())
        self.turn = asyncio.Lock()
        self.desk = RewardsDesk(
            self.keeper, self.turn, self.clock, self.rewards, customers=self.customers, offload=yielding
        )
        return self

    async def credit(self, customer: str, points: int, minor_units: int = 0, key: str = "") -> None:
        """Points and money out of nothing but the budget."""
        own, budget = ledger.customer_account(customer), ledger.budget_account(self.rewards.programme)
        postings = [(budget, "points", -points), (own, "points", points)] if points else []
        if minor_units:
            postings += [(budget, CURRENCY, -minor_units), (own, CURRENCY, minor_units)]
        key = key or f"credit/{customer}/{points}/{minor_units}/{self.clock.passed_s}"
        posted = LedgerPosted(
            at=self.clock.now(), key=key, postings=tuple(postings), reason="for tests", request=None
        )
        await self.keeper.write((posted,))

    def points(self, customer: str) -> int:
        """What a customer has."""
        return self.desk.accounts.balance(ledger.customer_account(customer), "points")

    def money(self, customer: str) -> int:
        """What a customer has."""
        return self.desk.accounts.balance(ledger.customer_account(customer), CURRENCY)

    def at(self, moment: datetime) -> None:
        """Set the clock."""
        self.clock.passed_s = (moment - self.clock.start).total_seconds()

    def entries(self) -> int:
        """How long the journal is."""
        return self.keeper.books.seq

    async def gather(self, *asked: Awaitable[object]) -> list[object]:
        """All at once; what is refused is among the answers."""
        return list(await asyncio.gather(*asked, return_exceptions=True))
