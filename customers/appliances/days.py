"""A day as people write it. Pure.

`2024-05-31`, `2024/5/31`, `2024.5.31`, `20240531`, `2024年5月31日`, `31.05.2024`, `31.5.24` and `31 May 2024`
(also German months) can be read in one way. `05/04/2024` cannot: which comes first is told by the list's
mapping, or by other days of the same column.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from customers.appliances.powers import Fault

Order = Literal["DMY", "MDY"]
EARLIEST = date(1970, 1, 1)
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]\d.*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_LAST = re.compile(r"(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{2})(?: \d.*)?")
_NAMED = re.compile(r"(\d{1,2})\.?[ -]([^\W\d]{3,9})\.?[ -](\d{4})|([^\W\d]{3,9})\.? (\d{1,2}),? (\d{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_GERMAN = {"mrz": 3, "mär": 3, "mai": 5, "okt": 10, "dez": 12}


def order_of(cells: Iterable[object]) -> Order | None:
    """Which of day and month comes first in a column, where any cell tells it and none tells the other."""
    found = set[Order]()
    for cell in cells:
        parts = _YEAR_LAST.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if parts is not None and parts[2] != ".":
            if int(parts[1]) > 12:
                found.add("DMY")
            elif int(parts[3]) > 12:
                found.add("MDY")
    return found.pop() if len(found) == 1 else None


def day_of(cell: object, today: date, order: Order | None = None) -> date | Fault:
    """The day that a cell tells: not before 1970, not after today."""
    if isinstance(cell, date):
        found: date | Fault | None = cell.date() if isinstance(cell, datetime) else cell
    else:
        whole = isinstance(cell, float) and cell.is_integer()  # 20240531 as a spreadsheet has it
        found = _read(f"{cell:.0f}" if whole else str(cell).strip(), today, order)
    if found is None:
        return Fault("expected a day such as 2024-05-31", str(cell))
    if isinstance(found, date) and not EARLIEST <= found <= today:
        return Fault(f"expected a day from {EARLIEST} until today", str(found))
    return found


def _read(text: str, today: date, order: Order | None) -> date | Fault | None:
    if parts := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _date(int(parts[1]), int(parts[2]), int(parts[3]))
    if parts := _NAMED.fullmatch(text):
        named, day, year = (parts[2], parts[1], parts[3]) if parts[1] else (parts[4], parts[5], parts[6])
        month = _month(named.casefold())
        return None if month is None else _date(int(year), month, int(day))
    parts = _YEAR_LAST.fullmatch(text)
    if parts is None:
        return None
    first, second, year_number = int(parts[1]), int(parts[3]), int(parts[4])
    if year_number < 100:
        year_number += 2000 if 2000 + year_number <= today.year else 1900
    if parts[2] == "." or first > 12:
        order = "DMY"
    elif second > 12:
        order = "MDY"
    if order is None and first != second:
        return Fault("expected a day that can be read in one way only, or date_order in the mapping", text)
    day, month = (second, first) if order == "MDY" else (first, second)
    return _date(year_number, month, day)


def _month(name: str) -> int | None:
    short = name[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else _GERMAN.get(short)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
