"""A backup of the store as one file, taken while the daemon writes, and judged before it is called good.

The archive has the tables of the SQLite store, whatever the store is that it was taken from, so that it can
be put back into either (`restoring.py`), and be looked into with every command that takes `--store`.

Judged: the hash chain from the first entry to the last, the story, the ledger (`audit.py`), on the copy and
not on its source. Not in it: names and contacts, keys, settings, the history of readings.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from controller.errors import RecordBroken
from controller.settings import Store as Settings
from controller.stores import chain, schema
from controller.stores.audit import audit
from controller.stores.port import StoreUnavailable
from controller.stores.record import BUSY_TIMEOUT_S, SqliteRecord, translated
from controller.stores.whole_file import whole_file


class ArchiveRefused(Exception):
    """It would take the place of something that it does not hold; the message says of what."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a journal: 0 and the chain's start for an empty one."""

    seq: int
    link: bytes

    def __str__(self) -> str:
        return f"entry {self.seq}, {self.link.hex()}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds, having been judged."""

    head: Head
    transactions: int
    sums: dict[str, int]
    """unit → sum over all accounts: zero each"""
    epoch: int
    size_bytes: int


EMPTY = Head(0, chain.START)


def back_up(copy: Callable[[Path], None], out: Path) -> Contents:
    """Have a store copied into a file, judge the copy, and only then let it take the name `out`.

    `copy`: `copy_of(settings)`. Raises StoreUnavailable, RecordBroken for a store that is not whole, OSError,
    and ArchiveRefused when `out` is there and the new archive does not hold all that it holds.
    """
    if out.exists():
        _is_archive(out)
    with whole_file(out) as part:
        copy(part)
        contents = judged(part)
        if out.exists():
            _continues(part, out)
    return contents


def copy_of(settings: Settings) -> Callable[[Path], None]:
    """What copies the store that a site's settings name into an archive. Raises StoreUnavailable."""
    if settings.postgres is None:
        return partial(copy, settings.path)
    from controller.stores import postgres_archive  # noqa: PLC0415  its driver is an extra
    from controller.stores.postgres_link import PATIENT, Access  # noqa: PLC0415

    access = Access(settings.postgres, settings.password_file, read_only=True, waits=PATIENT)
    return partial(postgres_archive.copy, access)


def copy(store: Path, target: Path) -> None:
    """One consistent copy by SQLite's backup, in a single step: writers go on, and none of them is half in.

    The copy is one file without side files, and on the disk when this returns. Raises StoreUnavailable.
    """
    with reading(store) as source, translated(), closing(_connection(target, "rw")) as copied:
        copied.execute("PRAGMA synchronous = FULL")
        source.backup(copied)
        copied.execute("PRAGMA journal_mode = DELETE")


def judged(archive: Path) -> Contents:
    """What it holds. Raises RecordBroken where it is not whole, and StoreUnavailable where it is no store."""
    with closing(SqliteRecord.open(archive)) as record:
        found = audit(record)
        if found.fault is not None:
            raise RecordBroken(found.fault)
        epoch = record.epoch()
    return Contents(head(archive), found.transactions, found.sums, epoch, archive.stat().st_size)


def head(store: Path) -> Head:
    """The end of its journal, unchecked. Raises StoreUnavailable."""
    with reading(store) as connection, translated():
        row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return EMPTY if row is None else Head(int(row[0]), bytes(row[1]))


def holds(store: Path, end: Head) -> bool:
    """Whether a journal goes through that entry: it has then all that came before it, and the same."""
    if end.seq == 0:
        return True
    with reading(store) as connection, translated():
        row = connection.execute("SELECT hash FROM journal WHERE seq = ?", (end.seq,)).fetchone()
    return row is not None and bytes(row[0]) == end.link


@contextmanager
def reading(store: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises StoreUnavailable where there is no store of ours."""
    with translated():
        if not store.is_file():
            raise FileNotFoundError(f"there is no store at {store}")
        connection = _connection(store, "ro")
    with closing(connection):
        with translated():
            schema.check(connection)
        yield connection


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    name = f"file:{quote(str(path))}?mode={mode}"
    return sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _is_archive(out: Path) -> None:
    """Whatever else has that name is not ours to replace."""
    try:
        head(out)
    except StoreUnavailable as error:
        raise ArchiveRefused(f"{out} is there and is no backup ({error}); expected another name") from error


def _continues(new: Path, old: Path) -> None:
    end = head(old)
    if not holds(new, end):
        raise ArchiveRefused(
            f"{old} holds a journal that this one does not continue ({end}); expected another name"
        )
