"""What a daemon remembers of its own running."""

from datetime import UTC, datetime, timedelta

from controller.running_record import KEPT, RunningRecord

AT = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)


def test_cycles_are_counted_timed_and_late_ones_told() -> None:
    record = RunningRecord((), period_s=1.0)
    assert record.cycles.latest_s is None
    record.cycle_took(0.2)
    assert (record.cycles.latest_s, record.cycles.median_s, record.cycles.p99_s) == (0.2, 0.2, 0.2)
    for _ in range(98):
        record.cycle_took(0.1)
    record.cycle_took(3.0)
    record.cycle_failed(AT)
    told = record.cycles
    assert (told.cycles, told.late, told.failures) == (100, 1, 1)
    assert (told.late_lately, told.last_failed_at) == (1, AT)
    assert (told.latest_s, told.median_s) == (3.0, 0.1)
    assert told.p99_s is not None
    assert 0.1 < told.p99_s < 3.0


def test_old_cycles_are_forgotten_but_counted() -> None:
    record = RunningRecord((), period_s=1.0)
    record.cycle_took(9.0)
    for _ in range(KEPT):
        record.cycle_took(0.1)
    assert record.cycles.p99_s == 0.1
    assert (record.cycles.cycles, record.cycles.late) == (KEPT + 1, 1)
    assert record.cycles.late_lately == 0


def test_a_link_tells_since_when_it_is_so_and_how_often_it_went() -> None:
    record = RunningRecord((), period_s=1.0)
    for minute, is_there in enumerate((True, True, False, False, True)):
        record.links_are({"broker": is_there}, AT + timedelta(minutes=minute))
    (link,) = record.links
    assert (link.connected, link.since, link.losses) == (True, AT + timedelta(minutes=4), 1)


def test_a_source_tells_how_often_it_was_started_again_and_why() -> None:
    record = RunningRecord(("source 0", "source 1"), period_s=1.0)
    record.source_stopped("source 1", "OSError: refused" + "!" * 999, AT)
    quiet, stopped = record.sources
    assert (quiet.restarts, quiet.last_reason) == (0, None)
    assert (stopped.restarts, stopped.last_stopped_at) == (1, AT)
    assert stopped.last_reason is not None
    assert stopped.last_reason.startswith("OSError: refused!")
    assert len(stopped.last_reason) == 300
