"""What is asked for comes from the store, and from the history where the store has let go of it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from controller.proving.kept_readings import KeptReadings
from controller.stores.history import History, HistoryUnreadable
from controller.stores.port import FeederSample, LateReading
from tests.controller.worlds import FailingStore

DAY = date(2026, 1, 12)
MIDNIGHT = datetime(2026, 1, 12, tzinfo=UTC)
NAMES = {"dorf": ("a", "b")}


def sample(hour: float, *p_kw: float) -> FeederSample:
    at = MIDNIGHT + timedelta(hours=hour)
    return FeederSample("dorf", at, np.array(p_kw, dtype=np.float32), None, None, None, 0.0)


def told(samples: object) -> list[tuple[float, list[float]]]:
    return [((s.at - MIDNIGHT).total_seconds() / 3600, s.p_kw.tolist()) for s in samples]  # type: ignore[attr-defined]


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path)
    history.write("dorf", DAY, [sample(n, n, 10 + n) for n in range(24)], NAMES["dorf"])
    return history


def test_old_days_come_from_the_history_and_new_ones_from_the_store(history: History) -> None:
    store = FailingStore()
    store.take_over("test")
    store.commit([], [sample(23, 23, 33), sample(24, 99, 98)])
    kept = KeptReadings(store, history, NAMES)
    found = kept.samples("dorf", MIDNIGHT + timedelta(hours=22), MIDNIGHT + timedelta(hours=25))
    assert told(found) == [(22, [22, 32]), (23, [23, 33]), (24, [99, 98])]
    assert told(kept.samples("dorf", MIDNIGHT, MIDNIGHT + timedelta(hours=1))) == [(0, [0, 10])]
    assert kept.samples("dorf", MIDNIGHT - timedelta(days=1), MIDNIGHT) == ()


def test_a_day_is_read_once_for_all_its_hours(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[date] = []
    from_file = history.read
    monkeypatch.setattr(history, "read", lambda feeder, day: read.append(day) or from_file(feeder, day))
    kept = KeptReadings(FailingStore(), history, NAMES)
    hours = [MIDNIGHT + timedelta(hours=n) for n in range(24)]
    assert len([s for at in hours for s in kept.samples("dorf", at, at + timedelta(hours=1))]) == 24
    assert read == [DAY]
    assert kept._read is None  # nothing of it is held once its last hour was asked for


def test_the_same_day_of_another_feeder_is_another_file(history: History) -> None:
    history.write("vorstadt", DAY, [sample(0, 7, 8)], NAMES["dorf"])
    kept = KeptReadings(FailingStore(), history, NAMES | {"vorstadt": NAMES["dorf"]})
    hour = MIDNIGHT, MIDNIGHT + timedelta(hours=1)
    assert told(kept.samples("dorf", *hour)) == [(0, [0, 10])]
    assert told(kept.samples("vorstadt", *hour)) == [(0, [7, 8])]


def test_meters_are_found_by_name_and_rows_of_another_network_left_out(history: History) -> None:
    history.write("dorf", DAY, [sample(0.5, 7, 8, 9)], NAMES["dorf"])
    kept = KeptReadings(FailingStore(), history, {"dorf": ("b", "new")})
    found = kept.samples("dorf", MIDNIGHT, MIDNIGHT + timedelta(hours=2))
    np.testing.assert_equal([s.p_kw.tolist() for s in found], [[10, np.nan], [11, np.nan]])


def test_late_readings_of_old_days(history: History) -> None:
    old = [LateReading("dorf", "M1", MIDNIGHT + timedelta(hours=n), 5.0, "import") for n in range(3)]
    history.write_late("dorf", DAY, old)
    kept = KeptReadings(FailingStore(), history, NAMES)
    assert list(kept.late("dorf", MIDNIGHT + timedelta(hours=1), MIDNIGHT + timedelta(hours=9))) == old[1:]


def test_a_damaged_file_is_told_to_who_decides_and_does_not_stop_who_settles(history: History) -> None:
    history.file("dorf", DAY).write_bytes(b"x")
    kept = KeptReadings(FailingStore(), history, NAMES)
    with pytest.raises(HistoryUnreadable):
        kept.samples("dorf", MIDNIGHT, MIDNIGHT + timedelta(hours=1))
    assert kept.readable("dorf", MIDNIGHT, MIDNIGHT + timedelta(hours=1)) == ()
