"""Which files hold end-to-end tests: `make test` looks for them nowhere else: collecting all takes long."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_end_to_end_test_is_where_make_test_looks_for_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (places,) = re.findall(r'-m "e2e and not soak" (tests/.+)', makefile)
    folders = [ROOT / place for place in places.split()]
    marked = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"\bmark\.e2e\b", path.read_text(encoding="utf-8")) and path != Path(__file__)
    ]
    assert len(marked) >= 4
    assert [str(path) for path in marked if not any(path.is_relative_to(folder) for folder in folders)] == []
