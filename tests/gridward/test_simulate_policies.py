"""`gridward simulate --policies` as a user runs it."""

import json
from pathlib import Path

import pytest

from gridward.cli import main

VILLAGE = """\
title = "A quarter of an hour"
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T18:00:00+00:00"
days = 0.01
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "village.toml"
    path.write_text(VILLAGE, encoding="utf-8")
    return path


def test_as_many_seeds_as_asked_for_from_the_scenarios_own_on(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = ["simulate", str(scenario), "--policies", "optimum,blanket", "--seeds", "2", "--out", str(out)]
    assert main([*given, "--json"]) == 0
    shown = capsys.readouterr()
    results = json.loads(shown.out)
    assert results == json.loads((out / "policies.json").read_text(encoding="utf-8"))
    assert results["seeds"] == [5, 6]
    assert list(results["policies"]) == ["none", "blanket", "optimum"]
    assert results["wall_s"] > 0
    assert "seed 6: blanket limit" in shown.err
    assert {path.name for path in out.iterdir()} == {
        "policies.json",
        "policies.parquet",
        "loading.parquet",
        "policies.html",
    }


def test_people_get_a_table(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    given = ["simulate", str(scenario), "--policies", "none", "--seeds", "2", "--out", str(out)]
    assert main(given) == 0
    told = capsys.readouterr().out
    assert told.startswith("mean of 2 seeds")
    assert "no control" in told
    assert str(out / "policies.html") in told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--policies", "fairest"], "there is no policy 'fairest'; expected all"),
        (["--policies", "all", "--seeds", "0"], "0: expected a whole number, 1 to 1000"),
        (["--policies", "all", "--seeds", "many"], "many: expected a whole number, 1 to 1000"),
        (["--seeds", "3"], "--seeds: expected --policies with it"),
    ],
)
def test_wrong_options_are_told(
    given: list[str], expected: str, scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["simulate", str(scenario), "--out", str(tmp_path / "out"), *given])
    except SystemExit as left:
        status = int(str(left.code))
    assert status == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_scenario_that_names_another_policy_is_run_under_it(scenario: Path, tmp_path: Path) -> None:
    scenario.write_text(scenario.read_text(encoding="utf-8") + '\n[control]\npolicy = "blanket"\n')
    out = tmp_path / "out"
    assert main(["simulate", str(scenario), "--out", str(out), "--seed", "6"]) == 0
    results = json.loads((out / "policies.json").read_text(encoding="utf-8"))
    assert results["seeds"] == [6]
    assert list(results["policies"]) == ["none", "blanket"]
    assert [policy["label"] for policy in results["policies"].values()] == ["no control", "blanket limit"]
