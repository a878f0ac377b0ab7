"""The demo's accounts: made anew at each start, so that no password stands in any file of ours."""

import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from controller.access.account_store import AccountStore
from controller.access.accounts import Account
from controller.access.passwords import hash_password
from controller.access.roles import Role

ROLES: tuple[Role, ...] = ("operator", "supervisor")


@dataclass(frozen=True)
class Entry:
    """One who may sign in."""

    name: str
    password: str


def make_accounts(path: Path) -> tuple[Entry, ...]:
    """One account for each role of a small control room, named after it. Raises AccountsUnavailable."""
    entries = tuple(Entry(role, secrets.token_urlsafe(12)) for role in ROLES)
    with closing(AccountStore(path)) as store:
        for role, entry in zip(ROLES, entries, strict=True):
            store.add(Account(entry.name, role, hash_password(entry.password)))
    return entries
