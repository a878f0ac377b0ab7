"""Who a customer is and how they are reached: personal data, apart from all else. Pure.

The journal, the registry and the ledger know customers by an id alone. What stands here can be erased without
touching them. No value of this module shows a name or an address when it is printed, so none gets into a log
or a trace by mistake; and nobody reads one without saying who they are and why (`Access`).
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

Action = Literal["imported", "listed", "exported", "used", "withdrawn", "erased", "purged", "looked", "found"]
"""used: to tell the customer something; looked, found: shown to a person, by a search or not"""
Cause = Literal["request", "retention"]
Via = Literal["link", "sms", "api"]
"""how a customer took their consent back: a link in a message, "STOP" from their phone, or somebody for
them"""
_LEAST_DIGITS = 7
"""of a phone number that is taken for one"""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, why, and when: it is noted for the customer to see."""

    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """What is held of one customer."""

    customer: str
    """the id that registry and journal use"""
    name: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    postal: str | None = field(default=None, repr=False)
    language: str = "en"
    consented_on: date | None = None
    """to be written to; None: never"""
    withdrawn_on: date | None = None
    ended_on: date | None = None
    """of the supply or the enrolment; None while it lasts"""
    channels: tuple[str, ...] = ()
    """by which they like to be told, the liked one first; empty: as the site has it"""
    push: str | None = field(default=None, repr=False)
    """their address at a bot or a push service"""


@dataclass(frozen=True, slots=True)
class Noted:
    """One line of the access log."""

    at: datetime
    customer: str
    who: str
    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased and has to be told to the journal, or was."""

    number: int
    at: datetime
    customer: str
    cause: Cause
    who: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a customer took their consent back: has to be told to the journal, or was."""

    number: int
    at: datetime
    customer: str
    via: Via


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer was told, over which channel."""

    customer: str
    channel: str
    word: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a customer who is to be told something."""

    contact: Contact | None
    """None: nothing is held"""
    no_on: date | None = None
    """the day of the last no that they gave themselves, which outlives what is held of them"""
    told: tuple[Told, ...] = ()
    """lately"""


class WithdrawableContacts(Protocol):
    """Taking consent back. All raise ContactsUnavailable."""

    def withdraw(self, customer: str, on: date, via: Via, access: Access) -> bool:
        """Note it, from this day on, if it was not before; whether it was new. Also of somebody of whom
        nothing is held: it counts for what comes later."""
        ...

    def with_phone(self, digits: str) -> tuple[str, ...]:
        """The customers with this phone number."""
        ...

    def to_tell(self) -> tuple[Withdrawal, ...]:
        """Those that the journal has not got yet, oldest first."""
        ...

    def told(self, withdrawals: Iterable[Withdrawal]) -> None:
        """The journal has these."""
        ...

    def close(self) -> None:
        """Let others in."""
        ...


class ErasableContacts(WithdrawableContacts, Protocol):
    """Erasing them as well. All raise ContactsUnavailable."""

    def erase(self, customers: Iterable[str], cause: Cause, access: Access) -> tuple[str, ...]:
        """Remove all that is held of them, bytes and all; those of whom there was something. Each is noted,
        and waits in `to_journal` until it is told there."""
        ...

    def to_journal(self) -> tuple[Erasure, ...]:
        """Erasures that the journal has not got yet, oldest first."""
        ...

    def journaled(self, erasures: Iterable[Erasure]) -> None:
        """The journal has these."""
        ...


@dataclass(frozen=True, slots=True)
class ConsentDays:
    """The days that decide whether a customer may be written to; nothing of who they are."""

    held: bool
    """False: nothing is held of them, so only `no_on` may be there"""
    consented_on: date | None = None
    withdrawn_on: date | None = None
    ended_on: date | None = None
    no_on: date | None = None
    """of the last no that they gave themselves"""


class LookableContacts(ErasableContacts, Protocol):
    """Showing them to a person. All raise ContactsUnavailable."""

    def consent(self, customer: str) -> ConsentDays:
        """The days of a customer's consent: not noted, because nothing else leaves."""
        ...

    def with_text(self, text: str, after: str, limit: int) -> tuple[str, ...]:
        """Customers behind `after` in whose name, postal or e-mail address, or phone number this text stands,
        by their ids. Only these leave, so nothing is noted."""
        ...

    def look(self, customers: Iterable[str], action: Action, access: Access) -> tuple[Contact, ...]:
        """What is held of these, each noted."""
        ...

    def log(self, customer: str) -> tuple[Noted, ...]:
        """Who looked at a customer's data, oldest first."""
        ...


def holds(no_on: date | None, consented_on: date | None) -> bool:
    """Whether a no stands against a consent: one of a later day undoes it."""
    return no_on is not None and (consented_on is None or consented_on <= no_on)


def completed(given: Contact, held: Contact | None, columns: AbstractSet[str]) -> Contact:
    """A row of a file that has these columns, with what is held in the place of all others. Where it brings a
    consent, the no that is held is left out: whether that still stands is to be asked anew.
    """
    if held is None:
        return given
    absent = {one.name for one in fields(Contact)} - columns
    if "consented_on" in columns:
        absent -= {"withdrawn_on"}
    return replace(given, **{name: getattr(held, name) for name in absent})


def same_phone(held: str, given: str) -> bool:
    """Whether two spellings are one number: a country's code or the zero in its place may be missing from
    one, so the shorter one is compared to the end of the other.
    """
    one, other = (_digits(text).lstrip("0") for text in (held, given))
    return min(len(one), len(other)) >= _LEAST_DIGITS and (one.endswith(other) or other.endswith(one))


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def overdue(held: Iterable[Contact], keep: timedelta, today: date) -> Iterator[str]:
    """Customers whose supply or enrolment ended longer than `keep` ago."""
    for contact in held:
        if contact.ended_on is not None and contact.ended_on + keep < today:
            yield contact.customer
