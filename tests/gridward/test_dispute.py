"""`gridward dispute` and `gridward readings`: what is sent to the daemon, and what is told of its answers."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridward import dispute, readings
from gridward.api_client import ApiRefused
from gridward.cli import main
from tests.builders import site

SITE = Path("SITE.toml")


class Client:
    """Remembers what it was asked; answers from a table."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def get(self, path: str) -> dict[str, Any]:
        self.asked.append((path, None))
        return self.answers[path]

    def post(self, path: str, body: Any) -> dict[str, Any]:
        self.asked.append((path, body))
        return self.answers[path]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client({})

    def asked(site_file: Path, call: Callable[[Any], int]) -> int:
        assert site_file == SITE
        return call(client)

    monkeypatch.setattr(dispute, "asked", asked)
    monkeypatch.setattr(readings, "asked", asked)
    monkeypatch.setattr(readings, "load_site", lambda _: site())
    return client


def run(module: Any, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(arguments)))


def test_open(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.answers["/api/v1/disputes"] = {"dispute": "D-1", "reason": "other"}
    assert run(dispute, "open", "SITE.toml", "R-1", "--reason", "other", "--who", "hotline") == 0
    assert client.asked == [("/api/v1/disputes", {"request": "R-1", "reason": "other", "who": "hotline"})]
    assert capsys.readouterr().out == "D-1 is open (other)\n"


def test_list(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"at": "2026-01-12T18:00:00Z", "dispute": "D-1", "request": "R-1", "reason": "other", "who": "h"}
    client.answers["/api/v1/disputes"] = {"disputes": [one]}
    assert run(dispute, "list", "SITE.toml") == 0
    assert capsys.readouterr().out == "2026-01-12T18:00:00Z  D-1  R-1  other  by h\n"
    assert run(dispute, "list", "SITE.toml", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"disputes": [one]}
    client.answers["/api/v1/disputes"] = {"disputes": []}
    assert run(dispute, "list", "SITE.toml") == 0
    assert capsys.readouterr().out == "no dispute is open\n"


def test_decide(client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = "/api/v1/disputes/D%2F1/decision"
    before = {"reduced_kwh": 1.2, "reduced_kwh_before": 0.0, "points": 120, "points_before": 0}
    client.answers[path] = {"closed": {}, "correction": before}
    decide = ("decide", "SITE.toml", "D/1", "upheld", "--who", "w", "--why", "y")
    assert run(dispute, *decide, "--reduced-wh", "1200") == 0
    assert client.asked[-1] == (path, {"outcome": "upheld", "who": "w", "why": "y", "reduced_wh": 1200})
    told = "D/1 is upheld: 1.200 kWh instead of 0.000, 120 points instead of 0\n"
    assert capsys.readouterr().out == told
    file = tmp_path / "own.csv"
    file.write_text("meter,at,p_kw\nM1,2026-01-12T18:00:00Z,5.2\n", encoding="utf-8")
    assert run(dispute, *decide, "--readings", str(file)) == 0
    assert client.asked[-1][1]["readings"] == [{"at": "2026-01-12T18:00:00+00:00", "p_kw": 5.2}]
    assert client.asked[-1][1]["meter"] == "M1"
    assert run(dispute, *decide, "--readings", str(tmp_path / "none.csv")) == 2
    client.answers[path] = {"closed": {}, "correction": None}
    assert run(dispute, "decide", "SITE.toml", "D/1", "rejected", "--who", "w", "--why", "y") == 0
    assert "the settlement stands" in capsys.readouterr().out


def test_readings_of_several_meters_are_refused(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "two.csv"
    file.write_text("meter,at,p_kw\nM1,2026-01-12T18:00:00Z,5\nM2,2026-01-12T18:01:00Z,5\n", encoding="utf-8")
    decide = ("decide", "SITE.toml", "D/1", "upheld", "--who", "w", "--why", "y", "--readings", str(file))
    assert run(dispute, *decide) == 2
    assert "expected readings of one meter, found M1, M2" in capsys.readouterr().err
    assert client.asked == []


def test_readings_are_handed_over(client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "late.csv"
    file.write_text("meter,at,p_kw\nM00,2026-01-12T18:00:00Z,5.2\n", encoding="utf-8")
    client.answers["/api/v1/readings/late"] = {
        "readings": 1, "new": 1, "corrected": ["R-1"], "unchanged": 0, "decided": ["R-2"], "not_kept": [],
    }  # fmt: skip
    assert run(readings, "import", "SITE.toml", str(file)) == 0
    reading = {"meter": "M00", "at": "2026-01-12T18:00:00+00:00", "p_kw": 5.2}
    assert client.asked == [("/api/v1/readings/late", {"feeder": "F1", "readings": [reading]})]
    out = capsys.readouterr().out
    assert "F1: 1 readings, 1 new\n1 settlements corrected, 0 calculated anew to the same\n" in out
    assert "1 left as they are (settled by a dispute): R-2" in out
    assert run(readings, "import", "SITE.toml", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["corrected"] == ["R-1"]


def test_wrong_input_is_told_and_nothing_sent(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(readings, "import", "SITE.toml", str(tmp_path / "none.csv")) == 2
    assert run(readings, "import", "SITE.toml", "x.csv", "--feeder", "F9") == 2
    assert "--feeder: expected one of F1, got 'F9'" in capsys.readouterr().err
    assert client.asked == []


@pytest.mark.parametrize("as_json", [False, True])
def test_a_part_that_is_refused_leaves_those_before_it_and_they_are_told(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path, as_json: bool
) -> None:
    file = tmp_path / "late.csv"
    rows = [
        f"{meter},2026-01-12T18:{n // 60:02d}:{n % 60:02d}Z,5" for meter in ("M0", "M1") for n in range(3000)
    ]
    file.write_text("\n".join(["meter,at,p_kw", *rows]), encoding="utf-8")
    taken = {
        "readings": 3000,
        "new": 2990,
        "corrected": ["R-1"],
        "unchanged": 0,
        "decided": [],
        "not_kept": [],
    }
    answers = iter([taken])

    def post(path: str, body: Any) -> dict[str, Any]:
        for answer in answers:
            return answer
        raise ApiRefused(422, "M1: there is no such meter on F1")

    client.post = post  # type: ignore[method-assign]
    with pytest.raises(ApiRefused):
        run(readings, "import", "SITE.toml", str(file), *(["--json"] if as_json else []))
    out = capsys.readouterr().out
    if as_json:
        assert json.loads(out) == {"feeder": "F1", **taken, "rows_left": 3000}
        return
    assert "F1: 3000 readings, 2990 new\n1 settlements corrected" in out
    assert "3000 of 6000 rows were taken before the error that follows, and stay in force" in out
    with pytest.raises(ApiRefused):
        run(readings, "import", "SITE.toml", str(file))  # the first part already: nothing was done
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", ["dispute", "readings"])
def test_they_are_commands_of_gridward(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"gridward {command}" in capsys.readouterr().out
