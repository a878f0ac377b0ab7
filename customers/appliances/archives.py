"""Whether an Excel file's archive is fit to be read: nothing in it grows beyond bounds. Knows no cells.

Looked at are what the archive says of itself (Python's zip reader gives no more than that of a part), and
then each part as it is unpacked, piece by piece: a document type, with which XML expands, is refused
wherever it stands, and so is a row of so many elements that it could not be held.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

MOST_PARTS = 2_000
MOST_UNPACKED_BYTES = 512 * 2**20
MOST_OTHER_BYTES = 96 * 2**20
"""of all that is no sheet: shared texts are held as a whole"""
MOST_RATIO = 200
"""real sheets pack 5 to 40 times, what is made to burst 1,000 times"""
SMALL_BYTES = 2**20
"""what never matters, however well it packs"""
MOST_BETWEEN_ROWS = 100_000
"""elements"""
_PIECE_BYTES = 2**20
_DOCTYPE, _ROWS = b"<!DOCTYPE", b"sheetData"
_LONGEST_MARK = 16
_ROW = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?row[\s>/]")
_END = re.compile(rb"</(?:[A-Za-z_][\w.-]*:)?sheetData")


class Refused(Exception):
    """Not fit; says what was expected."""


def check_archive(path: Path) -> None:
    """Raises Refused, and OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_sizes(parts)
            for part in parts:
                _check_part(part.filename, _pieces(archive, part))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise Refused(f"expected an Excel workbook: {error}") from error


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        most = f"{MOST_PARTS} parts and {MOST_UNPACKED_BYTES // 2**20} MiB unpacked"
        raise Refused(f"expected a workbook of at most {most}")
    if sum(part.file_size for part in parts if not _is_sheet(part.filename)) > MOST_OTHER_BYTES:
        raise Refused(f"expected a workbook of at most {MOST_OTHER_BYTES // 2**20} MiB beside its sheets")
    for part in parts:
        if part.file_size > max(SMALL_BYTES, MOST_RATIO * part.compress_size):
            raise Refused(
                f"expected parts that are packed at most {MOST_RATIO} times, {part.filename} is not"
            )


def _is_sheet(name: str) -> bool:
    return "/worksheets/" in name


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Without the zeros of UTF-16, each with the end of the one before, so that no word is cut."""
    before = b""
    with archive.open(part) as opened:
        while piece := opened.read(_PIECE_BYTES):
            whole = before + piece.replace(b"\0", b"")
            yield whole
            before = whole[-_LONGEST_MARK:]


def _check_part(name: str, pieces: Iterator[bytes]) -> None:
    elements, inside = 0, _is_sheet(name)
    for piece in pieces:
        if _DOCTYPE in piece:
            raise Refused(f"expected no document type, {name} has one")
        if _ROWS in piece and not _is_sheet(name):
            raise Refused(f"expected sheets in xl/worksheets, {name} is one")
        if inside:
            end = _END.search(piece)
            rows = _ROW.split(piece if end is None else piece[: end.start()])
            counts = [row.count(b"<") for row in rows]
            counts[0] += elements
            if max(counts) > MOST_BETWEEN_ROWS:
                raise Refused(f"expected a row of at most {MOST_BETWEEN_ROWS} elements in {name}")
            elements, inside = counts[-1], end is None
