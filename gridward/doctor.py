"""`gridward doctor`: is this machine fit for it; `--health URL`: does a running one say it is well."""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Literal

from controller.stores.opening import open_record
from controller.stores.port import StoreUnavailable
from gridward.stored_record import Place, named, place_of, settings_of

PACKAGES = ("pandapower", "numpy", "scipy", "highspy", "aiomqtt", "pymodbus", "fastapi", "uvicorn", "msgspec")
SLOW_SYNC_MS = 50.0
"""Each decision waits for one sync of the disk: above this a cycle of many feeders would be felt."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at."""

    subject: str
    verdict: Literal["good", "doubtful", "bad"]
    found: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--state", type=Path, default=Path("state"), help="folder of the journal (default: state)"
    )
    parser.add_argument(
        "--store",
        type=place_of,
        metavar="STORE",
        help="also the store: a file, a SITE.toml or postgresql://...",
    )
    parser.add_argument(
        "--health", metavar="URL", help="only ask a running daemon's /health, for a container's check"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(options: argparse.Namespace) -> int:
    """Look, print, and return 1 when something is bad."""
    if options.health:
        return _ask_health(options.health)
    diagnoses = list(examine(options.state))
    if options.store is not None:
        diagnoses.append(_store(options.store))
    if options.json:
        print(json.dumps([asdict(diagnosis) for diagnosis in diagnoses], indent=1))
    else:
        for diagnosis in diagnoses:
            print(f"{diagnosis.verdict:<9} {diagnosis.subject:<12} {diagnosis.found}")
    return 1 if any(diagnosis.verdict == "bad" for diagnosis in diagnoses) else 0


def examine(state: Path) -> Iterator[Diagnosis]:
    """All findings, one by one."""
    examinations: tuple[Callable[[], Diagnosis], ...] = (_python, _sqlite, _cores, lambda: _disk(state))
    for examination in examinations:
        yield examination()
    for package in PACKAGES:
        yield _package(package)


def _python() -> Diagnosis:
    found = ".".join(map(str, sys.version_info[:3]))
    return Diagnosis(
        "python", "good" if sys.version_info >= (3, 11) else "bad", f"{found} (3.11 or later is needed)"
    )


def _sqlite() -> Diagnosis:
    fit = sqlite3.sqlite_version_info >= (3, 37)
    return Diagnosis(
        "sqlite", "good" if fit else "bad", f"{sqlite3.sqlite_version} (3.37 or later is needed)"
    )


def _cores() -> Diagnosis:
    cores = os.cpu_count() or 1
    return Diagnosis(
        "cores",
        "good" if cores >= 2 else "doubtful",
        f"{cores} (load flow runs beside the loop: 2 are better)",
    )


def _disk(state: Path) -> Diagnosis:
    folder = state if state.is_dir() else Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            begun = perf_counter()
            for _ in range(10):
                probe.write(b"x" * 4096)
                probe.flush()
                os.fsync(probe.fileno())
            sync_ms = (perf_counter() - begun) * 100
    except OSError as fault:
        return Diagnosis("disk", "bad", f"{folder} cannot be written: {fault}")
    return Diagnosis(
        "disk", "good" if sync_ms < SLOW_SYNC_MS else "doubtful", f"{sync_ms:.1f} ms for one sync in {folder}"
    )


def _store(place: Place) -> Diagnosis:
    """Whether it can be read, is of this version, and how long an answer takes."""
    try:
        with closing(open_record(settings_of(place))) as record:
            began = perf_counter()
            epoch = record.epoch()
            took_ms = (perf_counter() - began) * 1000
    except StoreUnavailable as fault:
        return Diagnosis("store", "bad", f"{named(place)}: {fault}")
    verdict: Literal["good", "doubtful"] = "good" if took_ms < SLOW_SYNC_MS else "doubtful"
    return Diagnosis("store", verdict, f"{named(place)}: epoch {epoch}, answers in {took_ms:.1f} ms")


def _package(name: str) -> Diagnosis:
    try:
        return Diagnosis(name, "good", version(name))
    except PackageNotFoundError:
        return Diagnosis(name, "bad", "not installed: run `make setup`")


def _ask_health(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 - the operator names the address
            print(answer.read().decode(errors="replace"))
            return 0
    except (urllib.error.URLError, TimeoutError, ValueError) as fault:
        print(f"{url}: {fault}", file=sys.stderr)
        return 1
