"""The sentences about shifts: what was written down, and who handed over to whom. Pure.

Part of the narration.
"""

from typing import assert_never

from controller import entries as e
from controller.narration.sentence import Sentence

ShiftEntry = e.ShiftNote | e.ShiftNoteMarked | e.ShiftHandedOver | e.ShiftBegan
_MARKED = {"pinned": "pinned", "unpinned": "unpinned", "done": "marked as done", "reopened": "opened again"}


def shift_sentence(entry: ShiftEntry) -> Sentence:
    """What happened in the shift log. What people wrote in it may tell of a household, and these sentences
    are for all who look: notes and remarks stand in the log alone.
    """
    match entry:
        case e.ShiftNote():
            about = "" if entry.feeder is None else f" on {entry.feeder}"
            return "info", f"Note {entry.note} by {entry.who}{about}"
        case e.ShiftNoteMarked():
            return "info", f"Note {entry.note} was {_MARKED[entry.mark]} by {entry.who}"
        case e.ShiftHandedOver():
            return "info", f"Shift {entry.shift} handed over to {entry.takes_over} by {entry.who}"
        case e.ShiftBegan():
            return "info", f"Shift {entry.shift} began: {entry.who} took over"
        case _:
            assert_never(entry)
