"""`gridward network`: look at a network before it is used, and convert it once instead of at each start."""

import argparse
import copy
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grid_model.checks.frames import filled
from grid_model.errors import Finding, NetworkRejected
from grid_model.network_checks import inspect_net
from grid_model.network_sources import FORMS, read_net
from grid_model.sources.pandapower_json import write_pandapower_json
from grid_model.three_phase.network import three_phase_network

_COUNTED = (
    *("bus", "line", "trafo", "trafo3w", "load", "sgen", "storage", "gen", "ext_grid", "switch"),
    *("asymmetric_load", "asymmetric_sgen", "shunt", "impedance", "ward", "xward"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`inspect SOURCE` and `convert SOURCE OUT.json`."""
    commands = parser.add_subparsers(dest="network_command", required=True, metavar="inspect|convert")
    inspect = commands.add_parser(
        "inspect", help="what was read, converted and assumed, and all that is wrong with it"
    )
    convert = commands.add_parser("convert", help="write any readable network as pandapower JSON")
    for command in (inspect, convert):
        command.add_argument("source", metavar="SOURCE", help=FORMS)
        command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    convert.add_argument("out", type=Path, metavar="OUT.json")


def run(args: argparse.Namespace) -> int:
    """0 when the network can be used; 2 with all findings when not, or when OUT cannot be written."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)
    try:
        net = read_net(args.source)
        findings = _findings(net, args.source)
    except NetworkRejected as rejected:
        net, findings = None, rejected.findings
    usable = not any(finding.severity == "error" for finding in findings)
    written = None
    if usable and args.network_command == "convert":
        try:
            write_pandapower_json(net, args.out)
        except OSError as error:
            print(f"gridward network: cannot write {args.out}: {error}", file=sys.stderr)
            return 2
        written = str(args.out)
    if args.json:
        print(json.dumps(_document(args.source, net, findings, written), ensure_ascii=False, indent=1))
    else:
        _print(args.source, net, findings, written)
    return 0 if usable else 2


def _findings(net: Any, source: str) -> tuple[Finding, ...]:
    """All that is to be told; where all customers are on phases, what a check per phase needs."""
    if not filled(net, "asymmetric_load") or filled(net, "load"):
        return inspect_net(net)
    try:
        found = three_phase_network(copy.deepcopy(net), source).warnings
    except NetworkRejected as rejected:
        found = tuple(rejected.findings)
    told = "its customers are on phases (asymmetric_load), so it is checked per phase only"
    return (*found, Finding("info", "network", told, table="asymmetric_load"))


def _contents(net: Any) -> dict[str, int]:
    """Rows of the tables that are not empty."""
    return {table: len(net[table]) for table in _COUNTED if len(net.get(table, ()))}


def _levels(net: Any) -> dict[str, int]:
    """Buses by nominal voltage, highest first."""
    cells = net.get("bus", {}).get("vn_kv", ())
    levels = Counter(cell for cell in cells if isinstance(cell, (int, float)))
    return {f"{level:g} kV": count for level, count in sorted(levels.items(), reverse=True)}


def _document(
    source: str, net: Any | None, findings: Sequence[Finding], written: str | None
) -> dict[str, object]:
    return {
        "source": source,
        "usable": not any(finding.severity == "error" for finding in findings),
        "contents": {} if net is None else _contents(net),
        "voltage_levels": {} if net is None else _levels(net),
        "findings": [asdict(finding) for finding in findings],
        "written": written,
    }


def _print(source: str, net: Any | None, findings: Sequence[Finding], written: str | None) -> None:
    print(source)
    if net is not None:
        print("  " + ", ".join(f"{table} {count}" for table, count in _contents(net).items()))
        levels = ", ".join(f"{count} buses at {level}" for level, count in _levels(net).items())
        print(f"  {levels}")
    for finding in findings:
        print(f"  {finding.severity}: {finding}")
    kinds = Counter(finding.severity for finding in findings)
    errors, warnings = kinds["error"], kinds["warning"]
    print(f"  {errors} errors, {warnings} warnings: {'cannot' if errors else 'can'} be used")
    if written is not None:
        print(f"  written: {written}")
