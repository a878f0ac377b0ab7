"""`gridward accounts`: who may sign in at a site's API and console, as what, and with which second factor.

Works on the accounts' file, also while the daemon runs: what is changed holds from the next request on.
A password is asked for, twice, or read from standard input: never an argument, which others could see.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from controller.access.account_store import AccountStore, AccountsUnavailable
from controller.access.accounts import TOKEN_PREFIX, Account, Token, digest_of, is_name, new_secret
from controller.access.one_time_codes import enrolment_address
from controller.access.one_time_codes import new_secret as new_totp_secret
from controller.access.passwords import hash_password, password_fault
from controller.access.roles import FOR_MACHINES, ROLES
from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings import Site
from controller.settings_file import load_site
from gridward.ledger_tables import aligned

PEOPLE = tuple(role for role in ROLES if role != "machine")
_WITH_PASSWORD = ("add", "password")


class _Wrong(Exception):
    """What was asked for cannot be done; says what was expected."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(dest="accounts_command", required=True, metavar="COMMAND")
    added = _of_one(commands, "add", "a new account; asks for its password")
    added.add_argument("--role", choices=PEOPLE, required=True)
    added.add_argument("--feeder", action="append", metavar="ID", help="only this one; may be given again")
    _of_one(commands, "password", "another password; ends all of the account's sessions")
    role = _of_one(commands, "role", "another role, from the next request on")
    role.add_argument("role", choices=PEOPLE)
    _of_one(commands, "second-factor", "a code from a phone is needed from now on; prints what to scan")
    _of_one(commands, "no-second-factor", "the password alone is enough again")
    _of_one(commands, "disable", "nobody signs in with it, and its sessions are over")
    _of_one(commands, "enable", "the account is as it was")
    _of_one(commands, "remove", "the account is gone; what it did stays in the journal")
    token = _of_one(commands, "token", "a new token for a program; prints its secret, this once")
    token.add_argument("--may", action="append", choices=sorted(FOR_MACHINES), required=True)
    token.add_argument("--feeder", action="append", metavar="ID")
    token.add_argument("--days", type=int, default=90, choices=range(1, 401), metavar="1-400")
    listed = commands.add_parser("list", help="all accounts and tokens, without their secrets")
    listed.add_argument("site", type=Path, metavar="SITE.toml")
    listed.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    for name in _WITH_PASSWORD:
        commands.choices[name].add_argument("--password-stdin", action="store_true", help="read it there")


def _of_one(commands: Any, name: str, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=told)
    parser.add_argument("site", type=Path, metavar="SITE.toml")
    parser.add_argument("name", metavar="NAME")
    return parser


def run(args: argparse.Namespace) -> int:
    """0 done; 2 wrong input, or the accounts cannot be used."""
    try:
        site = load_site(args.site)
        with closing(AccountStore(site.api.accounts)) as store:
            _run(args, site, store)
        return 0
    except ConfigRejected as error:
        print("\n".join(map(str, error.findings)), file=sys.stderr)
    except (_Wrong, AccountsUnavailable) as error:
        print(f"gridward accounts: {error}", file=sys.stderr)
    return 2


def _run(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    match args.accounts_command:
        case "list":
            _list(store, as_json=args.json)
        case "add":
            _add(args, site, store)
        case "token":
            _token(args, site, store)
        case "remove":
            if not store.remove(args.name):
                raise _Wrong(f"there is no account {args.name!r}")
        case _:
            _change(args, site, store)


def _add(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    if not is_name(args.name):
        raise _Wrong(f"NAME: expected 2 to 64 letters, digits or . _ @ -, got {args.name!r}")
    if store.account(args.name) is not None:
        raise _Wrong(f"there is an account {args.name!r} already")
    feeders = _feeders(args, site)
    store.put(Account(args.name, args.role, _new_password(args), feeders=feeders))
    print(f"{args.name} may sign in as {args.role}")


def _change(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    account = store.account(args.name)
    if account is None:
        raise _Wrong(f"there is no account {args.name!r}; `gridward accounts list` shows all")
    match args.accounts_command:
        case "password":
            account = replace(account, password_hash=_new_password(args))
        case "role":
            account = replace(account, role=args.role)
        case "second-factor":
            secret = new_totp_secret()
            account = replace(account, totp_secret=secret, totp_step=0)
            print(f"Scan or enter this in an authenticator app; it is told this once:\n{secret}")
            print(enrolment_address(secret, account.name, site.name))
        case "no-second-factor":
            account = replace(account, totp_secret=None)
        case other:
            account = replace(account, disabled=other == "disable")
    store.put(account)


def _token(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    if not is_name(args.name):
        raise _Wrong(f"NAME: expected 2 to 64 letters, digits or . _ @ -, got {args.name!r}")
    secret, now = TOKEN_PREFIX + new_secret(), WallClock().now()
    made_by = f"{getpass.getuser()} (command line)"
    expires_at = now + timedelta(days=args.days)
    may, feeders = frozenset(args.may), _feeders(args, site)
    store.add_token(
        Token(new_secret()[:12], digest_of(secret), args.name, may, feeders, made_by, now, expires_at)
    )
    print(secret)


def _feeders(args: argparse.Namespace, site: Site) -> frozenset[str] | None:
    if not args.feeder:
        return None
    known = [feeder.id for feeder in site.feeder]
    for feeder in args.feeder:
        if feeder not in known:
            raise _Wrong(f"--feeder: expected one of {', '.join(known)}, got {feeder!r}")
    return frozenset(args.feeder)


def _new_password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise _Wrong("the two are not the same; nothing was changed")
    fault = password_fault(password, args.name)
    if fault is not None:
        raise _Wrong(f"password: {fault}")
    return hash_password(password)


def _list(store: AccountStore, *, as_json: bool) -> None:
    accounts, tokens = [*map(_account, store.accounts())], [*map(_shown, store.tokens())]
    if as_json:
        print(json.dumps({"accounts": accounts, "tokens": tokens}))
        return
    for title, rows in (("account", accounts), ("token", tokens)):
        if rows:
            heads = [title, *list(rows[0])[1:]]
            cells = [heads, *([_cell(value) for value in row.values()] for row in rows)]
            print(aligned(cells, left=len(heads)))
    if not accounts:
        print("Nobody has an account yet: gridward accounts add SITE.toml NAME --role supervisor")


def _account(account: Account) -> Mapping[str, Any]:
    return {
        "name": account.name,
        "role": account.role,
        "signs_in_with": account.issuer or "password",
        "second_factor": account.totp_secret is not None,
        "disabled": account.disabled,
        "feeders": None if account.feeders is None else sorted(account.feeders),
    }


def _shown(token: Token) -> Mapping[str, Any]:
    return {
        "token": token.token,
        "name": token.name,
        "may": sorted(token.may),
        "feeders": None if token.feeders is None else sorted(token.feeders),
        "made_by": token.made_by,
        "expires_at": token.expires_at.isoformat(timespec="seconds"),
    }


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return "all" if value is None else str(value)
