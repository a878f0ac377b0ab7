import json
from pathlib import Path

import pytest

from gridward.cli import main
from tests.gridward.stores import alter, write_store


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
