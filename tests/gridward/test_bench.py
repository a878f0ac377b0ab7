"""The frame of `gridward bench`: its parts are found, and one of them prints its table."""

import inspect

import pytest

from gridward import bench, cli


@pytest.mark.parametrize("part", bench.offered())
def test_every_part_can_be_imported(part: str) -> None:
    assert list(inspect.signature(bench.figures_of(part)).parameters) == ["seed", "quick"]


def test_an_unknown_part_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "speed"]) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in bench.offered())


def test_only_the_parts_asked_for_are_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []
    monkeypatch.setattr(bench, "figures_of", lambda part: lambda *given: ran.append((part, *given)))
    assert cli.main(["bench", "load_flow", "--seed", "3"]) == 0
    assert ran == [("load_flow", 3, False)]
    assert cli.main(["bench", "--quick"]) == 0
    assert [part for part, *_ in ran[1:]] == bench.offered()
    assert "load_flow" in capsys.readouterr().out


def test_a_quick_run_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "load_flow", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "kerber_landnetz" in printed
    assert "runpp" in printed
