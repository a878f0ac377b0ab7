"""The record that `ledger` and `audit` look at: options, opening for reading, exit codes."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from controller.errors import ConfigRejected, RecordBroken
from controller.settings import Store
from controller.settings_checks import POSTGRES_URLS, postgres_fault
from controller.settings_file import load_site
from controller.stores.opening import open_record
from controller.stores.port import Record, StoreUnavailable

Place = Path | Store
"""a file of SQLite, or a store as a site's settings have it"""
_SIDES = ("", "-wal", "-shm", "-journal", ".lock")


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """`--store` and `--json`."""
    parser.add_argument(
        "--store",
        type=place_of,
        default=Store().path,
        metavar="STORE",
        help="a SQLite file, a SITE.toml whose store is meant, or postgresql://... (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def place_of(text: str) -> Place:
    """The store that `--store` names. Raises argparse.ArgumentTypeError."""
    if text.startswith(POSTGRES_URLS):
        fault = postgres_fault(text)
        if fault is not None:
            raise argparse.ArgumentTypeError(f"{fault}; or into PGPASSWORD or ~/.pgpass")
        return Store(postgres=text)
    if not text.endswith(".toml"):
        return Path(text)
    try:
        store = load_site(Path(text)).store
    except ConfigRejected as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return store.path if store.postgres is None else store


def with_record(place: Place, look: Callable[[Record], int]) -> int:
    """What `look` returns; 2 when the store cannot be read, 1 when what it holds was altered."""
    try:
        with closing(open_record(settings_of(place))) as record:
            return look(record)
    except StoreUnavailable as error:
        print(f"gridward: {named(place)}: {error}", file=sys.stderr)
        return 2
    except RecordBroken as error:
        print(f"gridward: {named(place)}: {error}", file=sys.stderr)
        return 1


def settings_of(place: Place) -> Store:
    """A store as settings have it."""
    return Store(path=place) if isinstance(place, Path) else place


def named(place: Place) -> str:
    """A store as people know it."""
    return str(place) if isinstance(place, Path) else (place.postgres or str(place.path))


def is_of_store(path: Path, place: Place) -> bool:
    """Whether a file is the store, or one of those beside it that make it up."""
    if isinstance(place, Store):
        if place.postgres is not None:
            return False
        place = place.path
    own = place.resolve()
    return path.resolve() in {own.with_name(own.name + side) for side in _SIDES} or (
        path.exists() and place.exists() and path.samefile(place)
    )
