"""The site's secret: made once, readable by its owner only, refused when it is none."""

import stat
from pathlib import Path

import pytest

from controller.errors import ConfigRejected
from gridward.wiring import site_secret


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "site.secret"
    made = site_secret(path)
    assert len(made) == 32
    assert site_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "short", "00" * 31, "zz" * 32])
def test_what_is_no_secret_is_refused_by_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "site.secret"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigRejected, match=r"site\.secret: expected at least 64 hexadecimal digits"):
        site_secret(path)
