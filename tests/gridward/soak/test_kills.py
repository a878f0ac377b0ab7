"""A short soak: `make soak` runs a long one."""

import json
from pathlib import Path

import pytest

from controller.clock import WallClock
from gridward.cli import main
from gridward.soak import kills
from gridward.soak.kills import Outcome, Plan, soak
from gridward.soak.plants import PLANTS


def run(folder: Path, number: int, plant: str | None = None, seed: int = 7) -> Outcome:
    return soak(Plan(number, seed, folder, plant, stop_at_fault=True), WallClock(), lambda _: None)


def test_ten_kills_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "KILLS_PER_STORE", 6)
    outcome = run(tmp_path, 10)
    assert outcome.faults == []
    assert outcome.kills == 10
    assert outcome.stores == 2
    assert len(outcome.struck) >= 3, "kills struck in several phases"
    assert outcome.settled >= outcome.credits > 0
    assert 0 < outcome.acknowledged_entries <= outcome.entries
    assert not list(tmp_path.glob("store-*")), "a store without a fault is not kept"


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        ("lost", "acknowledged and"),
        ("buffered", "was acknowledged and is lost"),
        ("double", "was credited 2 times"),
        ("apart", "but [] was booked"),
    ],
)
def test_a_planted_fault_is_found_and_its_store_kept(tmp_path: Path, plant: str, fault: str) -> None:
    assert plant in PLANTS
    outcome = run(tmp_path, 120, plant)
    assert any(fault in found for found in outcome.faults), outcome
    assert outcome.faults[0].startswith("seed 7, store ")
    assert list(tmp_path.glob("store-*/journal.sqlite3"))


def test_the_command_tells_planned_struck_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["soak", "kill", "--kills", "2", "--seed", "3", "--dir", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["planned"], document["kills"], document["faults"]) == (2, 2, [])
    assert sum(document["struck"].values()) == 2
    assert main(["soak", "kill", "--kills", "9", "--plant", "lost", "--dir", str(tmp_path)]) == 1
    assert "FOUND" in capsys.readouterr().out
    assert main(["soak", "kill", "--daemon", "--plant", "lost"]) == 2


@pytest.mark.postgres
def test_a_few_kills_on_postgres(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gridward.private_postgres import NoPostgres, programs

    try:
        programs()
    except NoPostgres as missing:
        pytest.skip(str(missing))
    command = ["soak", "kill", "--store", "postgres", "--kills", "8", "--dir", str(tmp_path), "--json"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kills"], document["faults"]) == (8, [])
    assert document["acknowledged_entries"] > 0
    assert main([*command, "--kills", "40", "--plant", "lost"]) == 1
