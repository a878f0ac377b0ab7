"""The lock that keeps a second writer out of a store's file for as long as the first one lives.

The system frees it however its holder ends.
"""

import fcntl
import os
from pathlib import Path

from controller.stores.port import StoreUnavailable


def lock_file(store: Path) -> Path:
    """Where the lock of a store is."""
    return store.with_name(store.name + ".lock")


def lock(store: Path) -> int:
    """The lock's descriptor: close it to let others in. Raises StoreUnavailable when somebody holds it."""
    store.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(lock_file(store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise StoreUnavailable(f"another controller is writing to {store}") from error
    return held
