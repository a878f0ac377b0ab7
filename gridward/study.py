"""`gridward study STUDY.toml --out DIR`: many scenarios in parallel, and what a planner asks of them.

Started again it makes only what is missing. 0 when all runs are there and kept their promises; 1 when one
broke a promise or could not be made; 2 when the study, a scenario or a network of it is wrong.
"""

import argparse
import json
import logging
import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import structlog
from tqdm import tqdm

from simulations.errors import NoCluster, StudyRejected
from simulations.studies.answers import cases_of
from simulations.studies.conduct import Conductor, Outcome
from simulations.studies.one_run import INTERNAL
from simulations.studies.sentences import need
from simulations.studies.study import schema
from simulations.studies.study_file import load_study

STOPPED = 130
"""as shells have it: 128 and the number of the signal"""
_SLOW_TERMINAL_S = 30.0
_MOST_FAULTS = 10
_MOST_CASES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward study`."""
    parser.add_argument("study", type=Path, metavar="STUDY.toml", nargs="?")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="made; finished runs that are in it are not made again"
    )
    parser.add_argument("--workers", type=_workers, help="instead of the study's own")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output, no bar")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of STUDY.toml and end")


def run(options: argparse.Namespace) -> int:
    """Conduct it, write the files, say what came of it."""
    if options.schema:
        print(json.dumps(schema(), indent=2))
        return 0
    if options.study is None or options.out is None:
        print("gridward study: expected STUDY.toml and --out DIR", file=sys.stderr)
        return 2
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        return _conducted(options)
    except StudyRejected as fault:
        for finding in fault.findings:
            print(f"gridward study: {finding}", file=sys.stderr)
    except NoCluster as fault:
        print(f"gridward study: {options.study}, run: {fault}", file=sys.stderr)
    except OSError as fault:
        print(f"gridward study: --out {options.out}: {fault}; expected a writable folder", file=sys.stderr)
    except KeyboardInterrupt:
        print(
            "\ngridward study: stopped; what is finished is kept, the same command goes on", file=sys.stderr
        )
        return STOPPED
    except BrokenProcessPool:
        print(
            "gridward study: a worker ended (killed, or out of memory: fewer --workers need less); what is "
            "finished is kept, the same command goes on",
            file=sys.stderr,
        )
        return 3
    return 2


def _conducted(options: argparse.Namespace) -> int:
    begun, cpu_begun = time.perf_counter(), _cpu_s()
    study, base = load_study(options.study)
    if options.workers is not None:
        study = msgspec.structs.replace(
            study, run=msgspec.structs.replace(study.run, workers=options.workers)
        )
    conductor = Conductor(study, base, options.out, version("gridward"))
    outcome = conductor.conduct(_Bar(quiet=options.json))
    used = {"wall_s": time.perf_counter() - begun, "cpu_s": _cpu_s() - cpu_begun}
    for run, fault in outcome.faults[:_MOST_FAULTS]:
        at = ", ".join(f"{path} = {value}" for path, value in run.point.items())
        print(f"gridward study: run {run.digest} ({at}; seed {run.seed}): {fault}", file=sys.stderr)
    if options.json:
        print(json.dumps(_document(outcome, used), indent=2))
    else:
        print(_summary(outcome, options.out, used))
    return _status(outcome)


def _status(outcome: Outcome) -> int:
    if any(not fault.startswith(INTERNAL) for _, fault in outcome.faults):
        return 2
    broken = bool(len(outcome.table)) and bool(outcome.table["promises_broken"].any())
    return 1 if outcome.faults or broken else 0


def _document(outcome: Outcome, used: dict[str, float]) -> dict[str, Any]:
    return {
        "title": outcome.study.title,
        "runs": {"found": outcome.found, "made": outcome.made, "failed": len(outcome.faults)},
        "promises_broken": int(outcome.table["promises_broken"].sum()) if len(outcome.table) else 0,
        "in_runs_s": round(outcome.busy_s, 2),
        **{name: round(seconds, 2) for name, seconds in used.items()},
    }


def _summary(outcome: Outcome, out: Path, used: dict[str, float]) -> str:
    lines = [
        f"{outcome.made} runs made, {outcome.found} found, {len(outcome.faults)} failed; "
        f"{used['wall_s']:.0f} s, {used['cpu_s']:.0f} s of CPU time, workers in runs {outcome.busy_s:.0f} s",
    ]
    if len(outcome.table):
        lines += _needs(outcome)
        lines.append(
            f"summary: {out / 'summary.html'}, report: {out / 'report.html'}, "
            f"table: {out / 'results.parquet'}"
        )
    return "\n".join(lines)


def _needs(outcome: Outcome) -> list[str]:
    return [
        f"{case.name}: control is {need(case, outcome.study.question)}"
        for case in cases_of(outcome.study, outcome.table)[:_MOST_CASES]
    ]


class _Bar:
    """The progress bar on standard error, with an estimate of the time left."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def begins(self, total: int, done: int) -> None:
        tqdm.monitor_interval = 0  # no thread of its own beside the workers
        self._bar = tqdm(
            total=total,
            initial=done,
            unit="run",
            file=sys.stderr,
            disable=self._quiet,
            smoothing=0.1,
            mininterval=0.5 if sys.stderr.isatty() else _SLOW_TERMINAL_S,
            bar_format="{desc}{percentage:3.0f} %|{bar}| {n_fmt} of {total_fmt} runs, {elapsed} passed, "
            "{remaining} left{postfix}",
        )

    def finished(self) -> None:
        self._bar.update()

    def ends(self) -> None:
        self._bar.close()


def _cpu_s() -> float:
    """Of this process and of those it waited for."""
    return sum(os.times()[:4])


def _workers(text: str) -> int:
    if not text.isdecimal() or int(text) > 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 (one for each core) to 1024")
    return int(text)
