"""Money out of customers' accounts, for the bank or the next bill: one payout takes all that is there. Pure.

A payout is booked in parts, customer after customer by account, so that nobody waits long for the turn; what
was begun goes on where it was cut off, and each customer is in it once, with what their account holds when
their part is booked. Its terms are told before the first part and its end after the last: told again, it is
read from what was booked, byte for byte the same (reliability L10). An empty one is told as well: its id
stands for it.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from controller.entries import LedgerPosted, PayoutMoved
from controller.rewards import ledger
from controller.rewards.accounts import Accounts
from controller.rewards.ledger import Posting
from controller.rewards.payout_state import PayoutState

AT_ONCE = 1000
"""customers in one transaction"""


def is_there(accounts: Accounts, payout: str, currency: str) -> bool:
    """Whether anything was paid by a payout."""
    return accounts.balance(ledger.payout_account(payout), currency) > 0


def parts(accounts: Accounts, begun: PayoutMoved) -> list[list[str]]:
    """Customers' accounts that a payout is still to pay, some at a time; a last part without any when there
    are none.
    """
    owed = accounts.owed(begun.currency, begun.least)
    begin = bisect_right(owed, _state(accounts, begun).last)
    return [owed[at : at + AT_ONCE] for at in range(begin, max(len(owed), begin + 1), AT_ONCE)]


def paid_out(
    accounts: Accounts, begun: PayoutMoved, part: Iterable[str], now: datetime
) -> list[LedgerPosted]:
    """The transaction that pays a part, of which whoever has too little by now is left out; none when that is
    everybody.
    """
    due = [
        (account, amount)
        for account in part
        if (amount := accounts.balance(account, begun.currency)) >= begun.least
    ]
    if not due:
        return []
    number = _state(accounts, begun).parts + 1
    return [
        LedgerPosted(
            at=now,
            key=f"payout/{begun.payout}/{number}",
            postings=_postings(begun.payout, begun.currency, due),
            reason=f"paid out: {begun.payout}",
            request=None,
        )
    ]


def booked(begun: PayoutMoved, now: datetime) -> PayoutMoved:
    """The entry that ends a payout."""
    return replace(begun, at=now, state="booked")


def _state(accounts: Accounts, begun: PayoutMoved) -> PayoutState:
    return accounts.payouts.find(begun.payout) or PayoutState(begun.currency, begun.least)


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
