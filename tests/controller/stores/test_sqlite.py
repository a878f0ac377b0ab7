import math
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller import ledger
from controller.entries import Entry, LedgerPosted, ReadingsRefused, ViolationAppeared
from controller.errors import LedgerConflict, RecordBroken, Replaced
from controller.settings import Rewards
from controller.stores import schema
from controller.stores.port import FeederSample, Store, StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.controller.record_builders import EVENT, T0, after, opened, planned
from tests.controller.stores import journal_writer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "record.sqlite3", durable=False)
    store.take_over("test")
    yield store
    store.close()


def refused(count: int = 1) -> ReadingsRefused:
    return ReadingsRefused(at=T0, feeder="dorf", reason="stale", count=count, sample="M-001")


def sample(seconds: float = 0.0, feeder: str = "dorf", p_kw: float = 1.5) -> FeederSample:
    return FeederSample(
        feeder, after(seconds), np.array([p_kw, math.nan], np.float32), 80.5, None, 101.0, 2.5
    )


def credit(energy_wh: int = 1230, request: str = f"{EVENT}-R001", at_s: float = 0) -> LedgerPosted:
    posted = ledger.credit(
        at=after(at_s),
        feeder="dorf",
        request=request,
        customer="C-001",
        energy_wh=energy_wh,
        rewards=Rewards(),
    )
    assert posted is not None
    return posted


def told(store: SqliteRecord) -> list[Entry]:
    return [numbered.entry for numbered in store.replay()]


def test_it_is_a_store(store: SqliteStore) -> None:
    port: Store = store
    assert port.epoch() == 1


def test_what_was_committed_comes_back_in_order_with_numbers(store: SqliteStore) -> None:
    assert store.commit([opened(), planned()]) == [1, 2]
    assert store.commit([refused()]) == [3]
    assert [(n.seq, n.entry) for n in store.replay()] == [(1, opened()), (2, planned()), (3, refused())]
    assert [n.seq for n in store.replay(after=2)] == [3]


def test_a_long_replay_has_no_seams(store: SqliteStore) -> None:
    store.commit([refused(count) for count in range(2500)])
    assert [entry.count for entry in told(store) if isinstance(entry, ReadingsRefused)] == list(range(2500))
    assert [n.seq for n in store.replay(after=1000)] == list(range(1001, 2501))


def test_samples_come_back_exactly_with_their_gaps(store: SqliteStore) -> None:
    store.commit([], [sample(10), sample(5), sample(5, feeder="other"), sample(15)])
    first, second = store.samples("dorf", after(5), after(15))
    assert (first.at, second.at) == (after(5), after(10))
    np.testing.assert_array_equal(first.p_kw, np.array([1.5, math.nan], np.float32))
    assert first.p_kw.dtype == np.float32
    assert (first.transformer_loading_percent, first.max_line_loading_percent) == (80.5, None)
    assert (first.without_control_percent, first.curtailed_kw) == (101.0, 2.5)


def test_a_sample_of_the_same_time_does_not_replace_the_first(store: SqliteStore) -> None:
    store.commit([], [sample()])
    store.commit([], [sample(p_kw=9.0)])
    assert store.samples("dorf", T0, after(1))[0].p_kw[0] == 1.5


def with_substation(seconds: float, p_kw: float | None) -> FeederSample:
    return replace(sample(seconds), substation_p_kw=p_kw)


def test_the_substation_is_kept_where_it_was_read(store: SqliteStore) -> None:
    store.commit([], [with_substation(0, 41.5), with_substation(5, None)])
    assert [s.substation_p_kw for s in store.samples("dorf", T0, after(10))] == [41.5, None]
    store.prune_samples(after(60))
    assert store._connection.execute("SELECT * FROM substation_samples").fetchall() == []


def test_a_store_without_the_substation_is_read_and_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with closing(SqliteStore(path, durable=False)) as old:
        old.take_over("test")
        old.commit([], [sample(0)])
        old._connection.execute("DROP TABLE substation_samples")
    with closing(SqliteRecord.open(path)) as record:
        assert [s.substation_p_kw for s in record.samples("dorf", T0, after(10))] == [None]
    with closing(SqliteStore(path, durable=False)) as new:
        new.take_over("test")
        new.commit([], [with_substation(5, 12.0)])
        assert [s.substation_p_kw for s in new.samples("dorf", T0, after(10))] == [None, 12.0]


def test_the_newest_sample(store: SqliteStore) -> None:
    assert store.last_sample_at("dorf") is None
    store.commit([], [sample(5), sample(0), sample(9, feeder="berg")])
    assert store.last_sample_at("dorf") == after(5)


def test_pruning_takes_old_samples_only(store: SqliteStore) -> None:
    store.commit([opened()], [sample(0), sample(10)])
    assert store.prune_samples(after(10)) == 1
    assert [s.at for s in store.samples("dorf", T0, after(60))] == [after(10)]
    assert told(store) == [opened()]


def test_a_credit_is_booked_once_however_often_it_comes(store: SqliteStore) -> None:
    assert store.commit([credit()]) == [1]
    assert store.commit([refused(), credit(at_s=60)]) == [2, 1]
    assert store.commit([credit(at_s=90), credit(at_s=91)]) == [1, 1]
    assert store.balances()["customer:C-001", "points"] == 123
    assert set(ledger.sum_per_unit(store.balances().items()).values()) == {0}


def test_a_credit_of_another_content_is_refused_with_all_that_came_with_it(store: SqliteStore) -> None:
    store.commit([credit()])
    with pytest.raises(LedgerConflict, match="another content"):
        store.commit([refused(), credit(1240)])
    assert len(told(store)) == 1
    assert store.balances()["customer:C-001", "points"] == 123


def test_an_unbalanced_transaction_is_refused(store: SqliteStore) -> None:
    wrong = LedgerPosted(at=T0, key="k", postings=(("a", "points", 1),), reason="", request=None)
    with pytest.raises(LedgerConflict, match="do not sum to zero"):
        store.commit([wrong])
    assert told(store) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_could_not_be_read_again_is_not_written(store: SqliteStore, value: float) -> None:
    entry = ViolationAppeared(
        at=T0, feeder="dorf", element="line:3", kind="line_overload", value=value, limit=100.0
    )
    with pytest.raises(ValueError, match="cannot be read again"):
        store.commit([refused(), entry])
    with pytest.raises(ValueError, match="cannot be read again"):
        store.commit(
            [ReadingsRefused(at=T0.replace(tzinfo=None), feeder="f", reason="r", count=1, sample="")]
        )
    assert told(store) == []


def test_nothing_is_written_before_taking_over(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite3", durable=False)
    with pytest.raises(Replaced, match="ours is none"):
        store.commit([refused()])
    store.close()


def test_epochs_only_grow_and_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    for expected in (1, 2, 3):
        store = SqliteStore(path)
        assert store.take_over(f"holder {expected}") == expected
        store.close()


def test_who_was_replaced_cannot_write_any_more(store: SqliteStore, tmp_path: Path) -> None:
    store.commit([refused()])
    with sqlite3.connect(tmp_path / "record.sqlite3") as another:
        another.execute("UPDATE control SET epoch = 2, holder = 'another'")
    another.close()
    with pytest.raises(Replaced, match="epoch 2 is in force, ours is 1"):
        store.commit([refused()], [sample()])
    assert store.epoch() == 2
    assert len(told(store)) == 1
    assert store.samples("dorf", T0, after(60)) == ()


def test_a_second_writer_is_kept_out_and_a_reader_is_not(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite3"
    with pytest.raises(StoreUnavailable, match="another controller is writing"):
        SqliteStore(path)
    store.commit([opened()])
    reader = SqliteRecord.open(path)
    assert told(reader) == [opened()]
    store.commit([planned()])
    assert told(reader) == [opened(), planned()]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("UPDATE control SET epoch = 9")
    reader.close()


@pytest.mark.parametrize("table", ["journal", "transactions", "postings"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET key = 'x'", "DELETE FROM {}"])
def test_the_record_is_append_only_for_sql(store: SqliteStore, table: str, verb: str) -> None:
    store.commit([credit()])
    statement = verb.format(table).replace("journal SET key", "journal SET body")
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        store._connection.execute(statement)


def test_replacing_a_row_is_no_way_around(store: SqliteStore) -> None:
    store.commit([credit()])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store._connection.execute("REPLACE INTO journal VALUES (1, '{}', x'00', x'00')")


def test_the_journal_can_be_looked_into_with_sql(store: SqliteStore) -> None:
    store.commit([opened(), planned()])
    rows = store._connection.execute("SELECT seq, tag, feeder, request FROM journal").fetchall()
    assert rows == [(1, "event_opened", "dorf", None), (2, "request_planned", "dorf", f"{EVENT}-R001")]


def test_a_full_disk_loses_nothing_and_the_store_recovers(store: SqliteStore) -> None:
    store.commit([refused(0)])
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    written = 1

    def fill() -> None:
        nonlocal written
        for count in range(1, 1000):
            store.commit([refused(count), refused(count)], [sample(count)])
            written += 2

    with pytest.raises(StoreUnavailable, match="full"):
        fill()
    assert len(told(store)) == written
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.commit([refused()]) == [written + 1]
    assert len(told(store)) == written + 1


def test_other_files_and_other_versions_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreUnavailable, match="not a Gridward store"):
        SqliteStore(other)
    (tmp_path / "text.sqlite3").write_text("not a database, only a text that is long enough" * 50)
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path / "text.sqlite3")
    newer = tmp_path / "newer.sqlite3"
    SqliteStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(StoreUnavailable, match="has schema 2"):
        SqliteStore(newer)
    with pytest.raises(StoreUnavailable, match="no store at"):
        SqliteRecord.open(tmp_path / "none.sqlite3")


def test_a_failed_opening_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_text("not a database, only a text that is long enough" * 50)
    with pytest.raises(StoreUnavailable):
        SqliteStore(path)
    path.unlink()
    SqliteStore(path).close()


def test_in_memory_for_simulations() -> None:
    store = SqliteStore(IN_MEMORY, durable=False)
    store.take_over("simulation")
    assert store.commit([opened()]) == [1]
    store.close()
    with pytest.raises(StoreUnavailable):
        store.commit([opened()])


def test_threads_take_turns(store: SqliteStore) -> None:
    def write() -> None:
        for count in range(50):
            store.commit([refused(count), refused(count)])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = told(store)
    assert len(entries) == 400
    assert entries[::2] == entries[1::2]


def test_durable_means_synchronous_full_in_wal(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite3")
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "record.sqlite3"
    command = [sys.executable, "-m", journal_writer.__name__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    last = max([last, *(int(number) for number in rest[:-1])])
    store = SqliteStore(path)
    counts = [entry.count for entry in told(store) if isinstance(entry, ReadingsRefused)]
    assert len(counts) >= last
    assert counts == [line // 3 for line in range(len(counts))]
    assert len(counts) % 3 == 0
    assert (
        len(store.samples("dorf", journal_writer.START, journal_writer.START + timedelta(days=1)))
        == len(counts) // 3
    )
    assert store.take_over("the next") == 2
    store.close()


@given(rounds=st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=12))
@profile(max_examples=30, deadline=None)
def test_any_order_of_repeated_credits_books_each_once(rounds: list[list[int]]) -> None:
    store = SqliteStore(IN_MEMORY, durable=False)
    store.take_over("test")
    for batch in rounds:
        store.commit([credit(1000 * number, f"R{number}") for number in batch])
    booked = {number for batch in rounds for number in batch}
    assert store.balances().get(("customer:C-001", "points"), 0) == 100 * sum(booked)
    assert len(store.transactions()) == len(booked)
    store.close()


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE journal SET body = replace(body, '127.4', '99.4') WHERE seq = 2", "entry 2 was altered"),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 2", "entry 2 was altered"),
        ("UPDATE journal SET previous = zeroblob(32) WHERE seq = 3", "entry 3 does not follow entry 2"),
        ("DELETE FROM journal WHERE seq = 3", "entry 3 is missing"),
        ("DELETE FROM journal WHERE seq = 1", "entry 1 is missing"),
        ("UPDATE journal SET seq = 99 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3;"
         "UPDATE journal SET seq = 3 WHERE seq = 99", "entry 2 does not follow entry 1"),
        ("DELETE FROM journal WHERE seq = 2; UPDATE journal SET seq = seq - 1 WHERE seq > 2",
         "entry 2 does not follow entry 1"),
    ],
)  # fmt: skip
def test_replay_stops_at_what_was_altered(store: SqliteStore, tamper: str, fault: str) -> None:
    store.commit([refused(), opened(), planned(), refused(2), refused(3)])
    for verb in ("update", "delete"):
        store._connection.execute(f"DROP TRIGGER journal_no_{verb}")
    store._connection.executescript(tamper)
    with pytest.raises(RecordBroken, match=fault):
        told(store)
