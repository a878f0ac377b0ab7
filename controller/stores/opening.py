"""Which store is meant, and opening it: to write, by the daemon, or only to look.

PostgreSQL's driver is an extra: it is imported where a site asks for it, and nowhere else.
"""

import importlib
import importlib.util

from controller.settings import Store as Settings
from controller.stores.port import Record, Store, StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import SqliteStore


def open_store(settings: Settings) -> Store:
    """The store, made when it is not there; others are kept out of it. Raises StoreUnavailable."""
    if settings.postgres is None:
        return SqliteStore(settings.path, durable=settings.durable)
    _need_extra()
    from controller.stores.postgres import PostgresStore  # noqa: PLC0415
    from controller.stores.postgres_link import Access  # noqa: PLC0415

    return PostgresStore(Access(settings.postgres, settings.password_file, durable=settings.durable))


def open_record(settings: Settings) -> Record:
    """The store, for reading only, also while the daemon runs. Raises StoreUnavailable."""
    if settings.postgres is None:
        return SqliteRecord.open(settings.path)
    _need_extra()
    from controller.stores.postgres_link import PATIENT, Access  # noqa: PLC0415
    from controller.stores.postgres_record import PostgresRecord  # noqa: PLC0415

    access = Access(settings.postgres, settings.password_file, read_only=True, waits=PATIENT)
    return PostgresRecord.open(access)


def migrate_store(settings: Settings, daemon_role: str | None = None) -> tuple[str | None, str]:
    """Make or renew the tables of a store in PostgreSQL, and give a role what the daemon needs; the versions
    before and after. Refused while a daemon runs on it. Raises StoreUnavailable."""
    assert settings.postgres is not None
    _need_extra()
    from controller.stores import migrations, postgres  # noqa: PLC0415
    from controller.stores.postgres_link import (  # noqa: PLC0415
        Access,
        connect,
        connect_to_migrate,
        translated,
    )

    access = Access(settings.postgres, settings.password_file)
    with translated(), connect(access) as connection:
        before = migrations.version(connection)
        if before != migrations.HEAD:
            postgres.keep_out(connection, access)
            migrations.migrate(connection, lambda: connect_to_migrate(access))
        if daemon_role is not None:
            migrations.grant(connection, daemon_role)
    return before, migrations.HEAD


def missing_extra() -> str | None:
    """Why a store in PostgreSQL cannot be used on this machine; None when it can."""
    try:
        importlib.import_module("psycopg")  # raises too where its C library is missing
        missing = [name for name in ("alembic", "sqlalchemy") if importlib.util.find_spec(name) is None]
    except ImportError as error:
        missing = [" ".join(str(error).split())]
    if not missing:
        return None
    return (
        "a store in PostgreSQL needs the extra `postgres`: pip install 'gridward[postgres]'"
        f" ({', '.join(missing)})"
    )


def _need_extra() -> None:
    missing = missing_extra()
    if missing is not None:
        raise StoreUnavailable(missing)
