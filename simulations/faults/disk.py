"""The disk of the simulated system: what was synced stays, what was not is gone when the process dies.

`MemoryDisk` keeps the record in this process: the rows that a commit adds are made by the code that all
stores share (`controller.stores.batch`), are written first and synced then, and a death between the two
leaves all, none or a part of them. A part is no commit: a transaction is whole or was never there.

Each process has its own `Handle`, the controller's port to the disk, through which every fault of it comes.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from controller.entries import Entry
from controller.errors import JournalAhead
from controller.stores import chain
from controller.stores.batch import EMPTY, Batch, batch_of, booked_of, check_epoch, keys_of
from controller.stores.pages import PAGE, JournalRow, entries_of
from controller.stores.port import (
    FeederSample,
    LateReading,
    Numbered,
    OutcomeUnknown,
    StoreUnavailable,
)
from simulations.faults.options import Draws
from simulations.faults.process import Crashed, Process

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """One commit, as it became durable."""

    rows: Sequence[tuple[int, str]]
    """number and body of each entry"""
    samples: Sequence[FeederSample]
    postings: Sequence[tuple[str, int, str, str, int]]
    """key, line, account, unit, amount: those of the ledger's own tables"""
    epoch: int
    """of the controller that wrote it"""


class Disk(Protocol):
    """What can be written to, read from, and torn."""

    def commit(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample]
    ) -> tuple[Sequence[int], Written]:
        """Write and sync; the entries' numbers, and what became durable."""
        ...

    def tear(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample], kept: float
    ) -> Written | None:
        """Power goes in the middle of this commit; `kept`: the share of its bytes that reached the disk. What
        became durable all the same, if it did."""
        ...

    def take_over(self, holder: str) -> int:
        """See the store's port."""
        ...

    def rows(self) -> list[tuple[int, str]]:
        """Number and body of all entries."""
        ...

    def postings(self) -> list[tuple[str, int, str, str, int]]:
        """All rows of the ledger's table."""
        ...

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See the store's port."""
        ...

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See the store's port."""
        ...

    def epoch(self) -> int:
        """See the store's port."""
        ...

    def close(self) -> None:
        """It is not needed any more."""
        ...


@dataclass
class MemoryDisk:
    """The record in memory."""

    journal: list[JournalRow] = field(default_factory=list)
    ledger: list[tuple[str, int, str, str, int]] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    """key of a transaction → number of its entry"""
    kept: dict[str, list[FeederSample]] = field(default_factory=dict)
    in_force: int = 0

    def commit(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample]
    ) -> tuple[Sequence[int], Written]:
        """See `Disk`."""
        batch = self._batch(own_epoch, entries)
        return batch.numbers, self._sync(batch, samples)

    def tear(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample], kept: float
    ) -> Written | None:
        """See `Disk`. Only what came to the disk to its last byte is a commit."""
        batch = self._batch(own_epoch, entries)
        return self._sync(batch, samples) if kept >= 1.0 else None

    def take_over(self, holder: str) -> int:
        """See `Disk`."""
        self.in_force += 1
        return self.in_force

    def rows(self) -> list[tuple[int, str]]:
        """See `Disk`."""
        return [(row[0], row[1]) for row in self.journal]

    def postings(self) -> list[tuple[str, int, str, str, int]]:
        """See `Disk`."""
        return list(self.ledger)

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See `Disk`."""
        link = self.journal[after - 1][3] if after else chain.START
        return entries_of(lambda seq: self.journal[seq : seq + PAGE], after, link)

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See `Disk`."""
        known = self.kept.get(feeder, [])
        first = bisect.bisect_left(known, start, key=lambda sample: sample.at)
        last = bisect.bisect_left(known, end, key=lambda sample: sample.at)
        return tuple(known[first:last])

    def epoch(self) -> int:
        """See `Disk`."""
        return self.in_force

    def close(self) -> None:
        """Nothing to do."""

    def _batch(self, own_epoch: int | None, entries: Sequence[Entry]) -> Batch:
        check_epoch(own_epoch, self.in_force)
        head = (self.journal[-1][0], self.journal[-1][3]) if self.journal else EMPTY
        there = [key for key in keys_of(entries) if key in self.keys]
        booked = booked_of((key, self.keys[key], self.journal[self.keys[key] - 1][1]) for key in there)
        return batch_of(entries, head, booked)

    def _sync(self, batch: Batch, samples: Sequence[FeederSample]) -> Written:
        self.journal += batch.journal
        self.keys |= dict(batch.transactions)
        self.ledger += batch.postings
        for sample in samples:
            known = self.kept.setdefault(sample.feeder, [])
            place = bisect.bisect_left(known, sample.at, key=lambda one: one.at)
            if place == len(known) or known[place].at != sample.at:
                known.insert(place, sample)
        rows = [(row[0], row[1]) for row in batch.journal]
        return Written(rows, tuple(samples), tuple(batch.postings), self.in_force)


class Handle:
    """What a daemon asks of `controller.stores.port.Store`, as one process has it. Not there: what only an
    audit, a ledger's statement and an import of late readings ask for.
    """

    def __init__(
        self, disk: Disk, process: Process, draws: Draws, durable: Callable[[Process, Written], None]
    ) -> None:
        """`durable` is told of each commit as soon as it cannot be lost, before the process knows."""
        self._disk, self._process, self._draws, self._durable = disk, process, draws, durable
        self._epoch: int | None = None
        self._in_doubt = False

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """See the port."""
        self._process.alive()
        if self._in_doubt:
            raise JournalAhead("the entries of the commit in doubt are there")
        if self._draws.strikes("disk_error"):
            raise StoreUnavailable("disk I/O error")
        if self._draws.strikes("torn"):
            torn = self._draws.of("torn").choice((0.0, 0.5, 1.0))
            written = self._disk.tear(self._epoch, entries, samples, float(torn))
            if written is not None:
                self._durable(self._process, written)
            self._process.kill()
            raise Crashed
        numbers, written = self._disk.commit(self._epoch, entries, samples)
        self._durable(self._process, written)
        if self._draws.strikes("disk_in_doubt"):
            self._in_doubt = True
            raise OutcomeUnknown("the connection was lost before the store had answered")
        return numbers

    def take_over(self, holder: str) -> int:
        """See the port."""
        self._process.alive()
        if self._draws.strikes("disk_error"):
            raise StoreUnavailable("disk I/O error")
        self._epoch = self._disk.take_over(holder)
        self._in_doubt = False
        return self._epoch

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See the port."""
        self._process.alive()
        return self._disk.replay(after)

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See the port."""
        self._process.alive()
        return self._disk.samples(feeder, start, end)

    def late(self, feeder: str, start: datetime, end: datetime) -> tuple[LateReading, ...]:
        """Nobody hands any in."""
        self._process.alive()
        return ()

    def last_sample_at(self, feeder: str) -> datetime | None:
        """See the port."""
        self._process.alive()
        known = self._disk.samples(feeder, _EARLIEST, _LATEST)
        return known[-1].at if known else None

    def epoch(self) -> int:
        """See the port."""
        self._process.alive()
        return self._disk.epoch()

    def balances(self) -> dict[tuple[str, str], int]:
        """See the port."""
        self._process.alive()
        sums: dict[tuple[str, str], int] = {}
        for _, _, account, unit, amount in self._disk.postings():
            sums[account, unit] = sums.get((account, unit), 0) + amount
        return dict(sorted(sums.items()))

    def prune_samples(self, before: datetime) -> int:
        """Nothing is so old."""
        self._process.alive()
        return 0

    def close(self) -> None:
        """The disk stays."""
