"""`gridward store migrate STORE`: makes or renews the tables of a store in PostgreSQL.

The daemon does it by itself where its role may. Where tables are owned by another role than the daemon's,
which is the safer way, their owner does it with this command, and gives the daemon's role its rights.
"""

import argparse
import json
import sys

from controller.settings import Store
from controller.stores.opening import migrate_store
from controller.stores.port import StoreUnavailable
from gridward.stored_record import named, place_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`migrate STORE`."""
    commands = parser.add_subparsers(dest="store_command", required=True, metavar="migrate")
    migrate = commands.add_parser("migrate", help="make or renew the tables of a store in PostgreSQL")
    migrate.add_argument(
        "store",
        type=place_of,
        metavar="STORE",
        help="a URL postgresql://..., or a SITE.toml with store.postgres",
    )
    migrate.add_argument(
        "--daemon-role", metavar="ROLE", help="give this role what the daemon needs: to append, and no more"
    )
    migrate.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 the tables are of this version; 2 when they cannot be made so."""
    if not isinstance(args.store, Store):
        print(
            f"gridward store: {args.store}: SQLite, which renews itself; expected a store in PostgreSQL",
            file=sys.stderr,
        )
        return 2
    try:
        before, after = migrate_store(args.store, args.daemon_role)
    except StoreUnavailable as error:
        print(f"gridward store: {named(args.store)}: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"store": named(args.store), "before": before, "after": after}, ensure_ascii=False))
    elif before == after:
        print(f"{named(args.store)}: of version {after} already")
    else:
        print(f"{named(args.store)}: now of version {after}, {f'was {before}' if before else 'made'}")
    return 0
