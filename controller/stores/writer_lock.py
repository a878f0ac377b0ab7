"""The lock that keeps a second writer out of a store's file for as long as the first one lives.

The system frees it however its holder ends. A mark in its file outlives that: a restore that moves files
which belong together sets it, and while it is there nobody but a restore gets in.
"""

import fcntl
import os
from pathlib import Path

from controller.stores.port import StoreUnavailable


def lock_file(store: Path) -> Path:
    """Where the lock of a store is."""
    return store.with_name(store.name + ".lock")


def lock(store: Path, *, to_restore: bool = False) -> int:
    """The lock's descriptor: close it to let others in. Raises StoreUnavailable when somebody holds it, and
    where a restore was cut off, except `to_restore`."""
    store.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(lock_file(store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise StoreUnavailable(f"another controller is writing to {store}") from error
    if os.fstat(held).st_size and not to_restore:
        os.close(held)
        raise StoreUnavailable(f"a restore of {store} was cut off: `gridward restore` it again")
    return held


def mark(held: int) -> None:
    """Durably: what is in place is not to be used until `clear`."""
    os.pwrite(held, b"restoring\n", 0)
    os.fsync(held)


def clear(held: int) -> None:
    """What is in place can be used."""
    os.ftruncate(held, 0)
    os.fsync(held)
