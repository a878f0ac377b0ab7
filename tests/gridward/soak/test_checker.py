"""The judge finds each kind of damage, and shares no code with what it judges."""

import ast
import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controller.stores import archive
from gridward.soak import checker
from gridward.soak.checker import Acknowledged, judge
from tests.gridward.stores import R1, alter, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store.sqlite3")


def faults(store: Path, acknowledged: Acknowledged | None = None) -> tuple[str, ...]:
    scratch = store.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return judge(store, acknowledged or Acknowledged(), scratch).faults


def acknowledged(store: Path) -> Acknowledged:
    """All of it."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT seq, body FROM journal").fetchall()
        keys = connection.execute("SELECT key FROM transactions").fetchall()
    return Acknowledged(
        entries={seq: hashlib.sha256(body.encode()).hexdigest() for seq, body in rows},
        keys={key for (key,) in keys},
        epoch=1,
    )


def test_it_shares_no_code_with_the_daemon() -> None:
    tree = ast.parse(Path(checker.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {"gridward", "controller", "devices", "grid_model", "customers", "simulations", "console"}
    assert "sqlite3" in imported
    assert not imported & ours


def test_a_whole_store_is_whole(store: Path) -> None:
    found = judge(store, acknowledged(store), store.parent)
    assert found.faults == ()
    assert (found.settled, found.credits, found.epochs) == (1, 1, 1)
    assert found.entries == archive.head(store).seq


def test_a_killed_writers_log_is_part_of_it(store: Path, tmp_path: Path) -> None:
    from controller.stores.sqlite import SqliteStore
    from tests.controller.stores.samples_and_entries import refused

    running = SqliteStore(store)
    running.take_over("test")
    (last,) = running.commit([refused()])
    copy = tmp_path / "copy" / "store.sqlite3"
    copy.parent.mkdir()
    for side in ("", "-wal"):
        shutil.copyfile(f"{store}{side}", f"{copy}{side}")
    running.close()
    assert faults(copy, Acknowledged(entries={last: ""}, epoch=2)) == ()
    copy.with_name("store.sqlite3-wal").unlink()
    assert faults(copy, Acknowledged(entries={last: ""}, epoch=2)) == (
        f"entry {last} was acknowledged and is lost",
        "epoch 1 is in force, but 2 was taken",
    )


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE journal SET body = replace(body, '127', '99') WHERE seq = 2", "the chain breaks at entry 2"),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 3", "the chain breaks at entry 3"),
        ("UPDATE journal SET previous = zeroblob(32) WHERE seq = 3", "the chain breaks at entry 3"),
        ("DELETE FROM journal WHERE seq = 3", "entry 3 is missing: 4 is there"),
        ("UPDATE journal SET body = replace(body, 'dorf', 'Dorf') WHERE seq = 5", "entry 5 is another than"),
        ("UPDATE postings SET amount = amount + 1 WHERE line = 0", "does not sum to zero"),
        ("UPDATE postings SET account = 'customer:Eve' WHERE line = 1", "are not what the journal tells"),
        ("INSERT INTO postings SELECT key, 9, 'x', 'points', 7 FROM transactions", "all accounts together"),
        ("UPDATE control SET epoch = 0", "epoch 0 is in force, but 1 was taken"),
    ],
)  # fmt: skip
def test_what_was_altered_is_found(store: Path, tamper: str, fault: str) -> None:
    known = acknowledged(store)
    alter(store, tamper)
    assert any(fault in found for found in faults(store, known)), faults(store, known)


def rewrite(store: Path, change: str) -> None:
    """Change the journal and make its chain anew: what no hash would show."""
    alter(store, change)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        rows = connection.execute("SELECT seq, body FROM journal ORDER BY seq").fetchall()
        previous = bytes(32)
        for number, (seq, body) in enumerate(rows, 1):
            link = hashlib.sha256(previous + number.to_bytes(8, "big") + body.encode()).digest()
            connection.execute(
                "UPDATE journal SET seq = ?, previous = ?, hash = ? WHERE seq = ?",
                (number, previous, link, seq),
            )
            previous = link


def test_a_damaged_page_is_found_wherever_it_is(store: Path) -> None:
    """The last link is in the journal and in its index: no reading goes through the index."""
    whole, link = store.read_bytes(), archive.head(store).link
    places = [place for place in range(len(whole)) if whole.startswith(link, place)]
    found = []
    for place in places:
        store.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found.append(faults(store))
    assert len(found) == 2
    assert all(found)
    assert any("SQLite finds the file damaged" in fault for fault in found[0] + found[1])
    assert any("the chain breaks" in fault for fault in found[0] + found[1])


CREDIT = "(SELECT seq FROM journal WHERE tag = 'ledger_posted')"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "INSERT INTO journal SELECT 90, replace(body, '/credit/', '/again/'), previous, zeroblob(32)"
            f" FROM journal WHERE seq = {CREDIT}",
            f"{R1} was credited 2 times",
        ),
        (
            "INSERT INTO journal SELECT 90, body, previous, zeroblob(32) FROM journal"
            " WHERE tag = 'request_settled'",
            f"{R1} was settled twice (entry 12)",
        ),
        (
            "UPDATE journal SET body = replace(body, '\"points\":', '\"points\":1')"
            " WHERE tag = 'request_settled'",
            f"{R1} earned",
        ),
        (
            "INSERT INTO journal SELECT 90, body, previous, zeroblob(32) FROM journal WHERE seq = 1",
            "epoch 1 started after 1",
        ),
    ],
)  # fmt: skip
def test_what_no_hash_shows_is_found(store: Path, change: str, fault: str) -> None:
    rewrite(store, change)
    found = faults(store)
    assert not any("chain" in one for one in found)
    assert any(fault in one for one in found), found


def test_a_store_that_is_gone_or_rubbish_is_found(store: Path) -> None:
    known = acknowledged(store)
    store.write_bytes(b"rubbish" * 100)
    assert faults(store, known)[0].startswith("the store cannot be read")
    store.unlink()
    assert faults(store, known) == ("the store is empty, but entries were acknowledged",)
    assert faults(store) == (), "a writer that was killed before its first word leaves nothing"
