"""What is posted to the shift log over the API, and what it answers with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from controller.access.principal import Principal
from controller.api.posted import Words
from controller.api.scope import is_theirs
from controller.entries import ShiftMark, ShiftMatter
from controller.shifts.shift_desk import Present, Told
from controller.shifts.shift_log import Note, PastShift
from controller.shifts.shift_told import ShiftSummary
from controller.shifts.standing import MOST_HANDED, MOST_SEEN_CHARACTERS

MOST_CHARACTERS = 2_000
MAX_NOTE_BYTES = 16 * 1024
MAX_HAND_OVER_BYTES = MAX_NOTE_BYTES + MOST_SEEN_CHARACTERS
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS, pattern=r"^[^\x00]*$")]
Remarks = Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS, pattern=r"^[^\x00]*$")]


class NoteOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something to write down. No names or addresses of customers: the journal keeps it for ever."""

    text: Text
    feeder: Words | None = None
    """that it is about"""
    pinned: bool = False
    """goes on into the next shifts"""
    who: Words | None = None
    """needed with the operator token, which names nobody"""


class MarkOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mark to set or to take away."""

    mark: ShiftMark
    who: Words | None = None
    """needed with the operator token"""


class HandOverOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who takes over, and what is said to them."""

    shift: Annotated[int, msgspec.Meta(ge=0)]
    """the one that is handed over, so that nobody ends a shift that just began"""
    seen: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_SEEN_CHARACTERS)]
    """that of the `/shift` both went through, so that nothing is handed over that nobody looked at"""
    takes_over: Words
    remarks: Remarks = ""
    who: Words | None = None
    """who hands over; needed with the operator token"""


NOTE_EXAMPLE = {"text": "Cable 3 is being mended until Friday", "feeder": "dorf", "pinned": True}
MARK_EXAMPLE = {"mark": "done"}
HAND_OVER_EXAMPLE: dict[str, Any] = {
    "shift": 41,
    "seen": "41.18.DQk4GpiN.",
    "takes_over": "jo.linde",
    "remarks": "Quiet. Look after the pump at C-017.",
}


@dataclass(frozen=True, slots=True)
class NoteBody:
    """One note as it stands."""

    note: int
    shift: int
    """in which it was written"""
    at: datetime
    who: str
    text: str
    feeder: str | None
    pinned: bool
    done: bool
    marked_by: str | None


@dataclass(frozen=True, slots=True)
class MatterBody:
    """Something that stands and whoever takes over has to know."""

    kind: str
    """emergency_stop, event, event_short, automatic_off, alarm, hands_off, limit, excluded, left_alone,
    shelved, order, dispute; others may follow"""
    feeder: str | None
    what: str
    since: datetime | None
    until: datetime | None
    who: str | None
    why: str | None
    priority: str | None
    """of an alarm"""


@dataclass(frozen=True, slots=True)
class ShiftBody:
    """The present shift."""

    shift: int
    who: str | None
    """who took over; null in shift 0, which began with the journal"""
    since: datetime | None
    notes: tuple[NoteBody, ...]
    """of this shift, and the pinned ones of those before; oldest first"""
    standing: tuple[MatterBody, ...]
    """the most pressing first"""
    more: int
    """matters that stand too and are not listed"""
    seen: str | None
    """for the hand-over: what is to be known now. It counts until something else stands or is written down;
    null for who sees only a part
    """


@dataclass(frozen=True, slots=True)
class PastShiftBody:
    """A shift that is over."""

    shift: int
    who: str | None
    began_at: datetime
    ended_at: datetime
    handed_over_by: str
    taken_over_by: str
    remarks: str
    notes: int


@dataclass(frozen=True, slots=True)
class PastShiftsBody:
    """Shifts that are over, the latest first."""

    items: tuple[PastShiftBody, ...]
    next: str | None
    """for `after`; null at the end"""


@dataclass(frozen=True, slots=True)
class ToldShiftBody:
    """A shift that is over, with all that is known of it."""

    shift: PastShiftBody
    notes: tuple[NoteBody, ...]
    standing: tuple[MatterBody, ...]
    """when it was handed over"""
    more: int
    """matters that stood too and are not listed"""
    summary: ShiftSummary | None
    """null for who may not look at all feeders: it sums them up"""


def note_body(note: Note) -> NoteBody:
    """As it is shown."""
    return NoteBody(
        note.note,
        note.shift,
        note.at,
        note.who,
        note.text,
        note.feeder,
        note.pinned,
        note.done,
        note.marked_by,
    )


def matter_body(matter: ShiftMatter) -> MatterBody:
    """As it is shown."""
    return MatterBody(
        matter.kind,
        matter.feeder,
        matter.what,
        matter.since,
        matter.until,
        matter.who,
        matter.why,
        matter.priority,
    )


def shift_body(present: Present, to: Principal) -> ShiftBody:
    """The present shift as it is shown to somebody: what is of their feeders, or of none in particular."""
    log = present.log
    theirs = [matter for matter in present.standing if is_theirs(to, matter.feeder)]
    return ShiftBody(
        log.shift,
        log.who,
        log.began_at,
        _notes(log.notes, to),
        _matters(theirs[:MOST_HANDED], to),
        max(len(theirs) - MOST_HANDED, 0),
        present.seen if to.feeders is None else None,
    )


def past_body(past: PastShift) -> PastShiftBody:
    """As it is shown."""
    return PastShiftBody(
        past.shift,
        past.who,
        past.began_at,
        past.ended_at,
        past.handed_over_by,
        past.taken_over_by,
        past.remarks,
        past.notes,
    )


def told_body(told: Told, to: Principal) -> ToldShiftBody:
    """As it is shown to somebody: what is of their feeders, or of none in particular."""
    return ToldShiftBody(
        past_body(told.shift),
        _notes(told.notes, to),
        _matters(told.standing, to),
        told.more - sum(more for feeder, more in told.more_by_feeder.items() if not is_theirs(to, feeder)),
        told.summary if to.feeders is None else None,
    )


def _notes(notes: Iterable[Note], to: Principal) -> tuple[NoteBody, ...]:
    return tuple(note_body(note) for note in notes if is_theirs(to, note.feeder))


def _matters(matters: Iterable[ShiftMatter], to: Principal) -> tuple[MatterBody, ...]:
    return tuple(matter_body(matter) for matter in matters if is_theirs(to, matter.feeder))
