"""Reads a stored journal that nobody can be trusted with: names every entry that was altered, is missing or
was moved, and goes on after it. Pure: rows in, entries of the chain and faults out.

An entry's link covers its number, its body and the link before (`chain.py`). So a row proves by itself that
it was written as entry N after a certain link; and the row after it says which link entry N had. Where both
agree the place is sound; where they do not, the one that two others vouch for is believed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain as joined
from itertools import pairwise
from typing import Literal

from controller.stores import chain
from controller.stores.port import StoredRow

Kind = Literal[
    "altered", "missing", "reordered", "added", "unreadable", "forged", "forked", "cut_off", "story", "ledger"
]
KEPT = 200
"""rows that are kept to see whether they only changed places"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    kind: Kind
    seq: int | None
    """the first entry that is concerned; None for what is not in the journal itself"""
    text: str
    last: int | None = None
    """the last one of several"""

    @property
    def place(self) -> tuple[int, int]:
        """(first, last entry), for order."""
        first = self.seq if self.seq is not None else 2**63
        return first, self.last if self.last is not None else first


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one place of the chain."""

    seq: int
    body: bytes | None
    """None where the entry is missing, or what stands there is not believed"""
    link: bytes | None
    """its link as the next entry vouches for it; None where nobody knows it"""


class ChainCheck:
    """One pass over the rows. `faults` is whole after the last place was taken."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._bad: list[StoredRow] = []
        self._gone: list[int] = []
        self._reached = 0
        self._expected: bytes | None = chain.START
        self._shift = 0
        self._pending: tuple[StoredRow, bool] | None = None

    def places(self, rows: Iterable[StoredRow]) -> Iterator[Place]:
        """Place by place in order, whether or not a row stands there."""
        for row, after in pairwise(joined(rows, (None,))):
            assert row is not None
            own = _is_own(row, row.seq + self._shift)
            if not own and (shift := self._renumbered_by(row, after)):
                self._shift, own = self._shift + shift, True
            yield from self._take(row, own=own)
        if self._pending is not None:
            yield self._settled(None)
        self._name_moved()

    def _renumbered_by(self, row: StoredRow, after: StoredRow | None) -> int:
        """By how many numbers more this row and those after it were moved, to hide a cut; else 0."""
        seq = row.seq + self._shift
        for shift in (1, -1):
            if _is_own(row, seq + shift) and (
                _is_own(after, after.seq + self._shift + shift) if after is not None else shift > 0
            ):
                return shift
        return 0

    def _take(self, row: StoredRow, *, own: bool) -> Iterator[Place]:
        """The place before this row, now that this row can vouch for it, and those that are missing."""
        here, seq = row.seq, row.seq + self._shift
        row = StoredRow(seq, *row[1:])
        if self._pending is not None and seq > self._reached:
            yield self._settled(row if own and seq == self._reached + 1 else None)
        if seq > self._reached + 1:
            yield self._missing(self._reached + 1, seq - 1, row if own else None)
        if seq <= self._reached:
            text = f"entry {here - 1} was put in: entry {here} was written as entry {seq}"
            self.faults.append(Fault("added", here - 1, text))
        elif not own:
            self.faults.append(_altered(seq))
            if len(self._bad) < KEPT:
                self._bad.append(row)
        elif self._expected is not None and row.previous != self._expected:
            text = f"entry {seq - 1} was altered with its hash, or {seq} was: it does not follow"
            self.faults.append(Fault("altered", seq - 1, text, seq))
        self._expected = row.link if own else None
        self._pending, self._reached = (row, own), seq

    def _settled(self, after: StoredRow | None) -> Place:
        """The pending place; `after` is the next row where that is sound."""
        assert self._pending is not None
        row, own = self._pending
        self._pending = None
        link = after.previous if after is not None else row.link if own else None
        return Place(row.seq, row.body if own else None, link)

    def _missing(self, first: int, last: int, after: StoredRow | None) -> Place:
        self._gone += range(first, min(last, first + KEPT) + 1)
        follows = f"missing from the journal: entry {last + 1} follows entry {first - 1}"
        text = f"entry {first} is {follows}" if first == last else f"entries {first} to {last} are {follows}"
        self.faults.append(Fault("missing", first, text, last))
        self._expected = None
        link = after.previous if after is not None and first == last else None
        return Place(first, None, link)

    def _name_moved(self) -> None:
        """Of what was altered or is missing: is it only that entries changed places?"""
        moved: dict[int, int] = {}
        for row in self._bad:
            for other in self._bad:
                whole = _is_own(row, other.seq)
                body = chain.link_of(other.previous, other.seq, row.body) == other.link
                if row.seq != other.seq and (whole or body):
                    moved[row.seq] = other.seq
            for gone in self._gone:
                if _is_own(row, gone):
                    moved[row.seq] = gone
        for here, written in moved.items():
            place = self.faults.index(_altered(here))
            text = f"entry {here} was reordered: what stands there was written as entry {written}"
            self.faults[place] = Fault("reordered", here, text)


def _altered(seq: int) -> Fault:
    return Fault("altered", seq, f"entry {seq} was altered: its hash is not that of its content")


def _is_own(row: StoredRow, seq: int) -> bool:
    """Whether a row was written as entry `seq`."""
    return seq > 0 and chain.link_of(row.previous, seq, row.body) == row.link
