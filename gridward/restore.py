"""`gridward restore BACKUP SITE.toml`: puts a backup in the place of a site's store; no daemon may run."""

import argparse
import json
import sys
from pathlib import Path

from controller.clock import WallClock
from controller.errors import RecordBroken
from controller.stores.port import StoreUnavailable
from controller.stores.restoring import EPOCH_STEP, Restored, RestoreRefused, put_back
from gridward.backup import as_json, in_words, wrong
from gridward.stored_record import named, place_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("backup", type=Path, metavar="BACKUP")
    parser.add_argument(
        "store",
        type=place_of,
        metavar="SITE.toml",
        help="the site whose store is meant; or a SQLite file, or postgresql://...",
    )
    parser.add_argument(
        "--replace", action="store_true", help="also where the store holds entries that the backup has not"
    )
    parser.add_argument(
        "--epoch-at-least",
        type=_epoch,
        default=0,
        metavar="N",
        help=f"devices may have seen epochs up to N - 1 (default: {EPOCH_STEP:,} above all that is known)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 restored; 1 the backup is not whole: nothing was changed; 2 it cannot, or must not, be done."""
    try:
        restored = _put_back(args)
    except (RestoreRefused, StoreUnavailable, OSError) as fault:
        return wrong("restore", str(fault))
    except RecordBroken as fault:
        print(f"gridward restore: {args.backup} is not whole, nothing was changed: {fault}", file=sys.stderr)
        return 1
    _tell(restored, named(args.store), machine=args.json)
    return 0


def _put_back(args: argparse.Namespace) -> Restored:
    given = {
        "replace": args.replace,
        "epoch_at_least": args.epoch_at_least,
        "holder": f"restored from {args.backup.name}",
        "now": WallClock().now(),
    }
    if isinstance(args.store, Path):
        return put_back(args.backup, args.store, **given)
    from controller.stores import postgres_archive  # noqa: PLC0415  its driver is an extra
    from controller.stores.postgres_link import PATIENT, Access  # noqa: PLC0415

    access = Access(args.store.postgres, args.store.password_file, waits=PATIENT)
    return postgres_archive.put_back(args.backup, access, **given)


def _tell(restored: Restored, store: str, *, machine: bool) -> None:
    kept = restored.kept
    if machine:
        told = as_json(restored.contents) | {"epoch": restored.epoch}
        print(json.dumps({"store": store, **told, "kept": kept}, ensure_ascii=False))
        return
    print(f"{store}: {in_words(restored.contents)}")
    print(f"epoch {restored.epoch} is in force, above all that devices may have seen")
    if kept is not None:
        print(f"the store that was there is kept: {kept}")


def _epoch(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 0 or above")
    return int(text)
