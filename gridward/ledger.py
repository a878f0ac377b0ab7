"""`gridward ledger`: who was credited what. Reads the store, also while the daemon runs."""

import argparse
import json
from collections import Counter

from controller.entries import LedgerPosted
from controller.ledger import statement, sum_per_unit
from controller.stores.record import SqliteRecord
from gridward.stored_record import add_record_arguments, with_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`balances` and `statement CUSTOMER`."""
    commands = parser.add_subparsers(dest="ledger_command", required=True, metavar="balances|statement")
    balances = commands.add_parser("balances", help="every account's balance, and the sums, which are zero")
    add_record_arguments(balances)
    of_one = commands.add_parser("statement", help="what one customer was credited, and what for")
    of_one.add_argument("customer", metavar="CUSTOMER")
    add_record_arguments(of_one)


def run(args: argparse.Namespace) -> int:
    """0 fine; 1 when the record was altered or does not sum to zero; 2 when there is no such store."""
    if args.ledger_command == "balances":
        return with_record(args.store, lambda record: _balances(record, as_json=args.json))
    return with_record(args.store, lambda record: _statement(record, args.customer, as_json=args.json))


def _balances(record: SqliteRecord, *, as_json: bool) -> int:
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


def _statement(record: SqliteRecord, customer: str, *, as_json: bool) -> int:
    posted = [numbered.entry for numbered in record.replay() if isinstance(numbered.entry, LedgerPosted)]
    running: Counter[str] = Counter()
    rows = []
    for transaction, unit, amount in statement(posted, customer):
        running[unit] += amount
        rows.append((transaction, unit, amount, running[unit]))
    if as_json:
        lines = [
            {"at": t.at.isoformat(), "amount": n, "unit": u, "balance": b, "reason": t.reason, "key": t.key}
            for t, u, n, b in rows
        ]
        print(json.dumps({"customer": customer, "lines": lines, "balance": running}, ensure_ascii=False))
        return 0
    for t, unit, amount, balance in rows:
        print(f"{t.at:%Y-%m-%d %H:%M:%S}  {amount:>+8} {unit:<10} {balance:>10}  {t.reason}  [{t.key}]")
    if not rows:
        print(f"nothing is booked for {customer}")
    return 0
