"""Contacts in a SQLite file of their own, with the log of who looked: implements `contacts.ErasableContacts`.

Erasing means the bytes: deleted content is overwritten (`secure_delete`), and the file is then built anew, so
that no page keeps a copy in its unused part. There is no write-ahead log that could keep one; temporary
tables stay in memory. What this cannot reach: old copies of the file, and what a disk keeps of deleted ones.

Methods block. Every change is one transaction, synced to the disk.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import RLock

from customers.contact_tables import prepare
from customers.contacts import (
    Access,
    Action,
    Cause,
    ConsentDays,
    Contact,
    Erasure,
    Looked,
    Noted,
    Told,
    Via,
    Withdrawal,
    completed,
    holds,
    overdue,
    same_phone,
)
from customers.errors import ContactsUnavailable

BUSY_TIMEOUT_S = 5.0
LEAST_DIGITS_SOUGHT = 4
"""of a phone number: fewer stand in too many"""
_BETWEEN = " -/.()+"
_BETWEEN_DIGITS = dict.fromkeys(map(ord, _BETWEEN))
_ONLY_DIGITS = "phone"
for _one in _BETWEEN:
    _ONLY_DIGITS = f"replace({_ONLY_DIGITS}, '{_one}', '')"
ALL_COLUMNS = frozenset(one.name for one in fields(Contact))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ContactsUnavailable(f"{path}: the contacts cannot be used: {error}") from error


class ContactStore:
    """One file. Any thread may call; calls take turns."""

    def __init__(self, path: Path) -> None:
        """Open, and make the file when there is none, for its owner alone. Raises ContactsUnavailable."""
        self._path, self._turn = path, RLock()
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except sqlite3.Error:
                self._connection.close()
                raise

    def all(self, action: Action, access: Access, customer: str | None = None) -> tuple[Contact, ...]:
        """All that is held, or of one customer, by their ids; each is noted."""
        with self._change():
            found = self._held("") if customer is None else self._held("WHERE customer = ?", (customer,))
            self._note((contact.customer for contact in found), action, access)
        return found

    def put(
        self, contacts: Iterable[Contact], access: Access, columns: AbstractSet[str] = ALL_COLUMNS
    ) -> int:
        """Add or replace; returns how many. All or none. What is in none of `columns` stays as it is held.

        Who took their consent back stays so, also after an erasure, unless the new row holds a later consent.
        A row may bring a no forward; one that a row before it held, it may move as well.
        """
        with self._change():
            count = 0
            for row in contacts:
                before = self._held("WHERE customer = ?", (row.customer,))
                given = completed(row, before[0] if before else None, columns)
                contact = replace(given, withdrawn_on=self._withdrawn(given))
                self._connection.execute(
                    "INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        contact.customer, contact.name, contact.email, contact.phone, contact.postal,
                        contact.language, _iso(contact.consented_on), _iso(contact.withdrawn_on),
                        _iso(contact.ended_on), " ".join(contact.channels) or None, contact.push,
                    ),
                )  # fmt: skip
                self._note((contact.customer,), "imported", access)
                count += 1
        self._build_anew()
        return count

    def erase(self, customers: Iterable[str], cause: Cause, access: Access) -> tuple[str, ...]:
        """See the port."""
        action: Action = "erased" if cause == "request" else "purged"
        with self._change():
            gone = tuple(
                customer
                for customer in customers
                if self._connection.execute("DELETE FROM contacts WHERE customer = ?", (customer,)).rowcount
            )
            self._note(gone, action, access)
            self._connection.executemany("DELETE FROM words WHERE customer = ?", ((one,) for one in gone))
            self._connection.executemany(
                "INSERT INTO erasures (at, customer, cause, who) VALUES (?, ?, ?, ?)",
                ((access.at.isoformat(), customer, cause, access.who) for customer in gone),
            )
        self._build_anew()
        return gone

    def overdue(self, keep: timedelta, today: date) -> tuple[str, ...]:
        """Customers whose retention is over. Only their ids leave, so nothing is noted."""
        with self._change():
            return tuple(overdue(self._held("WHERE ended_on IS NOT NULL"), keep, today))

    def forget_accesses(self, before: datetime) -> int:
        """Drop old notes about customers of whom nothing is held; returns how many."""
        with self._change():
            return self._connection.execute(
                "DELETE FROM accesses WHERE at < ? AND customer NOT IN (SELECT customer FROM contacts)",
                (before.isoformat(),),
            ).rowcount

    def customers(self) -> frozenset[str]:
        """The ids of all of whom something is held."""
        with self._change():
            return frozenset(row[0] for row in self._connection.execute("SELECT customer FROM contacts"))

    def log(self, customer: str) -> tuple[Noted, ...]:
        """Who looked at this customer's data, why, and what was done, oldest first."""
        with self._change():
            rows = self._connection.execute(
                "SELECT at, customer, who, action, why FROM accesses WHERE customer = ? ORDER BY number",
                (customer,),
            ).fetchall()
        return tuple(Noted(datetime.fromisoformat(row[0]), *row[1:]) for row in rows)

    def consent(self, customer: str) -> ConsentDays:
        """See the port."""
        with self._reading():
            held, no_on = self._held("WHERE customer = ?", (customer,)), self._last_no(customer)
        if not held:
            return ConsentDays(held=False, no_on=no_on)
        one = held[0]
        return ConsentDays(True, one.consented_on, one.withdrawn_on, one.ended_on, no_on)

    def with_text(self, text: str, after: str, limit: int) -> tuple[str, ...]:
        """See the port. Letters are compared without their case; a phone number by its digits, whatever
        stands between them.
        """
        part = f"%{_unmeant(text)}%"
        digits = text.translate(_BETWEEN_DIGITS).lstrip("0")
        clauses = ["name LIKE ? ESCAPE '!'", "postal LIKE ? ESCAPE '!'", "email LIKE ? ESCAPE '!'"]
        values = [after, part, part, part]
        if len(digits) >= LEAST_DIGITS_SOUGHT and digits.isdecimal():
            # the first pattern is quick and lets few numbers through to the second, which is exact
            clauses.append(f"phone LIKE ? AND {_ONLY_DIGITS} LIKE ?")
            values += [f"%{'%'.join(digits)}%", f"%{digits}%"]
        found = (
            "SELECT customer, name, postal, email FROM contacts"  # noqa: S608
            f" WHERE customer > ? AND ({' OR '.join(clauses)}) ORDER BY customer"
        )
        with self._reading():
            rows: Iterable[tuple[str, ...]] = self._connection.execute(found, values)
            if not text.isascii():  # the pattern lets any letter stand for one with a case of its own
                sought = text.casefold()
                rows = (row for row in rows if any(sought in (word or "").casefold() for word in row[1:]))
            return tuple(row[0] for row in islice(rows, limit))

    def look(self, customers: Iterable[str], action: Action, access: Access) -> tuple[Contact, ...]:
        """See the port."""
        with self._change():
            found = [one for each in customers for one in self._held("WHERE customer = ?", (each,))]
            self._note((contact.customer for contact in found), action, access)
        return tuple(found)

    def to_journal(self) -> tuple[Erasure, ...]:
        """See the port."""
        with self._change():
            rows = self._connection.execute(
                "SELECT number, at, customer, cause, who FROM erasures WHERE NOT journaled ORDER BY number"
            ).fetchall()
        return tuple(Erasure(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows)

    def journaled(self, erasures: Iterable[Erasure]) -> None:
        """See the port."""
        with self._change():
            self._connection.executemany(
                "UPDATE erasures SET journaled = 1 WHERE number = ?", ((one.number,) for one in erasures)
            )

    def use(self, wanted: Sequence[tuple[str, Access]], since: datetime) -> tuple[Looked, ...]:
        """For each: what is held of the customer, to tell them something, their last no, and what they were
        told since then. Each is noted where something is held.
        """
        found = []
        with self._change():
            for customer, access in wanted:
                held = self._held("WHERE customer = ?", (customer,))
                self._note((contact.customer for contact in held), "used", access)
                found.append(
                    Looked(held[0] if held else None, self._last_no(customer), self._told(customer, since))
                )
        return tuple(found)

    def note_told(self, told: Iterable[Told], forget_before: datetime) -> None:
        """Keep what people were told, over which channel; forget what is older than that."""
        with self._change():
            self._connection.executemany(
                "INSERT OR REPLACE INTO words VALUES (?, ?, ?, ?)",
                ((one.customer, one.channel, one.word, one.at.timestamp()) for one in told),
            )
            self._connection.execute("DELETE FROM words WHERE at_s < ?", (forget_before.timestamp(),))

    def withdraw(self, customer: str, on: date, via: Via, access: Access) -> bool:
        """Note that they take their consent back; whether that is new. It waits in `to_tell` until the
        journal has it. It is kept over an erasure, and for somebody of whom nothing is held, by the id alone.
        """
        with self._change():
            held = self._held("WHERE customer = ?", (customer,))
            consented_on = held[0].consented_on if held else None
            no_on = self._last_no(customer)
            if no_on is not None and no_on <= on and (holds(no_on, consented_on) or no_on == on):
                return False
            self._connection.execute(
                "UPDATE contacts SET withdrawn_on = ? WHERE customer = ? "
                "AND (withdrawn_on IS NULL OR withdrawn_on > ?)",
                (on.isoformat(), customer, on.isoformat()),
            )
            self._note((contact.customer for contact in held), "withdrawn", access)
            self._connection.execute(
                "INSERT INTO withdrawals (at, customer, via, on_day) VALUES (?, ?, ?, ?)",
                (access.at.isoformat(), customer, via, on.isoformat()),
            )
        return True

    def with_phone(self, digits: str) -> tuple[str, ...]:
        """Customers with this phone number, given as its last digits. Only their ids leave."""
        with self._change():
            rows = self._connection.execute("SELECT customer, phone FROM contacts WHERE phone IS NOT NULL")
            return tuple(row[0] for row in rows if same_phone(row[1], digits))

    def to_tell(self) -> tuple[Withdrawal, ...]:
        """See the port."""
        with self._change():
            rows = self._connection.execute(
                "SELECT number, at, customer, via FROM withdrawals WHERE NOT journaled ORDER BY number"
            ).fetchall()
        return tuple(Withdrawal(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows)

    def told(self, withdrawals: Iterable[Withdrawal]) -> None:
        """See the port."""
        with self._change():
            self._connection.executemany(
                "UPDATE withdrawals SET journaled = 1 WHERE number = ?",
                ((one.number,) for one in withdrawals),
            )

    def close(self) -> None:
        """Close."""
        with self._turn, _translated(self._path):
            self._connection.close()

    def _prepare(self) -> None:
        for pragma in (
            "secure_delete = ON", "temp_store = MEMORY", "journal_mode = DELETE", "synchronous = FULL",
        ):  # fmt: skip
            self._connection.execute(f"PRAGMA {pragma}")
        with self._change():
            prepare(self._connection)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """All or nothing; reading too, because who looked is written."""
        with self._turn, _translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """For what is not noted, because it says nothing of who anybody is."""
        with self._turn, _translated(self._path):
            yield

    def _build_anew(self) -> None:
        """Copy what is held into fresh pages: what was replaced or deleted is in none of them."""
        with self._turn, _translated(self._path):
            self._connection.execute("VACUUM")

    def _held(self, where: str, values: tuple[str, ...] = ()) -> tuple[Contact, ...]:
        rows = self._connection.execute(f"SELECT * FROM contacts {where} ORDER BY customer", values)  # noqa: S608
        return tuple(map(_contact, rows))

    def _withdrawn(self, given: Contact) -> date | None:
        """The day of a customer's no: by a new row, by what they said themselves, or by the row before."""
        said, row = self._last_no(given.customer), given.withdrawn_on
        if said is not None and holds(said, given.consented_on):
            return said if row is None else min(said, row)
        held = self._held("WHERE customer = ?", (given.customer,))
        before = held[0].withdrawn_on if held else None
        return before if row is None and holds(before, given.consented_on) else row

    def _last_no(self, customer: str) -> date | None:
        """The day of the last one that they gave themselves."""
        ((day,),) = self._connection.execute(
            "SELECT max(on_day) FROM withdrawals WHERE customer = ?", (customer,)
        )
        return _day(day)

    def _told(self, customer: str, since: datetime) -> tuple[Told, ...]:
        rows = self._connection.execute(
            "SELECT customer, channel, word, at_s FROM words WHERE customer = ? AND at_s > ? ORDER BY at_s",
            (customer, since.timestamp()),
        )
        return tuple(
            Told(whose, channel, word, datetime.fromtimestamp(at_s, UTC))
            for whose, channel, word, at_s in rows
        )

    def _note(self, customers: Iterable[str], action: Action, access: Access) -> None:
        self._connection.executemany(
            "INSERT INTO accesses (at, customer, who, action, why) VALUES (?, ?, ?, ?, ?)",
            ((access.at.isoformat(), customer, access.who, action, access.why) for customer in customers),
        )


def _contact(row: Sequence[str | None]) -> Contact:
    customer, name, email, phone, postal, language, consented, withdrawn, ended, channels, push = row
    assert customer is not None  # by the table, these three
    assert name is not None
    assert language is not None
    return Contact(
        customer,
        name,
        email,
        phone,
        postal,
        language,
        _day(consented),
        _day(withdrawn),
        _day(ended),
        channels=tuple((channels or "").split()),
        push=push,
    )


def _unmeant(text: str) -> str:
    """The text without a meaning of its own in a LIKE pattern, whose escape is "!". SQLite knows the case of
    the Latin alphabet alone: any letter stands for another one that has a case.
    """
    meant = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return "".join(one if one.isascii() or one.lower() == one.upper() else "_" for one in meant)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
