"""`gridward audit`: is the record whole, and what does it tell. Reads also while the daemon runs."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from controller.books import Books
from controller.errors import BooksBroken, RecordBroken
from controller.narration.telling import tell
from controller.stores.port import Record
from controller.views import Told
from gridward.audit_explain import explain
from gridward.audit_export import add_export_arguments, export
from gridward.audit_proof import check_proof, consistency, proof_path, prove
from gridward.audit_raised import add_raised_arguments, show_raised
from gridward.audit_verify import add_key_argument, add_verify_arguments, print_key, verify
from gridward.stored_record import add_record_arguments, with_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be done with a journal."""
    commands = parser.add_subparsers(
        dest="audit_command",
        required=True,
        metavar="verify|tell|explain|export|raised|key|prove|consistency|check-proof",
    )
    verified = commands.add_parser(
        "verify", help="check the hash chain, the checkpoints, the story and the ledger, all of it"
    )
    add_verify_arguments(verified)
    add_record_arguments(verified)
    told = commands.add_parser("tell", help="the whole journal in sentences")
    told.add_argument("--after", type=int, default=0, metavar="SEQ", help="only entries after this one")
    add_record_arguments(told)
    explained = commands.add_parser("explain", help="the whole story of one request")
    explained.add_argument("request", metavar="REQUEST")
    add_record_arguments(explained)
    exported = commands.add_parser("export", help="every curtailment as a row of a CSV file")
    add_export_arguments(exported)
    add_record_arguments(exported)
    add_raised_arguments(
        commands.add_parser("raised", help="whose use in the hours before events stands out")
    )
    key = commands.add_parser("key", help="the public key that checkpoints and proofs are checked with")
    key.add_argument("site", type=Path, metavar="SITE.toml")
    _add_proof_arguments(commands)


def _add_proof_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    proven = commands.add_parser("prove", help="that entries are in the sealed journal, as a file")
    proven.add_argument("what", metavar="REQUEST|ENTRY", help="a request, or an entry's number")
    consistent = commands.add_parser(
        "consistency", help="that one checkpoint goes on from another, as a file"
    )
    consistent.add_argument("first", type=int, metavar="FIRST", help="entries that the earlier one seals")
    consistent.add_argument("second", type=int, metavar="SECOND", help="entries that the later one seals")
    for writing in (proven, consistent):
        writing.add_argument("--out", type=proof_path, required=True, metavar="FILE.json")
        add_record_arguments(writing)
    checked = commands.add_parser("check-proof", help="check such a file; needs no store")
    checked.add_argument("file", type=Path, metavar="FILE.json")
    add_key_argument(checked, required=True)
    checked.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 whole; 1 when anything is wrong; 2 when there is no such store or request, or no file can be
    written."""
    if args.audit_command == "raised":
        return show_raised(args.site, args.days, as_json=args.json)
    if args.audit_command == "key":
        return print_key(args.site)
    if args.audit_command == "check-proof":
        return check_proof(args.file, args.public_key, as_json=args.json)
    return with_record(args.store, lambda record: _look(record, args))


def _look(record: Record, args: argparse.Namespace) -> int:
    match args.audit_command:
        case "verify":
            return verify(record, args.public_key, args.checkpoints, as_json=args.json)
        case "prove":
            return prove(record, args.what, args.out, store=args.store, as_json=args.json)
        case "consistency":
            return consistency(record, args.first, args.second, args.out, store=args.store, as_json=args.json)
        case "explain":
            return explain(record, args.request, as_json=args.json)
        case "export":
            return export(
                record, args.out, store=args.store, begin=args.begin, end=args.end, as_json=args.json
            )
        case _:
            return _tell(record, args.after, as_json=args.json)


def _tell(record: Record, after: int, *, as_json: bool) -> int:
    if as_json:
        json.dump([{**asdict(told), "at": told.at.isoformat()} for told in _told(record, after)], sys.stdout)
        print()
        return 0
    for told in _told(record, after):
        place = told.feeder or "-"
        print(f"{told.seq:>6}  {told.at:%Y-%m-%d %H:%M:%S}  {told.severity:<7}  {place}  {told.text}")
    return 0


def _told(record: Record, after: int) -> Iterator[Told]:
    books = Books()
    for numbered in record.replay():
        try:
            books.apply(numbered)
        except BooksBroken as error:
            raise RecordBroken(f"entry {numbered.seq} cannot be: {error}") from error
        if numbered.seq > after:
            yield tell(numbered, books)
