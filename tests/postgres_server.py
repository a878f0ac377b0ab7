"""A private PostgreSQL for tests: its own folder and port, databases at will, killed and restarted.

Where its programs are missing the tests that need it are skipped and say so; in CI (`CI=true`) they fail
instead. One server serves all tests of a process, with a database for each; who kills one takes one of their
own.
"""

import atexit
import functools
import itertools
import os
import shutil
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
import pytest

from gridward.private_postgres import PASSWORD, NoPostgres, PrivatePostgres

OWNER, DAEMON = "keeper", "daemon"
"""roles: who owns the tables, and who runs the daemon and may only append"""
_EMPTY, _MADE = "gridward_empty", "gridward_made"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One database of a server."""

    server: PrivatePostgres
    name: str

    def url(self, user: str = OWNER, *, port: int | None = None) -> str:
        """Where it is; over TCP with a port."""
        if port is None:
            return self.server.url(self.name, user)
        return f"postgresql://{user}@127.0.0.1:{port}/{self.name}"

    def connect(self, user: str = "postgres") -> psycopg.Connection:
        """As somebody else than the store, in the store's schema; the superuser unless told otherwise."""
        return psycopg.connect(self.url(user), autocommit=True, options="-c search_path=gridward")

    def rows(self, query: str, user: str = "postgres") -> list[tuple[object, ...]]:
        """What a query gives."""
        with self.connect(user) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, script: str, user: str = "postgres") -> None:
        """Run statements."""
        with self.connect(user) as connection:
            connection.execute(script.encode())

    def drop(self) -> None:
        """Take it away, whoever is connected."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)".encode())


def started(*, fsync: bool) -> PrivatePostgres:
    """A server with the roles, or a loud skip."""
    try:
        server = PrivatePostgres(fsync=fsync, within=None if fsync else _in_memory())
    except NoPostgres as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    atexit.register(server.remove)
    server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for role in (OWNER, DAEMON):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
    return server


def _in_memory() -> Path | None:
    """Where files cost nothing, if there is room for some databases: each is made of 300 files."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30 else None


@functools.cache
def shared_server() -> PrivatePostgres:
    """The one that all tests of this process use: without fsync, and never to be killed."""
    return started(fsync=False)


def empty_database(server: PrivatePostgres, *, template: str = "template1", more: str = "") -> Database:
    """A database without a store, that its owner may make one in."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} {more}".encode())
    return Database(server, name)


def new_database(server: PrivatePostgres) -> Database:
    """A database with the tables of a new store: copied from one that was migrated once."""
    return empty_database(server, template=_made(server))


@functools.cache
def _made(server: PrivatePostgres) -> str:
    from controller.settings import Store
    from controller.stores.opening import migrate_store

    database = empty_database(server)
    migrate_store(Store(postgres=database.url()), DAEMON)
    return database.name


class Wire:
    """A way to a server over TCP that can be cut: `with Wire(server.port) as wire:` listens on `wire.port`.

    One connection at a time is looked at for what to cut.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cuts = 0
        self._sockets: list[socket.socket] = []
        self._cut_at: tuple[bytes, bool] | None = None
        self._refuses = self._stalls = self._then_refuse = False

    def cut_at(self, text: bytes, *, after_answer: bool, then_refuse: bool = False) -> None:
        """Cut once when the client sends `text`: before it reaches the server, or after the server has
        answered and before the client hears it. `then_refuse`: nobody gets through after it."""
        self._cut_at, self._then_refuse = (text, after_answer), then_refuse

    def refuse(self) -> None:
        """Cut, and let nobody through."""
        self._refuses = True
        self.cut()

    def stall(self) -> None:
        """Take everything and pass nothing on, as a network does that lost its way."""
        self._stalls = True

    def allow(self) -> None:
        """Let everything through again."""
        self._refuses = self._stalls = False

    def cut(self) -> None:
        """End the connections that there are."""
        self.cuts += 1
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refuses:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                for way in (self._to_server, self._to_client):
                    threading.Thread(target=way, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 20):
                if self._cut_at is not None and self._cut_at[0] in data:
                    _, after_answer = self._cut_at
                    if not after_answer:
                        self._cut_now()
                        return
                    server.sendall(data)
                    continue
                if not self._stalls:
                    server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if self._cut_at is not None and self._cut_at[0] in data:
                    self._cut_now()
                    return
                if not self._stalls:
                    client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _cut_now(self) -> None:
        self._cut_at = None
        self._refuses = self._then_refuse
        self.cut()


def password_file(folder: Path) -> Path:
    """With the roles' password, for who comes over TCP."""
    path = folder / "postgres_password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return path
