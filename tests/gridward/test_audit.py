import csv
import json
from pathlib import Path

import pytest

from controller.stores.sqlite import SqliteStore
from gridward.audit_explain import nearest
from gridward.cli import main
from tests.controller.record_builders import EVENT, T0, moved, opened, planned
from tests.gridward.stores import R1, alter, write_store


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
        "signatures": "not checked", "checkpoints": 0, "sealed": 0, "faults": [], "more_faults": 0,
        "remarks": [],
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


def test_one_request_explained(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "explain", R1, "--store", store]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Request {R1}: EV charger ev-001 of C-001, load:1 on dorf\n")
    assert "  2026-01-12 18:00:00       [3]  Planned: no more than 4.2 kW" in told
    assert "Customer C-001 was credited 170 points and 42 EUR-cent" in told
    assert "[9]    +170 points to customer:C-001" in told


def test_one_request_as_a_document(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "explain", R1, "--json", "--store", store]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [c["title"] for c in document["chapters"]] == [
        "Why", "Why this target", "What happened", "What the meter proved", "Credit",
    ]  # fmt: skip
    assert document["chapters"][0]["lines"][0] == {
        "text": f"Line 3 at 127.4 %, over its limit of 100.0 %: event {EVENT} opened",
        "seq": 2,
        "at": "2026-01-12T18:00:00+00:00",
    }
    assert [(one["seq"], one["entry"]) for one in document["entries"]][:2] == [
        (2, "event_opened"),
        (3, "request_planned"),
    ]
    assert document["entries"][1]["limit_kw"] == 4.2


def test_a_request_that_is_not_there(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "explain", "R001", "--store", store]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"holds no request 'R001'; nearest are {R1}" in captured.err


def test_the_nearest_first() -> None:
    known = ["E-dorf-1-R001", "E-dorf-1-R002", "E-dorf-2-R002", "E-stadt-9-R077"]
    assert nearest("E-dorf-2-R001", known)[0] in ("E-dorf-1-R001", "E-dorf-2-R002")
    assert nearest("r077", known)[0] == "E-stadt-9-R077"
    assert len(nearest("x", [str(n) for n in range(99)])) == 5


def test_no_story_from_what_was_altered(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    alter(Path(store), "UPDATE journal SET body = replace(body, '4.2', '3.2')")
    assert main(["audit", "explain", R1, "--store", store]) == 1
    captured = capsys.readouterr()
    assert (captured.out, "entry 3 was altered" in captured.err) == ("", True)


def test_every_curtailment_exported(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "2026.csv"
    assert main(["audit", "export", "--store", store, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"1 curtailment written to {out}\n"
    (one,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (one["request"], one["limit_kw"], one["reduced_kwh"]) == (R1, "4.2", "1.7")
    assert one["entries"] == "2 3 4 5 6 7 8 9 10 11"


def test_what_a_device_says_is_no_formula_in_the_export(tmp_path: Path) -> None:
    """Its answer is the one text in the file that comes from outside."""
    path, out = tmp_path / "b.sqlite3", tmp_path / "b.csv"
    store = SqliteStore(path, durable=False)
    store.take_over("test")
    store.commit([opened(), planned(p_before_kw=-3.5), moved(R1, "refused", T0, "=cmd()")])
    store.close()
    assert main(["audit", "export", "--store", str(path), "--out", str(out)]) == 0
    (one,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (one["reason"], one["p_before_kw"], one["from"]) == ("'=cmd()", "-3.5", "")


@pytest.mark.parametrize(
    ("span", "rows"),
    [
        (["--from", "2026-01-12", "--to", "2026-01-13"], 1),
        (["--from", "2026-01-13"], 0),
        (["--to", "2026-01-12T18:00"], 0),
        (["--from", "2026-01-12T19:00+01:00", "--to", "2026-01-12T19:01+01:00"], 1),
    ],
)
def test_the_span_is_of_when_they_were_asked(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], span: list[str], rows: int
) -> None:
    out = tmp_path / "span.csv"
    assert main(["audit", "export", "--store", store, "--json", "--out", str(out), *span]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": rows, "out": str(out)}
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1 + rows


def test_what_cannot_be_exported(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to_nowhere = ["--store", store, "--out", str(tmp_path / "no" / "x.csv")]
    assert main(["audit", "export", *to_nowhere]) == 2
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / "folder.csv").mkdir()
    assert main(["audit", "export", "--store", store, "--out", str(tmp_path / "folder.csv")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert list(tmp_path.glob(".folder*")) == [], "nothing half is left beside it"
    backwards = ["--from", "2026-02-01", "--to", "2026-01-01"]
    assert main(["audit", "export", "--store", store, "--out", str(tmp_path / "x.csv"), *backwards]) == 2
    assert "is not after" in capsys.readouterr().err
    for wrong in (["--out", store], ["--out", "x.csv", "--from", "yesterday"]):
        with pytest.raises(SystemExit) as stopped:
            main(["audit", "export", "--store", store, *wrong])
        assert stopped.value.code == 2
        assert "expected a " in capsys.readouterr().err


def test_the_store_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = write_store(tmp_path / "store.csv")
    before = store.read_bytes()
    assert main(["audit", "export", "--store", str(store), "--out", str(store)]) == 2
    assert "is the store itself" in capsys.readouterr().err
    assert store.read_bytes() == before


def test_a_broken_record_leaves_the_last_export_as_it_was(store: str, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    out.write_text("the last one", encoding="utf-8")
    alter(Path(store), "UPDATE journal SET body = replace(body, '4.2', '3.2')")
    assert main(["audit", "export", "--store", store, "--out", str(out)]) == 1
    assert out.read_text(encoding="utf-8") == "the last one"
    assert list(tmp_path.glob(".x.csv*")) == []
