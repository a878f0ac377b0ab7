"""`gridward simulate SCENARIO --out DIR`: one scenario on simulated time, with and without control; with
`--policies` side by side with other policies, on several seeds, and under another than ours where the
scenario's `control.policy` names one (`simulate_policies.py`).

SCENARIO is a TOML file, or the name of one that comes along: `--list` tells them. `--schema` prints the JSON
Schema of such a file.

0 when all promises were kept; 1 when the judge found one broken; 2 when the scenario or its network is wrong.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from grid_model.errors import NetworkRejected
from gridward.argument_types import seed
from gridward.simulate_policies import run_policies
from simulations.errors import ScenarioRejected
from simulations.policies.names import OURS, chosen
from simulations.scenario_file import load_scenario
from simulations.scenario_library import find_scenario, listed, schema_text
from simulations.simulate import Outcome, simulate

_SEEDS = 5
_MOST_SEEDS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward simulate`."""
    parser.add_argument("scenario", nargs="?", metavar="SCENARIO", help="a TOML file or a name of --list")
    parser.add_argument("--seed", type=seed, help="instead of the scenario's own")
    parser.add_argument("--out", type=Path, metavar="DIR", help="made; files in it are replaced")
    parser.add_argument(
        "--policies",
        type=_policies,
        metavar="all|NAMES",
        help="compare policies, by name with commas between",
    )
    parser.add_argument(
        "--seeds", type=_seeds, metavar="N", help="with --policies: how many seeds, 5 if not given"
    )
    parser.add_argument("--json", action="store_true", help="results.json on standard output")
    parser.add_argument("--list", action="store_true", help="the scenarios that come along, a line each")
    parser.add_argument("--schema", action="store_true", help="the JSON Schema of a scenario's file")


def run(options: argparse.Namespace) -> int:
    """Run it, write the files, say what came of it."""
    if options.list or options.schema:
        print(schema_text() if options.schema else _list(), end="")
        return 0
    if options.scenario is None or options.out is None:
        print("gridward simulate: expected SCENARIO and --out DIR (or --list, or --schema)", file=sys.stderr)
        return 2
    return _simulate(options)


def _simulate(options: argparse.Namespace) -> int:
    begun = time.perf_counter()
    if options.seeds is not None and options.policies is None:
        print(
            "gridward simulate: --seeds: expected --policies with it; --seed N is one other seed",
            file=sys.stderr,
        )
        return 2
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        scenario = load_scenario(find_scenario(options.scenario), options.seed)
        names, seeds = options.policies, options.seeds or _SEEDS
        if names is None and scenario.control.policy != OURS:
            names, seeds = chosen(scenario.control.policy), 1
        if names is not None:
            return run_policies(
                scenario,
                names,
                seeds,
                options.out,
                as_json=options.json,
                begun_s=begun,
            )
        outcome = simulate(
            scenario, options.out, version("gridward"), elapsed_s=lambda: time.perf_counter() - begun
        )
    except ScenarioRejected as fault:
        for finding in fault.findings:
            print(f"gridward simulate: {finding}", file=sys.stderr)
        return 2
    except NetworkRejected as fault:
        for problem in fault.findings:
            print(f"gridward simulate: {options.scenario}, network.source: {problem}", file=sys.stderr)
        return 2
    except OSError as fault:
        print(f"gridward simulate: --out {options.out}: {fault}; expected a writable folder", file=sys.stderr)
        return 2
    for warning in outcome.results["warnings"]:
        print(f"gridward simulate: note: {warning}", file=sys.stderr)
    print(json.dumps(outcome.results, indent=2) if options.json else _summary(outcome, options.out))
    return 1 if outcome.broken else 0


def _list() -> str:
    scenarios = list(listed())
    width = max(len(name) for name, _ in scenarios)
    return "".join(f"{name:<{width}}  {title}\n" for name, title in scenarios)


def _seeds(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number, 1 to {_MOST_SEEDS}")
    return int(text)


def _policies(text: str) -> tuple[str, ...]:
    try:
        return chosen(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def _summary(outcome: Outcome, out: Path) -> str:
    results = outcome.results
    before, after = results["uncontrolled"], results["controlled"]
    lines = [
        f"{'':<24}{'uncontrolled':>14}{'controlled':>14}",
        _row("peak loading, %", before, after, "peak_loading_percent"),
        _row("minutes over limit", before, after, "minutes_over_limit"),
        _row("lowest voltage, pu", before, after, "min_v_pu"),
        _row("energy, kWh", before, after, "energy_kwh"),
        "",
        f"{results['events']} events, {sum(results['requests'].values())} requests: {_states(results)}",
        f"{results['curtailed_kwh']:g} kWh proven, {results['credited_points']} points credited, "
        f"ledger sum {results['ledger_sum']}",
        f"{results['wall_s']:g} s; report: {out / 'report.html'}",
        *(f"BROKEN {finding}" for finding in outcome.broken),
    ]
    return "\n".join(lines)


def _row(label: str, before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> str:
    known = ("–" if one[key] is None else one[key] for one in (before, after))
    return f"{label:<24}" + "".join(f"{one:>14}" for one in known)


def _states(results: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {state}" for state, count in results["requests"].items() if count) or "none"
