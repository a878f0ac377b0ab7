"""What one commit adds to a record: its journal rows, chained, and the ledger's rows. Pure, for every store.

A store reads the journal's end and which transactions are there already, makes a `Batch` of both, and writes
its rows in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.entries import Entry, LedgerPosted
from controller.errors import LedgerConflict, RecordBroken, Replaced
from controller.rewards import ledger
from controller.stores import chain
from controller.stores.pages import JournalRow, decoded

Head = tuple[int, bytes]
"""number and link of the journal's last entry"""
EMPTY: Head = (0, chain.START)
"""the head of a journal without entries"""
Booked = tuple[int, LedgerPosted]
"""a transaction that is there, with the number of its entry"""


@dataclass(slots=True)
class Batch:
    """Rows to write, in order."""

    head: Head
    """of the journal once they are written"""
    numbers: list[int] = field(default_factory=list)
    """of the entries that were given, one each"""
    journal: list[JournalRow] = field(default_factory=list)
    transactions: list[tuple[str, int]] = field(default_factory=list)
    """key, number of its entry"""
    postings: list[tuple[str, int, str, str, int]] = field(default_factory=list)
    """key, line, account, unit, amount"""


def keys_of(entries: Iterable[Entry]) -> list[str]:
    """The keys of the transactions among them: what a store must look up before it makes a batch."""
    return [entry.key for entry in entries if isinstance(entry, LedgerPosted)]


def booked_of(rows: Iterable[tuple[str, int, str]]) -> dict[str, Booked]:
    """What is there under a key, from rows of key, number and body. Raises RecordBroken for a transaction
    whose entry is none."""
    booked: dict[str, Booked] = {}
    for key, seq, body in rows:
        entry = decoded(seq, body)
        if not isinstance(entry, LedgerPosted):
            raise RecordBroken(f"ledger: {key} points to entry {seq}, which is no transaction")
        booked[key] = (seq, entry)
    return booked


def batch_of(entries: Sequence[Entry], head: Head, booked: Mapping[str, Booked]) -> Batch:
    """The batch that these entries make at the journal's end `head`.

    `booked`: the transactions that are there already. Raises LedgerConflict and ValueError.
    """
    batch, there = Batch(head), dict(booked)
    for entry in entries:
        if isinstance(entry, LedgerPosted):
            if entry.key in there:
                batch.numbers.append(_number_of_the_same(entry, there[entry.key]))
                continue
            _post(batch, entry)
            there[entry.key] = (batch.head[0] + 1, entry)
        batch.numbers.append(_append(batch, entry))
    return batch


def check_epoch(own: int | None, in_force: int) -> None:
    """Raise Replaced unless the epoch in force is our own."""
    if own != in_force:
        ours = "none" if own is None else str(own)
        raise Replaced(f"epoch {in_force} is in force, ours is {ours}: another controller commands")


def _append(batch: Batch, entry: Entry) -> int:
    seq, previous = batch.head[0] + 1, batch.head[1]
    body = chain.encode(entry)
    link = chain.link(previous, seq, body)
    batch.journal.append((seq, body, previous, link))
    batch.head = (seq, link)
    return seq


def _number_of_the_same(posted: LedgerPosted, booked: Booked) -> int:
    seq, there = booked
    if not ledger.same_content(there, posted):
        raise LedgerConflict(f"{posted.key} is booked already, with another content (entry {seq})")
    return seq


def _post(batch: Batch, posted: LedgerPosted) -> None:
    wrong = ledger.faults(posted)
    if wrong:
        raise LedgerConflict("; ".join(wrong))
    batch.transactions.append((posted.key, batch.head[0] + 1))
    batch.postings.extend((posted.key, line, *posting) for line, posting in enumerate(posted.postings))
