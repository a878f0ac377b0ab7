"""A CSV of late readings: taken whole, or refused with every row that is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridward.late_file import LateFileRejected, LateRow, read_late_file
from gridward.readings import ROWS_AT_ONCE, _batches


def write(folder: Path, text: str) -> Path:
    path = folder / "late.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_by_meter_and_time_whatever_the_order_of_rows_and_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "\ufeffat,p_kw,meter,note\n2026-01-12T19:00:30+01:00,4.5,M2,x\n\n"
        "2026-01-12T18:00:00Z, 5.2 ,M2,y\n2026-01-12T18:00:00Z,-1,M1\n",
    )
    at = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
    assert read_late_file(path) == [
        LateRow("M1", at, -1.0), LateRow("M2", at, 5.2), LateRow("M2", at.replace(second=30), 4.5),
    ]  # fmt: skip


def test_all_that_is_wrong_is_told_with_its_row(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "meter,at,p_kw\n,2026-01-12T18:00:00Z,1\nM1,yesterday,1\nM1,2026-01-12T18:00:00,1\n"
        "M1,2026-01-12T18:00:00Z,nan\nM1,2026-01-12T18:00:00Z\nM1,2026-01-12T18:00:00Z,1\n",
    )
    with pytest.raises(LateFileRejected) as rejected:
        read_late_file(path)
    told = str(rejected.value).splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{path}, row {n}" for n in (2, 3, 4, 5, 6)]
    assert "meter: expected a name" in told[0]
    assert "at: expected a time with an offset" in told[1]
    assert "at: expected a time with an offset" in told[2]
    assert "p_kw: expected a number of kW, got 'nan'" in told[3]
    assert "p_kw: expected a number of kW, got ''" in told[4]


@pytest.mark.parametrize("text", ["", "meter,at\nM1,2026-01-12T18:00:00Z\n"])
def test_a_missing_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(LateFileRejected, match=r"row 1: expected columns meter, at, p_kw; \w+ is missing"):
        read_late_file(write(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(LateFileRejected, match="expected a CSV file in UTF-8"):
        read_late_file(tmp_path / "none.csv")


def test_a_meters_readings_go_together_where_they_fit() -> None:
    at = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
    sizes = {"A": 3000, "B": 2500, "C": 7000, "D": 10}
    rows = [LateRow(meter, at, 1.0) for meter, count in sizes.items() for _ in range(count)]
    batches = _batches(rows)
    assert [len(batch) for batch in batches] == [3000, 2500, ROWS_AT_ONCE, 2010]
    assert [row for batch in batches for row in batch] == rows
