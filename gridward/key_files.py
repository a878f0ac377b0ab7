"""Key files that are made on first use: whole and on the disk before anybody uses them, or not there."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from controller.stores.whole_file import sync_folder


def make_once(path: Path, text: str) -> None:
    """Write a secret that only its owner can read, unless there is one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())  # a key must outlive what was signed with it
        with suppress(FileExistsError):  # another start was quicker: its key counts
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
