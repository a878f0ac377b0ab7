"""Reads a CSV of late readings: columns `meter,at,p_kw`. All that is wrong is told at once, with its row.

Times are ISO 8601 with an offset; power in kW, positive for consumption.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_COLUMNS = ("meter", "at", "p_kw")
_FAULTS_TOLD = 20


class LateFileRejected(Exception):
    """The file cannot be taken; the message has a line for each finding."""


@dataclass(frozen=True, slots=True)
class LateRow:
    """One reading of one meter, at a time in UTC."""

    meter: str
    at: datetime
    p_kw: float

    @property
    def body(self) -> dict[str, object]:
        """As it is posted."""
        return {"meter": self.meter, "at": self.at.isoformat(), "p_kw": self.p_kw}


def read_late_file(path: Path) -> list[LateRow]:
    """The readings by meter and time. Raises LateFileRejected."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return sorted(_rows(path, csv.reader(file)), key=lambda row: (row.meter, row.at))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LateFileRejected(f"{path}: expected a CSV file in UTF-8: {error}") from error


def _rows(path: Path, lines: Iterator[list[str]]) -> Iterable[LateRow]:
    header = [name.strip() for name in next(lines, [])]
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise LateFileRejected(
            f"{path}, row 1: expected columns {', '.join(_COLUMNS)}; {missing[0]} is missing"
        )
    found: list[LateRow] = []
    faults: list[str] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        try:
            found.append(_row(row))
        except ValueError as error:
            faults.append(f"{path}, row {number}: {error}")
    if faults:
        more = [f"and {len(faults) - _FAULTS_TOLD} more"] if len(faults) > _FAULTS_TOLD else []
        raise LateFileRejected("\n".join([*faults[:_FAULTS_TOLD], *more]))
    return found


def _row(row: dict[str, str]) -> LateRow:
    meter, at, p_kw = (row.get(name, "") for name in _COLUMNS)
    if not meter:
        raise ValueError("meter: expected a name, it is empty")
    return LateRow(meter, _time(at), _power(p_kw))


def _time(text: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
        at = None if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise ValueError(
            f"at: expected a time with an offset such as 2026-01-12T18:00:00+00:00, got {text!r}"
        )
    return at


def _power(text: str) -> float:
    try:
        p_kw = float(text)
    except ValueError:
        p_kw = math.nan
    if not math.isfinite(p_kw):
        raise ValueError(f"p_kw: expected a number of kW, got {text!r}")
    return p_kw
