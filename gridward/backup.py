"""`gridward backup STORE --out FILE`: the record of a site as one file, also while the daemon runs."""

import argparse
import json
import sys
from pathlib import Path

from controller.errors import RecordBroken
from controller.settings import Store
from controller.stores.archive import ArchiveRefused, Contents, back_up, copy_of
from controller.stores.port import StoreUnavailable
from gridward.stored_record import is_of_store, named, place_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "store",
        type=place_of,
        metavar="SITE.toml",
        help="the site whose store is meant; or a SQLite file, or postgresql://...",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the backup to write")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 written and found whole; 1 the store is not whole: nothing was written; 2 it cannot be done."""
    if is_of_store(args.out, args.store):
        return wrong("backup", f"{args.out}: this is the store; expected another file to write to")
    store = Store(path=args.store) if isinstance(args.store, Path) else args.store
    try:
        contents = back_up(copy_of(store), args.out)
    except (ArchiveRefused, StoreUnavailable, OSError) as fault:
        return wrong("backup", str(fault))
    except RecordBroken as fault:
        told = f"{named(args.store)} is not whole, no backup was written: {fault}"
        print(f"gridward backup: {told}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"backup": str(args.out), **as_json(contents)}, ensure_ascii=False))
    else:
        print(f"{args.out}: {in_words(contents)}")
    return 0


def in_words(contents: Contents) -> str:
    """What a backup holds, in one line."""
    sums = ", ".join(f"{total} {unit}" for unit, total in contents.sums.items()) or "nothing booked"
    return (
        f"whole: {contents.head.seq} entries, the last link {contents.head.link.hex()}, "
        f"{contents.transactions} transactions, sum {sums}, epoch {contents.epoch}, "
        f"{contents.size_bytes / 1e6:.1f} MB"
    )


def as_json(contents: Contents) -> dict[str, object]:
    """The same for machines."""
    return {
        "entries": contents.head.seq,
        "last_link": contents.head.link.hex(),
        "transactions": contents.transactions,
        "sums": contents.sums,
        "epoch": contents.epoch,
        "size_bytes": contents.size_bytes,
    }


def wrong(command: str, fault: str) -> int:
    """Say what is wrong; the exit status for that."""
    print(f"gridward {command}: {fault}", file=sys.stderr)
    return 2
