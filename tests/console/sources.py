"""Whether the console in `console/static` is what its sources say: `python -m tests.console.sources FILE`
notes their digest beside the build, and a test compares, so that nobody changes one and forgets the other.
"""

import hashlib
import sys
from pathlib import Path

WEB = Path(__file__).parents[2] / "console/web"
NOT_BUILT_FROM = {"README.md", "openapi.json"}
SKIPPED_FOLDERS = {"node_modules"}


def digest() -> str:
    """Of all that the build is made from: names and bytes."""
    found = hashlib.sha256()
    for file in sorted(WEB.rglob("*")):
        relative = file.relative_to(WEB)
        if file.is_dir() or SKIPPED_FOLDERS & set(relative.parts) or file.name in NOT_BUILT_FROM:
            continue
        found.update(f"{relative.as_posix()}\0{file.stat().st_size}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(f"{digest()}\n", encoding="ascii")
