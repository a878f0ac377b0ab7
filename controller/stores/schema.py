"""The tables of the SQLite store, and their version.

Nothing that was written can be altered or taken away through SQL: triggers forbid it for the journal and the
ledger (reliability L4). What somebody alters in the file itself, the hash chain shows (`chain.py`). The
journal's generated columns are for whoever looks into the file with SQL; they are made from the body.
"""

import sqlite3

VERSION = 1
APPLICATION = 0x47574A31
"""marks the file as ours ("GWJ1")"""

_TABLES = """
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash     BLOB NOT NULL UNIQUE,
    at       TEXT AS (iif(json_valid(body), json_extract(body, '$.at'), NULL)) VIRTUAL,
    tag      TEXT AS (iif(json_valid(body), json_extract(body, '$.entry'), NULL)) VIRTUAL,
    feeder   TEXT AS (iif(json_valid(body), json_extract(body, '$.feeder'), NULL)) VIRTUAL,
    request  TEXT AS (iif(json_valid(body), json_extract(body, '$.request'), NULL)) VIRTUAL
) STRICT;
CREATE TABLE transactions (
    key TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES journal (seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE postings (
    key     TEXT NOT NULL REFERENCES transactions (key),
    line    INTEGER NOT NULL,
    account TEXT NOT NULL,
    unit    TEXT NOT NULL,
    amount  INTEGER NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (key, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE samples (
    feeder  TEXT NOT NULL,
    at_us   INTEGER NOT NULL,
    p_kw    BLOB NOT NULL,
    transformer_loading_percent REAL,
    max_line_loading_percent    REAL,
    without_control_percent     REAL,
    curtailed_kw REAL NOT NULL,
    PRIMARY KEY (feeder, at_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE control (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    epoch  INTEGER NOT NULL,
    holder TEXT NOT NULL
) STRICT;
INSERT INTO control VALUES (1, 0, '');
"""

_SUBSTATION = """
CREATE TABLE IF NOT EXISTS substation_samples (
    feeder TEXT NOT NULL,
    at_us  INTEGER NOT NULL,
    p_kw   REAL NOT NULL,
    PRIMARY KEY (feeder, at_us)
) STRICT, WITHOUT ROWID;
"""
"""Beside the samples, in a table of its own: stores without it are of the same version, and get it when they
are next written to."""

_LATE = """
CREATE TABLE IF NOT EXISTS late_readings (
    feeder TEXT NOT NULL,
    meter  TEXT NOT NULL,
    at_us  INTEGER NOT NULL,
    source TEXT NOT NULL,
    p_kw   REAL NOT NULL,
    PRIMARY KEY (feeder, meter, at_us, source)
) STRICT, WITHOUT ROWID;
"""
"""As the substation's samples: stores without it get it when they are next written to."""


def _append_only(table: str) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;\n"
        for verb in ("update", "delete")
    )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file; raises sqlite3.DatabaseError for a file of another kind or
    version."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if version == 0 and application == 0 and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        script = _TABLES + "".join(map(_append_only, ("journal", "transactions", "postings")))
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}"
            f"PRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {VERSION};\nCOMMIT;"
        )
    check(connection)
    connection.execute(_SUBSTATION)
    connection.execute(_LATE)


def check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError unless the file is one of ours, of this version."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION:
        raise sqlite3.DatabaseError("the file is not a Gridward store")
    if version != VERSION:
        raise sqlite3.DatabaseError(f"the store has schema {version}, this version reads {VERSION}")
