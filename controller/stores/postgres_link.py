"""The connection to PostgreSQL: made when it is needed, made anew when it broke, and never waited for long.

Every wait has an end, on both sides: the server ends statements, waits for locks and abandoned transactions,
and both sides notice a peer that is gone; a server that is there and says nothing is given up on. Knows
nothing of what is stored.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from controller.stores.port import StoreUnavailable

_T = TypeVar("_T")
_INTERVAL_S = 0.1
"""between two looks at whether the silence has been too long"""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for what, in seconds."""

    connect_s: int = 4
    """libpq takes whole seconds, at least 2"""
    statement_s: float = 5.0
    lock_s: float = 4.0
    silence_s: float = 8.0
    """of a server that holds the connection and does not answer: stopped, or its disk stands still"""
    start_s: float = 2.0
    """for a predecessor's connection to end"""
    return_tries: int = 20
    """to reach a server again that was lost while it committed ..."""
    return_pause_s: float = 0.25
    """... with this between two"""


PATIENT = Waits(statement_s=60.0, silence_s=90.0)
"""for a person who waits for a whole journal"""


MIGRATING = Waits(statement_s=0.0, silence_s=6 * 3600.0)
"""for a change of tables, which may have to write a whole store anew; a statement may last as long"""
PRUNING = Waits(statement_s=60.0, silence_s=90.0, lock_s=0.2)
"""for the dropping of tables: while it waits for its lock, everybody who writes waits behind it"""


@dataclass(frozen=True, slots=True)
class Access:
    """Which database, how, and with what patience."""

    conninfo: str
    """a libpq URL or `key=value` string, without a password"""
    password_file: Path | None = None
    """read at every connect; without it libpq's own ways count (PGPASSWORD, ~/.pgpass, certificates)"""
    durable: bool = True
    read_only: bool = False
    waits: Waits = Waits()

    @property
    def name(self) -> str:
        """Which database is meant, for messages."""
        given = conninfo_to_dict(self.conninfo)
        return f"{given.get('host', 'localhost')}:{given.get('port', 5432)}/{given.get('dbname', '')}"


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of PostgreSQL and of the network into StoreUnavailable."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        raise StoreUnavailable(f"the store cannot be used: {in_one_line(error)}") from error


def in_one_line(error: BaseException) -> str:
    """What an error says; psycopg writes several lines."""
    return " ".join(str(error).split())


class Connection(psycopg.Connection[TupleRow]):
    """A connection that gives a silent server up."""

    silence_s = Waits().silence_s

    def wait(self, gen: PQGen[_T], interval: float = _INTERVAL_S, timeout: float | None = None) -> _T:
        """As in psycopg, but with an end: a connection without an answer is closed."""
        try:
            return super().wait(gen, interval, self.silence_s if timeout is None else timeout)
        except psycopg.errors.PipelineAborted:
            raise
        except psycopg.OperationalError as error:
            if error.sqlstate is None:  # not the server's word
                self.pgconn.finish()
            raise


def one(cursor: psycopg.Cursor[TupleRow]) -> TupleRow:
    """The one row of a query that always has one."""
    row = cursor.fetchone()
    assert row is not None
    return row


def connect(access: Access) -> Connection:
    """A new connection, every statement its own transaction. Raises psycopg.Error, and OSError for the
    password's file."""
    waits = access.waits
    given = conninfo_to_dict(access.conninfo)
    ours: dict[str, str | int] = {
        "connect_timeout": waits.connect_s,
        "application_name": "gridward",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    if not access.read_only:
        ours["target_session_attrs"] = "read-write"  # of several hosts, the one that is the primary now
    if access.password_file is not None:
        ours["password"] = access.password_file.read_text(encoding="utf-8").rstrip("\n")
    merged = ours | {key: value for key, value in given.items() if value is not None}
    merged["options"] = f"{_options(access)} {given.get('options') or ''}".strip()
    connection = Connection.connect(make_conninfo("", **merged), autocommit=True)
    connection.silence_s = waits.silence_s
    return connection


def connect_to_migrate(access: Access) -> Connection:
    """A new connection for a change of tables, however long that takes."""
    return connect(replace(access, waits=MIGRATING))


def _options(access: Access) -> str:
    waits = access.waits
    settings: dict[str, str | int] = {
        "timezone": "UTC",
        "statement_timeout": int(waits.statement_s * 1000),
        "lock_timeout": int(waits.lock_s * 1000),
        "idle_in_transaction_session_timeout": 15_000,
        "synchronous_commit": "on" if access.durable else "off",
        "default_transaction_read_only": "on" if access.read_only else "off",
        # so that a server notices soon that our machine is gone, and lets the next controller in
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


class Link:
    """One connection at a time. Not for several threads at once."""

    def __init__(self, access: Access, made: Callable[[Connection], None]) -> None:
        """`made` is called with every new connection before it is used; what it raises, the caller gets."""
        self.access, self._made = access, made
        self._connection: Connection | None = None
        self._closed = False

    @property
    def is_up(self) -> bool:
        """Whether there is a connection that was not found broken."""
        return self._connection is not None

    def work(self, act: Callable[[Connection], _T]) -> _T:
        """What `act` returns. It is called a second time, on a new connection, when an older one turned out
        to be dead. A transaction that it leaves open is rolled back."""
        was_up = self.is_up
        try:
            return self._guarded(act)
        except psycopg.OperationalError:
            if not was_up or self.is_up:
                raise
        return self._guarded(act)

    def close(self) -> None:
        """Close for good."""
        self._closed = True
        self._drop()

    def _guarded(self, act: Callable[[Connection], _T]) -> _T:
        connection = self._connection or self._connected()
        try:
            return act(connection)
        finally:
            self._tidy(connection)

    def _connected(self) -> Connection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        connection = connect(self.access)
        try:
            self._made(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _tidy(self, connection: Connection) -> None:
        """Leave no transaction open, and no connection that cannot be used."""
        status = connection.pgconn.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            try:
                connection.execute("ROLLBACK")
            except psycopg.Error:
                status = TransactionStatus.UNKNOWN
            else:
                return
        if status != TransactionStatus.IDLE:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
