"""The `gridward` command: one table of subcommands, each a module with `add_arguments` and `run`.

Only the chosen command's module is imported, so that `gridward --help` answers at once.
Exit status: 0 fine, 1 ran and found what could not be cleared, 2 wrong input, 3 internal.
"""

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("gridward.demo", "the whole loop in one process tree: broker, field, daemon, live page"),
    "field": ("gridward.field", "emulated meters, devices and people on a real broker"),
    "run": ("gridward.run", "the daemon, for a site"),
    "check": ("gridward.check.command", "one snapshot: check, locate, allocate, check again"),
    "network": ("gridward.network", "look at a network and all that is wrong with it, or convert it"),
    "mapping": (
        "gridward.mapping.command",
        "load without a meter, and customers who are not where the plan has them",
    ),
    "study": ("gridward.study", "many scenarios in parallel, resumable, and what a planner asks of them"),
    "simulate": ("gridward.simulate", "one scenario on simulated time, with and without control"),
    "people": ("gridward.people", "programmes, who is in them, who was called, and answers to notices"),
    "dispute": ("gridward.dispute", "somebody does not agree with a settlement: open, list, decide"),
    "readings": ("gridward.readings", "hand readings that came late to the running daemon"),
    "ledger": ("gridward.ledger", "balances and statements"),
    "audit": ("gridward.audit", "verify the journal, or tell it in sentences"),
    "appliances": (
        "gridward.appliances",
        "who owns large appliances: sales lists matched with customers",
    ),
    "accounts": ("gridward.accounts", "who may sign in, as what, and tokens for programs"),
    "contacts": ("gridward.contacts", "names and addresses: import, list, export, erase"),
    "notices": ("gridward.notices", "words to people: try the channels of a site"),
    "backup": ("gridward.backup", "the record of a site as one file, also while the daemon runs"),
    "restore": ("gridward.restore", "put a backup in the place of a site's store"),
    "history": ("gridward.history", "a feeder's readings over days: look, or export"),
    "store": ("gridward.store", "make or renew the tables of a store in PostgreSQL"),
    "config": ("gridward.config_check", "check a site's settings"),
    "doctor": ("gridward.doctor", "is this machine fit to run it"),
    "fuzz": ("gridward.fuzz", "the whole system on simulated time, with faults on purpose, and a judge"),
    "soak": ("gridward.soak.command", "kill -9 again and again, and an independent judge"),
    "bench": ("gridward.bench", "measured ratios, side by side in one run"),
}


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = (f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items())
    return "\n".join(
        [
            "usage: gridward COMMAND ...",
            "",
            "Finds overloads in low-voltage networks, asks for less, proves it and rewards it.",
            "",
            *rows,
            "",
            "`gridward COMMAND --help` tells more. Start with `gridward demo`.",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(_overview())
        return 0
    if arguments[0] in {"-V", "--version"}:
        print(f"gridward {version('gridward')}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(
            f"gridward: there is no command '{name}'; expected one of {', '.join(COMMANDS)}", file=sys.stderr
        )
        return 2
    return _run(name, rest)


def _run(name: str, rest: Sequence[str]) -> int:
    try:
        module = importlib.import_module(COMMANDS[name][0])
        parser = argparse.ArgumentParser(prog=f"gridward {name}", description=COMMANDS[name][1])
        module.add_arguments(parser)
        return int(module.run(parser.parse_args(rest)))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception:  # noqa: BLE001 - the last frontier: an internal fault has its own exit status
        traceback.print_exc()
        print(f"gridward {name}: internal fault, please report it with the lines above", file=sys.stderr)
        return 3


if __name__ == "__main__":
    raise SystemExit(main())
