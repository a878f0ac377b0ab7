import json
from pathlib import Path

import pytest

from gridward.cli import main
from tests.gridward.stores import alter, write_store


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(write_store(tmp_path / "a.sqlite3"))


def test_a_whole_record(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--store", store]) == 0
    assert capsys.readouterr().out.startswith("whole: 11 entries in one chain, 1 transactions, sum 0 ")
    assert main(["audit", "verify", "--json", "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "whole": True, "entries": 11, "transactions": 1, "sums": {"EUR-cent": 0, "points": 0}, "fault": None,
    }  # fmt: skip


def test_the_place_of_the_first_fault(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    alter(Path(store), "UPDATE journal SET body = replace(body, 'ev-001', 'ev-002')")
    assert main(["audit", "verify", "--store", store]) == 1
    assert "BROKEN after 2 good entries: entry 3 was altered" in capsys.readouterr().out
    assert main(["audit", "verify", "--json", "--store", store]) == 1
    assert json.loads(capsys.readouterr().out)["whole"] is False


def test_the_whole_journal_in_sentences(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "tell", "--store", store]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert "Asking EV charger ev-001 of customer C-001 to stay below 4.2 kW" in lines[2]
    assert "C-001 credited 170 points: the meter shows 1.70 kWh less" in lines[7]


def test_sentences_as_one_document_after_a_number(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "tell", "--json", "--after", "10", "--store", store]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["seq"], told["entry"], told["severity"], told["feeder"]) == (
        11,
        "event_closed",
        "good",
        "dorf",
    )


def test_telling_stops_at_what_was_altered(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    alter(Path(store), "DELETE FROM journal WHERE seq = 4")
    assert main(["audit", "tell", "--store", store]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 3
    assert "entry 4 is missing" in captured.err
