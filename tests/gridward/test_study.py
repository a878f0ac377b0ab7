"""`gridward study`: exit status and words of what goes wrong."""

import argparse
from pathlib import Path

import pytest

from gridward import study
from tests.simulations.studies.village import BASE, STUDY, write_study


def status(path: Path) -> int:
    parser = argparse.ArgumentParser()
    study.add_arguments(parser)
    return study.run(parser.parse_args([str(path), "--out", str(path.parent / "out")]))


def test_a_file_that_a_scenario_names_and_is_not_there_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = STUDY.replace("count = 3", "count = 1").replace("[0.1, 0.9]", "[0.1]")
    path = write_study(tmp_path, text, BASE + '[weather]\nfile = "weather.csv"\n')
    assert status(path) == 2
    assert f"{tmp_path}/weather.csv: expected a readable CSV file" in capsys.readouterr().err


def test_who_stops_a_study_is_told_that_it_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "_conducted", stopped)
    assert status(write_study(tmp_path)) == 130
    assert "stopped; what is finished is kept, the same command goes on" in capsys.readouterr().err
