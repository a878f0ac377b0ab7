"""The shift log as the journal gives it."""

import msgspec
import pytest

from controller.books import Books
from controller.entries import (
    ControllerStarted,
    Entry,
    ShiftBegan,
    ShiftHandedOver,
    ShiftNote,
    ShiftNoteMarked,
)
from controller.errors import BooksBroken
from controller.shifts.shift_log import KEPT_SHIFTS, ShiftLog
from controller.stores.chain import decode, encode
from tests.controller.record_builders import T0, after, books_of


def note(number: int, shift: int = 0, pinned: bool = False) -> ShiftNote:
    return ShiftNote(at=after(number), note=number, shift=shift, who="mara", text="warm", pinned=pinned)


def handed(shift: int, at_s: float = 900.0) -> tuple[ShiftHandedOver, ShiftBegan]:
    at = after(at_s)
    return (
        ShiftHandedOver(at=at, shift=shift, who="mara", takes_over="jo", remarks="quiet"),
        ShiftBegan(at=at, shift=shift + 1, who="jo", journal_size=7),
    )


STARTED = ControllerStarted(at=T0, epoch=1, version="0", feeders=("dorf",))


def test_the_first_shift_begins_with_the_journal_and_is_nobodys() -> None:
    later = ControllerStarted(at=after(60), epoch=2, version="0", feeders=("dorf",))
    log = books_of(STARTED, later).shifts
    assert (log.shift, log.who, log.began_at, log.notes) == (0, None, T0, ())


def test_a_pinned_note_goes_on_until_it_is_done_and_others_stay_behind() -> None:
    books = books_of(STARTED, note(1), note(2, pinned=True), note(3, pinned=True))
    books.apply(ShiftNoteMarked(at=after(5), note=3, who="jo", mark="done"))
    books.apply_all(handed(0))
    log = books.shifts
    assert (log.shift, log.who, log.began_at) == (1, "jo", after(900))
    assert [one.note for one in log.notes] == [2]
    books.apply(note(4, shift=1))
    books.apply(ShiftNoteMarked(at=after(950), note=2, who="jo", mark="unpinned"))
    assert [(one.note, one.pinned, one.marked_by) for one in books.shifts.notes] == [
        (2, False, "jo"),
        (4, False, None),
    ]
    assert books.shifts.written == 1
    books.apply_all(handed(1, 1800))
    assert books.shifts.notes == ()


def test_the_shift_before_says_who_handed_over_to_whom() -> None:
    books = books_of(STARTED, note(1), *handed(0))
    (past,) = books.shifts.past
    assert (past.shift, past.who, past.handed_over_by, past.taken_over_by) == (0, None, "mara", "jo")
    assert (past.began_at, past.ended_at, past.notes, past.remarks) == (T0, after(900), 1, "quiet")
    assert (past.journal_size, past.journal_end) == (0, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        (note(2),),
        (note(1, shift=1),),
        (ShiftNoteMarked(at=T0, note=1, who="jo", mark="done"),),
        (handed(0)[1],),
        (handed(0)[0], handed(0)[0]),
        (handed(1)[0],),
        (handed(0)[0], handed(1)[1]),
    ],
)
def test_what_cannot_have_happened_is_refused(wrong: tuple[Entry, ...]) -> None:
    books = books_of(STARTED)
    with pytest.raises(BooksBroken):
        books.apply_all(wrong)


def test_a_copy_of_the_books_and_a_journal_that_is_read_again_give_the_same() -> None:
    entries: list[Entry] = [STARTED, note(1, pinned=True), *handed(0), note(2, shift=1)]
    books = books_of(*entries)
    copied = books.fork()
    copied.apply(note(3, shift=1))
    assert [one.note for one in books.shifts.notes] == [1, 2]
    assert books_of(*(decode(encode(entry)) for entry in entries)) == books


def test_of_many_shifts_the_latest_are_known() -> None:
    books = Books()
    books.apply(STARTED)
    for shift in range(KEPT_SHIFTS + 3):
        books.apply_all(handed(shift))
    past = books.shifts.past
    assert (len(past), past[0].shift, past[-1].shift) == (KEPT_SHIFTS, 3, KEPT_SHIFTS + 2)
    assert msgspec.json.decode(msgspec.json.encode(books.shifts), type=ShiftLog) == books.shifts
