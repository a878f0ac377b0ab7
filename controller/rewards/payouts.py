"""Money out of customers' accounts, for the bank or the next bill: one payout takes all that is there. Pure.

A payout's transactions are written in one commit, so it is whole or not there. Which file it is follows from
its id: told again, it is read from what was booked, byte for byte the same (reliability L10).
"""

from collections.abc import Iterable
from datetime import datetime

from controller.entries import LedgerPosted
from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.ledger import Posting

AT_ONCE = 1000
"""customers in one transaction"""


def is_booked(accounts: Accounts, payout: str, currency: str) -> bool:
    """Whether a payout has been booked: its account only ever grows once, from nothing."""
    return accounts.balance(ledger.payout_account(payout), currency) > 0


def paid_out(
    accounts: Accounts, *, payout: str, currency: str, least: int, now: datetime
) -> tuple[LedgerPosted, ...]:
    """The transactions of a new payout: every customer with at least `least` (1 or more) of the currency."""
    due = sorted(
        (account, amount)
        for (account, unit), amount in accounts.balances().items()
        if unit == currency and ledger.is_customer(account) and amount >= least
    )
    parts = (due[begin : begin + AT_ONCE] for begin in range(0, len(due), AT_ONCE))
    return tuple(
        LedgerPosted(
            at=now,
            key=f"payout/{payout}/{number}",
            postings=_postings(payout, currency, part),
            reason=f"paid out: {payout}",
            request=None,
        )
        for number, part in enumerate(parts, start=1)
    )


def payments(posted: Iterable[LedgerPosted], payout: str) -> list[tuple[str, str, int]]:
    """(customer, currency, amount) of a payout, by customer, from the transactions of a journal."""
    begin = len(ledger.customer_account(""))
    return sorted(
        (account[begin:], unit, -amount)
        for transaction in posted
        if transaction.key.startswith(f"payout/{payout}/")
        for account, unit, amount in transaction.postings
        if ledger.is_customer(account)
    )


def _postings(payout: str, currency: str, due: Iterable[tuple[str, int]]) -> tuple[Posting, ...]:
    taken = [(account, currency, -amount) for account, amount in due]
    total = -sum(amount for _, _, amount in taken)
    return (*taken, (ledger.payout_account(payout), currency, total))
