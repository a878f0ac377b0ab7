"""The port to the one truth: an append-only journal, and the samples that settlement needs.

Methods block (disk): the shell calls them in a thread. One writer at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controller.entries import Entry


class StoreUnavailable(Exception):
    """The record could not be written: nothing may be sent but releases (C20)."""


@dataclass(frozen=True)
class FeederSample:
    """One cycle of a feeder, kept for settlement and trend."""

    feeder: str
    at: datetime
    p_kw: NDArray[np.float32]
    """(n_sp,) what the meters showed; NaN where no fresh reading was there: never a guess"""
    transformer_loading_percent: float | None
    max_line_loading_percent: float | None
    without_control_percent: float | None
    curtailed_kw: float
    substation_p_kw: float | None = None
    """what the RTU showed; None without an RTU or a fresh reading of it"""


@dataclass(frozen=True)
class Numbered:
    """A journal entry with its place in the chain."""

    seq: int
    entry: Entry


class Store(Protocol):
    """SQLite by default."""

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """Write all in one durable transaction and return the entries' numbers.

        A LedgerPosted whose key is there already with the same content is left out (its number is that of the
        first), with other content it raises LedgerConflict. Raises StoreUnavailable; Replaced when another
        controller has taken over.
        """
        ...

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """All entries in order."""
        ...

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """Samples with start <= at < end, in order."""
        ...

    def prune_samples(self, before: datetime) -> int:
        """Delete older samples; returns how many."""
        ...

    def take_over(self, holder: str) -> int:
        """Become the one controller: returns an epoch higher than any before, durably."""
        ...

    def epoch(self) -> int:
        """The epoch in force: a controller whose own is lower has been replaced and may not send."""
        ...

    def balances(self) -> dict[tuple[str, str], int]:
        """(account, unit) → balance, summed from the postings."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...
