"""`gridward audit`: is the record whole, and what does it tell. Reads also while the daemon runs."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from controller.books import Books
from controller.errors import BooksBroken, RecordBroken
from controller.narration import tell
from controller.stores.audit import audit
from controller.stores.record import SqliteRecord
from controller.views import Told
from gridward.audit_explain import explain
from gridward.audit_export import add_export_arguments, export
from gridward.stored_record import add_record_arguments, with_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`verify`, `tell`, `explain` and `export`."""
    commands = parser.add_subparsers(
        dest="audit_command", required=True, metavar="verify|tell|explain|export"
    )
    verify = commands.add_parser("verify", help="check the hash chain, the story and the ledger, all of it")
    add_record_arguments(verify)
    told = commands.add_parser("tell", help="the whole journal in sentences")
    told.add_argument("--after", type=int, default=0, metavar="SEQ", help="only entries after this one")
    add_record_arguments(told)
    explained = commands.add_parser("explain", help="the whole story of one request")
    explained.add_argument("request", metavar="REQUEST")
    add_record_arguments(explained)
    exported = commands.add_parser("export", help="every curtailment as a row of a CSV file")
    add_export_arguments(exported)
    add_record_arguments(exported)


def run(args: argparse.Namespace) -> int:
    """0 whole; 1 at the first fault; 2 when there is no such store or request, or no file can be written."""
    return with_record(args.store, lambda record: _look(record, args))


def _look(record: SqliteRecord, args: argparse.Namespace) -> int:
    match args.audit_command:
        case "verify":
            return _verify(record, as_json=args.json)
        case "explain":
            return explain(record, args.request, as_json=args.json)
        case "export":
            return export(
                record, args.out, store=args.store, begin=args.begin, end=args.end, as_json=args.json
            )
        case _:
            return _tell(record, args.after, as_json=args.json)


def _verify(record: SqliteRecord, *, as_json: bool) -> int:
    found = audit(record)
    if as_json:
        print(json.dumps({"whole": found.fault is None, **asdict(found)}, ensure_ascii=False))
    elif found.fault is None:
        sums = ", ".join(f"{total} {unit}" for unit, total in found.sums.items()) or "nothing booked"
        print(f"whole: {found.entries} entries in one chain, {found.transactions} transactions, sum {sums}")
    else:
        print(f"BROKEN after {found.entries} good entries: {found.fault}")
    return 0 if found.fault is None else 1


def _tell(record: SqliteRecord, after: int, *, as_json: bool) -> int:
    if as_json:
        json.dump([{**asdict(told), "at": told.at.isoformat()} for told in _told(record, after)], sys.stdout)
        print()
        return 0
    for told in _told(record, after):
        place = told.feeder or "-"
        print(f"{told.seq:>6}  {told.at:%Y-%m-%d %H:%M:%S}  {told.severity:<7}  {place}  {told.text}")
    return 0


def _told(record: SqliteRecord, after: int) -> Iterator[Told]:
    books = Books()
    for numbered in record.replay():
        try:
            books.apply(numbered)
        except BooksBroken as error:
            raise RecordBroken(f"entry {numbered.seq} cannot be: {error}") from error
        if numbered.seq > after:
            yield tell(numbered, books)
