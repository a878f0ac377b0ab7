"""`gridward contacts`: names and addresses of a site's customers. Whoever looks at them is noted.

They lie in a file of their own; the journal knows customers by their id. What is erased is gone at once, and
the journal is told that it was: by the daemon where one runs, or else here.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings import Site
from controller.settings_file import load_site
from customers.contact_files import COLUMNS, cells, load_contacts
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact
from customers.errors import ContactsUnavailable, RegistryRejected
from customers.registry_files import load_registry
from gridward.contact_journal import tell_journal
from gridward.csv_text import csv_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(
        dest="contacts_command", required=True, metavar="import|list|export|erase|purge|log"
    )
    taken = _command(commands, "import", "add or replace, from a CSV file")
    taken.add_argument("file", type=Path, metavar="FILE.csv", help=f"columns: {', '.join(COLUMNS)}")
    _command(commands, "list", "who is held, and how they are reached")
    exported = _command(commands, "export", "write them as a CSV file, for the customer or another system")
    exported.add_argument("--customer", metavar="CUSTOMER", help="of this one only")
    exported.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    erased = _command(
        commands, "erase", "remove all that is held of a customer, for good", why_is_needed=True
    )
    erased.add_argument("customer", metavar="CUSTOMER")
    _command(commands, "purge", "erase whose supply or enrolment ended longer than [contacts] keep_days ago")
    logged = _command(commands, "log", "who looked at a customer's data, and why")
    logged.add_argument("customer", metavar="CUSTOMER")


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    told: str,
    *,
    why_is_needed: bool = False,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=told)
    parser.add_argument("site", type=Path, metavar="SITE.toml")
    parser.add_argument("--who", default=getpass.getuser(), help="who you are, better a role than a name")
    parser.add_argument("--why", default="", required=why_is_needed, help="is kept, so no names of customers")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser


def run(args: argparse.Namespace) -> int:
    """0 done; 2 wrong input, or the contacts cannot be used."""
    access = Access(args.who, args.why, WallClock().now())
    try:
        site = load_site(args.site)
        with closing(ContactStore(site.contacts.path)) as contacts:
            return _run(args, site, contacts, access)
    except (ConfigRejected, RegistryRejected) as error:
        print("\n".join(map(str, error.findings)), file=sys.stderr)
    except (ContactsUnavailable, OSError) as error:
        print(f"gridward contacts: {error}", file=sys.stderr)
    return 2


def _run(args: argparse.Namespace, site: Site, contacts: ContactStore, access: Access) -> int:
    match args.contacts_command:
        case "import":
            file = load_contacts(args.file)
            count = contacts.put(file.contacts, access, file.columns)
            _say(args, {"imported": count}, f"{args.file}: {count} taken{_kept(file.columns)}")
        case "list":
            _list(args, contacts.all("listed", access))
        case "export":
            return _export(args, contacts, access)
        case "erase":
            return _erase(args, site, contacts, access)
        case "purge":
            _purge(args, site, contacts, access)
        case _:
            _log(args, contacts)
    return 0


def _kept(columns: frozenset[str]) -> str:
    absent = [name for name in COLUMNS if name not in columns]
    return f"; not in the file, so it stays as it was: {', '.join(absent)}" if columns and absent else ""


def _list(args: argparse.Namespace, held: Sequence[Contact]) -> None:
    rows = [dict(zip(COLUMNS, cells(contact), strict=True)) for contact in held]
    lines = ["  ".join((cell or "-").replace("\n", ", ") for cell in row.values()) for row in rows]
    _say(args, {"contacts": rows}, "\n".join(["  ".join(COLUMNS), *lines] if lines else ["nobody is held"]))


def _export(args: argparse.Namespace, contacts: ContactStore, access: Access) -> int:
    if args.out.suffix.lower() != ".csv":
        return _wrong(f"{args.out}: expected a file that ends in .csv")
    held = contacts.all("exported", access, args.customer)
    if args.customer is not None and not held:
        return _wrong(f"nothing is held of {args.customer!r}")
    args.out.touch(mode=0o600)
    args.out.chmod(0o600)
    args.out.write_text(csv_text(COLUMNS, map(cells, held)), encoding="utf-8", newline="")
    _say(args, {"exported": len(held), "out": str(args.out)}, f"{args.out}: {len(held)} written")
    return 0


def _erase(args: argparse.Namespace, site: Site, contacts: ContactStore, access: Access) -> int:
    gone = contacts.erase((args.customer,), "request", access)
    waiting = {one.customer for one in contacts.to_journal()}
    journaled = tell_journal(site, contacts, access)
    if not gone and args.customer not in waiting:
        return _wrong(f"nothing is held of {args.customer!r}")
    document = {"erased": [args.customer], "journaled": journaled is None}
    _say(args, document, f"{args.customer}: erased{_told_later(journaled)}")
    return 0


def _purge(args: argparse.Namespace, site: Site, contacts: ContactStore, access: Access) -> None:
    keep = timedelta(days=site.contacts.keep_days)
    gone = contacts.erase(contacts.overdue(keep, access.at.date()), "retention", access)
    contacts.forget_accesses(access.at - keep)
    journaled = tell_journal(site, contacts, access)
    strangers = sorted(contacts.customers() - _supplied(site, contacts.customers()))
    lines = [f"{len(gone)} erased{_told_later(journaled)}", *gone]
    if strangers:
        lines.append(f"not supplied here, and without ended_on where that is not set: {', '.join(strangers)}")
    document = {"erased": gone, "journaled": journaled is None, "not_supplied": strangers}
    _say(args, document, "\n".join(lines))


def _supplied(site: Site, otherwise: frozenset[str]) -> frozenset[str]:
    """The customers of the registries; `otherwise` where one cannot be read, which is not our subject."""
    try:
        registries = [load_registry(feeder.customers, feeder.devices) for feeder in site.feeder]
    except RegistryRejected:
        return otherwise
    return frozenset(one.customer for registry in registries for one in registry.customers)


def _log(args: argparse.Namespace, contacts: ContactStore) -> None:
    noted = contacts.log(args.customer)
    rows = [{"at": one.at.isoformat(), "who": one.who, "action": one.action, "why": one.why} for one in noted]
    lines = [f"{one.at:%Y-%m-%d %H:%M:%S}  {one.action:<8}  {one.who}  {one.why}".rstrip() for one in noted]
    _say(args, {"customer": args.customer, "log": rows}, "\n".join(lines or ["nothing was noted"]))


def _told_later(reason: str | None) -> str:
    return "" if reason is None else f"; the journal is told later: {reason}"


def _say(args: argparse.Namespace, document: Mapping[str, object], text: str) -> None:
    print(json.dumps(document, ensure_ascii=False) if args.json else text)


def _wrong(fault: str) -> int:
    print(f"gridward contacts: {fault}", file=sys.stderr)
    return 2
