"""Seals the journal: follows it link by link, says when a checkpoint is due, and keeps the copy outside.

The bookkeeper asks it after every commit. At the start it follows the replay; a checkpoint in the journal
that does not fit what was replayed means that the journal was written anew: `RecordBroken`. Decides by the
entries' own times; knows no clock and no store. Only `OutsideCopy` touches a file.
"""

import base64
import os
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

import structlog

from controller.auditing.checkpoints import NoteRejected, SignedCheckpoint, SigningKey, note, of_entry
from controller.auditing.merkle import Frontier
from controller.entries import Entry, JournalCheckpointed
from controller.errors import BooksBroken, RecordBroken
from controller.stores import chain
from controller.stores.port import Numbered

KEEP_UNSAVED = 1000
"""notes that wait for a place outside that cannot be written; the newest, each seals all before it"""
log = structlog.get_logger()


class OutsideCopy:
    """A second place for the signed notes, one after the other: best where the store's owner cannot write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsaved: list[str] = []
        self._turn = Lock()

    @property
    def is_behind(self) -> bool:
        """Whether a note waits to be saved."""
        return bool(self._unsaved)

    def take(self, text: str) -> None:
        """One more note, to be saved. Touches no file."""
        with self._turn:
            self._unsaved = [*self._unsaved, text][-KEEP_UNSAVED:]

    def save(self) -> None:
        """Append all that wait, durably. Blocks for as long as that place does; raises OSError."""
        with self._turn:
            waiting = tuple(self._unsaved)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            # a new line in front: a note that was cut off by a crash spoils no other
            file.write("".join(f"\n{one}" for one in waiting))
            file.flush()
            os.fsync(file.fileno())
        with self._turn:
            self._unsaved = [one for one in self._unsaved if one not in waiting]


class Sealer:
    """What is kept of the journal to seal it: O(log n) hashes."""

    def __init__(
        self, key: SigningKey, every_s: float, every_entries: int, outside: OutsideCopy | None = None
    ) -> None:
        self._key, self.outside = key, outside
        self._every, self._every_entries = timedelta(seconds=every_s), every_entries
        self._frontier = Frontier()
        self._link = chain.START
        self._unsealed = 0
        self._sealed_at: datetime | None = None
        self._newest: SignedCheckpoint | None = None

    @property
    def size(self) -> int:
        """How many entries it has followed."""
        return self._frontier.size

    def replayed(self, numbered: Numbered) -> None:
        """One more entry of the replay. Raises RecordBroken when a checkpoint seals another journal."""
        if isinstance(numbered.entry, JournalCheckpointed):
            self._newest = self._fitting(numbered.seq, numbered.entry)
        self._follow(numbered.entry, numbered.link)

    def started(self) -> None:
        """The replay is over: is the newest checkpoint ours? If not the key is another, and it is told."""
        if self._newest is not None and not self._key.public.has_signed(self._newest):
            log.error("checkpoint_not_signed_by_this_key", size=self._newest.checkpoint.size)

    def wrote(self, seq: int, entry: Entry) -> None:
        """One more entry became durable. Raises BooksBroken when another is missing before it."""
        if seq != self.size + 1:
            raise BooksBroken(f"entry {seq} cannot follow entry {self.size}, the last that is sealed next")
        self._follow(entry, chain.link(self._link, seq, chain.body(entry)))

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for a checkpoint; never while nothing but checkpoints came since the last."""
        if not self._unsealed:
            return False
        # after one of a clock that was ahead, too: or nothing would be sealed until that time has come
        waited = self._sealed_at is None or not timedelta(0) <= now - self._sealed_at < self._every
        return waited or self._unsealed >= self._every_entries

    def checkpoint(self, now: datetime) -> tuple[JournalCheckpointed, str]:
        """The entry that seals all so far, and the same as a signed note."""
        signed = self._key.sign(self.size, self._frontier.root())
        entry = JournalCheckpointed(
            at=now,
            size=self.size,
            root=_base64(signed.checkpoint.root),
            key=signed.key,
            signature=_base64(signed.signature),
        )
        return entry, note(signed)

    def _follow(self, entry: Entry, link: bytes) -> None:
        self._frontier.append(link)
        self._link = link
        if isinstance(entry, JournalCheckpointed):
            self._unsealed, self._sealed_at = 0, entry.at
        else:
            self._unsealed += 1

    def _fitting(self, seq: int, entry: JournalCheckpointed) -> SignedCheckpoint:
        try:
            signed = of_entry(entry.size, entry.root, entry.key, entry.signature)
        except NoteRejected as error:
            raise RecordBroken(f"entry {seq} is no checkpoint: {error}") from error
        if entry.size != seq - 1 or signed.checkpoint.root != self._frontier.root():
            raise RecordBroken(
                f"entry {seq} seals another journal than this one: entries before it were written anew"
            )
        return signed


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
