"""`gridward fuzz --seeds N`: the whole system on simulated time, with faults on purpose, and a judge.

0 when every promise was kept; 1 when one was broken, or a planted bug was not found; 2 wrong input; 3 when
the simulation itself fails. What was broken is shrunk, and the command that replays it is printed.
"""

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import fields
from typing import Any

from simulations.faults import planted as plants
from simulations.faults.campaign import Found, Tally, find_planted, left_s, outcomes, replays_the_same
from simulations.faults.options import CLASSES, Options, option_faults
from simulations.faults.promises import PROMISES
from simulations.faults.run import Outcome
from simulations.faults.run import run as run_one
from simulations.faults.shrinking import shrink
from simulations.faults.site import site_of

RULE_OF_THREE = 3.0
"""0 broken in n seeds: with 95 % confidence fewer than 3/n break one"""
MOST_SHRUNK = 3
"""failing seeds are made smaller in one call; the others are named"""
PROGRESS_EVERY_S = 1.0
EVERY = "every"
"""planted bug is meant by `--planted` without a name"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward fuzz`."""
    parser.add_argument("--seeds", type=_count, default=100, metavar="N", help="how many (default: 100)")
    parser.add_argument("--from", type=_seed, default=0, dest="first", metavar="SEED", help="the first one")
    parser.add_argument(
        "--hours", type=_positive, metavar="H", help="of each seed's safety phase (default: 8 to 22 periods)"
    )
    parser.add_argument(
        "--total-hours", type=_positive, metavar="H", help="go on with seeds until so much was simulated"
    )
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, metavar="J", help="processes")
    parser.add_argument(
        "--planted",
        type=_bug,
        nargs="?",
        const=EVERY,
        metavar="BUG",
        help="plant every bug in turn, or the one that is named: all must be found; with --replay that one",
    )
    parser.add_argument(
        "--replay", type=_options, metavar="OPTIONS", help="one run, as this command printed it"
    )
    parser.add_argument("--no-shrink", action="store_true", help="leave failing runs as they are")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """Run what was asked for."""
    if args.replay is not None and args.planted == EVERY:
        print("gridward fuzz: --planted: expected the name of a bug beside --replay", file=sys.stderr)
        return 2
    if args.replay is not None:
        with nullcontext() if args.planted is None else plants.planted(plants.named(args.planted)):
            return _replay(args)
    return _fuzz(args) if args.planted is None else _planted(args)


# --- seeds


def _fuzz(args: argparse.Namespace) -> int:
    began_s, tally = time.perf_counter(), Tally()
    for outcome in _wanted(args):
        tally.add(outcome)
        _progress(args, began_s, tally)
    wall_s = time.perf_counter() - began_s
    shrunk = [] if args.no_shrink else [shrink(one).outcome for one in tally.broken[:MOST_SHRUNK]]
    if args.json:
        print(json.dumps(_as_json(args, tally, shrunk, wall_s), indent=2))
    else:
        print("\n".join((*_lines(args, tally, wall_s), *_broken_lines(tally, shrunk))))
    return 1 if tally.broken else 0


def _wanted(args: argparse.Namespace) -> Iterator[Outcome]:
    """The seeds that were asked for, or as many as it takes."""
    if args.total_hours is None:
        yield from outcomes(range(args.first, args.first + args.seeds), args.hours, args.jobs)
        return
    first, simulated_s = args.first, 0.0
    while simulated_s < args.total_hours * 3600:
        for outcome in outcomes(range(first, first + args.seeds), args.hours, args.jobs):
            simulated_s += outcome.simulated_s
            yield outcome
        first += args.seeds


def _progress(args: argparse.Namespace, began_s: float, tally: Tally) -> None:
    if not sys.stderr.isatty():
        return
    if args.total_hours is None:
        share, of = tally.seeds, args.seeds
        done = f"{tally.seeds} of {args.seeds} seeds"
    else:
        share, of = int(tally.hours), int(args.total_hours)
        done = f"{tally.hours:.0f} of {args.total_hours:.0f} simulated hours"
    left = left_s(began_s, min(share, of), of)
    text = f"\r{done}, {len(tally.broken)} broken, {left / 60:.0f} min {left % 60:.0f} s left   "
    print(text, end="\n" if share >= of else "", file=sys.stderr, flush=True)


def _lines(args: argparse.Namespace, tally: Tally, wall_s: float) -> Iterator[str]:
    yield (
        f"{tally.seeds} seeds from {args.first}: {tally.hours:.0f} simulated hours in "
        f"{tally.cpu_s:.0f} s of CPU ({wall_s:.0f} s), {tally.hours_per_cpu_minute:.0f} hours per CPU minute"
    )
    counts = tally.counts
    yield (
        f"  {tally.steps} steps judged, {counts['periods']} cycles, {counts['controllers']} controllers, "
        f"{counts['events']} events and orders, {counts['requests']} requests "
        f"({counts['feed-in']} to feed in less), {counts['settled']} settled, {counts['credits']} credited"
    )
    yield f"  seeds with: {_named(tally.sites) or 'nothing that is not common'}"
    yield f"  settings off their defaults: {_named(tally.settings) or 'none'}"
    yield f"  faults that struck: {_named(tally.struck) or 'none'}"
    never = sorted(CLASSES.keys() - tally.struck.keys())
    if never:
        yield f"  never struck: {', '.join(never)}"


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if n)


def _broken_lines(tally: Tally, shrunk: list[Outcome]) -> Iterator[str]:
    if not tally.broken:
        bound = f"fewer than {100 * RULE_OF_THREE / tally.seeds:.2g} % of seeds break one"
        yield f"  all {len(PROMISES)} promises kept ({bound}, with 95 % confidence)"
        return
    yield f"  BROKEN in {len(tally.broken)} of {tally.seeds} seeds:"
    for place, outcome in enumerate(tally.broken):
        yield f"  seed {outcome.options.seed}: {outcome.promise}: {outcome.what}"
        if place < len(shrunk):
            yield from _least_lines(shrunk[place])


def _least_lines(least: Outcome) -> Iterator[str]:
    options = least.options
    yield (
        f"    least: {options.cycles} periods of {options.period_s:g} s, {sum(least.struck.values())} faults "
        f"({', '.join(options.classes) or 'none'})"
    )
    yield f"    {_replayed_by(options)}"


def _replayed_by(options: Options, planted: str | None = None) -> str:
    """The command that runs these options once more."""
    beside = "" if planted is None else f"--planted {planted} "
    return f"gridward fuzz {beside}--replay {shlex.quote(json.dumps(options.differing()))}"


# --- one run once more


def _replay(args: argparse.Namespace) -> int:
    outcome = run_one(args.replay)
    same = replays_the_same(outcome)
    if args.json:
        told = {"planted": args.planted, "latest": outcome.latest, "replays": same}
        print(json.dumps({**_plain(outcome), **told}, indent=2))
    else:
        for line in outcome.latest:
            print(line)
        kept = "all promises kept" if outcome.promise is None else f"BROKEN {outcome.promise}: {outcome.what}"
        print(f"{kept}; trace {outcome.digest}, {'equal' if same else 'NOT EQUAL'} when run once more")
    if not same:
        return 3
    return 0 if outcome.promise is None else 1


# --- planted bugs


def _planted(args: argparse.Namespace) -> int:
    results: list[Found] = []
    names = [] if args.planted == EVERY else [args.planted]
    for found in find_planted(args.first, args.jobs, names):
        results.append(found)
        if not args.json:
            one = found.outcome
            how = "NOT FOUND" if one is None else f"{one.promise}, by seed {one.options.seed}"
            print(f"{found.name:28} {how}", flush=True)
            if names and found.outcome is not None:
                print(f"    {_replayed_by(found.outcome.options, found.name)}")
    seen = sum(found.outcome is not None for found in results)
    if args.json:
        rows = [
            {
                "bug": one.name,
                "what": one.what,
                "seeds": one.seeds,
                "found": None
                if one.outcome is None
                else {
                    "promise": one.outcome.promise,
                    "what": one.outcome.what,
                    "options": one.outcome.options.differing(),
                },
            }
            for one in results
        ]
        print(json.dumps({"planted": len(results), "found": seen, "bugs": rows}, indent=2))
    else:
        print(f"found {seen} of {len(results)} planted bugs")
    return 0 if seen == len(results) else 1


# --- words and numbers


def _as_json(args: argparse.Namespace, tally: Tally, shrunk: list[Outcome], wall_s: float) -> dict[str, Any]:
    return {
        "first_seed": args.first,
        "seeds": tally.seeds,
        "simulated_hours": round(tally.hours, 2),
        "cpu_s": round(tally.cpu_s, 2),
        "wall_s": round(wall_s, 2),
        "hours_per_cpu_minute": round(tally.hours_per_cpu_minute, 1),
        "steps": tally.steps,
        "counts": dict(tally.counts),
        "struck": dict(sorted(tally.struck.items())),
        "sites": dict(sorted(tally.sites.items())),
        "settings": dict(sorted(tally.settings.items())),
        "promises": dict(PROMISES),
        "broken": [_plain(one) for one in tally.broken],
        "least": [_plain(one) for one in shrunk],
    }


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "options": outcome.options.differing(),
        "promise": outcome.promise,
        "what": outcome.what,
        "period": outcome.broken_in_period,
        "digest": outcome.digest,
        "struck": dict(outcome.struck),
    }


def _options(text: str) -> Options:
    known = {field.name for field in fields(Options)}
    try:
        given = json.loads(text)
    except json.JSONDecodeError as fault:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a JSON object ({fault})") from fault
    if not isinstance(given, dict) or "seed" not in given:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a JSON object with a seed")
    unknown = sorted(given.keys() - known)
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {', '.join(sorted(known))}")
    if not isinstance(given.get("settings", {}), dict):
        raise argparse.ArgumentTypeError(f"{text!r}: expected settings as a JSON object")
    if wrong := list(option_faults(given)):
        raise argparse.ArgumentTypeError("; ".join(wrong))
    try:
        options = Options(**given)
        site_of(options)
    except (TypeError, ValueError) as fault:
        raise argparse.ArgumentTypeError(f"{text!r}: {fault}") from fault
    return options


def _bug(text: str) -> str:
    known = [bug.name for bug in plants.BUGS]
    if text not in (EVERY, *known):
        raise argparse.ArgumentTypeError(f"{text!r}: expected {EVERY} or one of {', '.join(known)}")
    return text


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 on")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 0 on")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0")
    return value
