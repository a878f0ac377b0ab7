"""Files of strangers: every encoding and separator that retailers use, and none that would take us down."""

import io
import random
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances import archives, sheets
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
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 2**20)
    packed(path, xl__workbook_xml=b"0" * 2**21)
    with pytest.raises(RegistryRejected, match="MiB unpacked"):
        read_rows(path)
    packed(path, xl__workbook_xml=b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(RegistryRejected, match="no document type"):
        read_rows(path)
    monkeypatch.setattr(archives, "MOST_PARTS", 2)
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


def test_chinese_lists_with_lone_characters_are_chinese(tmp_path: Path) -> None:
    path, rows = tmp_path / "list.csv", ["客户编号,地址,电器,功率,购买日期"]
    rows += [f"{n},文三路{n}号5幢2单元301室,空调,1.5匹,2024年5月31日" for n in range(30)]
    path.write_bytes("\n".join(rows).encode("gb18030"))
    assert cells(path)[1] == ("0", "文三路0号5幢2单元301室", "空调", "1.5匹", "2024年5月31日")


def test_a_quote_that_never_ends_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('a;b\n1;"12 m\n2;x\n3;y\n')
    with pytest.raises(RegistryRejected, match="expected CSV"):
        read_rows(path)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1E400", "inf"),
        ("12345678901234567", "12345678901234567"),
        ("1E+16", "1e+16"),
        ("123456789012345", 123456789012345.0),
    ],
)  # fmt: skip
def test_numbers_that_a_cell_cannot_hold_stay_text(tmp_path: Path, value: str, read: object) -> None:
    path = tmp_path / "list.xlsx"
    sheet(path, f"<row><c><v>{value}</v></c></row>")
    assert cells(path) == [(read,)]


def sheet(path: Path, rows: str, *shared: str) -> None:
    """A workbook of these rows, as XML, and these shared strings."""
    workbook(path, ("x",))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    )
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", named)
    items = "".join(f"<si><t>{one}</t></si>" for one in shared)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{space}">{items}</sst>'.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_one_text_in_many_cells_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    sheet(path, '<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>' * 3, " a long text ")
    assert len({id(cell) for row in cells(path) for cell in row}) == 1


@pytest.mark.parametrize(
    ("bound", "rows", "why"),
    [
        (("MOST_CELLS", 5), "<row><c><v>1</v></c><c><v>1</v></c></row>" * 3, "at most 5 cells"),
        (
            ("MOST_CHARACTERS", 9),
            '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>',
            "at most 9 characters",
        ),
        (("MOST_RATIO", 20), "<row><c><v>1</v></c></row>" * 3_000, "packed at most 20 times"),
        (("MOST_BETWEEN_ROWS", 20), f"<row>{'<c/>' * 30}</row>", "a row of at most"),
        (("MOST_OTHER_BYTES", 50), "<row/>", "MiB beside its sheets"),
    ],
)
def test_small_workbooks_that_would_grow_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: tuple[str, int], rows: str, why: str
) -> None:
    path, (name, value) = tmp_path / "list.xlsx", bound
    sheet(path, rows, "abcdef", "ghijkl")
    assert read_rows(path) is not None
    monkeypatch.setattr(archives, "SMALL_BYTES", 50_000)
    monkeypatch.setattr(sheets if hasattr(sheets, name) else archives, name, value)
    with pytest.raises(RegistryRejected, match=why):
        read_rows(path)


def test_a_document_type_is_found_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    for at in (70_000, 2**20 - 5, 2**20):
        packed(
            path,
            xl__sheet_xml=random.Random(5).randbytes(at).replace(b"<", b" ")
            + b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        )
        with pytest.raises(RegistryRejected, match="no document type"):
            read_rows(path)
