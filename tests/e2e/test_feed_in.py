"""A bright noon over a real broker, in real processes: roofs are asked to feed in less, and do."""

from pathlib import Path

import pytest

from tests.brokers import Mosquitto, free_port
from tests.e2e.evidence import read_device_notes, read_journal
from tests.e2e.processes import gridward, slowness, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto, pytest.mark.timeout(600)]

SCENARIO = """
seed = 4
[network]
source = "simbench:1-LV-semiurb4--0-sw"
[time]
start = "2016-05-15T10:30:00+00:00"
days = 0.2
step_s = 60
[shares]
ev = 0.0
heat_pump = 0.0
pv = 0.9
[pv]
least_kw = 18
usual_kw = 20
most_kw = 24
[weather]
cloud = 0.0
[control.requests]
duration_s = 1800.0
renew_before_s = 150.0
"""
FAST = 60.0


def test_roofs_are_held_back_over_the_wire_and_free_by_their_own_clock(tmp_path: Path) -> None:
    scenario, folder, port = tmp_path / "scenario.toml", tmp_path / "site", free_port()
    scenario.write_text(SCENARIO, encoding="utf-8")
    with (
        Mosquitto(tmp_path) as broker,
        gridward(
            "field", scenario, "--broker", f"127.0.0.1:{broker.port}", "--site", folder,
            "--console-port", str(port), "--speed", f"{FAST / slowness():.0f}", "--from", "11:30",
            output=tmp_path / "field.log",
        ) as field,
    ):  # fmt: skip
        wait_for((folder / "clock.json").exists, 90, "the field is up")
        store = folder / "gridward.sqlite3"
        command = ["run", folder / "site.toml", "--clock", folder / "clock.json"]
        with gridward(*command, output=tmp_path / "daemon.log") as daemon:
            wait_for(lambda: _active(store) >= 2, 120, "two roofs are held back")
            wait_for(lambda: read_journal(store).of("violation_cleared"), 60, "it is cleared")
            assert daemon.terminate(10) == 0
        assert field.terminate(10) == 0
    journal, notes = read_journal(store), read_device_notes(folder / "device_journal.json")
    planned = {entry["request"]: entry for entry in journal.of("request_planned")}
    assert {entry["direction"] for entry in planned.values()} == {"production"}
    held = [note for note in notes if note["what"] == "limited"]
    assert held
    for note in held:
        told = planned[note["request"]]
        assert note["device"] == told["target"]
        assert note["limit_kw"] < told["p_before_kw"]


def _active(store: Path) -> int:
    return sum(entry["state"] == "active" for entry in read_journal(store).of("request_moved"))
