"""Who had the control room, what they wrote down, and what stood when they handed over."""

from datetime import datetime
from typing import Literal

import msgspec

from controller.entries.journal_entry import JournalEntry

ShiftMark = Literal["pinned", "unpinned", "done", "reopened"]


class ShiftMatter(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stood when a shift was handed over."""

    kind: str
    """a word of `controller.shifts.standing`, such as automatic_off or excluded"""
    feeder: str | None
    what: str
    """the target, event, alarm, order or dispute that it is about; empty where the feeder says it all"""
    since: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    why: str | None = None
    priority: str | None = None
    """of an alarm"""


class ShiftNote(JournalEntry, frozen=True, kw_only=True, tag="shift_note"):
    """Somebody on shift wrote something down."""

    note: int
    """its number, from 1 on over all shifts"""
    shift: int
    who: str
    text: str
    feeder: str | None = None
    """that it is about; None: no one feeder"""
    pinned: bool = False
    """goes on into the next shifts until it is unpinned or done"""


class ShiftNoteMarked(JournalEntry, frozen=True, kw_only=True, tag="shift_note_marked"):
    """A mark of a note was set or taken away; its text stays as it was written."""

    note: int
    who: str
    mark: ShiftMark


class ShiftHandedOver(JournalEntry, frozen=True, kw_only=True, tag="shift_handed_over"):
    """A shift is over. Written in one commit with the ShiftBegan of the next."""

    shift: int
    who: str
    """who handed over"""
    takes_over: str
    remarks: str
    standing: tuple[ShiftMatter, ...] = ()
    """what stood then, the most pressing first"""
    more: int = 0
    """matters that stood too and are not in `standing`"""
    more_by_feeder: dict[str, int] = {}  # noqa: RUF012  msgspec gives each its own
    """of these those of one feeder"""


class ShiftBegan(JournalEntry, frozen=True, kw_only=True, tag="shift_began"):
    """Somebody took the control room over."""

    shift: int
    who: str
    journal_size: int
    """entries that stood in the journal then: where to read on from"""
