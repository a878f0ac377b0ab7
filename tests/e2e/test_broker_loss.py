"""The broker is killed while devices are limited, and comes back with nothing in it: what that costs.

Real processes. The broker keeps nothing, so sessions, retained statuses and what was on its way are gone.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, free_port
from tests.e2e.evidence import read_device_notes, read_journal
from tests.e2e.processes import gridward, wait_for
from tests.e2e.test_loop import SCENARIO, speed

BRIEF = SCENARIO.replace("duration_s = 3600", "duration_s = 900").replace("energy_kwh = 5", "energy_kwh = 3")
"""Nothing is restarted here but the broker, so requests may be short."""

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto, pytest.mark.timeout(1200)]


def test_a_broker_that_is_killed_costs_an_alarm_and_nothing_else(tmp_path: Path) -> None:
    scenario, folder = tmp_path / "scenario.toml", tmp_path / "site"
    scenario.write_text(BRIEF, encoding="utf-8")
    with (
        Mosquitto(tmp_path) as broker,
        gridward(
            "field", scenario, "--broker", f"127.0.0.1:{broker.port}", "--site", folder,
            "--console-port", str(free_port()), "--speed", speed(), "--from", "16:50",
            output=tmp_path / "field.log",
        ) as field,
    ):  # fmt: skip
        wait_for((folder / "clock.json").exists, 90, "the field is up")
        store = folder / "gridward.sqlite3"
        command = ("run", folder / "site.toml", "--clock", folder / "clock.json")
        with gridward(*command, output=tmp_path / "run.log") as daemon:
            wait_for(lambda: len(_accepted(store)) >= 1, 120, "a device accepted")
            broker.kill()
            wait_for(lambda: _alarms(store) == [True], 30, "the alarm that meters are silent")
            broker.start()
            wait_for(lambda: _alarms(store) == [True, False], 30, "meters are back, the alarm is cleared")
            wait_for(lambda: read_journal(store).of("event_closed"), 150, "the event is closed")
            wait_for(lambda: not read_journal(store).open_requests(), 60, "every request is settled")
            assert daemon.alive()
            assert daemon.interrupt(10) == 0
        assert field.interrupt(10) == 0
    journal = read_journal(store)
    assert set(journal.planned().values()) == {1}
    assert set(journal.booked().values()) <= {1}
    assert set(journal.sums().values()) <= {0}
    assert len(journal.of("request_settled")) == len(journal.planned())
    limited = [
        note for note in read_device_notes(folder / "device_journal.json") if note["what"] == "limited"
    ]
    assert {note["request"] for note in limited} <= set(journal.planned())
    twice = Counter((note["request"], note["sequence"], note["limit_kw"]) for note in limited)
    assert max(twice.values()) == 1, "no command took effect twice"


def _accepted(store: Path) -> set[str]:
    answers = read_journal(store).of("request_answered")
    return {answer["request"] for answer in answers if answer["answer"] == "accepted"}


def _alarms(store: Path) -> list[bool]:
    alarms = read_journal(store).of("data_alarm")
    return [alarm["raised"] for alarm in alarms if alarm["kind"] == "too_few_meters"]
