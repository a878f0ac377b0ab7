"""`gridward ledger balance`, `tiers` and `catalogue`: how rewards stand, by a site's rules and its store.

They stand as of the store's newest entry, whatever the time is here: a site's clock may be another one.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from controller.clock import WallClock
from controller.entries import FactReported, LedgerPosted, PayoutMoved, RedemptionMoved
from controller.errors import BooksBroken, RecordBroken
from controller.rewards import customer_rewards
from controller.rewards.accounts import Accounts
from controller.rewards.money import shown
from controller.settings import Rewards
from controller.settings_file import load_site
from controller.stores.port import Numbered, Record
from gridward.ledger_tables import aligned
from gridward.stored_record import place_of, with_record

Commands = Any
"""what `argparse` adds subcommands to"""
NAMES = ("balance", "tiers", "catalogue")


def add_commands(commands: Commands) -> None:
    """The three of them."""
    balance = commands.add_parser("balance", help="what one customer holds, their tier, what expires next")
    balance.add_argument("customer", metavar="CUSTOMER")
    tiers = commands.add_parser("tiers", help="who is in which tier")
    catalogue = commands.add_parser("catalogue", help="what points are good for now, and how much is left")
    for command in (balance, tiers, catalogue):
        command.add_argument(
            "--site", type=Path, required=True, metavar="SITE.toml", help="its rules and store"
        )
        command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 fine; 1 when the record was altered; 2 when the input is wrong."""
    try:
        place = place_of(str(args.site))
    except argparse.ArgumentTypeError as error:
        print(error, file=sys.stderr)
        return 2
    rewards = load_site(args.site).rewards
    tell: Callable[[Accounts, Rewards, datetime, argparse.Namespace], None] = {
        "balance": _balance,
        "tiers": _tiers,
        "catalogue": _catalogue,
    }[args.ledger_command]

    def look(record: Record) -> int:
        accounts, newest = accounts_of(record.replay())
        tell(accounts, rewards, newest or WallClock().now(), args)
        return 0

    return with_record(place, look)


def accounts_of(told: Iterable[Numbered]) -> tuple[Accounts, datetime | None]:
    """The ledger as a journal leaves it, and the time of its newest entry. Raises RecordBroken at what cannot
    have happened.
    """
    accounts, newest = Accounts(), None
    for numbered in told:
        newest = numbered.entry.at
        try:
            match numbered.entry:
                case LedgerPosted() as posted:
                    accounts.post(posted)
                case FactReported() as fact:
                    accounts.report(fact)
                case RedemptionMoved() as moved:
                    accounts.redeem(moved)
                case PayoutMoved() as payout:
                    accounts.payouts.move(payout)
        except BooksBroken as error:
            raise RecordBroken(f"entry {numbered.seq} cannot be: {error}") from error
    return accounts, newest


def _balance(accounts: Accounts, rewards: Rewards, now: datetime, args: argparse.Namespace) -> None:
    found = customer_rewards.standing(accounts, rewards, args.customer, now)
    if args.json:
        print(msgspec.json.encode(found).decode())
        return
    held = [shown(unit, amount) for unit, amount in sorted(found.balances.items())]
    print(f"{found.customer}: {', '.join(held) or 'nothing'}")
    tier = "in no tier" if found.tier is None else f"in tier {found.tier}"
    further = "" if found.next_tier is None else f"; {found.points_to_next_tier} more for {found.next_tier}"
    before = f"{tier}, with " if rewards.tier else ""
    print(f"{before}{found.earned_points} {_earned_until(now)}{further}")
    if found.expiring_points:
        print(f"{found.expiring_points} points are gone on {found.expiring_on} unless they are used")
    for one in found.pending:
        until = "" if one.deadline is None else f", pending until {one.deadline:%Y-%m-%d %H:%M} UTC"
        print(f"redemption {one.redemption}: {one.item} for {one.points} points{until}")


def _earned_until(now: datetime) -> str:
    return f"points earned in the year until {now:%Y-%m-%d}"


def _tiers(accounts: Accounts, rewards: Rewards, now: datetime, args: argparse.Namespace) -> None:
    rows = [
        (customer, *customer_rewards.tier(accounts, rewards, customer, now))
        for customer in accounts.customers()
    ]
    if args.json:
        told = [{"customer": c, "tier": tier, "earned_points": earned} for c, tier, earned in rows]
        print(json.dumps({"customers": told}, ensure_ascii=False))
        return
    if not rewards.tier:
        print("this site has no tiers")
        return
    table = [("customer", "tier", _earned_until(now))]
    table += [(customer, tier or "-", str(earned)) for customer, tier, earned in rows]
    print(aligned(table, left=2))


def _catalogue(accounts: Accounts, rewards: Rewards, now: datetime, args: argparse.Namespace) -> None:
    offers = customer_rewards.catalogue(accounts, rewards, now)
    if args.json:
        print(msgspec.json.encode({"items": offers}).decode())
        return
    if not offers:
        print("there is nothing to be had now")
        return
    table = [("item", "kind", "name", "from tier", "points", "worth", "left")]
    for one in offers:
        name = one.names.get("en") or next(iter(one.names.values()))
        worth = shown(one.currency, one.minor_units) if one.minor_units else ""
        left = "" if one.left is None else str(one.left)
        table.append((one.item, one.kind, name, one.from_tier or "", str(one.points), worth, left))
    print(aligned(table, left=4))
