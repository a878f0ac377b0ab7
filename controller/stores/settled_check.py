"""Do the transactions of each request come to what its settlement says? Part of the audit; pure.

A credit is what the first settlement says, and all of a request's transactions together are what its latest
correction says, of points and of money. A correction tells what held before: that must be so.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from controller.entries import Entry, LedgerPosted, RequestSettled, SettlementCorrected
from controller.rewards import ledger
from controller.stores.chain_check import Fault


@dataclass(slots=True)
class _Request:
    seq: int
    """of the settlement that holds"""
    holds: RequestSettled | SettlementCorrected
    booked: Counter[bool] = field(default_factory=Counter)
    """points (True) and money (False) that customers got"""


class SettledCheck:
    """One pass over the entries, in their order."""

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}

    def take(self, seq: int, entry: Entry) -> Iterator[str]:
        """One more entry; what is wrong with it."""
        match entry:
            case RequestSettled():
                self._requests[entry.request] = _Request(seq, entry)
            case SettlementCorrected():
                yield from self._correct(seq, entry)
            case LedgerPosted() if entry.request is not None and "/credit/" in entry.key:
                known = self._requests.get(entry.request)
                if known is not None:
                    known.booked.update(_to_customers(entry))
            case _:
                pass

    def end(self) -> Iterator[Fault]:
        """After the last entry: requests whose transactions do not come to what holds."""
        for request, known in self._requests.items():
            booked = (known.booked[True], known.booked[False])
            told = (known.holds.points, known.holds.minor_units)
            if booked != told:
                text = f"{request}: its transactions come to {booked}, its settlement says {told}"
                yield Fault("ledger", known.seq, f"entry {known.seq}: {text} points and minor units")

    def _correct(self, seq: int, entry: SettlementCorrected) -> Iterator[str]:
        known = self._requests.setdefault(entry.request, _Request(seq, entry))
        held, known.seq, known.holds = known.holds, seq, entry
        before = (entry.points_before, entry.minor_units_before, entry.reduced_kwh_before)
        if held is not entry and before != (held.points, held.minor_units, held.reduced_kwh):
            yield f"the correction of {entry.request} says that another settlement held before"


def _to_customers(posted: LedgerPosted) -> Counter[bool]:
    sums: Counter[bool] = Counter()
    for account, unit, amount in posted.postings:
        if ledger.is_customer(account):
            sums[unit == ledger.POINTS] += amount
    return sums
