"""`gridward audit verify`, and the public key that it checks checkpoints with."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from controller.auditing.checkpoints import NoteRejected, PublicKey, read_notes, read_public_keys
from controller.errors import ConfigRejected
from controller.settings_file import load_site
from controller.stores.audit import Audit, audit
from controller.stores.port import Record


def add_verify_arguments(parser: argparse.ArgumentParser) -> None:
    """`--public-key` and `--checkpoints`."""
    add_key_argument(parser, required=False)
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="FILE",
        help="the copies of the checkpoints from outside; needs --public-key",
    )


def add_key_argument(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """`--public-key`."""
    parser.add_argument(
        "--public-key",
        type=public_keys,
        default=(),
        required=required,
        metavar="FILE",
        help="the keys that may have signed, as `gridward audit key` prints them",
    )


def public_keys(text: str) -> tuple[PublicKey, ...]:
    """The keys in a file. Raises argparse.ArgumentTypeError."""
    try:
        return read_public_keys(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NoteRejected) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def print_key(site_file: Path) -> int:
    """Print a site's public key. 2 where the site has none yet, or one that cannot be used."""
    from gridward.wiring import signing_key  # noqa: PLC0415  the daemon's parts, which no other look needs

    try:
        site = load_site(site_file)
        path = site.journal.signing_key_file
        if not path.exists():
            raise ConfigRejected([f"{path}: there is no key yet; the daemon makes it when it first starts"])
        print(signing_key(path, site.name).public.text)
    except (ConfigRejected, OSError) as error:
        print(f"gridward: {error}", file=sys.stderr)
        return 2
    return 0


def verify(record: Record, keys: tuple[PublicKey, ...], checkpoints: Path | None, *, as_json: bool) -> int:
    """0 whole; 1 when anything is wrong; 2 when the copies cannot be read or no key is given for them."""
    notes = ""
    if checkpoints is not None:
        if not keys:
            print("gridward: expected --public-key beside --checkpoints", file=sys.stderr)
            return 2
        try:
            notes = checkpoints.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"gridward: {checkpoints}: {error.strerror or error}", file=sys.stderr)
            return 2
    found = audit(record, keys, read_notes(notes))
    signatures = "checked" if keys else "not checked"
    if as_json:
        document = {"whole": found.fault is None, "fault": found.fault, "signatures": signatures}
        print(json.dumps(document | asdict(found), ensure_ascii=False))
    else:
        print(_told(found, signatures))
    return 0 if found.fault is None else 1


def _told(found: Audit, signatures: str) -> str:
    remarks = [f"remark: {text}" for text in found.remarks]
    if found.faults:
        more = [f"... and {found.more_faults} more"] if found.more_faults else []
        first, *others = (fault.text for fault in found.faults)
        return "\n  ".join([f"BROKEN after {found.entries} good entries: {first}", *others, *more, *remarks])
    sums = ", ".join(f"{total} {unit}" for unit, total in found.sums.items()) or "nothing booked"
    sealed = f"{found.checkpoints} checkpoints seal entries 1 to {found.sealed}, signatures {signatures}"
    return "\n".join([
        f"whole: {found.entries} entries in one chain, {found.transactions} transactions, sum {sums}",
        f"sealed: {sealed}" if found.checkpoints else "sealed: there is no checkpoint yet",
        *remarks,
    ])  # fmt: skip
