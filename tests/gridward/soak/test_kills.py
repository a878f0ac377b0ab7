"""A short soak: `make soak` runs a long one.

Where a kill strikes depends on the machine, so nothing here asks for it. What is to have happened in every
run is waited for: a whole life, and then kills that are aimed at a phase.
"""

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from controller.clock import WallClock
from gridward.cli import main
from gridward.soak import kills
from gridward.soak.draws import AIMED_AT_POSTGRES, LONGEST_POSTGRES_S, Kill, draw
from gridward.soak.kills import Outcome, Plan, soak
from gridward.soak.plants import PLANTS

WHOLE_LIFE = Kill("closing", 0.0, ticks=20)
"""long enough for several credits; the kill strikes at its end, or finds it ended"""
AT_WORK = Kill("deciding", 0.0, ticks=1000)
LIVES_PER_STORE = 6


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill that is aimed waits until its phase has come, on a slow machine too."""
    monkeypatch.setattr(kills, "AIM_WITHIN_S", 60.0)


@dataclass(frozen=True)
class Aimed(Plan):
    """These kills in turn, again and again, in place of drawn ones; None is a drawn one."""

    turns: tuple[Kill | None, ...] = (None,)

    def drawn(self, life: int) -> Kill:
        return self.turns[(life - 1) % len(self.turns)] or super().drawn(life)


def run(plan: Plan) -> Outcome:
    return soak(plan, WallClock(), lambda _: None)


def test_ten_kills_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "KILLS_PER_STORE", LIVES_PER_STORE)
    drawn = (None,) * (LIVES_PER_STORE - 2)
    outcome = run(Aimed(10, 7, tmp_path, turns=(WHOLE_LIFE, AT_WORK, *drawn)))
    assert outcome.faults == []
    assert outcome.kills == 10
    assert outcome.struck["deciding"] > 0
    lives = outcome.kills + outcome.missed
    assert outcome.stores == -(-lives // LIVES_PER_STORE) >= 2
    assert outcome.epochs >= outcome.stores
    assert outcome.settled >= outcome.credits >= 2 * 5
    assert outcome.acknowledged_credits > 0
    assert 0 < outcome.acknowledged_entries <= outcome.entries
    assert not list(tmp_path.glob("store-*")), "a store without a fault is not kept"


@pytest.mark.parametrize(
    ("plant", "fault", "turns"),
    [
        ("lost", "acknowledged and", (None,)),
        ("buffered", "was acknowledged and is lost", (None,)),
        ("double", "was credited 2 times", (WHOLE_LIFE, AT_WORK)),
        ("apart", "but [] was booked", (Kill("settling", 0.0, ticks=1000),)),
    ],
)
def test_a_planted_fault_is_found_and_its_store_kept(
    tmp_path: Path, plant: str, fault: str, turns: tuple[Kill | None, ...]
) -> None:
    assert plant in PLANTS
    outcome = run(Aimed(120, 7, tmp_path, plant, stop_at_fault=True, turns=turns))
    assert any(fault in found for found in outcome.faults), outcome
    assert outcome.faults[0].startswith("seed 7, store ")
    assert list(tmp_path.glob("store-*/journal.sqlite3"))


def test_a_plan_draws_from_its_seed(tmp_path: Path) -> None:
    assert Plan(10, 3, tmp_path).drawn(4) == draw(3, 4)
    at_server = Plan(10, 3, tmp_path, postgres=str)
    assert at_server.drawn(4) == draw(3, 4, AIMED_AT_POSTGRES, LONGEST_POSTGRES_S) != draw(3, 4)


def test_the_command_tells_planned_struck_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["soak", "kill", "--kills", "2", "--seed", "3", "--dir", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["planned"], document["kills"], document["faults"]) == (2, 2, [])
    assert sum(document["struck"].values()) == 2
    assert main(["soak", "kill", "--kills", "120", "--plant", "lost", "--dir", str(tmp_path)]) == 1
    assert "FOUND" in capsys.readouterr().out
    assert main(["soak", "kill", "--daemon", "--plant", "lost"]) == 2


@pytest.mark.postgres
def test_a_few_kills_on_postgres(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gridward.private_postgres import NoPostgres, programs

    try:
        programs()
    except NoPostgres as missing:
        pytest.skip(str(missing))
    seed = next(seed for seed in count(1) if _waits_for_a_commit(seed, lives=8))
    command = ["soak", "kill", "--store", "postgres", "--dir", str(tmp_path), "--json"]
    assert main([*command, "--kills", "8", "--seed", str(seed)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kills"], document["faults"]) == (8, [])
    assert document["acknowledged_entries"] > 0
    assert main([*command, "--kills", "120", "--plant", "lost"]) == 1


def _waits_for_a_commit(seed: int, lives: int) -> bool:
    """Whether a kill of this seed waits for a credit: then something is acknowledged in every run."""
    plan = Plan(lives, seed, Path(), postgres=str)
    return any(plan.drawn(life).aimed == "settling" for life in range(1, lives + 1))
