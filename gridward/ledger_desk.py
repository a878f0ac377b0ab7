"""`gridward ledger redeem`, `fulfil`, `void`, `report-fact`, `top-up`, `payout`: asked of the running daemon.

It alone writes. Every command carries the id of what it is about, so the same command again is answered as
the first time and changes nothing.
"""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from controller.rewards.booked import gather
from controller.rewards.money import shown
from controller.rewards.payouts import payments
from controller.stores.port import Record
from controller.stores.whole_file import whole_file
from gridward.api_client import ApiClient, asked
from gridward.argument_types import moment, whole_above_0
from gridward.csv_text import csv_text
from gridward.stored_record import is_of_store, place_of, with_record

Commands = Any
"""what `argparse` adds subcommands to"""
NAMES = ("redeem", "fulfil", "void", "report-fact", "top-up", "payout")


def add_commands(commands: Commands) -> None:
    """The six of them."""
    redeem = commands.add_parser("redeem", help="hold a customer's points for an item of the catalogue")
    redeem.add_argument("redemption", metavar="ID", help="of the redemption, given by you")
    redeem.add_argument("customer", metavar="CUSTOMER")
    redeem.add_argument("item", metavar="ITEM")
    redeem.add_argument("--who", default="command line", help="the role that redeems, never a name")
    for name, told in (("fulfil", "the customer has got it"), ("void", "the customer gets the points back")):
        end = commands.add_parser(name, help=f"end a redemption: {told}")
        end.add_argument("redemption", metavar="ID")
        end.add_argument("--who", required=True, help="the role that decides, never a name")
        end.add_argument("--reason", required=True)
        _add_site(end)
    fact = commands.add_parser("report-fact", help="credit what a fact earns, such as a bill paid on time")
    fact.add_argument("fact", metavar="ID", help="of the fact, given by you")
    fact.add_argument("customer", metavar="CUSTOMER")
    fact.add_argument("kind", metavar="KIND", help="the `fact` of an earning rule")
    fact.add_argument("--at", required=True, type=moment, metavar="TIME", help="2026-01-12T18:30:00+01:00")
    fact.add_argument("--amount", type=int, metavar="N", help="in minor units, such as cents")
    fact.add_argument("--currency", metavar="UNIT", help="such as EUR-cent")
    top_up = commands.add_parser("top-up", help="give the programme's budget more")
    top_up.add_argument("top_up", metavar="ID", help="of the top-up, given by you")
    top_up.add_argument("unit", metavar="UNIT", help="points, or the site's currency")
    top_up.add_argument("amount", type=whole_above_0, metavar="N")
    top_up.add_argument("--who", required=True, help="the role that decides, never a name")
    payout = commands.add_parser("payout", help="book money out of customers' accounts, and list it")
    payout.add_argument(
        "payout", metavar="ID", help="of the payout, given by you: the same ID, the same file"
    )
    payout.add_argument("--least", type=whole_above_0, default=1, metavar="N", help="minor units to pay from")
    payout.add_argument("--csv", type=Path, required=True, metavar="FILE", help="one row per customer")
    for command in (redeem, fact, top_up, payout):
        _add_site(command)


def run(args: argparse.Namespace) -> int:
    """0 done, or done before; 2 refused, with what was expected; 3 nobody knows."""
    command = {
        "redeem": _redeem,
        "fulfil": _end,
        "void": _end,
        "report-fact": _report_fact,
        "top-up": _top_up,
        "payout": _payout,
    }[args.ledger_command]
    return asked(args.site, lambda client: command(client, args))


def _redeem(client: ApiClient, args: argparse.Namespace) -> int:
    body = {
        "redemption": args.redemption,
        "customer": args.customer,
        "item": args.item,
        "who": args.who,
    }
    return _tell_redemption(client.post("/api/v1/redemptions", body), args)


def _end(client: ApiClient, args: argparse.Namespace) -> int:
    path = f"/api/v1/redemptions/{quote(args.redemption, safe='')}/{args.ledger_command}"
    return _tell_redemption(client.post(path, {"who": args.who, "reason": args.reason}), args)


def _tell_redemption(found: dict[str, Any], args: argparse.Namespace) -> int:
    until = f" until {found['deadline']}" if found["deadline"] else ""
    what = f"{found['item']} for {found['points']} points of {found['customer']}"
    return _tell(found, f"redemption {found['redemption']}: {what}, {found['state']}{until}", args)


def _report_fact(client: ApiClient, args: argparse.Namespace) -> int:
    at: datetime = args.at
    body = {"fact": args.fact, "customer": args.customer, "kind": args.kind, "occurred_at": at.isoformat()}
    if args.amount is not None:
        body["amount_minor_units"] = args.amount
    if args.currency is not None:
        body["currency"] = args.currency
    found = client.post("/api/v1/facts", body)
    came = "is known already" if found["again"] else f"earned {found['points']} points"
    return _tell(found, f"fact {args.fact} of {args.customer} {came}", args)


def _top_up(client: ApiClient, args: argparse.Namespace) -> int:
    body = {"top_up": args.top_up, "unit": args.unit, "amount": args.amount, "who": args.who}
    found = client.post("/api/v1/budget/top-ups", body)
    return _tell(found, f"top-up {args.top_up}: {shown(args.unit, args.amount)} for the budget", args)


def _payout(client: ApiClient, args: argparse.Namespace) -> int:
    store = place_of(str(args.site))
    if is_of_store(args.csv, store):
        print(f"gridward: {args.csv}: this is the store; expected another file to write to", file=sys.stderr)
        return 2
    found = client.post("/api/v1/payouts", {"payout": args.payout, "least_minor_units": args.least})
    if not found["booked"]:
        told = f"payout {args.payout}: there was nothing to pay out; a later one needs another ID"
        return _tell(found, told, args)
    return with_record(store, lambda record: _list(record, found, args))


def _list(record: Record, found: dict[str, Any], args: argparse.Namespace) -> int:
    paid = payments(gather(record.replay()).posted, args.payout)
    try:
        with whole_file(args.csv) as part:
            part.write_text(payout_csv(args.payout, paid), encoding="utf-8", newline="")
    except OSError as error:
        expected = "expected a file that can be written, in a folder that exists"
        print(f"gridward: {args.csv}: {error.strerror or error}; {expected}", file=sys.stderr)
        return 2
    totals: dict[str, int] = {}
    for _, unit, amount in paid:
        totals[unit] = totals.get(unit, 0) + amount
    summed = ", ".join(shown(unit, amount) for unit, amount in sorted(totals.items()))
    told = {**found, "file": str(args.csv), "customers": len(paid), "totals": totals}
    return _tell(told, f"{args.csv}: {len(paid)} customers, {summed}", args)


def payout_csv(payout: str, paid: list[tuple[str, str, int]]) -> str:
    """One row per customer, by customer, amounts in whole minor units: from the same bookings the same
    bytes.
    """
    rows = [(payout, customer, unit, amount) for customer, unit, amount in paid]
    return csv_text(("payout", "customer", "unit", "amount"), rows)


def _tell(found: dict[str, Any], sentence: str, args: argparse.Namespace) -> int:
    print(json.dumps(found, ensure_ascii=False) if args.json else sentence)
    return 0


def _add_site(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--site", type=Path, required=True, metavar="SITE.toml", help="whose daemon is asked"
    )
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
