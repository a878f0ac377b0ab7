"""`gridward bench`: measured figures, each beside what it is compared with, side by side in one run.

Shows numbers and never judges them: a busy machine makes all columns slower, the ratio less so. Each part is
a module of this package with `print_figures(seed, quick)`, imported only when it is asked for.
"""

import argparse
import importlib
import importlib.util
import logging
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version

PARTS: dict[str, str] = {
    "load_flow": "one load flow and a batch of them, against pandapower and power-grid-model",
    "substation": "the same on networks of more than 1,000 buses",
    "topology": "switched to another topology, against the load flow built anew",
    "chain": "check, locate, allocate on 100 customers; checks of 10,000 feeders",
    "three_phase": "unbalanced load flow against pandapower",
    "estimation": "state with missing and wrong meters",
    "location": "who causes a violation, and load that no meter shows",
    "allocation": "curtailed power against the AC optimum",
    "forecast": "look ahead against what happened",
    "settlement": "one event settled with many customers, durable on the disk",
    "ledger": "random operations on the ledger against a naive one, all sums zero after every one",
    "baselines": "what would have been used, by every method, and who games it",
    "field": "readings a second from the field into the feeder state, through Mosquitto",
    "stores": "durable journal entries a second with group commit, on SQLite and on PostgreSQL",
    "requests": "requests sent at once and answered, through mosquitto, to devices that check each",
    "modbus": "500 RTUs polled over Modbus TCP, against the library's client",
    "console": "the live stream to 50 pages of a feeder of 2,000 buses, against a state for each",
    "tampering": "what `gridward audit verify` finds of a journal that somebody altered",
}
"""Every part and what it measures."""

PrintFigures = Callable[[int, bool], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward bench`."""
    told = "; ".join(f"{part}: {PARTS[part]}" for part in offered())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all without one. {told}")
    parser.add_argument("--quick", action="store_true", help="fewer cases and repetitions")
    parser.add_argument("--customers", type=int, metavar="N", help="of the settled event (default 10,000)")
    parser.add_argument("--operations", type=int, metavar="N", help="on the ledger (default 1,000,000)")
    parser.add_argument(
        "--postgres", metavar="URL", help="a database for the stores, instead of a private server"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (default 1)")


def run(args: argparse.Namespace) -> int:
    """Print the figures of the parts asked for; 2 where there is no such part."""
    known = offered()
    for part in args.parts:
        if part not in known:
            expected = ", ".join(known)
            print(f"gridward bench: there is no part {part!r}; expected some of {expected}", file=sys.stderr)
            return 2
    logging.getLogger("pandapower").setLevel(logging.ERROR)
    print(f"Python {platform.python_version()}, NumPy {version('numpy')}, {platform.machine()}")
    for part in args.parts or known:
        print(f"\n{part}: {PARTS[part]}", flush=True)
        if part == "settlement" and args.customers is not None:
            importlib.import_module(f"{__name__}.{part}").print_for(args.seed, args.customers)
        elif part == "ledger" and args.operations is not None:
            importlib.import_module(f"{__name__}.{part}").print_operations(args.seed, args.operations)
        elif part == "stores" and args.postgres is not None:
            importlib.import_module(f"{__name__}.{part}").print_on(args.seed, args.quick, args.postgres)
        else:
            figures_of(part)(args.seed, args.quick)
    return 0


def offered() -> list[str]:
    """The parts whose module is there."""
    return [part for part in PARTS if importlib.util.find_spec(f"{__name__}.{part}")]


def figures_of(part: str) -> PrintFigures:
    """What prints the figures of one part."""
    module = importlib.import_module(f"{__name__}.{part}")
    print_figures: PrintFigures = module.print_figures
    return print_figures
