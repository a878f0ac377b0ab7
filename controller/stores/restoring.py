"""Puts a backup in the place of a SQLite store, or leaves everything as it was.

The order makes it safe to be killed anywhere: the copy is judged beside the store, what is there gets a
second name, and one renaming puts the copy in its place. Until then the old store is in use, afterwards the
new one. A store that cannot be read may need a log beside it, which no renaming moves with it: for as long as
that takes the lock's file is marked, and whoever is killed then leaves a store that nobody uses before it is
restored again; what was there is whole by its second name.

**The epoch.** Devices refuse commands of an epoch below the highest that they have seen, and a backup does
not know which epochs came after it. The restored store goes on above all it can know, by `EPOCH_STEP`: every
start of a daemon takes one, so a daemon that was started again every two seconds needs three weeks for that
many. Who knows of a higher one says so with `epoch_at_least`.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controller.stores import archive, writer_lock
from controller.stores.archive import Contents, Head
from controller.stores.port import StoreUnavailable
from controller.stores.record import BUSY_TIMEOUT_S, translated
from controller.stores.whole_file import SIDES, sync_folder, whole_file

EPOCH_STEP = 1_000_000
HIGHEST_EPOCH = (1 << 63) - 1
"""that a command can carry (`devices/mqtt/wire.py`)"""


class RestoreRefused(Exception):
    """Putting the backup back would lose something; the message says what, and how to insist."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where the old store is now."""

    contents: Contents
    epoch: int
    """in force now: the next daemon takes one more"""
    kept: str | None
    """the file with what was there before; None where nothing was"""


@dataclass(frozen=True, slots=True)
class Present:
    """The store that is there."""

    head: Head | None
    """None when it is there and cannot be read"""
    epoch: int


def put_back(
    backup: Path, store: Path, *, replace: bool, epoch_at_least: int, holder: str, now: datetime
) -> Restored:
    """Judge the backup and put it in the place of the store.

    `replace`: also where the store holds entries that the backup has not. Raises StoreUnavailable (a daemon
    runs, the backup is no store, the disk), RecordBroken for a backup that is not whole, RestoreRefused,
    OSError.
    """
    if backup.exists() and store.exists() and backup.samefile(store):
        raise RestoreRefused(f"{backup} is the store itself")
    lock = writer_lock.lock(store, to_restore=True)
    try:
        present = _present(store)
        with whole_file(store) as part:
            archive.copy(backup, part)
            contents = archive.judged(part)
            if present is not None and not replace:
                loses_nothing(part, str(store), present, contents)
            epoch = higher(contents.epoch, present, epoch_at_least)
            _set_epoch(part, epoch, holder)
            kept = None if present is None else _keep(store, present, now, lock)
        writer_lock.clear(lock)
        return Restored(contents, epoch, None if kept is None else str(kept))
    finally:
        os.close(lock)


def _present(store: Path) -> Present | None:
    if not store.exists():
        return None
    try:
        with archive.reading(store) as connection, translated():
            (epoch,) = connection.execute("SELECT epoch FROM control").fetchone()
        return Present(archive.head(store), int(epoch))
    except StoreUnavailable:
        return Present(None, 0)


def loses_nothing(part: Path, store: str, present: Present, contents: Contents) -> None:
    """Raise RestoreRefused where the store in place holds what the archive `part` does not."""
    if present.head is None:
        raise RestoreRefused(f"{store} is there and cannot be read; --replace puts the backup in its place")
    if archive.holds(part, present.head):
        return
    lost = present.head.seq - contents.head.seq
    more = f"{lost} entries more than the backup" if lost > 0 else "another journal than the backup"
    raise RestoreRefused(
        f"{store} holds {more} (it ends with {present.head}, the backup with {contents.head}); "
        "--replace gives them up, and keeps the old file beside"
    )


def higher(backup: int, present: Present | None, at_least: int) -> int:
    """The epoch to go on with (see above). Raises RestoreRefused above what a command can carry."""
    known = max(backup, 0 if present is None else present.epoch)
    epoch = max(known + EPOCH_STEP, at_least)
    if epoch >= HIGHEST_EPOCH:
        raise RestoreRefused(f"epoch {epoch} is above the highest that a command can carry, {HIGHEST_EPOCH}")
    return epoch


def _set_epoch(part: Path, epoch: int, holder: str) -> None:
    with translated(), closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("UPDATE control SET epoch = ?, holder = ?", (epoch, holder))


def _keep(store: Path, present: Present, now: datetime, lock: int) -> Path:
    """Give the old store a second name, with all that it holds in that one file.

    Its write-ahead log must not stay: SQLite would take it for the new store's. Of a store that cannot be
    read the log is kept beside as it is.
    """
    kept = free_name(store, now)
    if present.head is not None:
        _fold(store)
    _second_name(store, kept)
    sides = [side for side in SIDES if store.with_name(store.name + side).exists()]
    for side in sides:
        _second_name(store.with_name(store.name + side), kept.with_name(kept.name + side))
    sync_folder(store.parent)
    if sides:
        writer_lock.mark(lock)
    for side in sides:
        store.with_name(store.name + side).unlink()
    return kept


def _fold(store: Path) -> None:
    """Write the log into the file. Raises StoreUnavailable while somebody reads the store."""
    with translated():
        connection = sqlite3.connect(store, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        with closing(connection):
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            if mode != "delete":
                raise sqlite3.OperationalError("somebody reads it; end that, and try again")


def free_name(store: Path, now: datetime) -> Path:
    """A name beside a store for what was in its place until now."""
    stem = f"{store.name}.before-{now:%Y%m%dT%H%M%SZ}"
    number, kept = 1, store.with_name(stem)
    while kept.exists():
        number += 1
        kept = store.with_name(f"{stem}-{number}")
    return kept


def _second_name(store: Path, kept: Path) -> None:
    with suppress(OSError):
        os.link(store, kept)
        return
    with whole_file(kept) as part:  # a file system without links
        shutil.copyfile(store, part)
