"""`gridward soak kill`: kill -9 at random instants, and a judge who shares no code with what is killed."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from controller.clock import WallClock
from controller.settings import Store
from controller.stores.opening import migrate_store
from gridward.private_postgres import NoPostgres, PrivatePostgres
from gridward.soak import daemon_kills
from gridward.soak.daemon_kills import DaemonOutcome, DaemonPlan, SoakFailed
from gridward.soak.kills import Outcome, Plan, soak
from gridward.soak.plants import PLANTS
from gridward.soak.writer import PHASES

_MADE = "soak_made"
"""the database that all others are copies of"""
RULE_OF_THREE = 3.0
"""0 faults in n kills: with 95 % confidence the rate is below 3/n"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`kill`."""
    commands = parser.add_subparsers(dest="soak_command", required=True, metavar="kill")
    kill = commands.add_parser("kill", help="SIGKILL at random instants; nothing acknowledged may be lost")
    kill.add_argument("--kills", type=_count, default=1000, metavar="N", help="that strike (default: 1000)")
    kill.add_argument("--seed", type=int, default=1, help="of all draws (default: 1)")
    kill.add_argument(
        "--store",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="which store (default: sqlite); postgres: a private server, with the extra `postgres`",
    )
    kill.add_argument("--dir", type=Path, metavar="FOLDER", help="where to work, and to keep what is wrong")
    kill.add_argument(
        "--plant", choices=tuple(PLANTS), help="a writer with this fault: the judge must find it (exit 1)"
    )
    kill.add_argument(
        "--daemon", action="store_true", help="kill a whole daemon before an emulated field, not a writer"
    )
    kill.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 nothing wrong was found; 1 something was."""
    if args.daemon and args.plant is not None:
        print("gridward soak: --plant is for the writer, not for --daemon", file=sys.stderr)
        return 2
    told = _say_progress if sys.stderr.isatty() else _say_nothing
    outcome: Outcome | DaemonOutcome
    with _folder(args.dir) as folder:
        if args.daemon:
            try:
                outcome = daemon_kills.soak(DaemonPlan(args.kills, args.seed, folder), WallClock(), told)
            except SoakFailed as fault:
                print(f"gridward soak: {fault}", file=sys.stderr)
                return 3
        else:
            try:
                outcome = _soak_writer(args, folder, told)
            except NoPostgres as fault:
                print(f"gridward soak: {fault}", file=sys.stderr)
                return 2
    if args.json:
        print(json.dumps({**vars(outcome), "kills": outcome.kills, "seed": args.seed}))
    else:
        print("\n".join((*_lines(outcome, args.seed), *_verdict(outcome))))
    return 1 if outcome.faults else 0


def _soak_writer(args: argparse.Namespace, folder: Path, told: Callable[[Outcome], None]) -> Outcome:
    plan = Plan(args.kills, args.seed, folder, args.plant, stop_at_fault=args.plant is not None)
    if args.store == "sqlite":
        return soak(plan, WallClock(), told)
    import psycopg  # noqa: PLC0415  an extra

    with PrivatePostgres() as server:

        def made(name: str) -> str:
            template = "" if name == _MADE else f" TEMPLATE {_MADE}"
            with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}{template}".encode())
            return server.url(name)

        migrate_store(Store(postgres=made(_MADE)))  # or every kill would hit the making of the tables
        return soak(replace(plan, postgres=made), WallClock(), told)


def _lines(outcome: Outcome | DaemonOutcome, seed: int) -> Iterator[str]:
    if isinstance(outcome, DaemonOutcome):
        yield from _daemon_lines(outcome, seed)
        return
    yield (
        f"{outcome.kills} kills struck of {outcome.planned} planned; {outcome.missed} more came when the "
        f"writer had ended, and do not count; seed {seed}, {outcome.wall_s:.0f} s"
    )
    yield "  " + ", ".join(f"{phase} {outcome.struck[phase]}" for phase in PHASES)
    yield (
        f"  {outcome.acknowledged_entries} entries acknowledged, {outcome.entries} in {outcome.stores} "
        f"stores, {outcome.epochs} take-overs, {outcome.settled} settlements, {outcome.credits} credits"
    )


def _daemon_lines(outcome: DaemonOutcome, seed: int) -> Iterator[str]:
    yield (
        f"{outcome.kills} kills of a daemon struck of {outcome.planned} planned; "
        f"seed {seed}, {outcome.wall_s:.0f} s"
    )
    yield "  " + ", ".join(f"{phase} {count}" for phase, count in outcome.struck.items())
    yield (
        f"  {outcome.entries} entries in one journal, {outcome.told_entries} of them told over the API, "
        f"{outcome.epochs} take-overs, {outcome.settled} settlements, {outcome.credits} credits"
    )
    for what, times_s in (("answered", outcome.answer_after_s), ("in control", outcome.control_after_s)):
        of = sorted(times_s)
        yield (
            f"  {what} again {of[len(of) // 2]:.1f} s after its start "
            f"(median of {len(of)}; at most {of[-1]:.1f} s)"
        )


def _verdict(outcome: Outcome | DaemonOutcome) -> Iterator[str]:
    if outcome.faults:
        yield f"  FOUND {len(outcome.faults)}:"
        yield from (f"  {fault}" for fault in outcome.faults)
    elif outcome.kills:
        yield (
            "  nothing acknowledged was lost, nothing credited twice, every chain whole "
            f"(below {100 * RULE_OF_THREE / outcome.kills:.2g} % of kills, with 95 % confidence)"
        )


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="gridward-soak-") as name:
        yield Path(name)


def _say_progress(outcome: Outcome | DaemonOutcome) -> None:
    print(
        f"\r{outcome.kills} of {outcome.planned} kills, {len(outcome.faults)} faults", end="", file=sys.stderr
    )
    if outcome.kills == outcome.planned:
        print(file=sys.stderr)


def _say_nothing(_: Outcome | DaemonOutcome) -> None:
    pass


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 on")
    return int(text)
