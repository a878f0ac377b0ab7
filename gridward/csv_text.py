"""CSV that a spreadsheet opens without running anything: for files whose cells come from others.

What would be a formula gets an apostrophe in front (OWASP, "CSV Injection"): at the begin of a text cell, and
inside it wherever a spreadsheet that separates cells by something else than a comma would begin another one.
Numbers are ours and stay numbers. Lines end as RFC 4180 has it.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

_FORMULA = re.compile(r"(^|[;|\t\r\n])( *)(?=[=+@\t\r\n＝＋－＠-])")
"""after what may end a cell; with the full-width ones, which some spreadsheets take for the same"""


@dataclass(frozen=True, slots=True)
class Number:
    """Digits of our own making, written as they are."""

    text: str


Cell = str | int | Number | None
"""None is an empty cell"""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The whole file."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_written(name) for name in header])
    writer.writerows([_written(cell) for cell in row] for row in rows)
    return file.getvalue()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case int():
            return str(cell)
        case Number():
            return cell.text
        case _:
            return _FORMULA.sub(r"\1'\2", cell)
