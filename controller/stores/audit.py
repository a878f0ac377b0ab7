"""Is the stored record whole? For `gridward audit verify`: reads all, trusts nothing that it can recompute.

Checked: the hash chain from the first entry to the last; that the entries tell a story that can have happened
(they replay); that the ledger's tables hold exactly the journal's transactions, each balanced; that a credit
and the settlement that it is for agree (reliability L1, L5, L7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller import ledger
from controller.books import Books
from controller.entries import LedgerPosted, RequestSettled
from controller.errors import BooksBroken, RecordBroken
from controller.stores.port import Numbered
from controller.stores.record import SqliteRecord


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    entries: int
    """that were read before the first fault"""
    transactions: int
    sums: dict[str, int]
    """unit → sum over all accounts: zero each"""
    fault: str | None
    """the first fault and its place; None when the record is whole"""


def audit(record: SqliteRecord) -> Audit:
    """Read and check all of it. Raises StoreUnavailable when it cannot be read."""
    books = Books()
    posted: dict[str, Numbered] = {}
    settled: dict[str, RequestSettled] = {}
    fault: str | None = None
    try:
        for numbered in record.replay():
            books.apply(numbered)
            match numbered.entry:
                case LedgerPosted() as transaction:
                    _check(numbered.seq, transaction, posted, settled)
                    posted[transaction.key] = numbered
                case RequestSettled() as settlement:
                    settled[settlement.request] = settlement
    except RecordBroken as error:
        fault = str(error)
    except BooksBroken as error:
        fault = f"entry {books.seq + 1} cannot be: {error}"
    return Audit(
        entries=books.seq,
        transactions=len(posted),
        sums=ledger.sum_per_unit(record.balances().items()),
        fault=fault or next(_ledger_faults(record, posted), None),
    )


def _check(
    seq: int, entry: LedgerPosted, posted: Mapping[str, Numbered], settled: Mapping[str, RequestSettled]
) -> None:
    """Raise RecordBroken for a transaction that is unbalanced, doubled, or not what its settlement says."""
    faults = list(ledger.faults(entry))
    if entry.key in posted:
        faults.append(f"{entry.key} is booked twice")
    settlement = settled.get(entry.request or "")
    if settlement is not None and entry.key.endswith(f"/credit/{ledger.RULE}"):
        credited = sorted(amount for _, _, amount in entry.postings if amount > 0)
        if credited != sorted(n for n in (settlement.points, settlement.minor_units) if n > 0):
            faults.append(f"{entry.key} credits {credited}, but its settlement says otherwise")
    if faults:
        raise RecordBroken(f"entry {seq}: {faults[0]}")


def _ledger_faults(record: SqliteRecord, posted: Mapping[str, Numbered]) -> Iterator[str]:
    """Where the ledger's own tables differ from the journal."""
    tables = record.transactions()
    for key in sorted(tables.keys() | posted.keys()):
        told = posted.get(key)
        postings = told.entry.postings if told and isinstance(told.entry, LedgerPosted) else ()
        if told is None or tables.get(key) != (told.seq, postings):
            yield f"ledger: the postings of {key} are not those of the journal"
    for unit, total in ledger.sum_per_unit(record.balances().items()).items():
        if total:
            yield f"ledger: all accounts together hold {total} {unit}, not zero"
