"""The port to the one truth: an append-only journal, and the samples that settlement needs.

Methods block (disk): the shell calls them in a thread. One writer at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from controller.entries import Entry


class StoreUnavailable(Exception):
    """The record could not be written: nothing may be sent but releases (C20)."""


class OutcomeUnknown(StoreUnavailable):
    """The store was lost while it committed, and did not come back in time to say whether it had."""


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


IMPORTED = "import"


@dataclass(frozen=True, slots=True)
class LateReading:
    """One reading of one meter that came when its cycle was over; consumption positive, never NaN."""

    feeder: str
    meter: str
    at: datetime
    p_kw: float
    source: str = IMPORTED
    """how it came in: `import`, or the dispute it was given for"""


@dataclass(frozen=True)
class Numbered:
    """A journal entry with its place in the chain."""

    seq: int
    entry: Entry
    link: bytes = field(default=b"", compare=False, repr=False)
    """(32 bytes) its link of the chain; empty where only the entry is told"""


class StoredRow(NamedTuple):
    """A row of the journal as it lies in the store: nothing of it was checked."""

    seq: int
    body: bytes
    previous: bytes
    link: bytes


class Record(Protocol):
    """What can be read from a store, by the daemon and by the commands that only look."""

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """All entries in order, their chain checked. Raises RecordBroken at the first that was altered, and
        StoreUnavailable."""
        ...

    def rows(self) -> Iterator[StoredRow]:
        """The whole journal as it is stored, by number, unchecked: for `audit verify`, which names every
        fault. Raises StoreUnavailable."""
        ...

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """Samples with start <= at < end, in order."""
        ...

    def late(self, feeder: str, start: datetime, end: datetime) -> tuple[LateReading, ...]:
        """Late readings with start <= at < end of every source, by meter, time and source."""
        ...

    def last_sample_at(self, feeder: str) -> datetime | None:
        """When the newest sample of a feeder was taken; None without any."""
        ...

    def epoch(self) -> int:
        """The epoch in force: a controller whose own is lower has been replaced and may not send."""
        ...

    def balances(self) -> dict[tuple[str, str], int]:
        """(account, unit) → balance, summed from the postings, in the order of account and unit."""
        ...

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        """Key → (number of its entry, its postings), as the ledger's own tables have them."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...


class Store(Record, Protocol):
    """SQLite by default, or PostgreSQL; one test suite holds both to this."""

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """Write all in one durable transaction and return the entries' numbers.

        A LedgerPosted whose key is there already with the same content is left out (its number is that of the
        first), with other content it raises LedgerConflict. Raises StoreUnavailable, having written nothing;
        OutcomeUnknown when that could not be learned; if it was written, every later commit raises
        JournalAhead until `take_over`, for the caller's books are behind; Replaced when another controller
        has taken over.
        """
        ...

    def add_late(self, readings: Sequence[LateReading]) -> int:
        """Keep late readings durably; returns how many were not known. The first of one meter, time and
        source stays: another of the same is left out. Raises StoreUnavailable; Replaced as `commit`."""
        ...

    def prune_samples(self, before: datetime) -> int:
        """Delete older samples, and late readings of that time; returns how many samples."""
        ...

    def take_over(self, holder: str) -> int:
        """Become the one controller: returns an epoch higher than any before, durably."""
        ...
