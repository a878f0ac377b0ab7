import csv
import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from controller.rewards.booked import gather
from controller.rewards.statements import statement
from controller.stores.port import Numbered
from gridward.cli import main
from gridward.statement_page import statement_page
from tests.controller.rewards.test_statements import correction
from tests.gridward.stores import R1, alter, write_store


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(write_store(tmp_path / "a.sqlite3"))


def test_balances(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "balances", "--store", store]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["customer:C-001", "170", "points"] in lines
    assert ["programme:evening-relief:budget", "-42", "EUR-cent"] in lines
    assert ["all", "accounts", "0", "points"] in lines


def test_balances_as_one_document(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "balances", "--json", "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"account": "customer:C-001", "unit": "points", "balance": 170} in document["balances"]
    assert document["sums"] == {"points": 0, "EUR-cent": 0}


def test_a_statement(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "statement", "C-001", "--store", store]) == 0
    assert "+170 points" in capsys.readouterr().out
    assert main(["ledger", "statement", "C-001", "--json", "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(line["unit"], line["amount"], line["balance"]) for line in document["lines"]] == [
        ("points", 170, 170), ("EUR-cent", 42, 42),
    ]  # fmt: skip
    assert document["balance"] == {"points": 170, "EUR-cent": 42}


def test_a_customer_without_credit(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "statement", "C-999", "--store", store]) == 0
    assert capsys.readouterr().out == "nothing is booked for C-999\n"


def test_a_ledger_that_does_not_sum_to_zero(store: str) -> None:
    alter(Path(store), "DELETE FROM postings WHERE line = 0")
    assert main(["ledger", "balances", "--store", store]) == 1


def test_an_altered_journal_gives_no_statement(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    alter(Path(store), "UPDATE journal SET body = replace(body, '170', '990')")
    assert main(["ledger", "statement", "C-001", "--store", store]) == 1
    assert "entry 8 was altered" in capsys.readouterr().err


def test_no_such_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.sqlite3")
    assert main(["ledger", "balances", "--store", missing]) == 2
    captured = capsys.readouterr()
    assert f"there is no store at {missing}" in captured.err
    assert captured.out == ""


def test_a_statement_tells_what_each_credit_is_for(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "statement", "C-001", "--store", store]) == 0
    _, header, opening, line, closing = capsys.readouterr().out.splitlines()
    assert header.split() == ["date", "event", "request", "kWh", "points", "balance", "EUR", "balance"]
    assert opening.split() == ["opening", "balance", "0", "points", "0.00", "EUR"]
    assert line.startswith("2026-01-12 18:15:30")
    assert line.split()[3:] == [R1, "1.700", "+170", "points", "170", "points", "+0.42", "EUR", "0.42", "EUR"]
    assert closing.split() == ["closing", "balance", "1.700", "170", "points", "0.42", "EUR"]


def test_a_statement_of_a_period(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["ledger", "statement", "C-001", "--json", "--store", store]
    assert main([*asked, "--from", "2026-01-12", "--to", "2026-01-12"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["lines"]) == 2
    assert document["end"] == "2026-01-13T00:00:00+00:00"
    assert main([*asked, "--from", "2026-01-13"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["lines"], document["opening"]) == ([], {"points": 170, "EUR-cent": 42})
    assert document["balance"] == document["opening"]
    assert main(["ledger", "statement", "C-001", "--to", "2026-01-11", "--store", store]) == 0
    assert capsys.readouterr().out == "nothing is booked for C-001 until 2026-01-11\n"


def test_a_statement_for_a_spreadsheet(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.csv"
    assert main(["ledger", "statement", "C-001", "--csv", str(file), "--store", store]) == 0
    assert f"{file}: 1 transactions of C-001" in capsys.readouterr().out
    opening, posting, closing = csv.DictReader(file.read_text().splitlines())
    assert posting["at"] == "2026-01-12T18:15:30+00:00"
    assert (posting["request"], posting["verified_kwh"], posting["EUR-cent"]) == (R1, "1.700", "42")
    assert (opening["points balance"], closing["points balance"]) == ("0", "170")


def test_a_statement_as_a_page(store: str, tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    day = ["--from", "2026-01-12", "--to", "2026-01-12"]
    assert main(["ledger", "statement", "C-001", *day, "--html", str(file), "--store", store]) == 0
    cells, outside = read_page(file.read_text(encoding="utf-8"))
    assert "2026-01-12 to 2026-01-12, times in UTC" in cells
    assert {R1, "1.700", "+170 points", "0.42 EUR", "closing balance"} <= set(cells)
    assert outside == []


def test_a_page_shows_markup_and_does_not_run_it() -> None:
    evil = "<script>alert(1)</script>"
    entries = [Numbered(1, correction(0, 5))]
    page = statement_page(statement(gather(entries), evil))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def read_page(page: str) -> tuple[list[str], list[str]]:
    """The text of its cells, and all that it would load or run."""
    cells: list[str] = []
    outside: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
            named = {"src", "href", "srcset", "data", "action"} & {name for name, _ in attrs}
            if named or tag in ("script", "link", "iframe", "img"):
                outside.append(tag)

        def handle_data(self, data: str) -> None:
            cells.append(data)
            if "url(" in data or "@import" in data:
                outside.append(data)

    Reader().feed(page)
    return cells, outside


@pytest.mark.parametrize(
    ("by", "group"),
    [("event", "E-dorf-20260112T180000Z"), ("customer", "C-001"), ("programme", "evening-relief")],
)
def test_a_report(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str, group: str
) -> None:
    file = tmp_path / "a.csv"
    assert main(["ledger", "report", "--by", by, "--store", store]) == 0
    header, line, total = capsys.readouterr().out.splitlines()
    assert header.startswith(by)
    sums = "1 6.800 1.700 1.700 100.0 % 170 points 0.42 EUR 1 of 1 0"
    assert line.split() == [group, *sums.split()]
    assert total.split()[1:] == line.split()[1:]
    assert main(["ledger", "report", "--by", by, "--json", "--csv", str(file), "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == [{by: group, **document["total"]}]
    assert document["total"]["credited"] == {"points": 170, "EUR-cent": 42}
    (row,) = csv.DictReader(file.read_text().splitlines())
    assert (row[by], row["asked_kw"], row["verified_kwh"], row["EUR-cent"]) == (group, "6.800", "1.700", "42")
    assert row["compliance_percent"] == "100.0"


def test_tables_that_are_not_the_journal_s(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    alter(Path(store), "UPDATE postings SET amount = amount * 2")
    for asked in (["statement", "C-001"], ["report", "--by", "event"]):
        assert main(["ledger", *asked, "--store", store]) == 1
        captured = capsys.readouterr()
        assert (
            f"the postings of evening-relief/dorf/{R1}/credit/v1 are not those of the journal" in captured.err
        )
        assert captured.out == ""


def test_wrong_days(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["ledger", "statement", "C-001", "--store", store]
    assert main([*asked, "--from", "2026-01-13", "--to", "2026-01-12"]) == 2
    assert "--to 2026-01-12: expected a day not before --from 2026-01-13" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*asked, "--from", "yesterday"])
    assert "expected a date, YYYY-MM-DD" in capsys.readouterr().err


def test_files_that_cannot_be_written(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["ledger", "statement", "C-001", "--store", store]
    assert main([*asked, "--csv", str(tmp_path / "none" / "a.csv")]) == 2
    assert "expected a file that can be written, in a folder that exists" in capsys.readouterr().err
    before = Path(store).read_bytes()
    for name in ("a.sqlite3", "a.sqlite3-wal"):
        assert main([*asked, "--html", str(tmp_path / ".." / tmp_path.name / name)]) == 2
        assert "this is the store; expected another file" in capsys.readouterr().err
    assert Path(store).read_bytes() == before
    assert main([*asked, "--html", f"{store}.html"]) == 0
