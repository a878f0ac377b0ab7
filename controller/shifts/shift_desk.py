"""The shift log of one control room: notes, hand-overs, and the summary of a shift. Part of the shell.

What is written is journaled before it is shown, under the rounds' turn. A summary is told from the journal,
which is read in a thread of its own: of the present shift only what came since the last look, of one that is
over the whole span, once. One reading at a time, and one for all who ask; whoever waits too long for it is
told so, and it goes on for the next who asks.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import (
    Entry,
    ShiftBegan,
    ShiftHandedOver,
    ShiftMark,
    ShiftMatter,
    ShiftNote,
    ShiftNoteMarked,
)
from controller.shared_work import SharedWork
from controller.shifts.shift_log import MOST_NOTES, MOST_PINNED, Note, PastShift, ShiftLog, noted, with_mark
from controller.shifts.shift_summary import SummaryFold
from controller.shifts.shift_told import ShiftSummary
from controller.shifts.standing import MOST_HANDED, Standing, has_seen, seen_of, standing
from controller.stores.port import Numbered, Store
from devices.ports import Clock

MOST_ENTRIES = 200_000
"""that one look reads of a shift: of a longer one the latest"""
READ_WITHIN_S = 15.0
"""less than a page of the console waits"""
KEPT_SUMMARIES = 16
"""of shifts that are over"""
log = structlog.get_logger()


class ShiftRefused(Exception):
    """It cannot be done as the shift log stands."""


class ChangedMeanwhile(ShiftRefused):
    """Something stands that whoever hands over has not seen."""


class UnknownNote(LookupError):
    """There is no such note in the present shift."""


class UnknownShift(LookupError):
    """There is no such shift, or it is so long ago that only the journal knows it."""


@dataclass(frozen=True, slots=True)
class Present:
    """The present shift at one time."""

    log: ShiftLog
    standing: tuple[ShiftMatter, ...]
    """what whoever takes over has to know"""
    seen: str
    """see `hand_over`"""


@dataclass(frozen=True, slots=True)
class Told:
    """One shift that is over, as its journal tells it."""

    shift: PastShift
    notes: tuple[Note, ...]
    """that were written in it"""
    standing: tuple[ShiftMatter, ...]
    """what stood when it was handed over"""
    more: int
    more_by_feeder: Mapping[str, int]
    """of these those of one feeder"""
    summary: ShiftSummary


@dataclass(slots=True)
class _Reading:
    """How far a shift is told."""

    shift: int
    after: int
    begun: bool
    """False until its first entry is read: some of the shift before may stand in front of it"""
    fold: SummaryFold
    notes: dict[int, Note] = field(default_factory=dict)
    handed: ShiftHandedOver | None = None

    @classmethod
    def of(cls, shift: int, begins_after: int, size: int) -> "_Reading":
        """From where the shift begins in a journal of this size, or from where the latest part of it does."""
        after = max(begins_after, size - MOST_ENTRIES)
        whole = after == begins_after
        return cls(shift, after, begun=shift == 0 or not whole, fold=SummaryFold(complete=whole))

    def take(self, numbered: Numbered) -> None:
        """One more entry."""
        self.after, entry = numbered.seq, numbered.entry
        self.begun = self.begun or (isinstance(entry, ShiftBegan) and entry.shift == self.shift)
        if not self.begun or self.handed is not None:
            return
        self.fold.take(entry)
        match entry:
            case ShiftNote():
                self.notes[entry.note] = noted(entry)
            case ShiftNoteMarked() if entry.note in self.notes:
                self.notes[entry.note] = with_mark(self.notes[entry.note], entry.mark, entry.who)
            case ShiftHandedOver() if entry.shift == self.shift:
                self.handed = entry
            case _:
                pass


class ShiftDesk:
    """Of one site. Raises ShiftRefused, UnknownNote, UnknownShift; StoreUnavailable, RecordBroken and
    TimeoutError.
    """

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        *,
        feeders: Sequence[str],
        store: Store,
        offload: Offload,
        ready: Callable[[], Awaitable[None]],
        wire_clock: Clock | None = None,
    ) -> None:
        """`turn` is the rounds' own. `offload`: a thread for reading the journal, one reading after another.
        `ready`: waits until the journal is read. `wire_clock`: real time, for deadlines.
        """
        self._keeper, self._turn, self._clock, self._store = keeper, turn, clock, store
        self._feeders, self._offload, self._ready = tuple(feeders), offload, ready
        self._wire_clock = wire_clock or clock
        self._summing_up = SharedWork(self._summed_up, "summary of the present shift")
        self._telling: dict[int, SharedWork[Told]] = {}
        self._reading: _Reading | None = None
        self._past: dict[int, Told] = {}

    async def log(self) -> ShiftLog:
        """The shift log as it stands."""
        await self._ready()
        return self._keeper.books.shifts

    async def present(self) -> Present:
        """The shift log, and what stands now."""
        await self._ready()
        return self._present()

    async def add_note(self, *, who: str, text: str, feeder: str | None = None, pinned: bool = False) -> Note:
        """Write something down."""
        await self._ready()
        async with self._turn:
            shifts = self._keeper.books.shifts
            if shifts.written >= MOST_NOTES:
                raise ShiftRefused(
                    f"expected at most {MOST_NOTES} notes in a shift: hand over, or write longer ones"
                )
            if pinned:
                _check_pinned(shifts)
            entry = ShiftNote(
                at=self._clock.now(),
                note=shifts.next_note,
                shift=shifts.shift,
                who=who,
                text=text,
                feeder=feeder,
                pinned=pinned,
            )
            await self._keeper.write((entry,))
            return self._note(entry.note)

    async def mark(self, note: int, mark: ShiftMark, *, who: str) -> Note:
        """Set a mark of a note or take it away; one that is so already changes nothing."""
        await self._ready()
        async with self._turn:
            known = self._note(note)
            marked = with_mark(known, mark, who)
            if (marked.pinned, marked.done) == (known.pinned, known.done):
                return known
            if mark == "pinned":
                _check_pinned(self._keeper.books.shifts)
            await self._keeper.write((ShiftNoteMarked(at=self._clock.now(), note=note, who=who, mark=mark),))
            return self._note(note)

    async def hand_over(
        self, shift: int, *, who: str, takes_over: str, remarks: str, seen: str | None = None
    ) -> Present:
        """End the present shift, which the caller believes to be `shift`, and begin the next one. `seen`:
        that of the `Present` both went through; None for a programme that looks at nothing. Raises
        ChangedMeanwhile.
        """
        await self._ready()
        async with self._turn:
            books, now = self._keeper.books, self._clock.now()
            if books.shifts.shift != shift:
                raise ShiftRefused(f"shift {shift} is not the present one: that is {books.shifts.shift}")
            stands = self._standing()
            if seen is not None and not has_seen(seen, books.shifts, stands):
                raise ChangedMeanwhile("something new stands or was written down: look at it first")
            entries: tuple[Entry, ...] = (
                _handed_over(now, shift, _matters(stands), who=who, takes_over=takes_over, remarks=remarks),
                ShiftBegan(at=now, shift=shift + 1, who=takes_over, journal_size=books.seq),
            )
            await self._keeper.write(entries)
            begun = self._present()
        log.info("shift_handed_over", shift=shift, by=who, to=takes_over)
        return begun

    async def summary(self) -> ShiftSummary:
        """What happened in the present shift until now."""
        await self._ready()
        async with self._wire_clock.timeout(READ_WITHIN_S):
            return await self._summing_up.result()

    async def past(self, shift: int) -> Told:
        """A shift that is over, with its notes and its summary."""
        await self._ready()
        found = next((one for one in self._keeper.books.shifts.past if one.shift == shift), None)
        if found is None:
            raise UnknownShift(f"there is no shift {shift} that is over, or only the journal knows it still")
        if shift in self._past:
            return self._past[shift]
        telling = self._telling.get(shift)
        if telling is None:
            telling = SharedWork(partial(self._tell_past, found), f"summary of shift {shift}")
            self._telling[shift] = telling
        async with self._wire_clock.timeout(READ_WITHIN_S):
            return await telling.result()

    async def _summed_up(self) -> ShiftSummary:
        shifts, reading = self._keeper.books.shifts, self._reading
        if reading is None or reading.shift != shifts.shift:
            reading = _Reading.of(shifts.shift, shifts.journal_size, self._keeper.books.seq)
        self._reading = None  # while it is read in part: after a fault the next look reads anew
        await self._offload(self._read_on, reading)
        self._reading = reading
        return reading.fold.summary()

    async def _tell_past(self, shift: PastShift) -> Told:
        try:
            told = await self._offload(self._read_past, shift)
        finally:
            del self._telling[shift.shift]
        while len(self._past) >= KEPT_SUMMARIES:
            del self._past[next(iter(self._past))]
        self._past[shift.shift] = told
        return told

    def _present(self) -> Present:
        shifts, stands = self._keeper.books.shifts, self._standing()
        return Present(shifts, _matters(stands), seen_of(shifts, stands))

    def _standing(self) -> tuple[Standing, ...]:
        return standing(self._keeper.books, self._keeper.orders, self._feeders, self._clock.now())

    def _note(self, number: int) -> Note:
        found = self._keeper.books.shifts.note(number)
        if found is None:
            raise UnknownNote(f"there is no note {number} in the present shift")
        return found

    # --- in the other thread

    def _read_on(self, reading: _Reading) -> None:
        for numbered in self._store.replay(after=reading.after):
            reading.take(numbered)

    def _read_past(self, shift: PastShift) -> Told:
        reading = _Reading.of(shift.shift, shift.journal_size, shift.journal_end)
        for numbered in self._store.replay(after=reading.after):
            reading.take(numbered)
            if reading.handed is not None:
                break
        handed = reading.handed
        return Told(
            shift=shift,
            notes=tuple(reading.notes.values()),
            standing=() if handed is None else handed.standing,
            more=0 if handed is None else handed.more,
            more_by_feeder={} if handed is None else handed.more_by_feeder,
            summary=reading.fold.summary(),
        )


def _handed_over(
    at: datetime, shift: int, matters: tuple[ShiftMatter, ...], *, who: str, takes_over: str, remarks: str
) -> ShiftHandedOver:
    """With what stands, as far as it is kept."""
    not_listed = matters[MOST_HANDED:]
    return ShiftHandedOver(
        at=at,
        shift=shift,
        who=who,
        takes_over=takes_over,
        remarks=remarks,
        standing=matters[:MOST_HANDED],
        more=len(not_listed),
        more_by_feeder=dict(Counter(one.feeder for one in not_listed if one.feeder is not None)),
    )


def _matters(stands: Sequence[Standing]) -> tuple[ShiftMatter, ...]:
    return tuple(one.matter for one in stands)


def _check_pinned(shifts: ShiftLog) -> None:
    if sum(note.pinned and not note.done for note in shifts.notes) >= MOST_PINNED:
        raise ShiftRefused(f"expected at most {MOST_PINNED} pinned notes: unpin some, or mark them as done")
