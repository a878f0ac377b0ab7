"""A study from file to files: what is not done yet is run, all that is done is gathered.

`out/runs/` has a durable file per finished run; `results.parquet`, `report.html` and `summary.html` are made
anew from them each time, also of an unfinished study.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from simulations.scenario_paths import content_digest, named_files
from simulations.studies.one_run import make
from simulations.studies.plan import Run, runs_of
from simulations.studies.results_table import results_table
from simulations.studies.run_files import RunFiles, program_digest
from simulations.studies.study import Study
from simulations.studies.study_report import report
from simulations.studies.summary import summary
from simulations.studies.workers import Make, finished_runs

_ROOT = Path(__file__).resolve().parents[2]


class Progress(Protocol):
    """Who watches."""

    def begins(self, total: int, done: int) -> None:
        """`done` of `total` runs are there from before."""

    def finished(self) -> None:
        """One more."""

    def ends(self) -> None:
        """No more are coming."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    study: Study
    table: pd.DataFrame
    """as in `results.parquet`"""
    found: int
    """runs that were done before"""
    made: int
    busy_s: float
    """that workers spent in runs, by the clock on the wall"""
    faults: tuple[tuple[Run, str], ...]
    """runs that could not be made, and why; they are tried again next time"""


@dataclass(frozen=True)
class Conductor:
    """Conducts a study into its folder."""

    study: Study
    base: Mapping[str, Any]
    out: Path
    version: str
    make: Make = make

    def conduct(self, progress: Progress) -> Outcome:
        """Make what is missing and write the table. Raises NoCluster, and OSError when `out` cannot be
        written."""
        files = RunFiles(self.out / "runs")
        contents = cache(content_digest)
        program = program_digest(self.version, _ROOT)
        runs = runs_of(self.study, self.base, program, lambda raw: contents(named_files(raw)))
        missing = [run for run in runs if files.kept(run) is None]
        progress.begins(len(runs), len(runs) - len(missing))
        busy_s, faults = self._make_missing(missing, files, progress.finished)
        progress.ends()
        table = results_table(self.study, files.all_kept(runs))
        if len(table):
            self._write_table(table)
            self._write_pages(table, len(runs))
        return Outcome(
            self.study, table, len(runs) - len(missing), len(missing) - len(faults), busy_s, tuple(faults)
        )

    def _make_missing(
        self, missing: list[Run], files: RunFiles, told: Callable[[], None]
    ) -> tuple[float, list[tuple[Run, str]]]:
        busy_s = 0.0
        by_digest = {run.digest: run for run in missing}
        faults: list[tuple[Run, str]] = []
        for finished in finished_runs(missing, self.study.run, self.version, self.make):
            run = by_digest[finished.digest]
            busy_s += finished.wall_s
            if finished.fault is None:
                files.keep(run, finished)
            else:
                faults.append((run, finished.fault))
            told()
        return busy_s, faults

    def _write_pages(self, table: pd.DataFrame, planned: int) -> None:
        for name, page in (("report.html", report), ("summary.html", summary)):
            begun = self.out / f"{name}.begun"
            begun.write_text(page(self.study, table, planned, self.version), encoding="utf-8")
            begun.replace(self.out / name)

    def _write_table(self, table: pd.DataFrame) -> None:
        begun = self.out / "results.parquet.begun"
        table.to_parquet(begun, engine="fastparquet", index=False)
        begun.replace(self.out / "results.parquet")
