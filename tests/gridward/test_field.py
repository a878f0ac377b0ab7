"""`gridward field`: which scenario is played, and what is said of it."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import pytest

from gridward import field
from simulations.live_scope import otherwise
from simulations.scenario import Scenario
from simulations.scenario_file import load_scenario
from simulations.scenario_library import find_scenario


def played(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, list[Scenario]]:
    """Exit status, and the scenarios that came to life."""
    lived: list[Scenario] = []

    async def live(options: argparse.Namespace, scenario: Scenario, hardware: Any) -> None:
        lived.append(scenario)

    monkeypatch.setattr(field, "_live", live)
    monkeypatch.setattr(field, "configure_logs", lambda _: None)
    parser = argparse.ArgumentParser()
    field.add_arguments(parser)
    return field.run(parser.parse_args([*arguments, "--embedded-broker", "--site", "site"])), lived


def test_a_scenario_that_comes_along_is_played_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    status, lived = played(monkeypatch, "small", "--seed", "11")
    assert (status, [(one.title, one.seed) for one in lived]) == (0, [("A few hours in a suburb", 11)])


def test_what_is_not_played_as_simulated_is_said() -> None:
    told = {
        name: [one.split(":")[0] for one in otherwise(load_scenario(find_scenario(name)), own_broker=own)]
        for name, own in (
            ("evening", False), ("broken-broker", True), ("substation", True), ("reconfiguration", True),
            ("unknown-reconfiguration", True), ("silent-concentrator", True), ("attack", True),
        )
    }  # fmt: skip
    assert {name: said for name, said in told.items() if said} == {
        "substation": ["[[feeder]]"],
        "reconfiguration": ["[[switching]]"],
    }
    broken = list(otherwise(load_scenario(find_scenario("broken-broker")), own_broker=False))
    assert broken == [
        "[[outage]] of the broker: left out; the broker is not ours to stop, --embedded-broker is"
    ]


def test_a_path_does_as_well_and_neither_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(field.__file__).parents[1] / "simulations" / "scenarios" / "small.toml"
    assert len(played(monkeypatch, str(path))[1]) == 1
    assert played(monkeypatch, "smal") == (2, [])
    assert "smal: expected a scenario's file or name, found neither; did you mean small?" in (
        capsys.readouterr().err
    )


async def test_a_port_that_was_taken_meanwhile_is_told_as_such() -> None:
    async def outage() -> None:
        raise OSError("embedded broker cannot listen")

    with pytest.raises(OSError, match="cannot listen"):
        await field._until(asyncio.Event(), [outage()])
