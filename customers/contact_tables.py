"""The tables of the contacts' file: made in an empty one, and renewed in one of an older version.

What was added later stands last, so that a row reads the same in all versions.
"""

import sqlite3

VERSION = 3
APPLICATION = 0x47574331
"""marks the file as ours ("GWC1")"""

FIRST = """
CREATE TABLE contacts (
    customer     TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    email        TEXT,
    phone        TEXT,
    postal       TEXT,
    language     TEXT NOT NULL,
    consented_on TEXT,
    withdrawn_on TEXT,
    ended_on     TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE accesses (
    number   INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    customer TEXT NOT NULL,
    who      TEXT NOT NULL,
    action   TEXT NOT NULL,
    why      TEXT NOT NULL
) STRICT;
CREATE INDEX accesses_of ON accesses (customer, number);
CREATE TABLE erasures (
    number    INTEGER PRIMARY KEY,
    at        TEXT NOT NULL,
    customer  TEXT NOT NULL,
    cause     TEXT NOT NULL,
    who       TEXT NOT NULL,
    journaled INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
_SECOND = """
ALTER TABLE contacts ADD COLUMN channels TEXT;
ALTER TABLE contacts ADD COLUMN push TEXT;
CREATE TABLE withdrawals (
    number    INTEGER PRIMARY KEY,
    at        TEXT NOT NULL,
    customer  TEXT NOT NULL,
    via       TEXT NOT NULL,
    journaled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE words (
    customer TEXT NOT NULL,
    channel  TEXT NOT NULL,
    word     TEXT NOT NULL,
    at_s     REAL NOT NULL,
    PRIMARY KEY (customer, channel, word)
) STRICT, WITHOUT ROWID;
CREATE INDEX words_at ON words (at_s);
"""
_THIRD = """
ALTER TABLE withdrawals ADD COLUMN on_day TEXT;
UPDATE withdrawals SET on_day = substr(at, 1, 10);
CREATE INDEX withdrawals_of ON withdrawals (customer);
"""
_STEPS = (FIRST, _SECOND, _THIRD)
"""_STEPS[n] leads from version n to n + 1"""


def prepare(connection: sqlite3.Connection) -> None:
    """Make or renew the tables, within a transaction. sqlite3.DatabaseError for a file that is not ours."""
    version, application = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("user_version", "application_id")
    )
    empty = not connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    is_new = (version, application) == (0, 0) and empty
    if not is_new and application != APPLICATION:
        raise sqlite3.DatabaseError("the file holds no contacts of Gridward")
    if not is_new and not 1 <= version <= VERSION:
        raise sqlite3.DatabaseError(f"it has schema {version}, this version reads {VERSION}")
    if version == VERSION:
        return
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
