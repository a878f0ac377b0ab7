import pathlib
from pathlib import Path

import pytest

from controller.stores import whole_file as subject
from controller.stores.whole_file import FileBusy, whole_file
from tests.controller.stores.killed import killed_at


def write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail(path: Path) -> None:
    with whole_file(path) as part:
        part.write_text("half")
        part.with_name(f"{part.name}-wal").write_text("side")
        raise ZeroDivisionError


def test_it_takes_the_name_when_it_is_done_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["out"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_what_a_killed_one_left_is_not_taken_for_its_own(tmp_path: Path) -> None:
    """SQLite would roll a journal back that it finds beside its file."""
    left = tmp_path / ".out.part"
    left.write_text("half")
    left.with_name(".out.part-journal").write_text("side")
    with whole_file(tmp_path / "out") as part:
        assert names(tmp_path) == [".out.part"]
        assert part.read_text() == ""


def test_two_do_not_write_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(path) as part:
        part.write_text("first")
        with pytest.raises(FileBusy), whole_file(path):
            pass
        assert part.read_text() == "first"
    assert path.read_text() == "first"


def test_killed_anywhere_it_is_the_old_or_the_new_file(tmp_path: Path) -> None:
    path, seen = tmp_path / "out", set()
    for number in range(1, 500, 7):
        path.write_text("old")
        if not killed_at(number, (subject, pathlib), lambda: write(path, "new")):
            break
        seen.add(path.read_text())
        write(path, "next")  # a part that was left behind is in nobody's way
        assert names(tmp_path) == ["out"]
    assert seen == {"old", "new"}
    assert number > 20
