"""What only the PostgreSQL store does: rights, days, versions, and a server that goes away in the middle."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pytest

from controller.entries import ReadingsRefused
from controller.errors import JournalAhead, Replaced
from controller.settings import Store as Settings
from controller.stores import migrations
from controller.stores.audit import audit
from controller.stores.opening import migrate_store, open_store
from controller.stores.port import OutcomeUnknown, StoreUnavailable
from controller.stores.postgres import PostgresStore
from controller.stores.postgres_link import Access, Waits
from controller.stores.postgres_record import PostgresRecord
from gridward.private_postgres import PrivatePostgres
from tests.controller.record_builders import T0, after, opened, planned
from tests.controller.stores.samples_and_entries import credit, refused, sample, told
from tests.postgres_server import (
    DAEMON,
    OWNER,
    Database,
    Wire,
    empty_database,
    new_database,
    password_file,
    shared_server,
    started,
)

pytestmark = pytest.mark.postgres

IMPATIENT = Waits(connect_s=2, statement_s=0.8, lock_s=0.5, silence_s=1.0, start_s=0.2, return_tries=3)


@pytest.fixture
def database() -> Iterator[Database]:
    database = new_database(shared_server())
    yield database
    database.drop()


@pytest.fixture
def empty() -> Iterator[Database]:
    """Without a store."""
    database = empty_database(shared_server())
    yield database
    database.drop()


def access_of(database: Database, user: str = DAEMON, waits: Waits = IMPATIENT) -> Access:
    return Access(database.url(user), durable=False, waits=waits)


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    with closing(PostgresStore(access_of(database))) as store:
        store.take_over("test")
        yield store


# --- rights


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (DAEMON, psycopg.errors.InsufficientPrivilege),
        (OWNER, psycopg.errors.InsufficientPrivilege),
        ("postgres", psycopg.errors.RestrictViolation),
    ],
)
def test_the_record_is_append_only(
    store: PostgresStore, database: Database, who: str, refusal: type[psycopg.Error]
) -> None:
    store.commit([credit()])
    for table, column in (("journal", "body"), ("transactions", "key"), ("postings", "key")):
        for act in (f"UPDATE {table} SET {column} = ''", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(refusal):
                database.run(act, who)
    assert told(store) == [credit()]


def test_no_way_around_the_triggers(store: PostgresStore, database: Database) -> None:
    store.commit([refused()])
    replacing = "INSERT INTO journal SELECT * FROM journal ON CONFLICT (seq) DO UPDATE SET body = ''"
    for settings in ("", "SET session_replication_role = replica; "):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            database.run(settings + replacing)


def test_the_daemon_can_neither_make_tables_nor_look_elsewhere(database: Database) -> None:
    for script in ("CREATE TABLE t ()", "DROP TABLE samples", "DELETE FROM samples", "DELETE FROM control"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.run(script, DAEMON)


def test_the_reader_cannot_write(database: Database) -> None:
    access = replace(access_of(database), read_only=True)
    with closing(PostgresRecord.open(access)) as record, pytest.raises(StoreUnavailable, match="read-only"):
        record._rows("UPDATE gridward.control SET epoch = 9 RETURNING epoch")


def test_the_journal_can_be_looked_into_with_sql(store: PostgresStore, database: Database) -> None:
    store.commit([opened(), planned()])
    assert database.rows("SELECT seq, at, tag, feeder FROM entries ORDER BY seq") == [
        (1, T0, "event_opened", "dorf"),
        (2, T0, "request_planned", "dorf"),
    ]


def test_a_character_that_json_of_the_server_cannot_hold_leaves_the_journal_readable(
    store: PostgresStore, database: Database
) -> None:
    """A meter's sender may put anything into what is kept of it as a sample."""
    store.commit([replace_sample("a\0b"), refused()])
    assert database.rows("SELECT seq, body ->> 'sample' FROM entries ORDER BY seq") == [
        (1, "a\N{REPLACEMENT CHARACTER}b"),
        (2, "M-001"),
    ]
    assert told(store)[0] == replace_sample("a\0b")


def replace_sample(sample: str) -> ReadingsRefused:
    return msgspec.structs.replace(refused(), sample=sample)


# --- samples by day


def partitions(database: Database) -> list[str]:
    found = database.rows("SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid ORDER BY 1")
    return [str(name) for (name,) in found if str(name).startswith("samples_2") and "pkey" not in str(name)]


def test_samples_are_kept_by_day_with_the_next_day_ready(store: PostgresStore, database: Database) -> None:
    store.commit([], [sample(), sample(5), sample(86_400 * 2)])
    days = ["samples_20260112", "samples_20260113", "samples_20260114", "samples_20260115"]
    assert partitions(database) == days
    assert database.rows("SELECT count(*) FROM samples_20260112") == [(2,)]


def test_old_days_are_dropped_whole_and_the_rest_is_deleted(store: PostgresStore, database: Database) -> None:
    store.commit([], [sample(), sample(86_400), sample(86_400 + 5)])
    # as a day's last row may go with its table only, a trigger tells of rows that were deleted one by one
    database.run(
        "CREATE TABLE gone (at timestamptz);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN INSERT INTO gridward.gone VALUES (OLD.at); RETURN OLD; END $$;"
        "CREATE TRIGGER note BEFORE DELETE ON samples FOR EACH ROW EXECUTE FUNCTION note()"
    )
    assert store.prune_samples(after(86_400 + 5)) == 2
    assert partitions(database) == ["samples_20260113", "samples_20260114"]
    assert database.rows("SELECT at FROM gone") == [(after(86_400),)]
    store.commit([], [sample(3)])  # a day that was dropped is made anew
    assert [s.at for s in store.samples("dorf", T0, after(99))] == [after(3)]


def test_days_that_are_being_read_are_dropped_another_time(store: PostgresStore, database: Database) -> None:
    """Whoever waits to drop a table keeps every writer waiting behind: so it is not waited for."""
    store.commit([], [sample(), sample(86_400)])
    reader = psycopg.connect(database.url(OWNER))
    reader.execute("SELECT count(*) FROM gridward.samples")
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="lock timeout"):
        store.prune_samples(after(86_400))
    assert time.monotonic() - began < 10.0
    reader.close()
    assert store.prune_samples(after(86_400)) == 1


def test_a_migration_has_its_time(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have to rewrite whole tables; the daemon's impatience would end it on every start anew."""
    waits: list[float] = []

    def made(connect: Callable[[], psycopg.Connection]) -> None:
        with connect() as connection:
            waits.append(connection.silence_s)  # type: ignore[attr-defined]
        upgrade(connect)

    upgrade = migrations._upgrade
    monkeypatch.setattr(migrations, "_upgrade", made)
    PostgresStore(access_of(empty, OWNER)).close()
    empty.run("DROP SCHEMA gridward CASCADE")
    migrate_store(Settings(postgres=empty.url(OWNER)))
    assert min(waits) >= 3600
    assert len(waits) == 2


def test_days_are_looked_for_anew_on_a_new_connection(store: PostgresStore, database: Database) -> None:
    """The new one may be to another server: one that was promoted, or put back from a backup."""
    store.commit([], [sample()])
    database.run("DROP TABLE samples_20260112")
    end_connections(database)
    store.commit([], [sample(5)])
    assert [s.at for s in store.samples("dorf", T0, after(99))] == [after(5)]


def test_a_full_disk_loses_nothing_and_the_store_recovers(store: PostgresStore, database: Database) -> None:
    store.commit([refused(0)])
    database.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON samples FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    with pytest.raises(StoreUnavailable, match="no space left") as unwritten:
        store.commit([refused(1)], [sample()])
    assert not isinstance(unwritten.value, OutcomeUnknown)
    assert told(store) == [refused(0)]
    database.run("DROP TRIGGER full_disk ON samples")
    assert store.commit([refused(2)], [sample()]) == [2]


# --- versions


def test_tables_are_made_from_nothing_by_who_takes_over(empty: Database) -> None:
    with closing(PostgresStore(access_of(empty, OWNER))) as store:
        store.take_over("test")
        assert store.commit([opened()], [sample()]) == [1]
    assert empty.rows("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_the_version_is_that_of_the_last_step() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_newer_store_is_refused(database: Database) -> None:
    database.run("UPDATE alembic_version SET version_num = '0999'")
    for use in (
        lambda: PostgresStore(access_of(database)),
        lambda: PostgresRecord.open(access_of(database)),
        lambda: migrate_store(Settings(postgres=database.url(OWNER))),
    ):
        with pytest.raises(StoreUnavailable, match="schema 0999, newer than"):
            use()


def test_who_may_not_make_tables_is_told_what_to_do(empty: Database) -> None:
    with pytest.raises(StoreUnavailable, match="run `gridward store migrate` as its owner"):
        PostgresStore(access_of(empty))
    with pytest.raises(StoreUnavailable, match="holds no Gridward store"):
        PostgresRecord.open(access_of(empty))


def test_a_schema_of_somebody_else_is_left_alone(empty: Database) -> None:
    empty.run("CREATE SCHEMA gridward; CREATE TABLE gridward.theirs ()", OWNER)
    with pytest.raises(StoreUnavailable, match="not a Gridward store"):
        PostgresStore(access_of(empty, OWNER))


def test_a_change_that_fails_on_the_way_has_changed_nothing(empty: Database) -> None:
    empty.run(
        "CREATE FUNCTION public.fail() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'killed here'; END $$;"
        "CREATE EVENT TRIGGER fail ON ddl_command_end WHEN TAG IN ('CREATE VIEW')"
        " EXECUTE FUNCTION public.fail()"
    )
    with pytest.raises(StoreUnavailable, match="killed here"):
        PostgresStore(access_of(empty, OWNER))
    assert empty.rows("SELECT FROM pg_namespace WHERE nspname = 'gridward'") == []
    empty.run("DROP EVENT TRIGGER fail")
    PostgresStore(access_of(empty, OWNER)).close()


def test_two_who_make_the_tables_at_once(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = lambda: psycopg.connect(empty.url(OWNER), autocommit=True)  # noqa: E731
    both = threading.Barrier(2)
    true_version = migrations.version

    def version(connection: psycopg.Connection) -> str | None:
        found = true_version(connection)
        both.wait(timeout=60)
        return found

    monkeypatch.setattr(migrations, "version", version)
    faults: list[BaseException] = []

    def make() -> None:
        try:
            with connect() as connection:
                migrations.migrate(connection, connect)
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_tables_are_not_changed_under_a_daemon(store: PostgresStore, database: Database) -> None:
    database.run("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreUnavailable, match="another controller is writing"):
        migrate_store(Settings(postgres=database.url(OWNER)))


def test_a_database_that_cannot_hold_every_text_is_refused() -> None:
    database = empty_database(shared_server(), template="template0", more="ENCODING 'LATIN1'")
    with pytest.raises(StoreUnavailable, match="encoding LATIN1, expected UTF8"):
        PostgresStore(access_of(database, OWNER))


def test_a_server_that_loses_what_it_acknowledged_is_refused(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="expected fsync, full_page_writes"):
        open_store(Settings(postgres=database.url(DAEMON)))
    with pytest.raises(StoreUnavailable, match="synchronous_commit to be on"):
        open_store(Settings(postgres=database.url(DAEMON) + "?options=-csynchronous_commit%3Doff"))


# --- one writer


def test_a_lock_that_was_lost_does_not_stop_who_commands(store: PostgresStore, database: Database) -> None:
    store.commit([refused(1)])
    end_connections(database)
    with database.connect() as another:
        another.execute("SELECT pg_advisory_lock(1195788849, 1)")
        assert store.commit([refused(2)]) == [2]
        end_connections(database, spare=another)
        assert store.commit([refused(3)]) == [3]
    with pytest.raises(StoreUnavailable, match="another controller is writing"):
        PostgresStore(access_of(database)).close()


def test_who_lost_its_lock_is_stopped_by_the_epoch_of_the_next(
    store: PostgresStore, database: Database
) -> None:
    store.commit([refused(1)])
    end_connections(database)
    with closing(PostgresStore(access_of(database))) as following:
        assert following.take_over("next") == 2
        with pytest.raises(Replaced, match="epoch 2 is in force, ours is 1"):
            store.commit([refused(2)])
        assert store.epoch() == 2
        with pytest.raises(StoreUnavailable, match="another controller is writing"):
            store.take_over("again")
        assert following.commit([refused(3)]) == [2]


def test_a_take_over_waits_for_a_commit_under_way(store: PostgresStore, database: Database) -> None:
    with database.connect(DAEMON) as commits:
        commits.execute("BEGIN")
        commits.execute("SELECT epoch FROM control FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            store.take_over("next")
    assert store.take_over("next") == 2


def end_connections(database: Database, spare: psycopg.Connection | None = None) -> None:
    """As a server that is started again does, or a network that fails."""
    spared = 0 if spare is None else spare.info.backend_pid
    database.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), {spared})"
    )


# --- a server that goes away


@pytest.fixture
def wire(database: Database) -> Iterator[Wire]:
    with Wire(database.server.port) as wire:
        yield wire


@pytest.fixture
def far(database: Database, wire: Wire, tmp_path: Path) -> Iterator[PostgresStore]:
    """A store behind a wire that can be cut."""
    url = database.url(DAEMON, port=wire.port)
    access = Access(url, password_file(tmp_path), durable=False, waits=IMPATIENT)
    with closing(PostgresStore(access, pause=lambda _: None)) as store:
        store.take_over("far")
        store.commit([refused(1)])
        yield store


def test_a_wrong_password_is_told_without_it(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter2\n")
    url = database.url(DAEMON, port=database.server.port)
    with pytest.raises(StoreUnavailable, match="password authentication failed") as told_:
        open_store(Settings(postgres=url, password_file=path))
    assert "hunter2" not in str(told_.value)


def test_the_next_call_after_a_cut_works(far: PostgresStore, wire: Wire) -> None:
    for call in (far.epoch, lambda: far.commit([refused(2)]), lambda: told(far), far.balances):
        wire.cut()
        call()
    assert told(far) == [refused(1), refused(2)]


@pytest.mark.parametrize("after_answer", [False, True])
def test_a_commit_that_was_cut_is_written_once(far: PostgresStore, wire: Wire, after_answer: bool) -> None:
    wire.cut_at(b"COMMIT", after_answer=after_answer)
    assert far.commit([refused(2), credit(), refused(3)], [sample()]) == [2, 3, 4]
    assert wire.cuts == 1
    assert [n.seq for n in far.replay()] == [1, 2, 3, 4]
    assert len(far.samples("dorf", T0, after(1))) == 1
    assert audit(far).fault is None


@pytest.mark.parametrize("after_answer", [False, True])
def test_what_could_not_be_learned_is_learned_by_the_next_commit(
    far: PostgresStore, wire: Wire, after_answer: bool
) -> None:
    wire.cut_at(b"COMMIT", after_answer=after_answer, then_refuse=True)
    with pytest.raises(OutcomeUnknown, match="does not say whether it had"):
        far.commit([refused(2)])
    with pytest.raises(StoreUnavailable) as still:
        far.commit([refused(3)])
    assert not isinstance(still.value, OutcomeUnknown), "nothing of that one was sent"
    wire.allow()
    if after_answer:
        for _ in range(2):
            with pytest.raises(JournalAhead, match="entry 2 is in the journal"):
                far.commit([refused(4)])
        assert far.take_over("far") == 2
        assert told(far) == [refused(1), refused(2)]
        assert far.commit([refused(5)]) == [3]
    else:
        assert far.commit([refused(4)]) == [2]
        assert told(far) == [refused(1), refused(4)]


def test_a_commit_that_still_runs_is_not_called_lost(database: Database) -> None:
    """The server is slow, the client gives up, and the commit comes through after all."""
    database.run(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$;"
        "CREATE TRIGGER slow BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION slow();"
    )
    waits = replace(IMPATIENT, statement_s=60, lock_s=60, silence_s=0.3)
    with closing(PostgresStore(access_of(database, waits=waits), pause=lambda _: None)) as store:
        store.take_over("test")
        with database.connect() as brake:
            brake.execute("SELECT pg_advisory_lock(77)")
            with pytest.raises(OutcomeUnknown, match="wait timeout expired"):
                store.commit([refused(1)])
            with pytest.raises(StoreUnavailable):
                store.commit([refused(2)])
        with pytest.raises(JournalAhead):
            store.commit([refused(3)])
        assert told(store) == [refused(1)]


def test_a_server_that_says_nothing_is_given_up_on(far: PostgresStore, wire: Wire) -> None:
    wire.stall()
    with pytest.raises(StoreUnavailable):
        far.epoch()
    with pytest.raises(StoreUnavailable):
        far.commit([refused(2)])
    wire.allow()
    wire.cut()
    assert far.commit([refused(3)]) == [2]


@pytest.fixture(scope="module")
def mortal() -> Iterator[PrivatePostgres]:
    """A server to be killed. What it wrote is with the system then, whether it was synced or not."""
    server = started(fsync=False)
    yield server
    server.remove()


def lasting(database: Database, waits: Waits = IMPATIENT) -> Access:
    """Commits wait until the server has written them."""
    url = database.url(DAEMON) + "?options=-csynchronous_commit%3Don"
    return Access(url, durable=False, waits=waits)


def test_kill_9_of_the_server_loses_and_doubles_nothing(mortal: PrivatePostgres) -> None:
    """Killed again and again while somebody commits without a pause: what was acknowledged is there, once."""
    waits = replace(IMPATIENT, return_tries=200, return_pause_s=0.05)
    store = PostgresStore(lasting(new_database(mortal), waits))
    store.take_over("test")
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        for count in itertools.count():
            if stop.is_set():
                return
            with suppress(StoreUnavailable):
                acknowledged.extend(store.commit([refused(count), refused(count)], [sample(count)]))

    writer = threading.Thread(target=write)
    writer.start()
    rng = np.random.default_rng(5)
    for _ in range(4):
        reached = len(acknowledged) + 2 * int(rng.integers(1, 40))
        while len(acknowledged) < reached and writer.is_alive():
            stop.wait(0.005)
        mortal.kill()
        mortal.start()
    stop.set()
    writer.join()
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    with closing(store):
        found = [entry.count for entry in told(store) if isinstance(entry, ReadingsRefused)]
        assert len(found) == len(acknowledged)
        assert found[::2] == found[1::2] == sorted(set(found))
        assert len(store.samples("dorf", T0, T0 + timedelta(days=9))) == len(set(found))
        assert audit(store).fault is None


def test_a_server_that_is_down_is_told_and_used_again_when_it_is_back(mortal: PrivatePostgres) -> None:
    with closing(PostgresStore(lasting(new_database(mortal)))) as store:
        store.take_over("test")
        store.commit([refused(1)])
        mortal.kill()
        for call in (store.epoch, lambda: store.commit([refused(2)]), lambda: store.prune_samples(T0)):
            with pytest.raises(StoreUnavailable, match="the store cannot be used"):
                call()
        mortal.start()
        assert store.commit([refused(3)]) == [2]
        assert told(store) == [refused(1), refused(3)]
