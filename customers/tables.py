"""Reads a registry file's table: the header, then row by row; what is wrong becomes a finding.

Knows no column's meaning: a `Row` is given to whoever makes a value of it.
"""

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from customers.errors import Finding
from customers.rows import Row

T = TypeVar("T")


def read_table(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    make: Callable[[Row], T | None],
    findings: list[Finding],
) -> list[tuple[Row, T]]:
    """The rows that are right, each with its values; findings for all others."""
    made = []
    try:
        for row in _rows(path, required, optional, findings):
            value = make(row)
            if value is not None:
                made.append((row, value))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        findings.append(Finding(str(path), None, None, f"expected a readable CSV file in UTF-8: {error}"))
    return made


def _rows(
    path: Path, required: Sequence[str], optional: Sequence[str], findings: list[Finding]
) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = [name.strip() for name in next(reader, [])]
        wrong = list(_header_faults(header, required, optional))
        if wrong:
            findings.extend(Finding(str(path), 1, field, expected) for field, expected in wrong)
            return
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                expected = f"expected {len(header)} cells, got {len(cells)}"
                findings.append(Finding(str(path), reader.line_num, None, expected))
                continue
            values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            yield Row(str(path), reader.line_num, values, findings)


def _header_faults(
    header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for name in required:
        if name not in header:
            yield name, f"expected this column; the header has {', '.join(header) or 'nothing'}"
    for place, name in enumerate(header):
        if name in header[:place]:
            yield name, "expected this column once"
        elif name not in required and name not in optional:
            near = difflib.get_close_matches(name, (*required, *optional), n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            yield name or "(empty)", f"expected only {', '.join((*required, *optional))}{meant}"


def find_doubles(rows: Sequence[tuple[Row, T]], field: str) -> None:
    """Note every name that stands in an earlier row as well."""
    first: dict[str, int] = {}
    for row, value in rows:
        name: str = getattr(value, field)
        if name in first:
            row.fault(field, f"expected each only once, {name!r} is in row {first[name]} already")
        first.setdefault(name, row.row)
