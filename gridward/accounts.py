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
from datetime import timedelta
from pathlib import Path
from typing import Any

from controller.access.account_file import AccountsUnavailable
from controller.access.account_store import AccountStore
from controller.access.accounts import Account, Token, is_name
from controller.access.one_time_codes import enrolment_address
from controller.access.one_time_codes import new_secret as new_totp_secret
from controller.access.passwords import hash_password, password_fault
from controller.access.roles import FOR_MACHINES, ROLES
from controller.access.tokens import TokenRejected, new_token
from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings import Site
from controller.settings_file import load_site
from gridward.ledger_tables import aligned

_OF_THE_PROVIDER = {
    "password": "password",
    "role": "role",
    "second-factor": "second factor",
    "no-second-factor": "second factor",
}
"""what is the provider's, where somebody signs in by one; by command"""
_WITH_PASSWORD = ("add", "password")


class _Wrong(Exception):
    """What was asked for cannot be done; says what was expected."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(dest="accounts_command", required=True, metavar="COMMAND")
    added = _of_one(commands, "add", "a new account; asks for its password")
    added.add_argument("--role", choices=ROLES, required=True)
    added.add_argument("--feeder", action="append", metavar="ID", help="only this one; may be given again")
    _of_one(commands, "password", "another password; ends all of the account's sessions")
    role = _of_one(commands, "role", "another role, from the next request on")
    role.add_argument("role", choices=ROLES)
    _of_one(commands, "second-factor", "a code from a phone is needed from now on; prints what to scan")
    _of_one(commands, "no-second-factor", "the password alone is enough again")
    feeders = _of_one(commands, "feeders", "the feeders that it may act on from now on; without any: all")
    feeders.add_argument("--feeder", action="append", metavar="ID", help="one of them; may be given again")
    _of_one(commands, "disable", "nobody signs in with it, and its sessions are over")
    _of_one(commands, "enable", "the account is as it was")
    _of_one(commands, "remove", "the account and its tokens are gone; what it did stays in the journal")
    token = _of_one(commands, "token", "a new token for a program; prints its secret, this once")
    token.add_argument(
        "--may",
        action="append",
        choices=sorted(FOR_MACHINES),
        required=True,
        help="what it is for; may be given again",
    )
    token.add_argument("--feeder", action="append", metavar="ID", help="only this one; may be given again")
    token.add_argument(
        "--days",
        type=int,
        default=90,
        choices=range(1, 401),
        metavar="1-400",
        help="how long it is good for (default: %(default)s)",
    )
    void = commands.add_parser("void-token", help="a program's token is good for nothing from now on")
    void.add_argument("site", type=Path, metavar="SITE.toml")
    void.add_argument("token", metavar="ID", help="as `gridward accounts list` shows it")
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
    except (_Wrong, TokenRejected, AccountsUnavailable) as error:
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
        case "void-token":
            if not store.remove_token(args.token):
                raise _Wrong(f"there is no token {args.token!r}")
        case _:
            _change(args, site, store)


def _add(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    if not is_name(args.name):
        raise _Wrong(f"NAME: expected 2 to 64 letters, digits or . _ @ -, got {args.name!r}")
    taken = _Wrong(f"there is an account {args.name!r} already")
    if store.account(args.name) is not None:
        raise taken
    feeders = _feeders(args, site)
    if not store.add(Account(args.name, args.role, _new_password(args), feeders=feeders)):
        raise taken
    print(f"{args.name} may sign in as {args.role}")


def _change(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    account = store.account(args.name)
    if account is None or not _changed(args, site, store, account):
        raise _Wrong(f"there is no account {args.name!r}; `gridward accounts list` shows all")


def _changed(args: argparse.Namespace, site: Site, store: AccountStore, account: Account) -> bool:
    """Whether the account was still there."""
    command, name = args.accounts_command, account.name
    if account.issuer is not None and command in _OF_THE_PROVIDER:
        raise _Wrong(f"{name} signs in with {account.issuer}: the {_OF_THE_PROVIDER[command]} is set there")
    match command:
        case "password":
            return store.set_password(name, _new_password(args))
        case "role":
            return store.set_role(name, args.role)
        case "second-factor" | "no-second-factor":
            return _second_factor(store, name, site, needed=command == "second-factor")
        case "feeders":
            return store.set_feeders(name, _feeders(args, site))
        case "remove":
            return store.remove(name)
        case _:
            return store.set_disabled(name, disabled=command == "disable")


def _second_factor(store: AccountStore, name: str, site: Site, *, needed: bool) -> bool:
    secret = new_totp_secret() if needed else None
    if not store.set_second_factor(name, secret):
        return False
    if secret is None:
        return True
    print(f"Scan or enter this in an authenticator app; it is told this once:\n{secret}")
    print(enrolment_address(secret, name, site.name))
    return True


def _token(args: argparse.Namespace, site: Site, store: AccountStore) -> None:
    token, secret = new_token(
        args.name,
        frozenset(args.may),
        _feeders(args, site),
        made_by=f"{getpass.getuser()} (command line)",
        now=WallClock().now(),
        life=timedelta(days=args.days),
    )
    store.add_token(token)
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
