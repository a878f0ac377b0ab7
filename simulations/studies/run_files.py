"""Each finished run as one durable file, written atomically: what a crash leaves is whole or not there.

A file's name is the digest of all that its result depends on, and it carries a digest of its own content, so
that resuming needs no list of what was done: a run whose file is there and whole is done.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulations.studies.one_run import Finished
from simulations.studies.plan import Run

FORMAT = 1
_PACKAGES = ("grid_model", "devices", "customers", "controller", "simulations")
_NO_RESULT = ("simulations/report", "simulations/studies/")
_A_RESULT = "simulations/studies/one_run.py"


@dataclass(frozen=True)
class Kept:
    """A run that is done."""

    run: Run
    results: dict[str, Any]
    elements: tuple[dict[str, Any], ...]
    cpu_s: float


class RunFiles:
    """The folder `runs` of a study: `RUN.json`, `RUN.parquet` where series are kept, `RUN.toml` to make it
    again with `gridward simulate`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for begun in folder.glob("*.begun"):
            begun.unlink(missing_ok=True)

    def keep(self, run: Run, finished: Finished) -> None:
        """Write a finished run; when this returns it survives a crash of program and machine."""
        body = {
            "format": FORMAT,
            "run": run.digest,
            "results": finished.results,
            "elements": list(finished.elements),
            "cpu_s": round(finished.cpu_s, 3),
        }
        self._write(f"{run.digest}.toml", run.scenario.encode())
        if finished.series is not None:
            self._write(f"{run.digest}.parquet", finished.series)
        text = json.dumps(body, separators=(",", ":"))
        self._write(f"{run.digest}.json", f"{_digest(text)}\n{text}\n".encode())

    def kept(self, run: Run) -> Kept | None:
        """What is there of a run; None when there is nothing, or nothing whole."""
        try:
            digest, text = (self._folder / f"{run.digest}.json").read_text(encoding="utf-8").split("\n", 1)
        except (OSError, ValueError):
            return None
        text = text.rstrip("\n")
        if digest != _digest(text):
            return None
        body = json.loads(text)
        if (body["format"], body["run"]) != (FORMAT, run.digest):
            return None
        return Kept(run, body["results"], tuple(body["elements"]), body["cpu_s"])

    def all_kept(self, runs: Iterable[Run]) -> list[Kept]:
        """The runs that are done, in their order."""
        return [kept for run in runs if (kept := self.kept(run)) is not None]

    def _write(self, name: str, content: bytes) -> None:
        """All of it under its name, or nothing (POSIX rename); on the disk before this returns."""
        begun = self._folder / f"{name}.begun"
        with begun.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def program_digest(version: str, root: Path) -> str:
    """Version and sources of all that a result depends on: an unfinished study does not mix two programs,
    and a report that is put otherwise needs no new runs."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            name = file.relative_to(root).as_posix()
            if name == _A_RESULT or not name.startswith(_NO_RESULT):
                digest.update(name.encode() + b"\0" + file.read_bytes())
    return f"{version} {digest.hexdigest()[:16]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
