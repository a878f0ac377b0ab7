"""Quiet times are passed over, and what matters is met all the same."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from simulations.scenario_file import parse_scenario
from simulations.simulate import simulate

AFTERNOON = """\
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T14:30:00+00:00"
days = 0.1875
quiet_below = QUIET
[shares]
ev = 0.8
heat_pump = 0.0
[devices]
refuse = 0.1
"""


def run(folder: Path, quiet_below: float) -> tuple[dict[str, Any], int, list[str]]:
    """Results, how many cycles the daemon ran, and when events opened."""
    results = simulate(
        parse_scenario(AFTERNOON.replace("QUIET", str(quiet_below))), folder, "1.2.3", lambda: 0.0
    ).results
    connection = sqlite3.connect(folder / "journal.sqlite3")
    try:
        (cycles,) = connection.execute("SELECT count(*) FROM samples").fetchone()
        bodies = [json.loads(body) for (body,) in connection.execute("SELECT body FROM journal ORDER BY seq")]
    finally:
        connection.close()
    return results, cycles, [body["at"] for body in bodies if body["entry"] == "event_opened"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], int, list[str]]]:
    return [run(tmp_path_factory.mktemp("afternoon"), quiet) for quiet in (0.0, 0.6)]


def test_far_fewer_looks_and_the_same_evening(runs: list[tuple[dict[str, Any], int, list[str]]]) -> None:
    (exact, looks, opened), (quick, fewer, opened_too) = runs
    assert looks == 270
    assert fewer < 0.6 * looks
    assert opened
    assert opened_too == opened
    assert quick["uncontrolled"] == exact["uncontrolled"]
    assert quick["invariants"] == exact["invariants"] == []
    for key, most in (("peak_loading_percent", 3.0), ("minutes_over_limit", 5.0)):
        assert abs(quick["controlled"][key] - exact["controlled"][key]) <= most
    assert quick["curtailed_kwh"] == pytest.approx(exact["curtailed_kwh"], rel=0.2)
