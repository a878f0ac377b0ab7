"""Where a store under test is kept, and what somebody beside it can do there: the same for both kinds."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from controller.settings import Store as Settings
from controller.stores.opening import open_record, open_store
from controller.stores.port import Record, Store
from tests import postgres_server
from tests.postgres_server import DAEMON, Database

_TABLES = ("journal", "transactions", "postings")


class Place(Protocol):
    """One store's place."""

    settings: Settings
    zeros: str
    """32 bytes of zero in its SQL"""

    def run(self, script: str) -> None:
        """Run statements as somebody with all rights, beside the store."""
        ...

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        """What a query gives there."""
        ...

    def untie(self) -> None:
        """Take away what makes the tables append-only."""
        ...

    def remove(self) -> None:
        """Take it away."""
        ...


class SqlitePlace:
    """A file."""

    zeros = "zeroblob(32)"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "record.sqlite3"
        self.settings = Settings(path=self.path, durable=False)

    def run(self, script: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.executescript(script)

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(query).fetchall()

    def untie(self) -> None:
        for table in _TABLES:
            self.run(f"DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete")

    def remove(self) -> None:
        pass  # its folder is


class PostgresPlace:
    """A database, in which the store has the rights of a daemon and no more."""

    zeros = "decode(repeat('00', 32), 'hex')"

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = Settings(postgres=database.url(DAEMON), durable=False)

    def run(self, script: str) -> None:
        self.database.run(script)

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        return self.database.rows(query)

    def untie(self) -> None:
        for table in _TABLES:
            self.run(f"ALTER TABLE {table} DISABLE TRIGGER append_only")

    def remove(self) -> None:
        self.database.drop()


def place_of(kind: str, folder: Path) -> Place:
    """A new place: `sqlite` or `postgres`."""
    if kind == "sqlite":
        return SqlitePlace(folder)
    return PostgresPlace(postgres_server.new_database(postgres_server.shared_server()))


def opened(place: Place) -> Store:
    """The store there, taken over."""
    store = open_store(place.settings)
    store.take_over("test")
    return store


def looked_at(place: Place) -> Record:
    """The store there, only to look."""
    return open_record(place.settings)
