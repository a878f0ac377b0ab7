import stat
from pathlib import Path

import pytest

from gridward.key_files import make_once


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "site.secret"
    make_once(path, "first")
    make_once(path, "second")
    assert path.read_text() == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["site.secret"]


def test_a_crash_while_it_is_written_leaves_no_empty_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "site.secret"

    def die(_: int) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr("gridward.key_files.os.fsync", die)
        with pytest.raises(OSError, match="power"):
            make_once(path, "half")
    assert not path.exists()
    make_once(path, "whole")
    assert path.read_text() == "whole"


def test_of_two_starts_at_once_one_key_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "site.secret"
    link = Path.hardlink_to

    def late(self: Path, target: Path) -> None:
        self.write_text("the other's")
        link(self, target)

    monkeypatch.setattr(Path, "hardlink_to", late)
    make_once(path, "mine")
    assert path.read_text() == "the other's"
