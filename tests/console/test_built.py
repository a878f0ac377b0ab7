"""The console that is shipped: built from the sources beside it, complete, small enough for slow lines."""

import gzip
import re

from console import static_dir
from tests.console.sources import digest

FIRST_VIEW_BYTES = 500_000
PAGE = static_dir() / "index.html"


def test_it_is_built_from_the_sources_beside_it() -> None:
    noted = (static_dir() / "sources.sha256").read_text(encoding="ascii").strip()
    assert noted == digest(), "the sources changed after the last `make console`"


def test_all_that_the_page_names_is_there_and_comes_from_here() -> None:
    named = re.findall(r'(?:src|href)="([^"]+)"', PAGE.read_text(encoding="utf-8"))
    assert named
    for address in named:
        assert address.startswith("/console/"), f"{address}: another host, or outside of the console"
        assert (static_dir() / address.removeprefix("/console/")).is_file()


def test_the_first_view_is_small_on_the_wire() -> None:
    """All scripts and styles of all screens, compressed as they are sent: more than any first view."""
    sent = sum(file.stat().st_size for file in static_dir().rglob("*.br"))
    assert 20_000 < sent < FIRST_VIEW_BYTES


def test_what_is_sent_compressed_says_the_same() -> None:
    for packed in static_dir().rglob("*.gz"):
        assert gzip.decompress(packed.read_bytes()) == packed.with_suffix("").read_bytes()
