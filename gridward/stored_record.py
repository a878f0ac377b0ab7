"""The record that `ledger` and `audit` look at: options, opening for reading, exit codes."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from controller.errors import RecordBroken
from controller.settings import Store
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """`--store` and `--json`."""
    parser.add_argument(
        "--store", type=Path, default=Store().path, metavar="FILE", help="the store (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def with_record(path: Path, look: Callable[[SqliteRecord], int]) -> int:
    """What `look` returns; 2 when the store cannot be read, 1 when what it holds was altered."""
    try:
        with closing(SqliteRecord.open(path)) as record:
            return look(record)
    except StoreUnavailable as error:
        print(f"gridward: {path}: {error}", file=sys.stderr)
        return 2
    except RecordBroken as error:
        print(f"gridward: {path}: {error}", file=sys.stderr)
        return 1
