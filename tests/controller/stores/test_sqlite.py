"""What only the SQLite store does; what every store does is in `test_stores.py`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.stores import schema
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.controller.record_builders import EVENT, T0, after, opened, planned
from tests.controller.stores.samples_and_entries import credit, refused, sample, told


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "record.sqlite3", durable=False)
    store.take_over("test")
    yield store
    store.close()


def test_a_reader_cannot_write(store: SqliteStore, tmp_path: Path) -> None:
    reader = SqliteRecord.open(tmp_path / "record.sqlite3")
    with closing(reader), pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("UPDATE control SET epoch = 9")


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
        new.commit([], [replace(sample(5), substation_p_kw=12.0)])
        assert [s.substation_p_kw for s in new.samples("dorf", T0, after(10))] == [None, 12.0]


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


def test_durable_means_synchronous_full_in_wal(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite3")
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()
