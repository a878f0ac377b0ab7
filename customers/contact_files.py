"""Reads contacts.csv; everything that is wrong is told at once, and no finding repeats what stands in a cell.

contacts.csv: customer, name [, email, phone, postal, language, consented_on, withdrawn_on, ended_on,
channels, push]

A column that is not there says nothing; an empty cell of one that is there says that there is nothing. Dates
are ISO days. `channels` are names of ways to tell people, the liked one first, with blanks between them. An
e-mail address or phone number is checked for what cannot be meant, no further.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from customers.contacts import Contact
from customers.errors import Finding, RegistryRejected
from customers.notices import LANGUAGES
from customers.rows import Row
from customers.tables import find_doubles, read_table

REQUIRED = ("customer", "name")
OPTIONAL = (
    "email",
    "phone",
    "postal",
    "language",
    "consented_on",
    "withdrawn_on",
    "ended_on",
    "channels",
    "push",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
LONGEST = 500
_GUARDED = re.compile(r"((?:^|[;|\n])\s*)'(?=[=+@-])")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s()/.-]{3,40}")


@dataclass(frozen=True, slots=True)
class ContactFile:
    """What a file says."""

    contacts: tuple[Contact, ...]
    columns: frozenset[str]
    """those that it has; empty where it has no rows"""


def load_contacts(path: Path) -> ContactFile:
    """All of a file. Raises RegistryRejected with all findings."""
    findings: list[Finding] = []
    held = read_table(path, REQUIRED, OPTIONAL, _contact, findings)
    find_doubles(held, "customer")
    if findings:
        raise RegistryRejected(sorted(findings, key=lambda finding: finding.row or 0))
    columns = held[0][0].columns if held else frozenset[str]()
    return ContactFile(tuple(contact for _, contact in held), columns)


def _contact(row: Row) -> Contact | None:
    customer, name = row.identifier("customer"), _words(row, "name")
    email, phone, postal = (_words(row, field) for field in ("email", "phone", "postal"))
    if email is not None and not _EMAIL.fullmatch(email):
        row.fault("email", "expected an e-mail address")
    if phone is not None and not _PHONE.fullmatch(phone):
        row.fault("phone", "expected a phone number")
    language = LANGUAGES[0] if row.is_blank("language") else row.text("language")
    if language not in LANGUAGES:
        row.fault("language", f"expected one of {', '.join(LANGUAGES)}")
    consented, withdrawn, ended = (_day(row, field) for field in OPTIONAL[4:7])
    if withdrawn is not None and (consented is None or withdrawn < consented):
        row.fault("withdrawn_on", "expected a day not before consented_on")
    channels, push = _words(row, "channels"), _words(row, "push")
    if name is None:
        row.fault("name", "expected a name, it is empty")
    if customer is None or name is None or language is None:
        return None
    liked = tuple((channels or "").split())
    return Contact(
        customer, name, email, phone, postal, language, consented, withdrawn, ended, channels=liked, push=push
    )


def _words(row: Row, field: str) -> str | None:
    """The text of a cell, without the apostrophes that an export put before what looked like formulas."""
    text = None if row.is_blank(field) else row.text(field)
    if text is not None and (len(text) > LONGEST or not all(c.isprintable() or c == "\n" for c in text)):
        row.fault(field, f"expected at most {LONGEST} printable characters")
        return None
    return None if text is None else _GUARDED.sub(r"\1", text)


def _day(row: Row, field: str) -> date | None:
    if row.is_blank(field):
        return None
    try:
        return date.fromisoformat(row.text(field) or "")
    except ValueError:
        row.fault(field, "expected a day such as 2026-01-31")
        return None


def cells(contact: Contact) -> Sequence[str | None]:
    """A contact by column of the same file."""
    values = (getattr(contact, column) for column in COLUMNS)
    return [_cell(value) for value in values]


def _cell(value: str | date | tuple[str, ...] | None) -> str | None:
    if isinstance(value, tuple):
        return " ".join(value) or None
    return value.isoformat() if isinstance(value, date) else value
