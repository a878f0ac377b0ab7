"""The tables of the PostgreSQL store: made and renewed by alembic, in one transaction and by one at a time.

`versions/` has a file per step; a store is of the version that its last step has. Reading the version needs
no alembic, so that a start with nothing to do stays quick.
"""

from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from controller.stores.port import StoreUnavailable

HEAD = "0001"
"""the version that this code writes and reads; versions are numbers, so that a newer one is known as such"""
LOCK = (0x47574A31, 2)
"""advisory lock: one migrates at a time"""

_VERSION = """
SELECT to_regclass('gridward.alembic_version') IS NOT NULL,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'gridward')
"""


def version(connection: psycopg.Connection) -> str | None:
    """The store's version; None where there is no store. Raises StoreUnavailable for another's schema."""
    row = connection.execute(_VERSION).fetchone()
    assert row is not None
    is_ours, is_there = row
    if not is_ours:
        if is_there:
            raise StoreUnavailable("the database has a schema `gridward` that is not a Gridward store")
        return None
    found = connection.execute("SELECT version_num FROM gridward.alembic_version").fetchone()
    return None if found is None else str(found[0])


def check(connection: psycopg.Connection) -> None:
    """Raise StoreUnavailable unless the store is there and of this version."""
    found = version(connection)
    if found is None:
        raise StoreUnavailable("the database holds no Gridward store: `gridward store migrate` makes one")
    if found != HEAD:
        raise StoreUnavailable(_other_version(found))


def migrate(connection: psycopg.Connection, connect: Callable[[], psycopg.Connection]) -> None:
    """Bring the store to this version; nothing is done where it has it.

    `connect` makes another connection, for the change. Raises StoreUnavailable where the store is newer than
    this code, or where we may not change it.
    """
    found = version(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise StoreUnavailable(_other_version(found))
    try:
        _upgrade(connect)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreUnavailable(
            f"the store has schema {found or 'none'}, this version needs {HEAD}, and this role may not change"
            f" it ({' '.join(str(error).split())}): run `gridward store migrate` as its owner"
        ) from error


def grant(connection: psycopg.Connection, role: str) -> None:
    """Give a role what the daemon needs, and no more: it can append, and change or take away nothing.

    Raises psycopg.Error, for a role that is not there too.
    """
    name = sql.Identifier(role)
    for statement in _GRANTS:
        connection.execute(sql.SQL(statement).format(name))


_GRANTS = (
    "GRANT USAGE ON SCHEMA gridward TO {}",
    "GRANT SELECT, INSERT ON gridward.journal, gridward.transactions, gridward.postings TO {}",
    "GRANT SELECT, INSERT ON gridward.samples, gridward.late_readings TO {}",
    "GRANT SELECT, UPDATE ON gridward.control TO {}",
    "GRANT SELECT ON gridward.entries, gridward.alembic_version TO {}",
    "GRANT EXECUTE ON FUNCTION gridward.make_samples_day(date) TO {}",
    "GRANT EXECUTE ON FUNCTION gridward.drop_samples_days(timestamptz) TO {}",
    "GRANT EXECUTE ON FUNCTION gridward.delete_samples(timestamptz) TO {}",
)


def _other_version(found: str) -> str:
    if found > HEAD:
        return (
            f"the store has schema {found}, newer than {HEAD}, which this version reads: it needs a newer one"
        )
    return f"the store has schema {found}, this version reads {HEAD}: run `gridward store migrate`"


def _upgrade(connect: Callable[[], psycopg.Connection]) -> None:
    """All steps that are missing, in one transaction: killed on the way, nothing has changed."""
    from alembic import command  # noqa: PLC0415  both take half a second, and are needed once
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, exc, pool, text  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")

    def creator() -> psycopg.Connection:
        connection = connect()
        connection.autocommit = False  # or each statement would count by itself
        return connection

    engine = create_engine("postgresql+psycopg://", creator=creator, poolclass=pool.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:one, :two)"), {"one": LOCK[0], "two": LOCK[1]}
            )
            there = "SELECT 1 FROM pg_namespace WHERE nspname = 'gridward'"
            if connection.execute(text(there)).first() is None:
                connection.execute(text("CREATE SCHEMA gridward"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except exc.DBAPIError as error:
        raise error.orig or error from error
    finally:
        engine.dispose()
