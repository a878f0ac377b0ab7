import json
from pathlib import Path

import pytest

from controller.stores.archive import head
from gridward.cli import main
from tests.controller.stores.test_archive import continued
from tests.gridward.stores import alter, write_store
from tests.gridward.test_config_check import site

Output = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The site's folder, its store as a daemon left it."""
    site(tmp_path)
    write_store(tmp_path / "state" / "gridward.sqlite3")
    return tmp_path


def test_a_backup_and_back(place: Path, capsys: Output) -> None:
    out, settings = str(place / "today.sqlite3"), str(place / "site.toml")
    store = place / "state" / "gridward.sqlite3"
    before = head(store)
    assert main(["backup", settings, "--out", out]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{out}: whole: {before.seq} entries, the last link {before.link.hex()}, ")
    continued(store, 2)
    assert main(["restore", out, settings]) == 2
    assert "2 entries more than the backup" in capsys.readouterr().err
    assert main(["restore", out, settings, "--replace", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["entries"] == before.seq
    assert document["last_link"] == before.link.hex()
    assert document["epoch"] == 1_000_002
    assert head(Path(document["kept"])).seq == before.seq + 2
    assert head(store) == before


def test_a_backup_as_one_document(place: Path, capsys: Output) -> None:
    out = place / "today.sqlite3"
    assert main(["backup", str(place / "site.toml"), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["size_bytes"] == out.stat().st_size
    assert (document["transactions"], document["epoch"]) == (1, 1)


def test_the_epoch_that_is_asked_for(place: Path, capsys: Output) -> None:
    out, settings = str(place / "today.sqlite3"), str(place / "site.toml")
    assert main(["backup", settings, "--out", out]) == 0
    assert main(["restore", out, settings, "--epoch-at-least", "5000000"]) == 0
    assert "epoch 5000000 is in force" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["restore", out, settings, "--epoch-at-least", "-1"])


@pytest.mark.parametrize("side", ["", "-wal", "-shm", ".lock"])
def test_a_backup_never_overwrites_the_store(place: Path, side: str, capsys: Output) -> None:
    store = place / "state" / "gridward.sqlite3"
    before = head(store)
    assert main(["backup", str(place / "site.toml"), "--out", f"{store}{side}"]) == 2
    assert "this is the store" in capsys.readouterr().err
    assert head(store) == before


def test_what_is_broken_is_neither_backed_up_nor_restored(place: Path, capsys: Output) -> None:
    out, settings = place / "today.sqlite3", str(place / "site.toml")
    assert main(["backup", settings, "--out", str(out)]) == 0
    alter(out, "UPDATE journal SET body = replace(body, '127.4', '99.4') WHERE seq = 2")
    assert main(["restore", str(out), settings]) == 1
    assert "entry 2 was altered" in capsys.readouterr().err
    alter(place / "state" / "gridward.sqlite3", "UPDATE postings SET amount = amount + 1 WHERE amount > 0")
    assert main(["backup", settings, "--out", str(place / "next.sqlite3")]) == 1
    assert "no backup was written" in capsys.readouterr().err
    assert not (place / "next.sqlite3").exists()


def test_wrong_input_is_told(place: Path, tmp_path: Path, capsys: Output) -> None:
    settings = str(place / "site.toml")
    with pytest.raises(SystemExit, match="2"):
        main(["backup", str(tmp_path / "none.toml"), "--out", "x"])
    assert "expected a readable file" in capsys.readouterr().err
    assert main(["backup", settings, "--out", str(tmp_path / "no" / "folder.sqlite3")]) == 2
    assert main(["restore", str(tmp_path / "none"), settings]) == 2
    assert "there is no store at" in capsys.readouterr().err


@pytest.mark.postgres
def test_from_a_file_into_postgres_and_back(place: Path, capsys: Output) -> None:
    from tests.postgres_server import new_database, shared_server

    database = new_database(shared_server())
    one, two = str(place / "one.sqlite3"), str(place / "two.sqlite3")
    assert main(["backup", str(place / "site.toml"), "--out", one]) == 0
    assert main(["restore", one, database.url()]) == 0
    assert main(["backup", database.url(), "--out", two]) == 0
    capsys.readouterr()
    assert head(Path(two)) == head(Path(one))
    assert main(["restore", one, database.url(), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["store"] == database.url()
    assert head(Path(document["kept"])) == head(Path(one))
    assert document["epoch"] == 2_000_001
    database.drop()
