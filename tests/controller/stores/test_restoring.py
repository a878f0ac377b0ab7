import shutil
from pathlib import Path

import pytest

from controller.errors import RecordBroken
from controller.stores import archive, restoring, whole_file, writer_lock
from controller.stores.archive import head, judged
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.restoring import EPOCH_STEP, Restored, RestoreRefused, put_back
from controller.stores.sqlite import SqliteStore
from devices.limit_holder import LimitHolder
from tests.controller.record_builders import T0
from tests.controller.stores.killed import killed_at
from tests.controller.stores.samples_and_entries import refused
from tests.controller.stores.test_archive import back_up, balances, books, continued
from tests.gridward.stores import alter, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "site" / "store.sqlite3")


@pytest.fixture
def backup(tmp_path: Path, store: Path) -> Path:
    out = tmp_path / "backup.sqlite3"
    back_up(store, out)
    return out


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def restore(backup: Path, store: Path, *, replace: bool = False, epoch_at_least: int = 0) -> Restored:
    return put_back(backup, store, replace=replace, epoch_at_least=epoch_at_least, holder="restored", now=T0)


def test_restored_where_nothing_is_it_is_the_same_record(tmp_path: Path, store: Path, backup: Path) -> None:
    new = tmp_path / "new" / "store.sqlite3"
    restored = restore(backup, new)
    assert restored.kept is None
    assert new.stat().st_mode & 0o777 == 0o600
    assert books(new) == books(store)
    assert balances(new) == balances(store) != {}
    assert judged(new).head == judged(store).head


def test_the_next_daemon_is_above_every_epoch_that_came_after_the_backup(store: Path, backup: Path) -> None:
    for _ in range(5):
        seen = _taken_over(store)
    holder = LimitHolder("ev-001", b"key", 4.2)
    holder.highest_epoch = seen
    assert restore(backup, store).epoch == seen + EPOCH_STEP
    assert _taken_over(store) > holder.highest_epoch


def test_without_the_old_store_the_step_covers_the_epochs_that_nobody_knows(
    tmp_path: Path, backup: Path
) -> None:
    store = tmp_path / "lost.sqlite3"
    assert restore(backup, store).epoch == judged(backup).epoch + EPOCH_STEP
    assert EPOCH_STEP >= 1_000_000, "a daemon that starts again every two seconds for three weeks"
    assert restore(backup, tmp_path / "other.sqlite3", epoch_at_least=10**10).epoch == 10**10
    with pytest.raises(RestoreRefused, match="above the highest"):
        restore(backup, tmp_path / "third.sqlite3", epoch_at_least=1 << 63)


def test_a_longer_journal_is_given_up_only_when_told_and_kept(store: Path, backup: Path) -> None:
    continued(store, 3)
    before = head(store)
    with pytest.raises(RestoreRefused, match="3 entries more than the backup"):
        restore(backup, store)
    assert head(store) == before
    restored = restore(backup, store, replace=True)
    assert head(store) == head(backup)
    assert restored.kept == str(store.with_name("store.sqlite3.before-20260112T180000Z"))
    assert head(Path(restored.kept)) == before
    again = restore(backup, store)
    assert again.kept is not None
    assert again.kept.endswith("Z-2")


def test_another_journal_is_not_taken_for_an_earlier_one(tmp_path: Path, store: Path, backup: Path) -> None:
    other = SqliteStore(tmp_path / "other.sqlite3", durable=False)
    other.take_over("test")
    other.close()
    continued(tmp_path / "other.sqlite3")
    with pytest.raises(RestoreRefused, match="another journal"):
        restore(backup, tmp_path / "other.sqlite3")


def test_the_write_ahead_log_of_a_killed_daemon_is_kept_with_its_store(
    tmp_path: Path, store: Path, backup: Path
) -> None:
    """Left where it was, SQLite would write it into the store that was put back."""
    killed = tmp_path / "killed" / "store.sqlite3"
    running = SqliteStore(store, durable=False)
    running.take_over("killed")
    running.commit([refused()])
    shutil.copytree(store.parent, killed.parent)  # as the disk is after kill -9
    running.close()
    assert killed.with_name("store.sqlite3-wal").stat().st_size > 0
    restored = restore(backup, killed, replace=True)
    assert names(killed.parent) == [
        "store.sqlite3", "store.sqlite3.before-20260112T180000Z", "store.sqlite3.lock"
    ]  # fmt: skip
    assert restored.kept is not None
    assert head(Path(restored.kept)).seq == head(backup).seq + 1
    assert judged(killed).head == head(backup)


def test_a_store_that_cannot_be_read_is_replaced_only_when_told(store: Path, backup: Path) -> None:
    store.write_bytes(b"rubbish" * 1000)
    store.with_name("store.sqlite3-wal").write_bytes(b"log")
    with pytest.raises(RestoreRefused, match="cannot be read"):
        restore(backup, store)
    kept = Path(restore(backup, store, replace=True).kept or "")
    assert kept.read_bytes() == b"rubbish" * 1000
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"log"
    assert judged(store).head == head(backup)


def test_a_running_daemon_keeps_it_out_and_a_restore_keeps_a_daemon_out(
    store: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = SqliteStore(store, durable=False)
    with pytest.raises(StoreUnavailable, match="another controller is writing"):
        restore(backup, store)
    running.close()

    def starts_now(*_: object) -> None:
        with pytest.raises(StoreUnavailable, match="another controller is writing"):
            SqliteStore(store)

    monkeypatch.setattr(restoring, "_set_epoch", starts_now)
    restore(backup, store)
    monkeypatch.undo()
    SqliteStore(store).close()


def test_a_reader_is_not_left_with_half_a_store(store: Path, backup: Path) -> None:
    running = SqliteStore(store, durable=False)
    running.take_over("test")
    reader = SqliteRecord.open(store)
    running.close()
    list(reader.replay())
    with pytest.raises(StoreUnavailable):
        restore(backup, store)
    reader.close()
    restore(backup, store)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE journal SET body = replace(body, '127.4', '99.4') WHERE seq = 2",
        "UPDATE postings SET amount = amount + 1 WHERE amount > 0",
        "DELETE FROM journal WHERE seq = 5",
    ],
)
def test_a_broken_backup_is_refused_and_changes_nothing(store: Path, backup: Path, tamper: str) -> None:
    alter(backup, tamper)
    before = {path.name: path.read_bytes() for path in store.parent.iterdir()}
    with pytest.raises(RecordBroken):
        restore(backup, store, replace=True)
    assert {path.name: path.read_bytes() for path in store.parent.iterdir()} == before


def test_what_is_no_backup_is_refused(tmp_path: Path, store: Path) -> None:
    (tmp_path / "letter").write_text("Dear Ann")
    for wrong in (tmp_path / "letter", tmp_path / "none"):
        with pytest.raises(StoreUnavailable):
            restore(wrong, store, replace=True)
    with pytest.raises(RestoreRefused, match="the store itself"):
        restore(store, store)
    assert judged(store)


def test_killed_anywhere_the_old_or_the_new_store_is_in_use(tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite3"
    original = write_store(tmp_path / "original.sqlite3")
    back_up(original, backup)
    continued(original)
    wanted, longer = head(backup), head(original)
    seen = set()
    for number in range(1, 1000, 4):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        store = folder / "store.sqlite3"
        shutil.copyfile(original, store)
        done = not killed_at(
            number,
            (archive, restoring, whole_file),
            lambda store=store: restore(backup, store, replace=True),  # type: ignore[misc]
        )
        found = judged(store).head
        assert found in (wanted, longer)
        if found == wanted:
            assert _taken_over(store) > EPOCH_STEP
        else:
            assert _taken_over(store) == 3
        seen.add(found)
        if done:
            break
        assert restore(backup, store, replace=True).kept is not None
        assert judged(store).head == wanted
        shutil.rmtree(folder)
    assert seen == {wanted, longer}
    assert number > 80


def _taken_over(path: Path) -> int:
    store = SqliteStore(path, durable=False)
    epoch = store.take_over("next")
    store.close()
    return epoch


def test_killed_over_a_store_that_cannot_be_read_none_is_used_without_its_log(tmp_path: Path) -> None:
    """Its log is a file of its own: no moment has both the old pair and the new store under the name."""
    backup = tmp_path / "backup.sqlite3"
    original = write_store(tmp_path / "original" / "store.sqlite3")
    back_up(original, backup)
    running = SqliteStore(original, durable=False)
    running.take_over("killed")
    running.commit([refused()])
    running._connection.execute("PRAGMA user_version = 99")  # of a version to come
    shutil.copytree(original.parent, pair := tmp_path / "pair")  # as the disk is after kill -9
    running.close()
    old = [(pair / name).read_bytes() for name in ("store.sqlite3", "store.sqlite3-wal")]
    assert old[1]
    seen = set()
    for number in range(1, 1000):
        store = tmp_path / "site" / "store.sqlite3"
        shutil.copytree(pair, store.parent)
        done = not killed_at(
            number,
            (restoring, whole_file, writer_lock),
            lambda store=store: restore(backup, store, replace=True),  # type: ignore[misc]
        )
        log = store.with_name("store.sqlite3-wal")
        in_place = [path.read_bytes() if path.exists() else b"" for path in (store, log)]
        found = "old" if in_place == old else "new" if _opens(store) else "none"
        seen.add(found)
        kept = [*store.parent.glob("*Z"), *store.parent.glob("*Z-wal")]
        if found == "none":
            with pytest.raises(StoreUnavailable, match="was cut off"):
                SqliteStore(store)
        if found == "new":
            assert _taken_over(store) > EPOCH_STEP, "it is the old one, without its log"
        if found != "old":
            assert [path.read_bytes() for path in kept] == old
        if done:
            assert found == "new"
            break
        restore(backup, store, replace=True)
        assert judged(store).head == head(backup)
        assert _opens(store)
        shutil.rmtree(store.parent)
    assert seen == {"old", "new", "none"}


def _opens(store: Path) -> bool:
    try:
        SqliteStore(store, durable=False).close()
    except StoreUnavailable:
        return False
    return True
