"""`gridward ledger`: who was credited what, and what for. Reads the store, also while the daemon runs; what
writes asks the daemon (`ledger_desk.py`).
"""

import argparse
import json
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import get_args

from controller.rewards.booked import Booked, check, gather
from controller.rewards.ledger import sum_per_unit
from controller.rewards.reward_report import By, report
from controller.rewards.statements import statement
from controller.stores.port import Record
from gridward import ledger_desk, ledger_standing
from gridward import ledger_tables as tables
from gridward.argument_types import day
from gridward.statement_page import statement_page
from gridward.stored_record import Place, add_record_arguments, is_of_store, with_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What reads the store, and what asks the daemon."""
    commands = parser.add_subparsers(dest="ledger_command", required=True, metavar="COMMAND")
    balances = commands.add_parser("balances", help="every account's balance, and the sums, which are zero")
    add_record_arguments(balances)
    of_one = commands.add_parser("statement", help="what one customer was credited, and what for")
    of_one.add_argument("customer", metavar="CUSTOMER")
    of_one.add_argument("--from", dest="first", type=day, metavar="DATE", help="first day, in UTC")
    of_one.add_argument("--to", dest="last", type=day, metavar="DATE", help="last day, in UTC")
    file = of_one.add_mutually_exclusive_group()
    file.add_argument("--csv", type=Path, metavar="FILE", help="write it for a spreadsheet")
    file.add_argument("--html", type=Path, metavar="FILE", help="write it as a page to print or send")
    add_record_arguments(of_one)
    summed = commands.add_parser("report", help="what was asked, proven and credited, summed up")
    summed.add_argument("--by", required=True, choices=get_args(By), help="what to sum up by")
    summed.add_argument("--csv", type=Path, metavar="FILE", help="write it for a spreadsheet")
    add_record_arguments(summed)
    ledger_standing.add_commands(commands)
    ledger_desk.add_commands(commands)


def run(args: argparse.Namespace) -> int:
    """0 fine; 1 when the record was altered or does not add up; 2 when the input is wrong."""
    if args.ledger_command in ledger_desk.NAMES:
        return ledger_desk.run(args)
    if args.ledger_command in ledger_standing.NAMES:
        return ledger_standing.run(args)
    if args.ledger_command == "balances":
        return with_record(args.store, lambda record: _balances(record, as_json=args.json))
    if args.ledger_command == "report":
        return with_record(args.store, lambda record: _report(record, args))
    if args.first is not None and args.last is not None and args.last < args.first:
        return _wrong(f"--to {args.last}: expected a day not before --from {args.first}")
    return with_record(args.store, lambda record: _statement(record, args))


def _balances(record: Record, *, as_json: bool) -> int:
    balances = record.balances()
    sums = sum_per_unit(balances.items())
    if as_json:
        rows = [{"account": a, "unit": u, "balance": n} for (a, u), n in balances.items()]
        print(json.dumps({"balances": rows, "sums": sums}, ensure_ascii=False))
    else:
        width = max((len(account) for account, _ in balances), default=0)
        for (account, unit), balance in balances.items():
            print(f"{account:<{width}}  {balance:>12} {unit}")
        for unit, total in sums.items():
            print(f"{'all accounts':<{width}}  {total:>12} {unit}")
        if not balances:
            print("nothing is booked yet")
    return 1 if any(sums.values()) else 0


def _statement(record: Record, args: argparse.Namespace) -> int:
    start = None if args.first is None else _midnight(args.first)
    end = None if args.last is None else _midnight(args.last) + timedelta(days=1)
    found = statement(_booked(record), args.customer, start, end)
    if args.csv is not None and (fault := _write(args.csv, tables.statement_csv(found), args.store)):
        return _wrong(fault)
    if args.html is not None and (fault := _write(args.html, statement_page(found), args.store)):
        return _wrong(fault)
    if args.json:
        print(json.dumps(tables.statement_json(found), ensure_ascii=False))
    elif written := args.csv or args.html:
        print(f"{written}: {len(found.lines)} transactions of {args.customer}, {tables.period(found)}")
    elif not found.closing:
        until = "" if args.last is None else f" until {args.last}"
        print(f"nothing is booked for {args.customer}{until}")
    else:
        print(f"{args.customer}, {tables.period(found)}")
        print(tables.aligned(tables.statement_rows(found), left=3))
    return 0


def _report(record: Record, args: argparse.Namespace) -> int:
    found = report(_booked(record), args.by)
    if args.csv is not None and (fault := _write(args.csv, tables.report_csv(found), args.store)):
        return _wrong(fault)
    if args.json:
        print(json.dumps(tables.report_json(found), ensure_ascii=False))
    elif args.csv is not None:
        print(f"{args.csv}: {len(found.rows)} rows by {args.by}, as of journal entry {found.seq}")
    else:
        print(tables.aligned(tables.report_rows(found), left=1))
    return 0


def _booked(record: Record) -> Booked:
    """The journal's credits, found to be those of the ledger's own tables."""
    booked = gather(record.replay())
    check(booked, record.transactions())
    return booked


def _midnight(first: date) -> datetime:
    return datetime.combine(first, time(), UTC)


def _write(path: Path, text: str, store: Place) -> str | None:
    """Write a file; what is wrong with its place, or None. The store and its side files are never touched."""
    if is_of_store(path, store):
        return f"{path}: this is the store; expected another file to write to"
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        expected = "expected a file that can be written, in a folder that exists"
        return f"{path}: {error.strerror or error}; {expected}"
    return None


def _wrong(fault: str) -> int:
    print(f"gridward: {fault}", file=sys.stderr)
    return 2
