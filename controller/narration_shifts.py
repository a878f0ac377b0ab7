"""The sentences about shifts: what was written down, and who handed over to whom. Pure.

Part of `narration.py`.
"""

from typing import assert_never

from controller import entries as e
from controller.narration_people import Severity

SHOWN = 160
"""characters of what was said at a hand-over; the shift log has all of it"""
ShiftTold = e.ShiftNote | e.ShiftNoteMarked | e.ShiftHandedOver | e.ShiftBegan
_MARKED = {"pinned": "pinned", "unpinned": "unpinned", "done": "marked as done", "reopened": "opened again"}


def shift_sentence(entry: ShiftTold) -> tuple[Severity, str]:
    """What happened in the shift log."""
    match entry:
        case e.ShiftNote():  # its text may tell of a household, and these sentences are for all who look
            about = "" if entry.feeder is None else f" on {entry.feeder}"
            return "info", f"Note {entry.note} by {entry.who}{about}"
        case e.ShiftNoteMarked():
            return "info", f"Note {entry.note} was {_MARKED[entry.mark]} by {entry.who}"
        case e.ShiftHandedOver():
            said = "" if not entry.remarks else f": {_shortened(entry.remarks)}"
            return "info", f"Shift {entry.shift} handed over to {entry.takes_over} by {entry.who}{said}"
        case e.ShiftBegan():
            return "info", f"Shift {entry.shift} began: {entry.who} took over"
        case _:
            assert_never(entry)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
