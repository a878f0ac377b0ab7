import json
import re
from pathlib import Path

import pytest

from gridward.cli import main
from simulations.checker import Broken
from tests.simulations.test_simulate import VILLAGE


@pytest.fixture
def village(tmp_path: Path) -> Path:
    file = tmp_path / "village.toml"
    file.write_text(VILLAGE.replace("days = 0.16", "days = 0.02"), encoding="utf-8")
    return file


def test_it_says_what_came_of_it(village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["simulate", str(village), "--out", str(out), "--seed", "11"]) == 0
    told = capsys.readouterr().out
    assert "peak loading, %" in told
    assert str(out / "report.html") in told
    assert {file.name for file in out.iterdir()} >= {
        "results.json",
        "series.parquet",
        "customers.parquet",
        "report.html",
    }
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["seed"] == 11
    assert results["wall_s"] > 0


def test_json_is_one_document(village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(village), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["invariants"] == []


def test_a_broken_promise_is_exit_1(
    village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import simulations.simulate as room

    monkeypatch.setattr(room, "judge", lambda _: [Broken("floor", "ev-001", "sent 1 kW")])
    assert main(["simulate", str(village), "--out", str(tmp_path / "out")]) == 1
    assert "BROKEN floor: ev-001: sent 1 kW" in capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["invariants"] == [{"invariant": "floor", "subject": "ev-001", "what": "sent 1 kW"}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("ev = 0.8", 'ev = "many"'), "line 9, shares.ev: expected a number, got 'many'"),
        (("freileitung_1", "freileitung_9"), "network.source"),
        (("[shares]", "[share]"), "no such key"),
    ],
)
def test_wrong_input_is_exit_2_and_says_where(
    village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], told: str
) -> None:
    village.write_text(village.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    assert main(["simulate", str(village), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert str(village) in error


def test_what_no_network_carries_has_a_dash_for_its_loading(
    village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"2016-01-{day}T00:00Z,load:{n},50000" for n in range(13) for day in (12, 13)]
    (tmp_path / "loads.csv").write_text("\n".join(["at,service_point,p_kw", *rows]), encoding="utf-8")
    brief = village.read_text(encoding="utf-8").replace("days = 0.02", "days = 0.004")
    village.write_text(f'{brief}[profiles]\nfile = "loads.csv"\n', encoding="utf-8")
    assert main(["simulate", str(village), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    note = "load:0 takes up to 50000 kW, of which the controller believes 52.2 kW at most: it refuses"
    assert note in told.err
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert len(results["warnings"]) == 13
    assert note in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"peak loading, % +– +–\n", told.out)
    assert re.search(r"minutes over limit +6.0 +6.0\n", told.out)


def test_a_folder_that_cannot_be_made_is_exit_2(
    village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["simulate", str(village), "--out", str(tmp_path / "file" / "out")]) == 2
    assert "expected a writable folder" in capsys.readouterr().err
