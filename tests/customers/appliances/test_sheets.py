"""Files of strangers: every encoding and separator that retailers use, and none that would take us down."""

import io
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances import sheets
from customers.appliances.sheets import read_rows
from customers.errors import RegistryRejected

ROWS = [("客户编号", "地址", "电器", "功率"), ("C-1", "杭州市西湖区文三路1号", "空调", "1.5匹")]
GERMAN = [
    ("Straße", "Ort", "Gerät"),
    ("Königsallee 1", "Düsseldorf", "Wärmepumpe"),
    ("Übergang 2", "Köln", "Ölofen"),
]


def cells(path: Path, **more: str) -> list[tuple[object, ...]]:
    return [row.cells for row in read_rows(path, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_chinese_lists(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("\r\n".join(separator.join(row) for row in ROWS).encode(encoding))
    assert cells(path) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_german_lists(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("\n".join(";".join(row) for row in GERMAN).encode(encoding))
    assert cells(path) == GERMAN


def test_quotes_guards_and_empty_rows(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('a,b\n"1, High St","\'=1+1"\n\n,\nO\'Neil,\'+49\n', encoding="utf-8")
    assert [(row.row, row.cells) for row in read_rows(path)] == [
        (1, ("a", "b")),
        (2, ("1, High St", "=1+1")),
        (5, ("O'Neil", "+49")),
    ]


def workbook(path: Path, *rows: tuple[object, ...]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_excel(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(
        path,
        ("number", "day", "text", "formula"),
        (123, date(2024, 5, 31), " a ", "=1+1"),
        (None, None),
        (True, 1.5),
    )
    assert cells(path) == [
        ("number", "day", "text", "formula"),
        (123.0, date(2024, 5, 31), "a"),  # the formula was never calculated: it has no value
        ("True", 1.5),
    ]
    with pytest.raises(RegistryRejected, match="expected a sheet 'x'; there are Sheet"):
        read_rows(path, sheet="x")


def packed(path: Path, **parts: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)


def test_archives_that_would_burst_or_expand_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.xlsx"
    monkeypatch.setattr(sheets, "MOST_UNPACKED_BYTES", 2**20)
    packed(path, xl__workbook_xml=b"0" * 2**21)
    with pytest.raises(RegistryRejected, match="MiB unpacked"):
        read_rows(path)
    packed(path, xl__workbook_xml=b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(RegistryRejected, match="no document type"):
        read_rows(path)
    monkeypatch.setattr(sheets, "MOST_PARTS", 2)
    packed(path, a=b"", b=b"", c=b"")
    with pytest.raises(RegistryRejected, match="2 parts"):
        read_rows(path)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("MOST_ROWS", 1, "at most 1 rows"),
        ("MOST_COLUMNS", 1, "at most 1 columns"),
        ("LONGEST_CELL", 3, "at most 3 characters"),
        ("MOST_BYTES", 3, "at most 0 MiB"),
    ],
)
def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int, why: str) -> None:
    path, text = tmp_path / "list.csv", "abcd,b\nc,d\n"
    path.write_text(text)
    monkeypatch.setattr(sheets, name, value)
    with pytest.raises(RegistryRejected, match=why):
        read_rows(path)
    if name != "MOST_BYTES":
        workbook(tmp_path / "list.xlsx", *(tuple(line.split(",")) for line in text.splitlines()))
        with pytest.raises(RegistryRejected, match=why):
            read_rows(tmp_path / "list.xlsx")


def test_what_is_no_table(tmp_path: Path) -> None:
    for name, content, why in [
        ("a.csv", b"a\0b", "binary"),
        ("a.xls", b"", "expected .xlsx or CSV"),
        ("a.xlsx", b"no zip", "Excel workbook"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RegistryRejected, match=why):
            read_rows(tmp_path / name)
    with pytest.raises(RegistryRejected, match="readable file"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes("ä".encode("latin-1"))
    with pytest.raises(RegistryRejected, match="expected a file in utf-8"):
        read_rows(tmp_path / "b.csv", encoding="utf-8")


@given(st.binary(max_size=300))
@profile(max_examples=40, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", raw)
    for name, content in (("any.csv", raw), ("any.xlsx", raw), ("zip.xlsx", buffer.getvalue())):
        (folder / name).write_bytes(content)
        with suppress(RegistryRejected):
            assert all(len(row.cells) <= sheets.MOST_COLUMNS for row in read_rows(folder / name))
