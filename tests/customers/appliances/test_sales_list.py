"""Whole sales lists in three languages: what is taken, what is passed over, what is to be mended."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest

from customers.appliances.columns import ListMapping, load_mapping
from customers.appliances.sales_list import family, read_sales
from customers.errors import RegistryRejected

LISTS = Path(__file__).parent / "lists"
TODAY = date(2026, 1, 31)
JANUARY = date(2025, 1, 14)


def test_an_english_list_with_a_title_above_its_header() -> None:
    read = read_sales(LISTS / "english.csv", ListMapping(), TODAY)
    assert [(s.row, s.buyer.customer, s.kind, s.rated_kw, s.bought_on, s.count) for s in read.sales] == [
        (4, "C-001", "ev_charger", 7.4, JANUARY, 1),
        (5, "", "air_conditioner", 1.099, date(2025, 2, 14), 2),
        (6, "c 0003", "boiler", 3.0, date(2025, 2, 3), 1),  # 14/02 tells that days come first
    ]
    assert read.sales[0].buyer.address == "Flat 3, 12 High St, London SW1A 1AA"
    assert read.other == {"washing machine": 1}
    assert [(r.row.row, r.faults[0].finding.field) for r in read.rejected] == [
        (8, "Product"), (9, "Rated Power"), (10, "Customer No"), (11, "Sale Date"),
    ]  # fmt: skip
    assert "english.csv, row 9, Rated Power: expected a power with its unit" in str(
        read.rejected[1].faults[0].finding
    )


def test_a_german_list_in_latin_1_with_separate_parts() -> None:
    read = read_sales(LISTS / "german_latin1.csv", ListMapping(), TODAY)
    assert [(s.kind, s.rated_kw, s.count) for s in read.sales] == [
        ("ev_charger", 11.0, 1), ("heat_pump", 3.2, 1), ("air_conditioner", 1.25, 3),
    ]  # fmt: skip
    assert read.sales[0].buyer.address == "Königsallee 12 a\n40212 Düsseldorf"
    assert read.sales[0].buyer.name == "Müller, Jörg"
    assert read.other == {"durchlauferhitzer": 1}
    assert [fault.told for row in read.rejected for fault in row.faults] == [
        "Leistung [kW]: expected a power such as 3.5 kW, got 'elf'"
    ]


def test_a_chinese_list_in_gb_18030_with_tabs() -> None:
    read = read_sales(LISTS / "chinese_gb18030.csv", ListMapping(), TODAY)
    assert [(s.kind, s.rated_kw, s.bought_on, s.count) for s in read.sales] == [
        ("air_conditioner", 1.103, JANUARY, 2),
        ("boiler", 2.0, date(2025, 2, 3), 1),
        ("ev_charger", 7.0, date(2025, 2, 5), 1),
    ]
    assert read.other == {"洗衣机": 1}
    assert [fault.finding.field for row in read.rejected for fault in row.faults] == ["购买日期"]


def test_what_a_sale_prints_is_nobodys_name_or_address() -> None:
    read = read_sales(LISTS / "english.csv", ListMapping(), TODAY)
    assert "High St" not in repr(read) + repr(read.rejected)
    assert "Brown" not in repr(read)


def test_an_excel_list_where_digits_became_numbers(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = openpyxl.Workbook()
    for row in (
        ("户号", "纬度", "经度", "家电", "功率(W)"),
        (330101001, 30.27, 120.12, "空调", 1100),
        (1.5, 91, 0, "空调", 1100),
    ):
        book.active.append(row)
    book.save(path)
    read = read_sales(path, ListMapping(), TODAY)
    (sale,) = read.sales
    assert (sale.buyer.customer, sale.buyer.latitude, sale.rated_kw, sale.bought_on) == (
        "330101001",
        30.27,
        1.1,
        None,
    )
    assert [fault.finding.field for row in read.rejected for fault in row.faults] == ["纬度"]


def test_a_mapping_names_what_cannot_be_guessed(tmp_path: Path) -> None:
    path, mapping = tmp_path / "list.csv", tmp_path / "m.toml"
    path.write_text("Bestellung;Wer;Modell;P;Wann\n1;C-1;KFR 35;1,200;05/04/2024\n", encoding="utf-8")
    mapping.write_text(
        '[columns]\ncustomer = "Wer"\nappliance = "Modell"\nrated = "P"\nbought_on = "Wann"\n'
        '[list]\nunit = "kW"\ndecimal = ","\ndate_order = "MDY"\n[kinds]\nKFR = "air_conditioner"\n',
        encoding="utf-8",
    )
    with pytest.raises(
        RegistryRejected, match=r"a column for the appliance; .*rated power; .*number, address"
    ):
        read_sales(path, ListMapping(), TODAY)
    (sale,) = read_sales(path, load_mapping(mapping), TODAY).sales
    assert (sale.kind, sale.rated_kw, sale.bought_on) == ("air_conditioner", 1.2, date(2024, 5, 4))
    mapping.write_text('[columns]\ncustomer = "Kunde"\n', encoding="utf-8")
    with pytest.raises(RegistryRejected, match="the column 'Kunde'"):
        read_sales(path, load_mapping(mapping), TODAY)


def test_a_wrong_mapping_says_all_that_is_wrong(tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[columns]\ncustommer = "A"\n[list]\nunit = "MW"\ndecimal = "."\ndate_order = "YMD"\n'
        '[kinds]\nx = "toaster"\n[efficiency]\nheat_pump = 0.5\n[more]\n'
    )
    with pytest.raises(RegistryRejected) as rejected:
        load_mapping(mapping)
    wrong = {finding.field for finding in rejected.value.findings}
    assert wrong == {
        "columns.custommer",
        "list.unit",
        "list.date_order",
        "kinds.x",
        "efficiency.heat_pump",
        "more",
    }
    for text in ("[columns", "columns = 1"):
        mapping.write_text(text)
        with pytest.raises(RegistryRejected):
            load_mapping(mapping)


def test_mended_rows_belong_to_their_list() -> None:
    assert family("january.rejected") == family("january") == "january"
