"""A store in PostgreSQL, as the commands see it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from controller.clock import WallClock
from controller.settings import Store
from controller.settings_file import load_site
from controller.stores import migrations
from controller.stores.opening import open_store
from controller.stores.port import StoreUnavailable
from gridward.cli import main
from gridward.stored_record import is_of_store, place_of
from gridward.wiring import assemble
from tests.controller.record_builders import after
from tests.controller.stores.samples_and_entries import credit, sample
from tests.gridward.test_config_check import SITE, site
from tests.postgres_server import DAEMON, OWNER, Database, empty_database, new_database, shared_server


@pytest.fixture
def database() -> Iterator[Database]:
    database = new_database(shared_server())
    yield database
    database.drop()


@pytest.fixture
def empty() -> Iterator[Database]:
    database = empty_database(shared_server())
    yield database
    database.drop()


@pytest.mark.postgres
def test_the_owner_makes_the_tables_and_gives_the_daemon_its_rights(
    empty: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = empty.url(OWNER)
    assert main(["store", "migrate", url, "--daemon-role", DAEMON]) == 0
    assert capsys.readouterr().out == f"{url}: now of version {migrations.HEAD}, made\n"
    with closing(open_store(Store(postgres=empty.url(DAEMON), durable=False))) as store:
        store.take_over("daemon")
        assert store.commit([credit()], [sample()]) == [1]
        assert store.prune_samples(after(1)) == 1
    assert main(["store", "migrate", url, "--json"]) == 0
    told = {"store": url, "before": migrations.HEAD, "after": migrations.HEAD}
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.postgres
def test_a_role_that_is_not_there_is_told(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "migrate", database.url(OWNER), "--daemon-role", 'no"body']) == 2
    assert 'role "no"body" does not exist' in capsys.readouterr().err


def test_sqlite_needs_no_such_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "migrate", "record.sqlite3"]) == 2
    assert "expected a store in PostgreSQL" in capsys.readouterr().err


@pytest.mark.postgres
def test_the_commands_that_look_take_a_url_and_a_site(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url(DAEMON)
    with closing(open_store(Store(postgres=url, durable=False))) as store:
        store.take_over("daemon")
        store.commit([credit()])
        of_site = site(tmp_path, SITE + f'[store]\npostgres = "{url}"\n')
        for place in (url, of_site):
            assert main(["ledger", "balances", "--json", "--store", place]) == 0
            rows = json.loads(capsys.readouterr().out)["balances"]
            assert {"account": "customer:C-001", "unit": "points", "balance": 123} in rows
            assert main(["audit", "tell", "--json", "--store", place]) == 0
            assert [told["seq"] for told in json.loads(capsys.readouterr().out)] == [1]
        assert main(["audit", "export", "--store", url, "--out", str(tmp_path / "out.csv")]) == 0
        assert main(["ledger", "statement", "C-001", "--store", url, "--csv", str(tmp_path / "s.csv")]) == 0


@pytest.mark.postgres
def test_a_daemon_takes_over_and_another_after_it(database: Database, tmp_path: Path) -> None:
    path = site(tmp_path, SITE + f'[store]\npostgres = "{database.url(DAEMON)}"\ndurable = false\n')
    for epoch in (1, 2):
        assembly = assemble(load_site(Path(path)), WallClock(), np.random.default_rng(1))
        asyncio.run(assembly.daemon.start())
        assembly.store.close()
        told = database.rows("SELECT body ->> 'epoch' FROM entries WHERE tag = 'controller_started'")
        assert [int(str(one)) for (one,) in told] == list(range(1, epoch + 1))


@pytest.mark.postgres
def test_a_database_without_a_store_is_told(empty: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--store", empty.url(OWNER)]) == 2
    assert "the database holds no Gridward store: `gridward store migrate` makes one" in (
        capsys.readouterr().err
    )


@pytest.mark.postgres
def test_the_doctor_looks_at_a_store(
    database: Database, empty: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    for where, verdict, found in (
        (database, "good", "epoch 0, answers in"),
        (empty, "bad", "no Gridward store"),
    ):
        main(["doctor", "--json", "--store", where.url(OWNER)])
        store = json.loads(capsys.readouterr().out)[-1]
        assert (store["subject"], store["verdict"]) == ("store", verdict)
        assert found in store["found"]


def test_without_the_extra_it_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"pip install 'gridward\[postgres\]'"):
        open_store(Store(postgres="postgresql://db/gridward"))
    path = site(tmp_path, SITE + '[store]\npostgres = "postgresql://db/gridward"\n')
    assert main(["config", "check", path]) == 2
    assert "store.postgres: a store in PostgreSQL needs the extra `postgres`" in capsys.readouterr().err
    assert main(["ledger", "balances", "--store", "postgresql://db/gridward"]) == 2
    assert "needs the extra" in capsys.readouterr().err


def test_what_names_a_store(tmp_path: Path) -> None:
    assert place_of("a.sqlite3") == Path("a.sqlite3")
    assert place_of("postgresql://db/g") == Store(postgres="postgresql://db/g")
    assert place_of(site(tmp_path)) == tmp_path / "state" / "gridward.sqlite3"
    with pytest.raises(argparse.ArgumentTypeError, match="no password in it"):
        place_of("postgresql://g:secret@db/g")
    with pytest.raises(argparse.ArgumentTypeError, match="expected a readable file"):
        place_of(str(tmp_path / "none.toml"))


def test_a_stores_own_files_are_known(tmp_path: Path) -> None:
    own = tmp_path / "a.sqlite3"
    own.touch()
    (tmp_path / "b").symlink_to(own)
    (tmp_path / "c").hardlink_to(own)
    for path in (own, tmp_path / "a.sqlite3-wal", tmp_path / "b", tmp_path / "c"):
        assert is_of_store(path, own)
        assert is_of_store(path, Store(path=own))
        assert not is_of_store(path, Store(path=own, postgres="postgresql://db/g"))
    assert not is_of_store(tmp_path / "d", own)
