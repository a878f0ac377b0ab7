"""How far every payout is: its terms, and what was paid by it. Pure, a part of the accounts."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from controller.entries import LedgerPosted, PayoutMoved
from controller.errors import BooksBroken
from controller.rewards import ledger
from controller.shared_map import SharedMap


@dataclass(frozen=True, slots=True)
class PayoutState:
    """Of a payout that has begun."""

    currency: str
    least: int
    """minor units: who has less is not paid"""
    parts: int = 0
    """transactions that are booked"""
    last: str = ""
    """customer's account that the latest of them ends with: those after it are still to be paid"""
    booked: bool = False
    """to the end: nothing more is paid by it"""


@dataclass(slots=True)
class Payouts:
    """All of a journal that told their terms."""

    _states: SharedMap[str, PayoutState] = field(default_factory=SharedMap)

    def find(self, payout: str) -> PayoutState | None:
        """How far a payout is; None for one that never began."""
        return self._states.find(payout)

    def begun(self) -> list[str]:
        """Payouts that are not booked to the end, sorted."""
        return sorted(payout for payout, state in self._states.items() if not state.booked)

    def fork(self) -> "Payouts":
        """A copy."""
        return Payouts(self._states.fork())

    def move(self, entry: PayoutMoved) -> None:
        """Take a payout's step in; raises BooksBroken for one that cannot be."""
        before = self.find(entry.payout)
        if entry.state == "begun":
            if before is not None:
                raise BooksBroken(f"payout {entry.payout} is begun twice")
            self._states[entry.payout] = PayoutState(entry.currency, entry.least)
            return
        if before is None:
            raise BooksBroken(f"payout {entry.payout} is booked, but it is not begun")
        if before.booked:
            raise BooksBroken(f"payout {entry.payout} is booked twice")
        if (before.currency, before.least) != (entry.currency, entry.least):
            raise BooksBroken(f"payout {entry.payout} is booked as another than it was begun")
        self._states[entry.payout] = replace(before, booked=True)

    def post(self, posted: LedgerPosted, accounts: Iterable[str]) -> None:
        """Keep in mind who was paid by a transaction that moves these accounts; raises BooksBroken for one of
        a payout that is booked.
        """
        moved = tuple(accounts)
        payout = next((name for account in moved if (name := ledger.payout_of(account))), None)
        state = None if payout is None else self.find(payout)
        if payout is None or state is None:  # none, or of a journal that told no payout's terms
            return
        if state.booked:
            raise BooksBroken(f"{posted.key}: payout {payout} is booked, nothing more can be paid by it")
        last = max((account for account in moved if ledger.is_customer(account)), default=state.last)
        self._states[payout] = replace(state, parts=state.parts + 1, last=last)
