"""What the order desk needs of the rounds, and how a draft becomes an order again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from controller.entries import Entry, OperatorActed, OrderDrafted
from controller.feeder_control import FeederControl
from controller.order_effects import ProposedOrder, WhatIf
from controller.orders.giving import Warrant
from controller.orders.more_reach import HeldBack


class Carrier(Protocol):
    """Looks ahead, and carries orders out. The rounds are it."""

    @property
    def held_back(self) -> Mapping[str, HeldBack]:
        """By feeder: when the limits on reach last held the automatic back."""
        ...

    async def operate(
        self, control: FeederControl, order: ProposedOrder, *, who: str, why: str, warrant: Warrant | None
    ) -> OperatorActed:
        """Carry an order out; raises ValueError, StoreUnavailable, and what `warrant` raises."""
        ...

    async def foresee(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """What orders would do; raises ValueError, NotNow."""
        ...

    async def at_once(
        self, controls: Iterable[FeederControl], entries_at: Callable[[datetime], tuple[Entry, ...]]
    ) -> tuple[Entry, ...]:
        """Write and send ahead of all else, also when the journal cannot be written; what was written.
        `entries_at` may be asked twice.
        """
        ...


def order_of(drafted: OrderDrafted) -> ProposedOrder:
    """The order that a draft is about."""
    return ProposedOrder(
        drafted.action,
        drafted.target,
        drafted.targets,
        drafted.limit_kw,
        drafted.until,
        drafted.direction or "consumption",
    )
