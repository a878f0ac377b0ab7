"""`gridward history SITE.toml --feeder F --from DATE --to DATE`: a feeder's readings, old and new.

Reads the Parquet files of past days and the store's samples together, also while the daemon runs; prints what
there is, or writes it to one file. A day at a time, so that months do not have to be held.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import ConfigRejected
from controller.settings import Feeder, Site
from controller.settings_file import load_site
from controller.stores.history import History, merged, table_of, write_table
from controller.stores.opening import open_record
from controller.stores.port import Record, StoreUnavailable
from controller.stores.whole_file import whole_file
from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from gridward.argument_types import day
from gridward.backup import wrong
from gridward.csv_text import csv_text
from gridward.stored_record import is_of_store

if TYPE_CHECKING:
    import pandas as pd

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """What there is of one day."""

    day: str
    rows: int
    from_files: int
    read_percent: float
    """of all service points at all times of the day"""


@dataclass(frozen=True)
class Source:
    """Where the readings of one feeder are."""

    feeder: str
    history: History
    record: Record
    names: Sequence[str]
    """(n_sp,) of the service points"""

    def table(self, of: date) -> "tuple[pd.DataFrame, int]":
        """One day, and how many of its rows are from a file."""
        there = self.history.read(self.feeder, of)
        samples = self.record.samples(self.feeder, _midnight(of), _midnight(of + _DAY))
        return merged(there, table_of(samples, self.names)), 0 if there is None else len(there)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("site", type=Path, metavar="SITE.toml")
    parser.add_argument("--feeder", metavar="ID", help="which one; not needed where the site has one only")
    parser.add_argument(
        "--from", dest="first", type=day, required=True, metavar="DATE", help="first day, in UTC"
    )
    parser.add_argument("--to", dest="last", type=day, required=True, metavar="DATE", help="last day, in UTC")
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--csv", type=Path, metavar="FILE", help="write it for a spreadsheet")
    out.add_argument("--parquet", type=Path, metavar="FILE", help="write it as one Parquet file")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 fine; 2 when there is no such feeder, or something cannot be read or written."""
    if args.last < args.first:
        return wrong("history", f"--to {args.last}: expected a day not before --from {args.first}")
    try:
        site = load_site(args.site)
        feeder = _feeder(site, args.feeder)
        out: Path | None = args.csv or args.parquet
        if out is not None and is_of_store(out, site.store.path):
            return wrong("history", f"{out}: this is the store; expected another file to write to")
        with closing(open_record(site.store)) as record:
            source = Source(feeder.id, History(site.store.history_folder), record, _names(feeder))
            told = _read(source, args.first, args.last, args.csv, args.parquet)
    except (ConfigRejected, NetworkRejected, StoreUnavailable, OSError) as fault:
        return wrong("history", str(fault))
    _tell(feeder.id, told, out, machine=args.json)
    return 0


def _feeder(site: Site, wanted: str | None) -> Feeder:
    """Raises ConfigRejected."""
    found = [feeder for feeder in site.feeder if wanted in (None, feeder.id)]
    if len(found) != 1:
        known = ", ".join(feeder.id for feeder in site.feeder)
        raise ConfigRejected([f"--feeder {wanted or ''}: expected one of {known}"])
    return found[0]


def _names(feeder: Feeder) -> Sequence[str]:
    return load_network(feeder.network, metered_generation=feeder.metered_generation).service_points


def _read(
    source: Source, first: date, last: date, csv_file: Path | None, parquet_file: Path | None
) -> list[Told]:
    if csv_file is not None:
        with whole_file(csv_file) as part:
            return list(_to_csv(source, first, last, part))
    if parquet_file is not None:
        with whole_file(parquet_file) as part:
            return list(_to_parquet(source, first, last, part))
    return [_told(of, table, filed) for of, table, filed in _tables(source, first, last)]


def _to_csv(source: Source, first: date, last: date, out: Path) -> Iterator[Told]:
    columns = _columns(source, first, last)
    with out.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text(columns, ()))
        for of, table, filed in _tables(source, first, last):
            whole = table.reindex(columns=columns)
            whole["at"] = whole["at"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            whole.to_csv(file, index=False, header=False, float_format="%.6g", lineterminator="\r\n")
            yield _told(of, table, filed)


def _to_parquet(source: Source, first: date, last: date, out: Path) -> Iterator[Told]:
    columns = _columns(source, first, last)
    write_table(out, table_of((), source.names).reindex(columns=columns))
    for of, table, filed in _tables(source, first, last):
        write_table(out, table.reindex(columns=columns), append=True)
        yield _told(of, table, filed)


def _columns(source: Source, first: date, last: date) -> list[str]:
    """Of all days: the network may have been another one on some of them."""
    found = dict.fromkeys(table_of((), source.names).columns)
    for _, table, _ in _tables(source, first, last):
        found |= dict.fromkeys(table.columns)
    return list(found)


def _tables(source: Source, first: date, last: date) -> "Iterator[tuple[date, pd.DataFrame, int]]":
    of = first
    while of <= last:
        table, filed = source.table(of)
        if len(table):
            yield of, table, filed
        of += _DAY


def _told(of: date, table: "pd.DataFrame", filed: int) -> Told:
    power = table[[column for column in table.columns if column.startswith("p_kw:")]]
    share = float(power.notna().to_numpy().mean()) if power.size else 0.0
    return Told(of.isoformat(), len(table), filed, round(100.0 * share, 1))


def _tell(feeder: str, told: Sequence[Told], out: Path | None, *, machine: bool) -> None:
    if machine:
        days = [asdict(one) for one in told]
        print(json.dumps({"feeder": feeder, "out": None if out is None else str(out), "days": days}))
        return
    if out is not None:
        print(f"{out}: {sum(one.rows for one in told)} rows of {len(told)} days of {feeder}")
        return
    if not told:
        print(f"no readings of {feeder} on these days")
        return
    print("day         rows    of which from files  meters read")
    for one in told:
        print(f"{one.day}  {one.rows:>6}  {one.from_files:>19}  {one.read_percent:>9.1f} %")


def _midnight(of: date) -> datetime:
    return datetime.combine(of, time(), UTC)
