"""Planted faults: writers that are wrong in one way, to prove that the judge finds what it looks for.

A power cut that loses what was never synced cannot be planted: a kill leaves the pages with the kernel. What
stands for it is `buffered`, a writer that acknowledges what is still in its own memory.
"""

import select
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import msgspec

from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, LedgerPosted
from controller.stores.port import FeederSample
from gridward.soak.writer import Acknowledging, Board, Life, Write, at_once

_BATCHES = 6
_GAP_S = 0.05


@dataclass(frozen=True)
class Planted:
    """The parts of a writer, one of them wrong, or none."""

    store: Callable[[Life, Board, Connection], Acknowledging] = Acknowledging
    book_again: Write = at_once
    settle: Write = at_once


class _Lost(Acknowledging):
    """Acknowledges before the commit."""

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        if self._board.phase == "booking again":
            return super().commit(entries, samples)
        last = self.last_seq
        self.acknowledge(entries, range(last + 1, last + 1 + len(entries)), samples)
        select.select([], [], [], _GAP_S)
        return super().commit(entries, samples)


class _Buffered(Acknowledging):
    """Commits a few batches at once, and acknowledges each of them at once."""

    def __init__(self, life: Life, board: Board, pipe: Connection) -> None:
        super().__init__(life, board, pipe)
        self._held: list[Entry] = []
        self._batches = 0

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        if self._board.phase == "booking again":
            return super().commit(entries, samples)  # these are there already, and get no numbers
        last = self.last_seq
        numbers = range(last + 1, last + 1 + len(entries))
        self._held += entries
        self._batches += 1
        if self._batches % _BATCHES == 0:
            self.last_seq -= len(self._held) - len(entries)
            super().commit(self._held, samples)
            self._held = []
        else:
            self.acknowledge(entries, numbers, ())
        return numbers


async def _doubled(keeper: Bookkeeper, told: Sequence[Entry]) -> None:
    """The newest credit once more, under a key of its own: as if the key were made from the attempt."""
    for entry in told[-1:]:
        if isinstance(entry, LedgerPosted):
            await keeper.write((msgspec.structs.replace(entry, key=f"{entry.key}/{keeper.epoch}"),))


async def _apart(keeper: Bookkeeper, told: Sequence[Entry]) -> None:
    """Settlement and credit in commits of their own."""
    for entry in told:
        await keeper.write((entry,))
        select.select([], [], [], _GAP_S)


PLANTS = {
    "lost": Planted(store=_Lost),
    "buffered": Planted(store=_Buffered),
    "double": Planted(book_again=_doubled),
    "apart": Planted(settle=_apart),
}


def of(name: str | None) -> Planted:
    """The parts of a writer with this fault; of a right one for None."""
    return Planted() if name is None else PLANTS[name]
