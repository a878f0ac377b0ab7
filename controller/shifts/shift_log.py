"""The present shift, its notes and the shifts before it, folded from the journal. Pure; a part of the books.

One control room has one shift at a time. Shift 0 begins with the journal and has nobody's name; each
hand-over ends one and begins the next. A note belongs to the shift in which it was written; a pinned one goes
on into the next shifts until somebody unpins it or marks it as done.

Bounded: the desk takes no more than `MOST_NOTES` in a shift and `MOST_PINNED` in all, and of the shifts that
are over the latest `KEPT_SHIFTS` are known here; older ones are in the journal alone.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from controller.entries import (
    ControllerStarted,
    ShiftBegan,
    ShiftHandedOver,
    ShiftMark,
    ShiftNote,
    ShiftNoteMarked,
)
from controller.errors import BooksBroken

MOST_NOTES = 500
MOST_PINNED = 100
KEPT_SHIFTS = 400
"""over four months of three a day"""
ShiftEntry = ControllerStarted | ShiftBegan | ShiftHandedOver | ShiftNote | ShiftNoteMarked


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One note as it stands."""

    note: int
    shift: int
    """in which it was written"""
    at: datetime
    who: str
    text: str
    feeder: str | None = None
    pinned: bool = False
    done: bool = False
    marked_by: str | None = None
    """who changed a mark last"""


class PastShift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift that is over."""

    shift: int
    who: str | None
    began_at: datetime
    ended_at: datetime
    handed_over_by: str
    taken_over_by: str
    remarks: str
    notes: int
    """that were written in it"""
    journal_size: int
    """entries that stood in the journal when it began"""
    journal_end: int
    """... and when it ended"""


class ShiftLog(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Replaced, never changed."""

    shift: int = 0
    who: str | None = None
    """None before anybody took over"""
    began_at: datetime | None = None
    """None before the first entry of a journal"""
    journal_size: int = 0
    notes: tuple[Note, ...] = ()
    """of this shift, and the pinned ones of those before; oldest first"""
    next_note: int = 1
    past: tuple[PastShift, ...] = ()
    """oldest first"""
    handed: ShiftHandedOver | None = None
    """the hand-over that the next shift begins with"""

    @property
    def written(self) -> int:
        """How many notes this shift has written."""
        return sum(note.shift == self.shift for note in self.notes)

    def note(self, number: int) -> Note | None:
        """One of `notes`."""
        return next((note for note in self.notes if note.note == number), None)

    def after(self, entry: ShiftEntry) -> "ShiftLog":
        """The log once this entry is journaled. Raises BooksBroken for what cannot have happened."""
        match entry:
            case ControllerStarted():
                return self if self.began_at is not None else replace(self, began_at=entry.at)
            case ShiftNote():
                return self._noted(entry)
            case ShiftNoteMarked():
                return self._marked(entry)
            case ShiftHandedOver():
                if entry.shift != self.shift or self.handed is not None:
                    raise BooksBroken(f"shift {entry.shift} handed over, but {self.shift} is the present one")
                return replace(self, handed=entry)
            case ShiftBegan():
                return self._begun(entry)

    def _noted(self, entry: ShiftNote) -> "ShiftLog":
        if entry.note != self.next_note or entry.shift != self.shift:
            raise BooksBroken(f"note {entry.note} of shift {entry.shift} is not the next one")
        return replace(self, notes=(*self.notes, noted(entry)), next_note=entry.note + 1)

    def _marked(self, entry: ShiftNoteMarked) -> "ShiftLog":
        note = self.note(entry.note)
        if note is None:
            raise BooksBroken(f"note {entry.note} marked, but it is not in the present shift")
        marked = with_mark(note, entry.mark, entry.who)
        return replace(self, notes=tuple(marked if one is note else one for one in self.notes))

    def _begun(self, entry: ShiftBegan) -> "ShiftLog":
        handed = self.handed
        if handed is None or entry.shift != self.shift + 1:
            raise BooksBroken(f"shift {entry.shift} began, but {self.shift} was not handed over")
        over = PastShift(
            shift=self.shift,
            who=self.who,
            began_at=self.began_at or handed.at,
            ended_at=handed.at,
            handed_over_by=handed.who,
            taken_over_by=entry.who,
            remarks=handed.remarks,
            notes=self.written,
            journal_size=self.journal_size,
            journal_end=entry.journal_size,
        )
        return ShiftLog(
            shift=entry.shift,
            who=entry.who,
            began_at=entry.at,
            journal_size=entry.journal_size,
            notes=tuple(note for note in self.notes if note.pinned and not note.done),
            next_note=self.next_note,
            past=(*self.past, over)[-KEPT_SHIFTS:],
        )


def noted(entry: ShiftNote) -> Note:
    """The note that an entry makes."""
    return Note(
        note=entry.note,
        shift=entry.shift,
        at=entry.at,
        who=entry.who,
        text=entry.text,
        feeder=entry.feeder,
        pinned=entry.pinned,
    )


def with_mark(note: Note, mark: ShiftMark, who: str) -> Note:
    """The note with a mark set or taken away."""
    match mark:
        case "pinned" | "unpinned":
            return replace(note, pinned=mark == "pinned", marked_by=who)
        case "done" | "reopened":
            return replace(note, done=mark == "done", marked_by=who)
