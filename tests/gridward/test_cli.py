"""The command line's frame: exit statuses and where things are printed."""

from typing import NoReturn

import pytest

from gridward import cli


def test_without_a_command_it_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in cli.COMMANDS)


def test_an_unknown_command_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chekc"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "check" in printed.err


def test_an_internal_fault_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("broken inside")

    monkeypatch.setattr("gridward.doctor.run", fail)
    assert cli.main(["doctor"]) == 3
    assert "broken inside" in capsys.readouterr().err


def test_ctrl_c_while_a_command_is_still_being_loaded_tells_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: str) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("gridward.cli.importlib.import_module", interrupted)
    assert cli.main(["doctor"]) == 130


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"gridward {command}" in capsys.readouterr().out
