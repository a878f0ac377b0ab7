"""`gridward audit export`: every curtailment as one row of a CSV file, for regulators."""

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from controller.auditing.curtailment_table import COLUMNS, row
from controller.auditing.curtailments import curtailments
from controller.entries import RequestPlanned
from controller.stores.port import Record
from gridward.csv_text import Cell, Number, csv_text
from gridward.stored_record import Place, is_of_store


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """`--out`, `--from`, `--to`."""
    parser.add_argument("--out", type=csv_path, required=True, metavar="FILE.csv", help="the file to write")
    parser.add_argument(
        "--from", dest="begin", type=moment, metavar="TIME", help="asked at this time or later"
    )
    parser.add_argument("--to", dest="end", type=moment, metavar="TIME", help="asked before this time")


def csv_path(text: str) -> Path:
    """A file to write: never by mistake the store itself."""
    path = Path(text)
    if path.suffix.lower() != ".csv":
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file that ends in .csv")
    return path


def moment(text: str) -> datetime:
    """A date or a time in ISO form; UTC unless it says otherwise."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a date or time such as 2026-01-12 or 2026-01-12T18:00+01:00"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def export(
    record: Record,
    out: Path,
    *,
    store: Place,
    begin: datetime | None,
    end: datetime | None,
    as_json: bool,
) -> int:
    """0 written; 2 when it cannot be. A record that is not whole raises RecordBroken and leaves no file."""

    def is_meant(planned: RequestPlanned) -> bool:
        return (begin is None or begin <= planned.at) and (end is None or planned.at < end)

    if is_of_store(out, store):
        print(f"gridward: {out} is the store itself: expected another file", file=sys.stderr)
        return 2
    if begin is not None and end is not None and end <= begin:
        print(f"gridward: --to {end} is not after --from {begin}", file=sys.stderr)
        return 2
    rows = [row(one) for one in curtailments(record.replay(), is_meant).values()]
    cells = [[_cell(one[column]) for column in COLUMNS] for one in rows]
    try:
        _write(csv_text(COLUMNS, cells), out)
    except OSError as error:
        print(f"gridward: {out} cannot be written: {error}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps({"rows": len(rows), "out": str(out)}, ensure_ascii=False))
    else:
        print(f"{len(rows)} {'curtailment' if len(rows) == 1 else 'curtailments'} written to {out}")
    return 0


def _cell(value: str | float | None) -> Cell:
    return Number(str(value)) if isinstance(value, float) else value


def _write(text: str, out: Path) -> None:
    """Under another name first, so that a full disk leaves no half file that looks whole."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=out.parent, prefix=f".{out.name}.", delete=False
    ) as part:
        beside = Path(part.name)
        try:
            part.write(text)
            part.flush()
            beside.chmod(0o640)
            beside.replace(out)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
