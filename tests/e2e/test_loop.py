"""The whole loop over a real broker and a real Modbus RTU, real processes, the daemon killed on the way."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from time import monotonic

import pytest

from tests.brokers import Mosquitto, free_port
from tests.e2e.evidence import Journal, read_device_notes, read_journal
from tests.e2e.processes import Gridward, get_json, gridward, slowness, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto, pytest.mark.timeout(1200)]

SCENARIO = """
seed = 5
[network]
source = "simbench:1-LV-semiurb4--0-sw"
[time]
start = "2016-01-12T16:30:00+00:00"
days = 0.25
step_s = 60
[shares]
ev = 0.8
heat_pump = 0.0
critical = 0.1
[devices]
refuse = 0.1
vanish = 0.05
[people]
share = 1.0
comply = 0.8
[ev]
arrival_hour = 17.1
arrival_sd_hours = 0.1
energy_kwh = 5.0
energy_sigma = 0.3
[control.events]
close_after_s = 180.0
[control.requests]
duration_s = 3600.0
renew_before_s = 150.0
min_between_s = 300.0
[control.rewards]
baseline_holds_s = 7200.0
"""
MANY_CHARGE = time(17, 6)
"""Whoever begins then finds so much at once that people are asked as well, however fast the machine is."""
FAST = 60.0
"""on a quiet machine; requests run for a minute of real time there, and longer where processes start slowly:
always longer than the daemon needs to start again, so that the meters can prove something of them"""


def speed() -> str:
    """Simulated seconds in one, for `--speed`."""
    return f"{FAST / slowness():.0f}"


@dataclass
class Field:
    """A running field and the site it wrote."""

    process: Gridward
    folder: Path
    address: str

    @property
    def store(self) -> Path:
        return self.folder / "gridward.sqlite3"

    def journal(self) -> Journal:
        return read_journal(self.store)

    def time_of_day(self) -> time:
        """What its clock shows."""
        clock = json.loads((self.folder / "clock.json").read_bytes())
        passed_s = (monotonic() - clock["began_s"]) * clock["speed"]
        return (datetime.fromisoformat(clock["start"]) + timedelta(seconds=passed_s)).time()

    def daemon_command(self) -> list[str | Path]:
        return ["run", self.folder / "site.toml", "--clock", self.folder / "clock.json"]


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    scenario, folder, port = tmp_path / "scenario.toml", tmp_path / "site", free_port()
    scenario.write_text(SCENARIO, encoding="utf-8")
    with (
        Mosquitto(tmp_path) as broker,
        gridward(
            "field", scenario, "--broker", f"127.0.0.1:{broker.port}", "--site", folder,
            "--console-port", str(port), "--speed", speed(), "--from", "17:00",
            output=tmp_path / "field.log",
        ) as process,
    ):  # fmt: skip
        wait_for((folder / "clock.json").exists, 90, "the field is up")
        yield Field(process, folder, f"http://127.0.0.1:{port}")


def test_an_overload_is_cleared_and_credited_once_though_the_daemon_is_killed(
    field: Field, tmp_path: Path
) -> None:
    wait_for(lambda: field.time_of_day() >= MANY_CHARGE, 60, "many cars charge")
    with gridward(*field.daemon_command(), output=tmp_path / "first.log") as daemon:
        wait_for(lambda: _accepted(field.journal()) >= 2, 120, "two devices accepted")
        daemon.kill()
    before = field.journal()
    assert before.open_requests(), "it was killed with requests running"

    with gridward(*field.daemon_command(), output=tmp_path / "second.log") as daemon:
        wait_for(lambda: field.journal().of("event_closed"), 150, "the event is closed")
        wait_for(lambda: not field.journal().open_requests(), 60, "every request is settled")
        state = f"{field.address}/api/v1/feeders/F1/state"
        views = wait_for(lambda: get_json(state), 30, "the feeder's state")
        assert daemon.terminate(10) == 0
    assert field.process.terminate(10) == 0

    after = field.journal()
    _nothing_lost(before, after)
    _cleared(after)
    _credited_once(after)
    _devices_agree(after, read_device_notes(field.folder / "device_journal.json"))
    assert views["totals"]["credited_points"] > 0
    assert _audit(field.store) == 0


def _accepted(journal: Journal) -> int:
    return sum(entry["answer"] == "accepted" for entry in journal.of("request_answered"))


def _nothing_lost(before: Journal, after: Journal) -> None:
    assert after.entries[: len(before.entries)] == before.entries
    assert [entry["epoch"] for entry in after.of("controller_started")] == [1, 2]


def _cleared(journal: Journal) -> None:
    appeared = Counter(entry["element"] for entry in journal.of("violation_appeared"))
    cleared = Counter(entry["element"] for entry in journal.of("violation_cleared"))
    assert appeared
    assert appeared == cleared
    assert journal.of("event_short") == []


def _credited_once(journal: Journal) -> None:
    assert set(journal.planned().values()) == {1}
    assert journal.booked()
    assert set(journal.booked().values()) == {1}
    assert set(journal.sums().values()) == {0}
    settled = {entry["request"]: entry for entry in journal.of("request_settled")}
    assert len(settled) == len(journal.of("request_settled"))
    assert all(settled[request]["reduced_kwh"] > 0 for request in journal.booked())
    people = [entry for entry in journal.of("request_planned") if entry["resource"] == "person"]
    assert people, "people were asked as well"


def _devices_agree(journal: Journal, notes: list[dict[str, object]]) -> None:
    """The devices' own word: limits only by journaled requests, none below its floor, none begun twice."""
    planned = {e["request"]: e for e in journal.of("request_planned")}
    limited = [note for note in notes if note["what"] == "limited"]
    assert limited
    assert {note["request"] for note in limited} <= set(planned)
    assert all(float(str(note["limit_kw"])) >= 4.2 for note in limited)
    twice = Counter((note["request"], note["sequence"], note["limit_kw"]) for note in limited)
    assert max(twice.values()) == 1, "no command took effect twice"


def _audit(store: Path) -> int:
    command = [sys.executable, "-m", "gridward", "audit", "verify", "--store", str(store)]
    return subprocess.run(command, check=False, timeout=60 * slowness()).returncode
