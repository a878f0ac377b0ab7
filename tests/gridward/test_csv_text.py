"""What a spreadsheet makes of a cell."""

import csv
from io import StringIO

import pytest

from gridward.csv_text import Number, csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1"])
def test_text_is_never_a_formula(text: str) -> None:
    (_, (cell,)) = csv.reader(StringIO(csv_text(["a"], [[text]]), newline=""))
    assert cell.startswith("'")
    assert cell.replace("'", "") == text


@pytest.mark.parametrize("separator", [";", "\t", "|", "\n", "\r"])
@pytest.mark.parametrize("formula", ["=cmd", " =cmd", "+1", "-1", "@x", "＝1"])
def test_no_formula_begins_where_another_separator_would_begin_a_cell(separator: str, formula: str) -> None:
    (_, (cell, other)) = csv.reader(
        StringIO(
            csv_text(["a", "b"], [[f"a{separator}{formula}", f"{formula}{separator}{formula}"]]), newline=""
        )
    )
    assert cell == f"a{separator}'{formula}"
    assert other == f"'{formula}{separator}'{formula}"


def test_what_is_no_formula_stays() -> None:
    rows = [["C-001", -42, Number("-0.050"), None, 'a "b", c\nd']]
    assert csv_text(["a", "b", "c", "d", "e"], rows) == ('a,b,c,d,e\r\nC-001,-42,-0.050,,"a ""b"", c\nd"\r\n')


def test_a_header_may_come_from_others_too() -> None:
    assert csv_text(["=cmd"], []) == "'=cmd\r\n"
