"""Backups of a PostgreSQL store, and backups of either store put back into the other."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.errors import RecordBroken
from controller.settings import Store as Settings
from controller.stores import archive
from controller.stores.archive import Contents, head, judged
from controller.stores.opening import open_record, open_store
from controller.stores.port import LateReading, Record, StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.restoring import EPOCH_STEP, Restored, RestoreRefused
from controller.stores.sqlite import SqliteStore
from tests.controller.record_builders import T0, after
from tests.controller.stores.samples_and_entries import credit, refused, sample
from tests.gridward.stores import alter, write_store
from tests.postgres_server import DAEMON, OWNER, Database, new_database, shared_server

pytestmark = pytest.mark.postgres

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def database() -> Iterator[Database]:
    database = new_database(shared_server())
    yield database
    database.drop()


def settings(database: Database, user: str = DAEMON) -> Settings:
    return Settings(postgres=database.url(user), durable=False)


def fill(where: Settings, entries: int = 3) -> None:
    """Entries, credits, samples and late readings; some more at each call."""
    with closing(open_store(where)) as store:
        epoch = store.take_over("test")
        store.commit([refused(number) for number in range(entries)], [sample(5.0 * epoch)])
        store.commit([credit(1000, f"R{epoch}")])
        store.add_late([LateReading("dorf", "M-1", after(float(epoch)), 2.5, "csv")])


def restore(
    backup: Path, database: Database, user: str = OWNER, *, replace: bool = False, epoch_at_least: int = 0
) -> Restored:
    from controller.stores.postgres_archive import put_back
    from controller.stores.postgres_link import PATIENT, Access

    return put_back(
        backup,
        Access(database.url(user), waits=PATIENT),
        replace=replace,
        epoch_at_least=epoch_at_least,
        holder="restored",
        now=T0,
    )


def back_up(where: Settings, out: Path) -> Contents:
    return archive.back_up(archive.copy_of(where), out)


def everything(record: Record) -> tuple[object, ...]:
    samples = record.samples("dorf", *EVER)
    return (
        list(record.rows()),
        record.transactions(),
        record.balances(),
        [(one.at, one.p_kw.tobytes(), one.substation_p_kw, one.curtailed_kw) for one in samples],
        record.late("dorf", *EVER),
    )


def all_of(where: Settings) -> tuple[object, ...]:
    with closing(open_record(where)) as record:
        return everything(record)


def test_a_backup_holds_all_of_it_bit_by_bit(database: Database, tmp_path: Path) -> None:
    fill(settings(database))
    out = tmp_path / "out.sqlite3"
    contents = back_up(settings(database), out)
    assert all_of(Settings(path=out)) == all_of(settings(database))
    assert (contents.head.seq, contents.transactions, contents.epoch) == (4, 1, 1)
    assert out.stat().st_mode & 0o777 == 0o600
    fill(settings(database))
    assert back_up(settings(database), out).head.seq == 8
    with closing(SqliteRecord.open(out)) as record:
        assert record.epoch() == 2


def test_a_backup_while_a_daemon_writes_is_of_one_moment(database: Database, tmp_path: Path) -> None:
    store = open_store(settings(database))
    store.take_over("test")
    store.commit([refused()], [sample(0.0)])
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            store.commit([refused(number)], [sample(5.0 * number)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            contents = back_up(settings(database), tmp_path / f"{number}.sqlite3")
            with closing(SqliteRecord.open(tmp_path / f"{number}.sqlite3")) as record:
                assert len(record.samples("dorf", *EVER)) == contents.head.seq
    finally:
        stop.set()
        writer.join()
        store.close()


def test_from_sqlite_into_postgres_and_back(database: Database, tmp_path: Path) -> None:
    original, backup = Settings(path=tmp_path / "site.sqlite3"), tmp_path / "backup.sqlite3"
    fill(original)
    fill(original)
    back_up(original, backup)
    restored = restore(backup, database, DAEMON)
    assert restored.kept is None
    assert restored.epoch == 2 + EPOCH_STEP
    assert all_of(settings(database)) == all_of(original)
    fill(settings(database))
    back_up(settings(database), tmp_path / "next.sqlite3")
    with closing(SqliteRecord.open(tmp_path / "next.sqlite3")) as record:
        assert record.epoch() == 3 + EPOCH_STEP
        assert everything(record) == all_of(settings(database))


def test_a_longer_journal_is_given_up_only_when_told_and_kept(database: Database, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite3"
    fill(settings(database))
    back_up(settings(database), backup)
    fill(settings(database))
    before = all_of(settings(database))
    with pytest.raises(RestoreRefused, match="4 entries more than the backup"):
        restore(backup, database)
    assert all_of(settings(database)) == before
    restored = restore(backup, database, replace=True)
    assert restored.kept is not None
    assert all_of(Settings(path=Path(restored.kept))) == before
    assert all_of(settings(database)) == all_of(Settings(path=backup))
    assert restored.epoch == 2 + EPOCH_STEP
    assert restore(Path(restored.kept), database).epoch == 2 + 2 * EPOCH_STEP
    assert all_of(settings(database)) == before


def test_afterwards_nothing_can_be_taken_away_again(database: Database, tmp_path: Path) -> None:
    fill(settings(database))
    back_up(settings(database), tmp_path / "out.sqlite3")
    rights = (
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'gridward'::regnamespace ORDER BY 1"
    )
    triggers = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger ORDER BY 1, 2"
    before = database.rows(rights), database.rows(triggers)
    restore(tmp_path / "out.sqlite3", database, replace=True)
    assert (database.rows(rights), database.rows(triggers)) == before


def test_only_the_owner_may_put_one_over_entries(database: Database, tmp_path: Path) -> None:
    fill(settings(database))
    back_up(settings(database), tmp_path / "out.sqlite3")
    before = all_of(settings(database))
    with pytest.raises(StoreUnavailable, match="only the tables' owner"):
        restore(tmp_path / "out.sqlite3", database, DAEMON)
    assert all_of(settings(database)) == before


def test_a_running_daemon_keeps_it_out(database: Database, tmp_path: Path) -> None:
    write_store(tmp_path / "backup.sqlite3")
    with (
        closing(open_store(settings(database))),
        pytest.raises(StoreUnavailable, match="another controller is writing"),
    ):
        restore(tmp_path / "backup.sqlite3", database)


def test_what_fails_on_the_way_leaves_the_old_store(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controller.stores import postgres_archive

    fill(settings(database))
    before = all_of(settings(database))
    backup = write_store(tmp_path / "backup.sqlite3")
    copied = postgres_archive._copy

    def dies(connection: object, table: str, rows: object) -> None:
        if table.startswith("postings"):
            raise KeyboardInterrupt
        copied(connection, table, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(postgres_archive, "_copy", dies)
    with pytest.raises(KeyboardInterrupt):
        restore(backup, database, replace=True)
    assert all_of(settings(database)) == before
    with closing(open_store(settings(database))) as store:
        assert store.take_over("next") == 2


def test_a_broken_backup_or_store_is_found(database: Database, tmp_path: Path) -> None:
    backup = write_store(tmp_path / "backup.sqlite3")
    alter(backup, "UPDATE postings SET amount = amount + 1 WHERE amount > 0")
    with pytest.raises(RecordBroken):
        restore(backup, database)
    fill(settings(database))
    database.run("ALTER TABLE postings ENABLE TRIGGER ALL; ALTER TABLE postings DISABLE TRIGGER append_only")
    database.run("UPDATE postings SET amount = amount + 1 WHERE amount > 0")
    with pytest.raises(RecordBroken):
        back_up(settings(database), tmp_path / "out.sqlite3")
    assert not (tmp_path / "out.sqlite3").exists()


def test_sqlite_takes_the_archive_of_postgres(database: Database, tmp_path: Path) -> None:
    from controller.stores.restoring import put_back

    fill(settings(database))
    back_up(settings(database), tmp_path / "out.sqlite3")
    site = tmp_path / "site.sqlite3"
    put_back(tmp_path / "out.sqlite3", site, replace=False, epoch_at_least=0, holder="restored", now=T0)
    assert all_of(Settings(path=site)) == all_of(settings(database))
    assert judged(site).head == head(tmp_path / "out.sqlite3")
    store = SqliteStore(site, durable=False)
    assert store.take_over("next") == 2 + EPOCH_STEP
    store.commit([refused()])
    store.close()


@pytest.mark.parametrize("first", [0, 3])
def test_what_a_daemon_writes_while_it_is_prepared_is_not_lost(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """The lock of a daemon goes with its connection; it comes back by a new one, and is not replaced."""
    from controller.stores import postgres_archive

    backup = write_store(tmp_path / "backup.sqlite3")
    daemon = open_store(settings(database))
    daemon.take_over("test")
    if first:
        daemon.commit([refused(number) for number in range(first)])
        back_up(settings(database), backup := tmp_path / "own.sqlite3")
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    kept = postgres_archive._keep

    def and_meanwhile(*given: object) -> Path | None:
        daemon.commit([refused(99)])
        return kept(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(postgres_archive, "_keep", and_meanwhile)
    with pytest.raises(StoreUnavailable, match="wrote meanwhile"):
        restore(backup, database)
    with closing(open_record(settings(database))) as record:
        assert [one.entry for one in record.replay()][first:] == [refused(99)]
    daemon.close()


def test_a_full_disk_under_the_archive_is_a_store_that_cannot_be_used(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controller.stores import postgres_archive

    fill(settings(database))
    backup = write_store(tmp_path / "backup.sqlite3")

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(postgres_archive, "_fill", full)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        back_up(settings(database), tmp_path / "out.sqlite3")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        restore(backup, database, replace=True)


def test_it_is_unpacked_beside_the_backup_where_there_is_room_for_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    restore(write_store(tmp_path / "backup.sqlite3"), database)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
