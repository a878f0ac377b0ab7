"""Reads a file of others into rows of cells, within bounds: CSV in whatever encoding and separator, or Excel.

Knows no column's meaning. What comes from strangers is bounded: bytes, rows, columns, cells, the length of
a cell and of all texts together (one that stands in many cells is kept once), and, before any of it is
read, the archive of an Excel file (`archives.py`). Of a formula the value counts that was saved with it.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from customers.appliances.archives import Refused, check_archive
from customers.errors import Finding, RegistryRejected

Cell = str | float | date | None
MOST_BYTES = 64 * 2**20
MOST_ROWS = 500_000
MOST_COLUMNS = 200
MOST_CELLS = 5_000_000
LONGEST_CELL = 1_000
MOST_CHARACTERS = 64 * 2**20
"""of all texts that differ"""
_MOST_DIGITS = 10**15
"""more a spreadsheet's number does not hold"""
SEPARATORS = ",;\t|"
_HAN = r"[\u4e00-\u9fff]"
_GUARD = re.compile(r"'(?=[=+@\t＝＋－＠-])")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not empty."""

    row: int
    """as a spreadsheet counts, from 1; of a CSV the line where it ends"""
    cells: tuple[Cell, ...]


def read_rows(
    path: Path, *, encoding: str | None = None, separator: str | None = None, sheet: str | None = None
) -> list[Row]:
    """All rows that hold anything. Raises RegistryRejected: not readable, too large, no table."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _rejected(path, f"expected a file of at most {MOST_BYTES // 2**20} MiB")
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            return _bounded(path, _excel_rows(path, sheet))
        if path.suffix.lower() == ".xls":
            raise _rejected(path, "expected .xlsx or CSV: save it as one of these")
        text = _decoded(path, path.read_bytes(), encoding)
    except OSError as error:
        raise _rejected(path, f"expected a readable file: {error}") from error
    return _bounded(path, _csv_rows(path, text, separator))


def _rejected(path: Path, expected: str, row: int | None = None) -> RegistryRejected:
    return RegistryRejected([Finding(str(path), row, None, expected)])


def _bounded(path: Path, rows: Iterator[Row]) -> list[Row]:
    kept: list[Row] = []
    texts: dict[str, str] = {}
    cells = characters = 0
    for row in rows:
        if all(cell is None or cell == "" for cell in row.cells):
            continue
        if len(kept) == MOST_ROWS:
            raise _rejected(path, f"expected at most {MOST_ROWS} rows: split the file")
        if len(row.cells) > MOST_COLUMNS:
            raise _rejected(path, f"expected at most {MOST_COLUMNS} columns", row.row)
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in row.cells):
            raise _rejected(path, f"expected cells of at most {LONGEST_CELL} characters", row.row)
        new = {cell for cell in row.cells if isinstance(cell, str) and cell not in texts}
        texts |= {cell: cell for cell in new}
        cells, characters = cells + len(row.cells), characters + sum(map(len, new))
        if cells > MOST_CELLS:
            raise _rejected(path, f"expected at most {MOST_CELLS} cells: split the file", row.row)
        if characters > MOST_CHARACTERS:
            raise _rejected(path, f"expected at most {MOST_CHARACTERS} characters: split the file", row.row)
        kept.append(Row(row.row, tuple(texts[c] if isinstance(c, str) else c for c in row.cells)))
    return kept


def _decoded(path: Path, raw: bytes, encoding: str | None) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 where it fits, else Chinese GB 18030 or Western European."""
    tried = [encoding] if encoding else ["utf-16"] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig"]
    for name in tried:
        try:
            return _text(path, raw.decode(name))
        except (UnicodeDecodeError, LookupError) as error:
            if encoding:
                raise _rejected(path, f"expected a file in {encoding}: {error}") from error
    try:
        chinese = raw.decode("gb18030")
    except UnicodeDecodeError:
        chinese = ""
    if chinese and _reads_as_chinese(chinese):
        return _text(path, chinese)
    return _text(path, raw.decode("cp1252", errors="replace").replace("\ufffd", ""))


def _text(path: Path, text: str) -> str:
    if "\0" in text:
        raise _rejected(path, "expected text, this is a binary file: save it as CSV or .xlsx")
    return text


def _reads_as_chinese(text: str) -> bool:
    """Western letters read as GB 18030 give lone characters amid Latin ones; Chinese stands together."""
    alone = len(re.findall(f"(?<=[A-Za-z]){_HAN}(?!{_HAN})|(?<!{_HAN}){_HAN}(?=[A-Za-z])", text))
    return len(re.findall(_HAN, text)) > 4 * alone


def _csv_rows(path: Path, text: str, separator: str | None) -> Iterator[Row]:
    mark = separator or _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for cells in reader:
            yield Row(reader.line_num, tuple(_GUARD.sub("", cell.strip(), count=1) for cell in cells))
    except csv.Error as error:
        expected = f"expected CSV, each quote closed at the end of its cell: {error}"
        raise _rejected(path, expected, reader.line_num) from error


def _separator(text: str) -> str:
    """The one that cuts the first lines into the most columns that are alike."""
    head = text.splitlines()[:20]

    def merit(mark: str) -> tuple[int, int]:
        try:
            widths = [len(cells) for cells in csv.reader(head, delimiter=mark) if cells]
        except csv.Error:
            return (0, 0)
        usual = max(set(widths), key=widths.count, default=0)
        return (widths.count(usual) if usual > 1 else 0, usual)

    return max(SEPARATORS, key=merit)


def _excel_rows(path: Path, sheet: str | None) -> Iterator[Row]:
    import openpyxl  # noqa: PLC0415 - a third of a second that only Excel files are worth

    try:
        check_archive(path)
    except Refused as error:
        raise _rejected(path, str(error)) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise _rejected(path, f"expected an Excel workbook: {error}") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise _rejected(path, f"expected a sheet {sheet!r}; there are {', '.join(book.sheetnames)}")
        pages = (
            [book[sheet]] if sheet else [page for page in book.worksheets if page.sheet_state == "visible"]
        )
        if not pages:
            raise _rejected(path, "expected a visible sheet")
        rows = pages[0].iter_rows(max_row=2 * MOST_ROWS, max_col=MOST_COLUMNS + 1, values_only=True)
        for number, cells in enumerate(rows, start=1):
            yield Row(number, _trimmed([_excel_cell(cell) for cell in cells]))
    except RegistryRejected:
        raise
    except Exception as error:
        raise _rejected(path, f"expected an Excel workbook: {error}") from error
    finally:
        book.close()


def _trimmed(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    end = len(cells)
    while end and cells[end - 1] in (None, ""):
        end -= 1
    return tuple(cells[:end])


def _excel_cell(value: object) -> Cell:
    match value:
        case None | bool():
            return None if value is None else str(value)
        case datetime():
            return value.date()
        case date():
            return value
        case int() | float() if math.isfinite(value) and abs(value) < _MOST_DIGITS:
            return float(value)
        case _:
            return _GUARD.sub("", str(value).strip(), count=1)
