"""After a restart the console is shown what was before: the trend from the samples, and what changed."""

from datetime import timedelta

import numpy as np
import pytest

from controller import bookkeeping, daemon, recalled
from controller.live import CHANGES, Live
from controller.recalled import recalled_trend
from controller.stores.port import FeederSample, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from controller.views import Told
from tests.builders import FEEDER, START
from tests.controller.worlds import World, evening


def _sample(second: int) -> FeederSample:
    at, p_kw = START + timedelta(seconds=second), np.zeros(2, dtype=np.float32)
    return FeederSample(FEEDER, at, p_kw, 50.0, 60.0, None, 0.0)


async def test_a_restarted_daemon_shows_the_same_trend_and_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(evening())
    world.charge()
    await world.tick(5)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ada", "a test")
    trend, changes = world.daemon.trend(FEEDER), world.daemon.changes()
    assert len(trend) == 5
    assert {"event_opened", "operator_acted", "controller_started"} <= {one.entry for one in changes}
    monkeypatch.setattr(bookkeeping, "TOLD_SENTENCES", 3)  # what changed was told long ago
    world.daemon = world.start()
    await world.daemon.start()
    assert world.daemon.trend(FEEDER) == trend
    again = world.daemon.changes()
    assert again[: len(changes)] == changes
    assert [one.entry for one in again[len(changes) :]] == ["controller_started"]
    seqs = [one.seq for one in again]
    assert seqs == sorted(set(seqs))
    await world.tick()
    assert world.daemon.trend(FEEDER)[: len(trend)] == trend
    assert len(world.daemon.trend(FEEDER)) == len(trend) + 1


async def test_a_trend_that_cannot_be_read_keeps_no_daemon_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(evening())
    await world.tick(2)
    asked: list[object] = []

    def broken(*args: object) -> None:
        asked.append(args)
        raise StoreUnavailable("disk")

    monkeypatch.setattr(daemon, "recalled_trend", broken)
    world.daemon = world.start()
    await world.tick()
    assert len(asked) == 1
    assert len(world.daemon.trend(FEEDER)) == 1


def test_no_more_samples_are_read_than_a_start_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(IN_MEMORY)
    store.take_over("a test")
    store.commit((), [_sample(5 * i) for i in range(50)])
    now = START + timedelta(seconds=250)
    assert len(recalled_trend(store, [FEEDER], now, 5.0)[FEEDER]) == 50
    monkeypatch.setattr(recalled, "MOST_SAMPLES", 20)
    found = recalled_trend(store, [FEEDER, "another"], now, 5.0)
    assert [point.at for point in found[FEEDER]] == [START + timedelta(seconds=5 * i) for i in range(40, 50)]
    assert found["another"] == ()
    store.close()


def test_what_changed_is_remembered_longer_than_all_that_was_told() -> None:
    live = Live([FEEDER])
    heard: list[int] = []
    end = live.subscribe_told(lambda: heard.append(1))
    live.remember_changes([Told(1, START, FEEDER, "event_opened", "alarm", "x")])
    for seq in range(1, 700):
        live.tell(Told(seq, START, FEEDER, "event_closed" if seq == 5 else "request_sent", "info", "x"))
    assert [one.seq for one in live.changes()] == [1, 5]
    assert live.told()[0].seq == 200
    assert len(heard) == 699
    end()
    live.tell(Told(700, START, FEEDER, "request_sent", "info", "x"))
    assert len(heard) == 699
    assert "request_sent" not in CHANGES
