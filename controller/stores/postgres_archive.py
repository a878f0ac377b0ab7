"""The PostgreSQL store as an archive, and an archive as the PostgreSQL store: row by row, as the rows are.

An archive has the tables of the SQLite store (`archive.py`). Bodies and links go over as they are, so the
chain stays what it was, whichever store it is in. Reading is one transaction over one moment; writing is one
transaction that leaves either the old store or the new one.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from controller.stores import archive, migrations, record, schema
from controller.stores.port import StoreUnavailable
from controller.stores.postgres import keep_out
from controller.stores.postgres_link import (
    Access,
    Connection,
    connect,
    connect_to_migrate,
    in_one_line,
    one,
    translated,
)
from controller.stores.restoring import Present, Restored, free_name, higher, loses_nothing
from controller.stores.rows import from_us, to_us
from controller.stores.whole_file import whole_file

_ROWS = 2000
"""held at once"""
_APPEND_ONLY = ("journal", "transactions", "postings")
_ALL = (*_APPEND_ONLY, "samples", "late_readings")
_Row = tuple[object, ...]


def copy(access: Access, target: Path) -> None:
    """One consistent copy of a store as an archive, while the daemon writes. Raises StoreUnavailable."""
    with (
        translated(),
        record.translated(),
        connect(access) as connection,
        closing(sqlite3.connect(target, isolation_level=None)) as copied,
    ):
        migrations.check(connection)
        copied.execute("PRAGMA synchronous = OFF")  # synced as a whole by whoever gives it its name
        schema.prepare(copied)
        copied.execute("BEGIN")
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SET LOCAL statement_timeout = 0")
            _read(connection, copied)
        copied.execute("COMMIT")


def put_back(
    backup: Path, access: Access, *, replace: bool, epoch_at_least: int, holder: str, now: datetime
) -> Restored:
    """As `restoring.put_back`, into PostgreSQL. What was there is kept as an archive beside the backup.

    Needs the role that owns the tables where the store has entries. Raises as that, too; StoreUnavailable
    also where a daemon whose connection was cut wrote meanwhile.
    """
    with translated(), record.translated(), connect(access) as connection:
        keep_out(connection, access)
        migrations.migrate(connection, lambda: connect_to_migrate(access))
        present = _present(connection)
        # beside the backup: the system's temporary folder may be in memory, and smaller than a store
        with tempfile.TemporaryDirectory(prefix=".gridward-restore-", dir=backup.parent) as folder:
            part = Path(folder) / "archive.sqlite3"
            os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
            archive.copy(backup, part)
            contents = archive.judged(part)
            if not replace:
                loses_nothing(part, access.name, present, contents)
            epoch = higher(contents.epoch, present, epoch_at_least)
            kept = _keep(access, present, backup.parent, now)
            try:
                with (
                    closing(sqlite3.connect(part, isolation_level=None)) as source,
                    connection.transaction(),
                ):
                    schema.prepare(source)  # tables that an older archive lacks
                    connection.execute("SET LOCAL statement_timeout = 0")
                    _hold(connection, present)
                    _write(connection, source, present)
                    connection.execute("UPDATE gridward.control SET epoch = %s, holder = %s", (epoch, holder))
            except psycopg.errors.InsufficientPrivilege as error:
                raise StoreUnavailable(
                    f"only the tables' owner may put a backup back ({in_one_line(error)}): "
                    "name the store by a URL with that role"
                ) from error
    return Restored(contents, epoch, None if kept is None else str(kept))


def _present(connection: Connection) -> Present:
    end = connection.execute(
        "SELECT seq, hash FROM gridward.journal ORDER BY seq DESC LIMIT 1", binary=True
    ).fetchone()
    (epoch,) = one(connection.execute("SELECT epoch FROM gridward.control"))
    head = archive.EMPTY if end is None else archive.Head(int(end[0]), bytes(end[1]))
    return Present(head, int(epoch))


def _hold(connection: Connection, present: Present) -> None:
    """Keep every commit out until the transaction ends: no daemon writes without this row's lock, whatever
    became of the other one. Raises StoreUnavailable where one wrote since `present` was read."""
    connection.execute("SELECT 1 FROM gridward.control FOR UPDATE")
    if _present(connection) != present:
        raise StoreUnavailable("a daemon wrote meanwhile; end it, and try again")


def _keep(access: Access, present: Present, folder: Path, now: datetime) -> Path | None:
    if present.head == archive.EMPTY:
        return None
    kept = free_name(folder / "gridward.sqlite3", now)
    with whole_file(kept) as part:
        copy(access, part)
    return kept


# --- from PostgreSQL


def _read(connection: Connection, copied: sqlite3.Connection) -> None:
    _fill(copied, "journal (seq, body, previous, hash)", 4, _rows(
        connection, "SELECT seq, body, previous, hash FROM gridward.journal ORDER BY seq"
    ))  # fmt: skip
    _fill(copied, "transactions", 2, _rows(connection, "SELECT key, seq FROM gridward.transactions"))
    _fill(copied, "postings", 5, _rows(
        connection, "SELECT key, line, account, unit, amount FROM gridward.postings"
    ))  # fmt: skip
    samples = (
        "SELECT feeder, at, p_kw, transformer_loading_percent, max_line_loading_percent,"
        " without_control_percent, curtailed_kw FROM gridward.samples"
    )
    _fill(copied, "samples", 7, _with_us(_rows(connection, samples), 1))
    substation = "SELECT feeder, at, substation_p_kw FROM gridward.samples WHERE substation_p_kw IS NOT NULL"
    _fill(copied, "substation_samples", 3, _with_us(_rows(connection, substation), 1))
    late = "SELECT feeder, meter, at, source, p_kw FROM gridward.late_readings"
    _fill(copied, "late_readings", 5, _with_us(_rows(connection, late), 2))
    control = one(connection.execute("SELECT epoch, holder FROM gridward.control"))
    copied.execute("UPDATE control SET epoch = ?, holder = ?", control)


def _rows(connection: Connection, query: str) -> Iterator[_Row]:
    with connection.cursor(name="archive", binary=True) as cursor:
        cursor.itersize = _ROWS
        yield from cursor.execute(query.encode())


def _with_us(rows: Iterable[_Row], place: int) -> Iterator[_Row]:
    for row in rows:
        at = row[place]
        assert isinstance(at, datetime)
        yield (*row[:place], to_us(at.astimezone(UTC)), *row[place + 1 :])


def _fill(copied: sqlite3.Connection, table: str, n_columns: int, rows: Iterable[_Row]) -> None:
    marks = ", ".join("?" * n_columns)
    copied.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  names of ours


# --- into PostgreSQL


def _write(connection: Connection, source: sqlite3.Connection, present: Present) -> None:
    if present.head != archive.EMPTY:
        _empty(connection)
    else:
        connection.execute("SELECT gridward.delete_samples('infinity')")
    day = "SELECT DISTINCT at_us / 86400000000 FROM samples"
    for (number,) in source.execute(day).fetchall():
        connection.execute("SELECT gridward.make_samples_day(%s)", (from_us(number * 86_400_000_000).date(),))
    _copy(connection, "journal (seq, body, previous, hash)", source.execute(
        "SELECT seq, body, previous, hash FROM journal ORDER BY seq"
    ))  # fmt: skip
    _copy(connection, "transactions (key, seq)", source.execute("SELECT key, seq FROM transactions"))
    _copy(connection, "postings (key, line, account, unit, amount)", source.execute(
        "SELECT key, line, account, unit, amount FROM postings"
    ))  # fmt: skip
    _copy(
        connection,
        "samples (feeder, at, p_kw, transformer_loading_percent, max_line_loading_percent,"
        " without_control_percent, curtailed_kw, substation_p_kw)",
        _with_time(source.execute(_SAMPLES), 1),
    )
    _copy(
        connection,
        "late_readings (feeder, meter, at, source, p_kw)",
        _with_time(source.execute("SELECT feeder, meter, at_us, source, p_kw FROM late_readings"), 2),
    )


_SAMPLES = (
    "SELECT samples.*, substation_samples.p_kw FROM samples LEFT JOIN substation_samples"
    " USING (feeder, at_us)"
)


def _empty(connection: Connection) -> None:
    """Take everything out: for this one transaction its owner lifts what keeps the record append-only."""
    for table in _APPEND_ONLY:
        connection.execute(f"ALTER TABLE gridward.{table} DISABLE TRIGGER append_only".encode())
        connection.execute(f"GRANT TRUNCATE ON gridward.{table} TO CURRENT_USER".encode())
    connection.execute(f"TRUNCATE {', '.join(f'gridward.{table}' for table in _ALL)}".encode())
    for table in _APPEND_ONLY:
        connection.execute(f"REVOKE TRUNCATE ON gridward.{table} FROM CURRENT_USER".encode())
        connection.execute(f"ALTER TABLE gridward.{table} ENABLE ALWAYS TRIGGER append_only".encode())


def _copy(connection: Connection, table: str, rows: Iterable[_Row]) -> None:
    with connection.cursor().copy(f"COPY gridward.{table} FROM STDIN".encode()) as into:
        for row in rows:
            into.write_row(row)


def _with_time(rows: Iterable[_Row], place: int) -> Iterator[_Row]:
    for row in rows:
        at_us = row[place]
        assert isinstance(at_us, int)
        yield (*row[:place], from_us(at_us), *row[place + 1 :])
