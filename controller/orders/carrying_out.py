"""[6] Carries out what people order, ahead of all else: it waits for a round's thinking (milliseconds), never
for its sending. Part of the shell.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import structlog

from controller import operators
from controller.entries import Entry, OperatorActed
from controller.feeder_control import FeederControl
from controller.footing import Footing
from controller.looked import Looked
from controller.order_effects import ProposedOrder
from controller.ordered_limits import order_limit
from controller.orders.giving import Warrant
from controller.round_state import RoundState
from controller.sending import Sender

EntriesAt = Callable[[datetime], tuple[Entry, ...]]
log = structlog.get_logger()


class Look(Protocol):
    """How a feeder was looked at last; None before the first look."""

    def __call__(self, control: FeederControl, *, apart: bool = True) -> Looked | None:
        """On books of its own when `apart`."""
        ...


class CarryingOut:
    """Under the rounds' turn."""

    def __init__(self, footing: Footing, state: RoundState, sender: Sender, look: Look) -> None:
        self._keeper, self._turn = footing.keeper, footing.turn
        self._clock, self._offload = footing.clock, footing.offload
        self._state, self._sender, self._look = state, sender, look

    async def operate(
        self, control: FeederControl, order: ProposedOrder, *, who: str, why: str, warrant: Warrant | None
    ) -> OperatorActed:
        """An operator's action. Raises ValueError; StoreUnavailable only for `automatic_on` and `limit`."""
        action = order.action
        async with self._turn:
            now = self._clock.now()
            await self._sender.note(now)  # what went out since the last round would hold up a release of it
            act, entries = await self._ordered(control, order, who, why, now)
            if warrant is not None:
                act, entries = warrant(now, act, entries)
            if action in ("automatic_on", "limit"):
                await self._keeper.write(entries)
            else:
                await self._keeper.write_or_apply(entries)
            if action == "automatic_on":
                self._state.faults[control.feeder] = 0
            await self._sender.start([control], now)
        log.info("operator_acted", feeder=control.feeder, action=act.action, target=act.target, who=act.who)
        return act

    async def _ordered(
        self, control: FeederControl, order: ProposedOrder, who: str, why: str, now: datetime
    ) -> tuple[OperatorActed, tuple[Entry, ...]]:
        if order.action != "limit":
            return operators.order(
                control,
                self._keeper.books,
                self._keeper.epoch,
                action=order.action,
                target=order.target,
                who=who,
                why=why,
                now=now,
            )
        found = self._look(control, apart=False)
        if found is None:
            raise ValueError(f"feeder {control.feeder!r}: expected one that was looked at; it was not yet")
        return await self._offload(order_limit, found.situation, found.excluded, order, who=who, why=why)

    async def at_once(self, controls: Iterable[FeederControl], entries_at: EntriesAt) -> tuple[Entry, ...]:
        """Write what lets people go and send it, also when the journal cannot be written; what was written.
        Where a round or a failing store would have to be waited for, letting go goes out first: devices take
        it once more afterwards.
        """
        stopped = tuple(controls)
        with self._sender.stopping(stopped):
            if self._turn.locked() or self._keeper.store_fault is not None:
                self._sender.start_releases(entries_at(self._clock.now()))
            async with self._turn:
                now = self._clock.now()
                await self._sender.note_or_forget(now)
                entries = entries_at(now)
                await self._keeper.write_or_apply(entries)
                await self._sender.start(stopped, now, waits=False)
        return entries
