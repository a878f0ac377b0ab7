import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from controller.books import Books
from controller.errors import RecordBroken
from controller.settings import Store as Settings
from controller.stores import archive, whole_file
from controller.stores.archive import ArchiveRefused, Contents, head, holds, judged
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import SqliteStore
from tests.controller.record_builders import after
from tests.controller.stores import journal_writer
from tests.controller.stores.killed import killed_at
from tests.controller.stores.samples_and_entries import refused
from tests.gridward.stores import alter, write_store


def back_up(store: Path, out: Path) -> Contents:
    return archive.back_up(archive.copy_of(Settings(path=store)), out)


def books(path: Path) -> Books:
    with closing(SqliteRecord.open(path)) as record:
        found = Books()
        found.apply_all(record.replay())
        return found


def balances(path: Path) -> dict[tuple[str, str], int]:
    with closing(SqliteRecord.open(path)) as record:
        return record.balances()


def continued(path: Path, entries: int = 1) -> Path:
    """The same store, some entries later."""
    store = SqliteStore(path, durable=False)
    store.take_over("later")
    store.commit([refused(number) for number in range(entries)])
    store.close()
    return path


def test_a_backup_is_one_file_with_all_of_the_record(tmp_path: Path) -> None:
    store, out = write_store(tmp_path / "store.sqlite3"), tmp_path / "backups" / "today.sqlite3"
    out.parent.mkdir()
    contents = back_up(store, out)
    assert [file.name for file in out.parent.iterdir()] == ["today.sqlite3"]
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes()[18:20] == b"\x01\x01", "no write-ahead log: reading it leaves nothing beside it"
    assert (contents.head, contents.transactions, contents.epoch) == (head(store), 1, 1)
    assert contents.sums == {"points": 0, "EUR-cent": 0}
    assert contents.size_bytes == out.stat().st_size
    assert books(out) == books(store)
    assert balances(out) == balances(store) != {}


def test_a_backup_taken_while_a_writer_commits_is_whole_and_holds_its_beginning(tmp_path: Path) -> None:
    path, out = tmp_path / "record.sqlite3", tmp_path / "backup.sqlite3"
    command = [sys.executable, "-m", journal_writer.__name__, str(path)]
    heads = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(12):
            before = int(writer.stdout.readline())
            drained = threading.Thread(target=lambda: [writer.stdout.readline() for _ in range(30)])
            drained.start()
            contents = back_up(path, out)
            drained.join()
            assert contents.head.seq >= before, "what was acknowledged before it began is in it"
            heads.append(contents.head)
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
    assert len({end.seq for end in heads}) == len(heads), "the writer wrote on"
    assert all(holds(path, end) for end in heads)
    assert head(path).seq > heads[-1].seq
    with closing(SqliteRecord.open(out)) as record:
        samples = record.samples("dorf", journal_writer.START, after(10**9))
    assert len(samples) == heads[-1].seq // 3, "entries and samples of one commit are in it, or neither"


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE journal SET body = replace(body, '127.4', '99.4') WHERE seq = 2",
        "UPDATE postings SET amount = amount + 1 WHERE amount > 0",
        "DELETE FROM journal WHERE seq = 5",
    ],
)
def test_a_broken_store_gives_no_backup_and_leaves_the_old_one(tmp_path: Path, tamper: str) -> None:
    store, out = write_store(tmp_path / "store.sqlite3"), tmp_path / "out.sqlite3"
    back_up(store, out)
    before = out.read_bytes()
    alter(store, tamper)
    with pytest.raises(RecordBroken):
        back_up(store, out)
    assert out.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_backup_takes_the_place_of_an_earlier_one_but_of_no_longer_one(tmp_path: Path) -> None:
    store, out = write_store(tmp_path / "store.sqlite3"), tmp_path / "out.sqlite3"
    back_up(store, out)
    back_up(continued(store), out)
    assert head(out) == head(store)
    shorter = write_store(tmp_path / "shorter.sqlite3")
    with pytest.raises(ArchiveRefused, match="does not continue"):
        back_up(shorter, out)
    assert head(out) == head(store)


def test_a_file_that_is_no_backup_is_left_alone(tmp_path: Path) -> None:
    store, out = write_store(tmp_path / "store.sqlite3"), tmp_path / "letter.txt"
    out.write_text("Dear Ann")
    with pytest.raises(ArchiveRefused, match="is no backup"):
        back_up(store, out)
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as other:
        other.execute("CREATE TABLE letters (body TEXT)")
    with pytest.raises(ArchiveRefused, match="not a Gridward store"):
        back_up(store, tmp_path / "other.sqlite3")
    assert out.read_text() == "Dear Ann"


def test_no_store_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no store"):
        back_up(tmp_path / "none.sqlite3", tmp_path / "out.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_a_journal_holds_what_it_went_through(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.sqlite3")
    end = head(store)
    assert holds(continued(store), end)
    assert not holds(store, archive.Head(end.seq, bytes(32)))
    assert not holds(store, archive.Head(end.seq + 2, bytes(32)))
    assert holds(store, archive.Head(0, bytes(32)))
    with pytest.raises(StoreUnavailable):
        judged(tmp_path / "none")


def test_killed_anywhere_the_backup_is_the_old_or_the_new_one_and_the_store_goes_on(tmp_path: Path) -> None:
    store, out = write_store(tmp_path / "store.sqlite3"), tmp_path / "out.sqlite3"
    seen = set()
    for number in range(1, 1000, 3):
        old = back_up(store, out).head
        new = head(continued(store))
        if not killed_at(number, (archive, whole_file), lambda: back_up(store, out)):
            break
        assert judged(out).head in (old, new)
        seen.add(judged(out).head == new)
        assert head(continued(store)).seq == new.seq + 1
    assert seen == {False, True}
    assert number > 50
