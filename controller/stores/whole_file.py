"""A file that appears whole or not at all: for backups, restored stores and the history of readings.

What is written goes into a file beside (`.NAME.part`), is synced to the disk, and takes the name in one step.
Whoever dies on the way leaves a part, which the next one who writes that name begins anew. One writer per
name at a time. Knows nothing of what is written.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIDES = ("-journal", "-wal", "-shm")
"""what SQLite may leave beside a file of its own"""


class FileBusy(OSError):
    """Somebody else is writing a file of this name."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """An empty file to write to, readable by its owner only; it becomes `path` when the block ends well.

    Raises FileBusy and OSError. A block that raises leaves `path` as it was.
    """
    part = path.with_name(f".{path.name}.part")
    descriptor = _own(part)
    try:
        yield part
        os.fsync(descriptor)
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    finally:
        clear_sides(part)
        os.close(descriptor)


def clear_sides(path: Path) -> None:
    """Remove what SQLite may have left beside a file."""
    for side in SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names durable: a file that was renamed is there by its new name after a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own(part: Path) -> int:
    """The part, locked and empty. Its lock ends with this process, however that ends."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise FileBusy(f"somebody else is writing {part.name}") from error
        if _is(part, descriptor):
            os.ftruncate(descriptor, 0)
            clear_sides(part)
            return descriptor
        os.close(descriptor)  # it became the whole file while we waited for its lock


def _is(part: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(part.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
