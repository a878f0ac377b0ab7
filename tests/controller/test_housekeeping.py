import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from controller.housekeeping import Housekeeping
from controller.settings import Store
from controller.stores.history import History
from controller.stores.port import FeederSample, LateReading, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.controller.worlds import World, evening

NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
NAMES = {"dorf": ("a", "b"), "stadt": ("a",)}
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def add(store: SqliteStore, feeder: str, days_ago: float, *more: float) -> None:
    for days in (days_ago, *more):
        p_kw = np.full(len(NAMES.get(feeder, "a")), days, np.float32)
        store.commit([], [FeederSample(feeder, NOW - timedelta(days=days), p_kw, None, None, None, 0.0)])


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = SqliteStore(IN_MEMORY, durable=False)
    store.take_over("test")
    yield store
    store.close()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def house(store: SqliteStore, history: History | None, keep_days: float = 400.0) -> Housekeeping:
    return Housekeeping(store, Store(keep_samples_days=14.0, keep_history_days=keep_days), NAMES, history)


def whole(housekeeping: Housekeeping, now: datetime = NOW) -> int:
    """Steps until nothing is due."""
    steps = 1
    while housekeeping.step(now):
        steps += 1
    return steps


def later(housekeeping: Housekeeping, until: datetime, since: datetime = NOW) -> None:
    """Every hour until then, as the daemon does."""
    while since < until:
        since = min(since + timedelta(hours=1), until)
        whole(housekeeping, since)


def left(store: SqliteStore, feeder: str) -> list[float]:
    return [float(sample.p_kw[0]) for sample in store.samples(feeder, *EVER)]


def filed(history: History, feeder: str) -> list[float]:
    found = []
    for day in history.days(feeder):
        table = history.read(feeder, day)
        assert table is not None
        found += [float(p) for p in table["p_kw:a"]]
    return found


def test_without_a_history_samples_go_when_their_time_is_over(store: SqliteStore) -> None:
    add(store, "dorf", 20, 14.01, 13.99, 1)
    assert whole(house(store, None)) == 1
    assert left(store, "dorf") == pytest.approx([13.99, 1], abs=1e-4)


def test_whole_days_move_to_the_history_one_of_one_feeder_at_a_time(
    store: SqliteStore, history: History
) -> None:
    add(store, "dorf", 100, 20, 19.9, 14.3, 13.9, 1)
    add(store, "stadt", 20)
    housekeeping, moved = house(store, history), 0
    while housekeeping.step(NOW):
        before, moved = moved, len(history.days("dorf")) + len(history.days("stadt"))
        assert moved - before <= 1
    assert moved == 3
    assert filed(history, "dorf") == pytest.approx([100, 20, 19.9], abs=1e-4)
    assert left(store, "dorf") == pytest.approx([14.3, 13.9, 1], abs=1e-4), "its day is not over yet"
    assert filed(history, "stadt") == [20]
    assert left(store, "stadt") == []


def test_the_table_is_read_through_once_a_day(
    store: SqliteStore, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[datetime] = []
    monkeypatch.setattr(store, "prune_samples", limits.append)
    housekeeping = house(store, history)
    for hours in range(24):
        whole(housekeeping, NOW + timedelta(hours=hours))
    assert limits == [datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC)]


def test_late_readings_move_with_their_day(store: SqliteStore, history: History) -> None:
    at = NOW - timedelta(days=20)
    store.add_late([LateReading("dorf", "M-1", at, 2.5), LateReading("dorf", "M-1", NOW, 3.5)])
    whole(house(store, history))
    assert history.file("dorf", at.date()).with_name(f"{at.date()}.late.parquet").exists()
    assert store.late("dorf", *EVER) == (LateReading("dorf", "M-1", NOW, 3.5),)


def test_a_step_that_was_not_finished_is_finished_by_the_next_daemon(
    store: SqliteStore, history: History
) -> None:
    add(store, "dorf", 20, 18, 16, 0)
    unfinished = house(store, history, keep_days=30.0)
    unfinished.step(NOW)
    assert filed(history, "dorf") == [20]
    assert left(store, "dorf") == [20, 18, 16, 0]
    whole(house(store, history))
    assert filed(history, "dorf") == [20, 18, 16]
    assert left(store, "dorf") == [0]


def test_days_that_become_due_later_follow(store: SqliteStore, history: History) -> None:
    housekeeping = house(store, history)
    add(store, "dorf", 13, 12, 0)
    whole(housekeeping)
    assert filed(history, "dorf") == []
    later(housekeeping, NOW + timedelta(days=2))
    assert filed(history, "dorf") == [13]
    assert left(store, "dorf") == [12, 0]


def test_what_cannot_be_written_is_not_forgotten(
    store: SqliteStore, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "dorf", 20, 18, 0)

    def full(*_: object) -> None:
        raise OSError("no space left")

    housekeeping = house(store, history)
    monkeypatch.setattr(History, "write", full)
    for _ in range(3):
        with pytest.raises(OSError, match="no space"):
            whole(housekeeping)
    assert left(store, "dorf") == [20, 18, 0]
    monkeypatch.undo()
    whole(housekeeping)
    assert filed(history, "dorf") == [20, 18]
    assert left(store, "dorf") == [0]


def test_the_history_has_an_end_of_its_own(store: SqliteStore, history: History) -> None:
    add(store, "dorf", 50, 29, 20, 0)
    whole(house(store, history, keep_days=30.0))
    assert filed(history, "dorf") == [29, 20]
    assert left(store, "dorf") == [0]
    add(store, "dorf", -4.5)
    whole(house(store, history, keep_days=30.0), NOW + timedelta(days=5))
    assert history.days("dorf") == (date(2026, 2, 28),)


def test_a_clock_that_jumps_on_makes_it_forget_next_to_nothing(store: SqliteStore, history: History) -> None:
    add(store, "dorf", 13.9, 13, 5, 0)
    for kept in (None, history):
        housekeeping = house(store, kept)
        whole(housekeeping)
        for hours in range(3):
            whole(housekeeping, NOW + timedelta(days=3650, hours=hours))
        whole(housekeeping, NOW + timedelta(hours=4))
        assert left(store, "dorf")[-3:] == [13, 5, 0]
    assert filed(history, "dorf") == []


def test_a_clock_that_is_wrong_from_the_start_is_not_believed(store: SqliteStore, history: History) -> None:
    """What was there last tells about when it is; the history counts where no sample is left."""
    add(store, "dorf", 20, 13, 0)
    whole(house(store, history), NOW + timedelta(days=3650))
    assert filed(history, "dorf") == [20]
    assert left(store, "dorf") == [13, 0]
    store.prune_samples(NOW + timedelta(days=1))
    whole(house(store, history), NOW + timedelta(days=3650))
    assert filed(history, "dorf") == [20]


def test_days_without_samples_are_passed_a_month_at_a_time(
    store: SqliteStore, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "dorf", 20, 0)
    asked = []
    samples = store.samples

    def counted(*given: object) -> tuple[FeederSample, ...]:
        asked.append(given)
        return samples(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "samples", counted)
    housekeeping = house(store, history)
    assert housekeeping.step(NOW)
    assert len(asked) <= 31 * 24
    whole(housekeeping)
    assert filed(history, "dorf") == [20]


async def test_the_daemon_keeps_house_at_its_own_pace_and_lives_on_when_it_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(evening())
    results: list[bool | Exception] = [True, True, False, OSError("full"), StoreUnavailable("down"), False]
    begun = world.clock.now()
    times: list[float] = []

    def step(_: Housekeeping, now: datetime) -> bool:
        times.append((now - begun).total_seconds())
        if not results:
            raise asyncio.CancelledError
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(Housekeeping, "step", step)
    with pytest.raises(asyncio.CancelledError):
        await world.daemon._keep_house()
    assert times == [0.0, 1.0, 2.0, 3602.0, 7202.0, 10802.0, 14402.0]
