"""What was asked, proven and credited, by event, by customer or by programme.

Pure; amounts, energies and ratios are integers. A request counts by the settlement that holds, the latest
correction or else the first; its programme is the one that settlement names. Entries from before it did name
one only where something was credited, so a request that earned nothing then belongs to no programme (`None`).
A transaction for no request belongs to no event.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never

from controller.entries import LedgerPosted
from controller.rewards import ledger
from controller.rewards.booked import Booked

By = Literal["event", "customer", "programme"]
_CUSTOMER = ledger.customer_account("")
_BUDGET_BEGIN, _BUDGET_END = ledger.budget_account("/").split("/")


@dataclass(slots=True)
class Row:
    """Sums over the requests and transactions of one event, customer or programme."""

    group: str | None
    requests: int = 0
    """that were planned, whatever became of them"""
    settled: int = 0
    corrected: int = 0
    """settled ones that were calculated anew to something else"""
    too_little_data: int = 0
    """settled ones whose meters told too little to prove anything"""
    asked_w: int = 0
    """as first asked, summed over requests, which need not have run at the same time"""
    asked_wh: int = 0
    """over the time that requests were active"""
    judged_wh: int = 0
    """of `asked_wh`, what was asked in the measured time of intervals of which the meters told enough; in
    entries from before intervals were told, by requests of which they did"""
    verified_wh: int = 0
    intervals: int = 0
    intervals_measured: int = 0
    credited: Counter[str] = field(default_factory=Counter)
    """unit → what was posted from budgets to customers' accounts, corrections included; what customers used
    or let expire is no part of it"""

    @property
    def compliance_permille(self) -> int | None:
        """Verified of what was asked where meters told enough, rounded down; None when nothing was."""
        return self.verified_wh * 1000 // self.judged_wh if self.judged_wh else None

    @property
    def measured_permille(self) -> int | None:
        """Data quality: of the settlement intervals, how many were measured, rounded down."""
        return self.intervals_measured * 1000 // self.intervals if self.intervals else None

    def add(self, other: "Row") -> None:
        """Take another row's sums in."""
        self.requests += other.requests
        self.settled += other.settled
        self.corrected += other.corrected
        self.too_little_data += other.too_little_data
        self.asked_w += other.asked_w
        self.asked_wh += other.asked_wh
        self.judged_wh += other.judged_wh
        self.verified_wh += other.verified_wh
        self.intervals += other.intervals
        self.intervals_measured += other.intervals_measured
        self.credited.update(other.credited)


@dataclass(frozen=True, slots=True)
class Report:
    """All rows, by name, the one without a name last; and their sum."""

    by: By
    seq: int
    """the last journal entry that was read"""
    rows: tuple[Row, ...]
    total: Row


def report(booked: Booked, by: By) -> Report:
    """Sum a journal up."""
    rows: dict[str | None, Row] = {}
    programmes = _programmes(booked)
    for request, asked in booked.asked.items():
        group = _group(by, asked.event, asked.customer, programmes.get(request))
        rows.setdefault(group, Row(group)).add(_of_request(booked, request))
    for posted in booked.posted:
        for customer, unit, amount in _credits(posted):
            group = _group(by, booked.event_of(posted), customer, programme_of(posted))
            rows.setdefault(group, Row(group)).credited[unit] += amount
    total = Row(None)
    for row in rows.values():
        total.add(row)
    ordered = sorted(rows.values(), key=lambda row: (row.group is None, row.group or ""))
    return Report(by, booked.seq, tuple(ordered), total)


def programme_of(posted: LedgerPosted) -> str | None:
    """The programme whose budget a transaction moves; None when it is none, or several."""
    named = {
        account.removeprefix(_BUDGET_BEGIN).removesuffix(_BUDGET_END)
        for account, _, _ in posted.postings
        if account.startswith(_BUDGET_BEGIN) and account.endswith(_BUDGET_END)
    }
    return named.pop() if len(named) == 1 else None


def _group(by: By, event: str | None, customer: str, programme: str | None) -> str | None:
    match by:
        case "event":
            return event
        case "customer":
            return customer
        case "programme":
            return programme
        case _:
            assert_never(by)


def _programmes(booked: Booked) -> dict[str, str]:
    """Request → its programme: as settled, as it was asked under, or the one that first credited it."""
    found = {request: one.programme for request, one in booked.asked.items() if one.programme is not None}
    found |= {request: one.programme for request, one in booked.settled.items() if one.programme is not None}
    for posted in booked.posted:
        programme = programme_of(posted)
        if posted.request is not None and programme is not None:
            found.setdefault(posted.request, programme)
    return found


def _credits(posted: LedgerPosted) -> Iterable[tuple[str, str, int]]:
    """(customer, unit, amount) of its postings from a budget to customers, or back."""
    of_budget = {unit for account, unit, _ in posted.postings if ledger.is_budget(account)}
    return (
        (account.removeprefix(_CUSTOMER), unit, amount)
        for account, unit, amount in posted.postings
        if account.startswith(_CUSTOMER) and unit in of_budget
    )


def _of_request(booked: Booked, request: str) -> Row:
    row = Row(None, requests=1, asked_w=booked.asked[request].asked_w)
    settled = booked.holding(request)
    if settled is None:
        return row
    row.settled = 1
    row.corrected = int(request in booked.corrected)
    row.too_little_data = int(settled.outcome == "too_little_data")
    row.asked_wh = round(settled.asked_kwh * 1000)
    if settled.by_interval:
        row.judged_wh = sum(one.asked_wh for one in settled.by_interval if one.proven)
    else:
        row.judged_wh = 0 if row.too_little_data else row.asked_wh
    row.verified_wh = round(settled.reduced_kwh * 1000)
    row.intervals = settled.intervals
    row.intervals_measured = settled.intervals_measured
    return row
