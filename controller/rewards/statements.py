"""What one customer was credited in a period: opening balance, every transaction, closing balance.

Pure; amounts are integers throughout. The closing balance is summed from the first transaction on by itself,
and must be what opening balance and lines give.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from controller.entries import LedgerPosted
from controller.errors import RecordBroken
from controller.rewards import ledger
from controller.rewards.booked import Booked

Amounts = dict[str, int]
"""unit → amount"""


@dataclass(frozen=True, slots=True)
class Line:
    """What one transaction moved on the customer's account."""

    at: datetime
    request: str | None
    event: str | None
    energy_wh: int | None
    """verified energy that it credits; None when it credits none, as a correction does"""
    reason: str
    key: str
    amounts: Amounts
    """only the units that it moves"""
    balances: Amounts
    """of these units, after it"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One customer's account from `start` until before `end`; None: from the first entry, to the last."""

    customer: str
    start: datetime | None
    end: datetime | None
    seq: int
    """the last journal entry that was read"""
    opening: Amounts
    lines: tuple[Line, ...]
    """in the order of the journal"""
    closing: Amounts

    @property
    def energy_wh(self) -> int:
        """Verified energy of all lines."""
        return sum(line.energy_wh or 0 for line in self.lines)


def statement(
    booked: Booked, customer: str, start: datetime | None = None, end: datetime | None = None
) -> Statement:
    """A customer's statement; raises RecordBroken when closing is not opening and lines.

    Every unit that the account holds before `end` is in `opening` and `closing`, with 0 where there is none.
    """
    account = ledger.customer_account(customer)
    until = [posted for posted in booked.posted if end is None or posted.at < end]
    before = [posted for posted in until if start is not None and posted.at < start]
    closing = _held(until, account)
    opening = {unit: _held(before, account).get(unit, 0) for unit in closing}
    running = Counter(opening)
    lines: list[Line] = []
    for posted in until:
        amounts = _held([posted], account)
        if amounts and (start is None or posted.at >= start):
            running.update(amounts)
            lines.append(_line(booked, posted, amounts, {unit: running[unit] for unit in amounts}))
    if dict(running) != closing:
        raise RecordBroken(f"the statement of {customer} does not add up: {dict(running)}, not {closing}")
    return Statement(customer, start, end, booked.seq, opening, tuple(lines), closing)


def units(amounts: Iterable[str]) -> tuple[str, ...]:
    """Units in the order of columns: points, then money by name."""
    return tuple(sorted(set(amounts), key=lambda unit: (unit != ledger.POINTS, unit)))


def _line(booked: Booked, posted: LedgerPosted, amounts: Amounts, balances: Amounts) -> Line:
    return Line(
        at=posted.at,
        request=posted.request,
        event=booked.event_of(posted),
        energy_wh=booked.energy_wh(posted),
        reason=posted.reason,
        key=posted.key,
        amounts=amounts,
        balances=balances,
    )


def _held(posted: Iterable[LedgerPosted], account: str) -> Amounts:
    held = {unit: n for (name, unit), n in ledger.balances(posted).items() if name == account}
    return {unit: held[unit] for unit in units(held)}
