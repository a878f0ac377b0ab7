"""`gridward appliances import` and `review`: reads the lists, matches, and writes what came of it.

All input is read and checked before anything is written. Addresses are looked at only where a list has any,
and who looked is noted for each customer. Files with names and addresses are for their owner alone.
"""

import argparse
import hashlib
import secrets
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from controller.clock import WallClock
from controller.errors import ConfigRejected
from customers.appliances.columns import ListMapping, load_mapping
from customers.appliances.importing import Imported, Importer
from customers.appliances.matching import Matcher
from customers.appliances.memory import Fingerprints, Memory, Waiting, load_memory, save_memory
from customers.appliances.merging import Register
from customers.appliances.parties import Party, parties_of
from customers.appliances.private_files import write_private
from customers.appliances.review_list import (
    COLUMNS,
    TWINS,
    apply_decisions,
    nobody_rows,
    read_decisions,
    review_rows,
)
from customers.appliances.sales_list import SalesList, family, read_sales
from customers.appliances.sheets import Cell
from customers.appliances.twins import twins
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact
from customers.errors import Finding, RegistryRejected
from devices.signing import hkdf_sha256
from gridward.appliance_report import Came, Told, told
from gridward.appliance_site import Feeders
from gridward.csv_text import csv_text
from gridward.key_files import make_once

_SALT = b"gridward-appliance-buyers-1"
_SECRET_BYTES = 32
FAULTS = "gridward says"
"""the last column of rows that are to be mended"""


def import_sales(feeders: Feeders, args: argparse.Namespace) -> Told:
    """All of the command. Raises RegistryRejected and others having written nothing."""
    now = WallClock().now()
    _check_review(args.review)
    mapping = ListMapping() if args.mapping is None else load_mapping(args.mapping)
    lists = _read(args.files, mapping, now.date())
    with feeders.alone():
        memory, held = load_memory(feeders.memory_file), feeders.appliances()
        register = Register(one for all_ in held.values() for one in all_)
        contacts = _contacts(feeders, lists, Access(args.who, args.why, now))
        parties = parties_of(one for one in contacts.values() if not _has_left(one, now.date()))
        has_places = any(sale.buyer.latitude is not None for one in lists for sale in one.sales)
        places = feeders.places(args.places) if has_places else None
        matcher = Matcher(feeders.service_point, parties, places, args.near)
        importer = Importer(matcher.match, _fingerprints(feeders), memory, register, feeders.service_point)
        for one in lists:
            importer.take(one)
        pairs = _proposed(parties, importer.done, feeders, memory)
        # What is owned first: whoever dies here has lost nothing that the same command again would not bring.
        owned = register.appliances(feeders.service_point, memory.resolved())
        count = feeders.write(owned, held)
        save_memory(feeders.memory_file, memory)
        rejected = {path: _write_rejected(path, one) for path, one in zip(args.files, lists, strict=True)}
        if args.review is not None:
            rows = [*review_rows(importer.done.doubts, pairs, contacts)]
            rows += nobody_rows(importer.done) if args.with_nobody else ()
            write_private(args.review, csv_text(COLUMNS, rows))
    joined = sum(len(one.sources) - 1 for one in owned)
    return told(
        args.review, Came(lists, importer.done, len(pairs), len(memory.waiting), count, joined, rejected)
    )


def _check_review(path: Path | None) -> None:
    if path is not None and path.exists():
        expected = "expected a file that is not there yet: somebody may be deciding in this one"
        raise RegistryRejected([Finding(str(path), None, "--review", expected)])


def _fingerprints(feeders: Feeders) -> Fingerprints:
    """By a key from the site's secret, which is made on first use as the daemon makes it."""
    path = feeders.site.secret_file
    make_once(path, secrets.token_hex(_SECRET_BYTES))
    secret = path.read_bytes().strip()
    if len(secret) < 2 * _SECRET_BYTES:
        raise ConfigRejected([f"{path}: expected at least {2 * _SECRET_BYTES} hexadecimal digits"])
    return Fingerprints(hkdf_sha256(secret, salt=_SALT, info=b"", length=32))


def _proposed(
    parties: Sequence[Party], done: Imported, feeders: Feeders, memory: Memory
) -> list[tuple[str, tuple[str, str]]]:
    """Pairs of ids that may be one customer, each with the name of its line; they wait in the memory."""
    settled = memory.apart | set(memory.same_as.items())
    pairs = []
    for pair in twins(parties, done.concerned, feeders.service_point, settled):
        if pair[1] not in memory.same_as:
            line = f"c-{hashlib.sha256('|'.join(pair).encode()).hexdigest()[:12]}"
            memory.waiting[line] = Waiting("", (), "", TWINS, 0.0, None, pair)
            pairs.append((line, pair))
    return pairs


def _has_left(contact: Contact, today: date) -> bool:
    """Whoever lives there now is meant, not who moved away."""
    return contact.ended_on is not None and contact.ended_on < today


def _read(files: Sequence[Path], mapping: ListMapping, today: date) -> list[SalesList]:
    """All lists. Raises RegistryRejected with the findings of all."""
    lists: list[SalesList] = []
    findings: list[Finding] = []
    stems: dict[str, Path] = {}
    for path in files:
        name = family(path.stem)
        if name in stems:
            expected = f"expected files of different names: {stems[name]} is a list of this name as well"
            findings.append(Finding(str(path), None, None, expected))
            continue
        stems[name] = path
        try:
            lists.append(read_sales(path, mapping, today))
        except RegistryRejected as error:
            findings += error.findings
    if findings:
        raise RegistryRejected(findings)
    return lists


def _contacts(feeders: Feeders, lists: Sequence[SalesList], access: Access) -> dict[str, Contact]:
    """Those of whom an address is held; nobody's are looked at where no list tells a name or an address."""
    told = any(sale.buyer.address or sale.buyer.name for one in lists for sale in one.sales)
    if not told or not feeders.site.contacts.path.exists():
        return {}
    with closing(ContactStore(feeders.site.contacts.path)) as store:
        return {one.customer: one for one in store.all("listed", access)}


def _write_rejected(path: Path, one: SalesList) -> Path | None:
    """The rows that could not be used, as they were, and what is wrong with each; in place of the old ones
    where that is what was read.
    """
    out = path.with_name(f"{path.stem.removesuffix('.rejected')}.rejected.csv")
    if not one.rejected and path != out:
        return None
    header = [_cell(cell) for cell in one.header if cell != FAULTS]
    width = len(header)
    rows = [
        [
            *(_cell(cell) for cell in (*row.row.cells, *[None] * width)[:width]),
            "; ".join(fault.told for fault in row.faults),
        ]
        for row in one.rejected
    ]
    text = csv_text([*header, FAULTS], rows)
    if path != out and out.exists() and out.read_text(encoding="utf-8", errors="replace") != text:
        out.replace(out.with_suffix(".csv.before"))  # somebody may be mending it
    write_private(out, text)
    return out if rows else None


def _cell(cell: Cell) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell == int(cell) else repr(cell)
    return "" if cell is None else str(cell)


def read_review(feeders: Feeders, path: Path) -> Told:
    """Take the decisions of a review list."""
    decisions = read_decisions(path)
    with feeders.alone():
        memory, held = load_memory(feeders.memory_file), feeders.appliances()
        register = Register(one for all_ in held.values() for one in all_)
        applied = apply_decisions(str(path), decisions, memory, register, feeders.service_point)
        count = feeders.write(register.appliances(feeders.service_point, memory.resolved()), held)
        save_memory(feeders.memory_file, memory)
    waits = len(memory.waiting)
    lines = [
        f"{applied.accepted} accepted, {applied.refused} refused; {applied.units} units are new",
        *(f"feeder {feeder}: {n} appliances" for feeder, n in count.items()),
        f"{waits} lines wait" if waits else "nothing waits",
        f"{path} holds addresses: delete it when it is done with",
    ]
    document = {"accepted": applied.accepted, "refused": applied.refused, "new": applied.units,
                "waiting": waits, "appliances": dict(count)}  # fmt: skip
    return Told(document, lines, 1 if waits else 0)
