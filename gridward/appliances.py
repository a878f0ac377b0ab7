"""`gridward appliances`: who owns large appliances, and where, from retailers' sales lists.

`import` matches what was sold with the customers of a site and writes each feeder's `appliances` file; what
is doubtful goes to a review list, whose decisions `review` reads back. `list` and `summary` show what is
held. The daemon reads the files when it starts.
"""

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import Any

from controller.errors import ConfigRejected
from controller.settings_file import load_site
from customers.errors import ContactsUnavailable, RegistryRejected
from grid_model.errors import NetworkRejected
from gridward.appliance_import import import_sales, read_review
from gridward.appliance_report import Told
from gridward.appliance_site import Feeders, Locked
from gridward.appliance_views import listed, summary
from gridward.argument_types import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`import`, `review`, `list` and `summary`."""
    commands = parser.add_subparsers(
        dest="appliances_command", required=True, metavar="import|review|list|summary"
    )
    taken = _command(commands, "import", "match sales lists with the site's customers")
    taken.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV or .xlsx, one list each")
    taken.add_argument("--mapping", type=Path, metavar="M.toml", help="what the columns of the lists are")
    taken.add_argument(
        "--review", type=Path, metavar="OUT.csv", help="doubtful matches go there (holds addresses)"
    )
    taken.add_argument(
        "--with-nobody", action="store_true", help="the review list also has the sales to nobody who is known"
    )
    taken.add_argument(
        "--places",
        type=Path,
        metavar="FILE.csv",
        help="service_point,latitude,longitude, where the network has none",
    )
    taken.add_argument(
        "--near", type=positive, default=30.0, metavar="M", help="metres that count as near (30)"
    )
    _who(taken)
    decided = _command(commands, "review", "take the decisions of a review list")
    decided.add_argument("file", type=Path, metavar="FILE", help="the review list, filled in")
    for name, told in (("list", "every appliance"), ("summary", "kW and number by feeder and kind")):
        shown = _command(commands, name, told)
        shown.add_argument("--feeder", metavar="ID", help="of this feeder only")


def _command(commands: Any, name: str, told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=told)
    command.add_argument("--site", type=Path, required=True, metavar="SITE.toml")
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return command


def _who(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--who", default=getpass.getuser(), help="who looks at addresses, better a role than a name"
    )
    command.add_argument("--why", default="sales lists are matched", help="is noted with each address")


def run(args: argparse.Namespace) -> int:
    """0 all is settled; 1 rows are to be mended or a person has to decide; 2 wrong input, nothing written."""
    try:
        feeders = Feeders(load_site(args.site))
        match args.appliances_command:
            case "import":
                return _said(args, import_sales(feeders, args))
            case "review":
                return _said(args, read_review(feeders, args.file))
            case "list":
                return _said(args, listed(feeders, args.feeder))
            case _:
                return _said(args, summary(feeders, args.feeder))
    except (ConfigRejected, RegistryRejected, NetworkRejected) as error:
        print("\n".join(map(str, error.findings)), file=sys.stderr)
    except (ContactsUnavailable, Locked, OSError) as error:
        print(f"gridward appliances: {error}", file=sys.stderr)
    return 2


def _said(args: argparse.Namespace, told: Told) -> int:
    if args.json:
        print(json.dumps(told.document, ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(told.lines))
    for line in told.faults:
        print(line, file=sys.stderr)
    return told.status
