"""The real SQLite store as the simulated disk, torn in its write-ahead log.

A commit is in the log from the moment its last frame is synced. Power that goes before leaves the file as it
was and the log's tail as far as it came, or with garbage at its end; whoever opens it next must find the
record as it was before that commit. Only one process at a time has a SQLite store, so nobody takes over from
a process that stands still.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from controller.entries import Entry
from controller.stores.batch import check_epoch
from controller.stores.port import FeederSample, Numbered
from controller.stores.sqlite import SqliteStore
from simulations.faults.disk import Written

_POSTINGS = "SELECT key, line, account, unit, amount FROM postings"


class SqliteDisk:
    """Implements `disk.Disk` on a folder of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gridward-fuzz-")
        self._image = 0
        self._store = SqliteStore(self._file, durable=False)

    @property
    def _file(self) -> Path:
        return Path(self._folder.name) / f"{self._image}.sqlite3"

    @property
    def _log(self) -> Path:
        return self._file.with_name(f"{self._file.name}-wal")

    def commit(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample]
    ) -> tuple[Sequence[int], Written]:
        """See `Disk`."""
        before = self._last()
        self._store._own_epoch = own_epoch
        numbers = self._store.commit(entries, samples)
        return numbers, self._written(before, samples)

    def tear(
        self, own_epoch: int | None, entries: Sequence[Entry], samples: Sequence[FeederSample], kept: float
    ) -> Written | None:
        """See `Disk`."""
        check_epoch(own_epoch, self._store.epoch())
        before, size_before = self._last(), self._log.stat().st_size
        self._store._own_epoch = own_epoch
        self._store.commit(entries, samples)
        log = self._log.read_bytes()
        cut = size_before + int((len(log) - size_before) * kept)
        self._reopen(log[:cut] if kept >= 1.0 else log[:cut] + b"\x5a" * ((len(log) - cut) // 2))
        return None if self._last() == before else self._written(before, samples)

    def take_over(self, holder: str) -> int:
        """See `Disk`."""
        return self._store.take_over(holder)

    def rows(self) -> list[tuple[int, str]]:
        """See `Disk`."""
        return self._rows(0)

    def postings(self) -> list[tuple[str, int, str, str, int]]:
        """See `Disk`."""
        return list(self._store._connection.execute(_POSTINGS))

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """See `Disk`."""
        return self._store.replay(after)

    def samples(self, feeder: str, start: datetime, end: datetime) -> tuple[FeederSample, ...]:
        """See `Disk`."""
        return self._store.samples(feeder, start, end)

    def epoch(self) -> int:
        """See `Disk`."""
        return self._store.epoch()

    def close(self) -> None:
        """Take it away."""
        self._store.close()
        self._folder.cleanup()

    def _last(self) -> int:
        found = self._store._connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        return int(found[0])

    def _rows(self, after: int) -> list[tuple[int, str]]:
        query = "SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq"
        return list(self._store._connection.execute(query, (after,)))

    def _written(self, before: int, samples: Sequence[FeederSample]) -> Written:
        query = f"{_POSTINGS} JOIN transactions USING (key) WHERE seq > ?"
        postings = list(self._store._connection.execute(query, (before,)))
        return Written(self._rows(before), tuple(samples), postings, self._store.epoch())

    def _reopen(self, log: bytes) -> None:
        """Open a copy of the file with this log, as after a power cut."""
        old_file = self._file
        image = old_file.read_bytes()
        self._image += 1
        self._file.write_bytes(image)
        self._log.write_bytes(log)
        self._store.close()
        for left in old_file.parent.glob(f"{old_file.name}*"):
            if left.is_file():
                left.unlink()
            else:
                shutil.rmtree(left)
        self._store = SqliteStore(self._file, durable=False)
