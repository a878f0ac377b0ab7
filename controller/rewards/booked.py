"""What the journal tells about credits, gathered in one pass: what statements and reports are made from.

Reads entries, writes nothing and knows no store. Events are remembered by the requests they led to, however
old: unlike the controller's memory this forgets nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.entries import LedgerPosted, RequestPlanned, RequestSettled, SettlementCorrected
from controller.errors import RecordBroken
from controller.rewards import ledger
from controller.stores.port import Numbered


@dataclass(frozen=True, slots=True)
class Asked:
    """Of one request, what reports need to know of its planning."""

    event: str
    customer: str
    asked_w: int
    """power it was first asked to give up, in whole watts: what a device took, or a person's baseline, less
    the limit; never below 0
    """
    programme: str | None = None
    """None: the site's own, or an entry from before it was told"""


@dataclass(slots=True)
class Booked:
    """All requests, settlements and transactions of a journal; transactions in their order."""

    seq: int = 0
    """of the last entry that was read"""
    asked: dict[str, Asked] = field(default_factory=dict)
    settled: dict[str, RequestSettled] = field(default_factory=dict)
    corrected: dict[str, list[SettlementCorrected]] = field(default_factory=dict)
    """by version, from 1"""
    posted: list[LedgerPosted] = field(default_factory=list)

    def event_of(self, posted: LedgerPosted) -> str | None:
        """The event that a transaction's request belongs to; None when it is for no request."""
        asked = self.asked.get(posted.request or "")
        return None if asked is None else asked.event

    def holding(self, request: str) -> RequestSettled | SettlementCorrected | None:
        """The settlement of a request that holds now; None before it is settled."""
        corrected = self.corrected.get(request)
        return corrected[-1] if corrected else self.settled.get(request)

    def energy_wh(self, posted: LedgerPosted) -> int | None:
        """Verified energy that a transaction credits, and of a correction the difference; None when it is
        neither.
        """
        settled = self.settled.get(posted.request or "")
        for one in self.corrected.get(posted.request or "", ()):
            if posted.corrects is not None and posted.key.endswith(f"/correction/{one.version}"):
                return round(one.reduced_kwh * 1000) - round(one.reduced_kwh_before * 1000)
        is_credit = posted.key.endswith(f"/credit/{ledger.RULE}")
        return round(settled.reduced_kwh * 1000) if settled is not None and is_credit else None


def gather(told: Iterable[Numbered]) -> Booked:
    """Read a journal from its first entry."""
    booked = Booked()
    for numbered in told:
        booked.seq = numbered.seq
        match numbered.entry:
            case RequestPlanned() as planned:
                booked.asked[planned.request] = Asked(
                    planned.event, planned.customer, _asked_w(planned), planned.programme
                )
            case RequestSettled() as settled:
                booked.settled[settled.request] = settled
            case SettlementCorrected() as corrected:
                booked.corrected.setdefault(corrected.request, []).append(corrected)
            case LedgerPosted() as posted:
                booked.posted.append(posted)
    return booked


def _asked_w(planned: RequestPlanned) -> int:
    """As verification has it: the limit of a person is one at their meter, so the baseline there counts."""
    before_kw = planned.p_before_kw if planned.resource == "device" else planned.baseline_kw
    return max(0, round((before_kw - planned.limit_kw) * 1000))


def check(booked: Booked, tables: Mapping[str, tuple[int, tuple[ledger.Posting, ...]]]) -> None:
    """Raise RecordBroken unless the ledger's own tables hold what the journal says.

    `tables`: `Record.transactions()` of a store, read after the journal; what was booked meanwhile is left
    out.
    """
    told = {posted.key: posted.postings for posted in booked.posted}
    held = {key: postings for key, (seq, postings) in tables.items() if seq <= booked.seq}
    for key in sorted(told.keys() | held.keys()):
        if told.get(key) != held.get(key):
            raise RecordBroken(f"ledger: the postings of {key} are not those of the journal")
