"""Writes what the API says of itself, for types: `python -m tests.gridward.write_api_document FILE`."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from controller.clock import WallClock
from controller.settings_file import load_site
from gridward.wiring import assemble

EXAMPLE = Path(__file__).parents[2] / "config/sites/example"


def document() -> dict[str, object]:
    """Of the example site's API."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "example"
        shutil.copytree(EXAMPLE, site)
        return assemble(load_site(site / "site.toml"), WallClock(), np.random.default_rng(1)).app.openapi()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1, sort_keys=True) + "\n")
