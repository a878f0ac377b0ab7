"""`gridward fuzz`: exit codes, JSON and the command that replays."""

import json

import pytest

from gridward.cli import main
from simulations.faults import planted as plants


def test_seeds_that_keep_all_end_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "--seeds", "2", "--from", "2", "--hours", "0.1", "--jobs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seeds"], told["first_seed"], told["broken"]) == (2, 2, [])
    assert told["simulated_hours"] > 0
    assert told["hours_per_cpu_minute"] > 0


def test_a_broken_promise_ends_with_one_and_the_printed_command_replays_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bug = next(bug for bug in plants.BUGS if bug.name == "guesses_are_stored")
    with plants.planted(bug):
        assert main(["fuzz", "--seeds", "1", "--from", "4", "--jobs", "1", "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        (least,) = told["least"]
        assert least["promise"] == told["broken"][0]["promise"] == "impossible"
        assert main(["fuzz", "--replay", json.dumps(least["options"]), "--json"]) == 1
        again = json.loads(capsys.readouterr().out)
        assert again["digest"] == least["digest"]
        assert again["replays"] is True
        assert main(["fuzz", "--seeds", "1", "--from", "4", "--jobs", "1"]) == 1
        assert 'gridward fuzz --replay \'{"seed": 4' in capsys.readouterr().out
    assert main(["fuzz", "--replay", json.dumps(least["options"])]) == 0


def test_a_planted_bug_is_found_by_name_and_the_printed_command_replays_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["fuzz", "--planted", "guesses_are_stored", "--from", "4", "--jobs", "1", "--json"]) == 0
    (bug,) = json.loads(capsys.readouterr().out)["bugs"]
    options = json.dumps(bug["found"]["options"])
    assert main(["fuzz", "--planted", "guesses_are_stored", "--replay", options, "--json"]) == 1
    again = json.loads(capsys.readouterr().out)
    assert (again["promise"], again["planted"]) == (bug["found"]["promise"], "guesses_are_stored")
    assert again["replays"] is True
    assert main(["fuzz", "--replay", options]) == 0
    capsys.readouterr()
    assert main(["fuzz", "--planted", "guesses_are_stored", "--from", "4", "--jobs", "1"]) == 0
    assert "gridward fuzz --planted guesses_are_stored --replay '{" in capsys.readouterr().out


def test_a_replay_wants_to_know_which_bug_is_planted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "--planted", "--replay", '{"seed": 1}']) == 2
    assert "--planted: expected the name of a bug beside --replay" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--seeds", "0"],
        ["--seeds", "many"],
        ["--from", "-1"],
        ["--hours", "0"],
        ["--replay", "{"],
        ["--replay", '{"period_s": 60}'],
        ["--replay", '{"seed": 1, "wind": 3}'],
        ["--replay", '{"seed": "x"}'],
        ["--replay", '{"seed": -1}'],
        ["--replay", '{"seed": true}'],
        ["--replay", '{"seed": 1, "cycles": 0}'],
        ["--replay", '{"seed": 1, "cycles": 2.5}'],
        ["--replay", '{"seed": 1, "period_s": 0}'],
        ["--replay", '{"seed": 1, "cable": NaN}'],
        ["--replay", '{"seed": 1, "lost_up": 1.1}'],
        ["--replay", '{"seed": 1, "guards": 1}'],
        ["--replay", '{"seed": 1, "store": "paper"}'],
        ["--replay", '{"seed": 1, "settings": {"requests.wind": 3}}'],
        ["--replay", '{"seed": 1, "settings": {"wind.speed": 3}}'],
        ["--replay", '{"seed": 1, "settings": {"requests.attempts": "many"}}'],
        ["--replay", '{"seed": 1, "settings": 3}'],
        ["--planted", "everything_wrong"],
    ],
)
def test_wrong_input_ends_with_two(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fuzz", *wrong])
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err
