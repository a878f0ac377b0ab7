"""`gridward readings`: hands readings that came late to the running daemon, which corrects settlements."""

import argparse
import json
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

from controller.errors import ConfigRejected
from controller.settings_file import load_site
from gridward.api_client import ApiClient, ApiError, asked
from gridward.late_file import LateFileRejected, LateRow, read_late_file

ROWS_AT_ONCE = 5000
_LISTS = ("corrected", "decided", "not_kept")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`import`."""
    commands = parser.add_subparsers(dest="readings_command", required=True, metavar="import")
    taken = commands.add_parser("import", help="readings that came late; what they change is corrected")
    taken.add_argument("site", type=Path, metavar="SITE.toml")
    taken.add_argument("file", type=Path, metavar="FILE.csv", help="columns meter,at,p_kw")
    taken.add_argument("--feeder", metavar="ID", help="needed where the site has several")
    taken.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 taken; 2 when the input is wrong or the daemon refuses; 3 when it cannot now."""
    try:
        feeder = _feeder(args)
        rows = read_late_file(args.file)
    except (ConfigRejected, LateFileRejected) as error:
        print(error, file=sys.stderr)
        return 2
    return asked(args.site, lambda client: _import(client, feeder, rows, as_json=args.json))


def _feeder(args: argparse.Namespace) -> str:
    known = [feeder.id for feeder in load_site(args.site).feeder]
    if args.feeder is None and len(known) == 1:
        return known[0]
    if args.feeder in known:
        return str(args.feeder)
    got = "" if args.feeder is None else f", got {args.feeder!r}"
    raise ConfigRejected([f"--feeder: expected one of {', '.join(known)}{got}"])


def _import(client: ApiClient, feeder: str, rows: list[LateRow], *, as_json: bool) -> int:
    """Part by part. Where one is refused those before it are in force already: they are told before the
    error.
    """
    done = _Done(feeder)
    try:
        for batch in _batches(rows):
            body: dict[str, Any] = {"feeder": feeder, "readings": [row.body for row in batch]}
            done.add(client.post("/api/v1/readings/late", body))
    except ApiError:
        if done.sums["readings"]:
            done.tell(rows_left=len(rows) - done.sums["readings"], as_json=as_json)
        raise
    done.tell(rows_left=0, as_json=as_json)
    return 0


class _Done:
    """What the daemon did with the parts that it took."""

    def __init__(self, feeder: str) -> None:
        self.feeder = feeder
        self.sums: Counter[str] = Counter(readings=0, new=0, unchanged=0)
        self.named: dict[str, list[str]] = {name: [] for name in _LISTS}

    def add(self, answer: dict[str, Any]) -> None:
        """The daemon's answer to one more part."""
        self.sums.update({name: answer[name] for name in self.sums})
        for name in _LISTS:
            self.named[name] += answer[name]

    def tell(self, *, rows_left: int, as_json: bool) -> None:
        """Print it. `rows_left`: of the parts that were not taken, or of which nobody knows."""
        sums, named = self.sums, self.named
        if as_json:
            left = {"rows_left": rows_left} if rows_left else {}
            print(json.dumps({"feeder": self.feeder, **sums, **named, **left}))
            return
        print(f"{self.feeder}: {sums['readings']} readings, {sums['new']} new")
        unchanged = f"{sums['unchanged']} calculated anew to the same"
        print(f"{len(named['corrected'])} settlements corrected, {unchanged}")
        for name, told in (("decided", "settled by a dispute"), ("not_kept", "samples not kept any more")):
            if named[name]:
                print(f"{len(named[name])} left as they are ({told}): {', '.join(named[name])}")
        if rows_left:
            taken = f"{sums['readings']} of {sums['readings'] + rows_left} rows"
            print(f"{taken} were taken before the error that follows, and stay in force", flush=True)


def _batches(rows: list[LateRow]) -> list[list[LateRow]]:
    """All of a meter's readings in one batch where they fit, so that a request is corrected once."""
    batches: list[list[LateRow]] = []
    for _, of_meter in groupby(rows, key=lambda row: row.meter):
        readings = list(of_meter)
        if batches and len(batches[-1]) + len(readings) <= ROWS_AT_ONCE:
            batches[-1] += readings
        else:
            batches += [readings[n : n + ROWS_AT_ONCE] for n in range(0, len(readings), ROWS_AT_ONCE)]
    return batches
