"""The store in a PostgreSQL database: one durable transaction per commit, one writer.

Durability: what `commit` returned for is in the server's log on the disk. Exclusion: an advisory lock keeps a
second daemon out while one runs, and goes with its holder's connection; it is only there to be polite. The
truth is the epoch: every commit reads it under a row lock in its own transaction, so that a controller that
was replaced cannot write (`Replaced`), whatever became of its lock.

A connection that broke is made anew by the next call. Where it broke while a commit was under way, whether
that was written is looked up on the new one, behind the old transaction: never is a batch written twice.
Where the server does not come back in time to say, the caller is told that nobody knows (`OutcomeUnknown`),
and at the next commit, should it be there (`JournalAhead`): then nothing more is written before it has read
the journal anew.

Errors of PostgreSQL and of the network become `StoreUnavailable`.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Event

import psycopg

from controller.entries import Entry
from controller.errors import JournalAhead
from controller.stores import migrations
from controller.stores.batch import EMPTY, Batch, Booked, Head, batch_of, booked_of, check_epoch, keys_of
from controller.stores.port import FeederSample, LateReading, OutcomeUnknown, StoreUnavailable
from controller.stores.postgres_link import (
    PRUNING,
    Access,
    Connection,
    connect,
    connect_to_migrate,
    in_one_line,
    one,
    translated,
)
from controller.stores.postgres_record import PostgresRecord
from controller.stores.postgres_rows import (
    INSERT_JOURNAL,
    INSERT_LATE,
    INSERT_LEDGER,
    INSERT_SAMPLES,
    columns,
    late_columns,
    sample_columns,
)

LOCK = (0x47574A31, 1)
"""advisory lock: its holder is the daemon"""
_PROMISES = """
SELECT current_setting('server_encoding'), current_setting('fsync') = 'on'
       AND current_setting('full_page_writes') = 'on' AND current_setting('synchronous_commit') <> 'off'
"""
_BOOKED = """
SELECT key, seq, body FROM gridward.transactions JOIN gridward.journal USING (seq) WHERE key = ANY(%s)
"""


class PostgresStore(PostgresRecord):
    """Implements `controller.stores.port.Store`. Nothing can be committed before `take_over`."""

    def __init__(self, access: Access, pause: Callable[[float], object] = lambda s: Event().wait(s)) -> None:
        """Connect, keep others out, and make or renew the tables.

        `pause` waits between two tries to reach a server that was lost. Raises StoreUnavailable, also when
        another controller runs on this database.
        """
        super().__init__(access, self._prepared)
        self._pause = pause
        self._keeps_out = False
        self._own_epoch: int | None = None
        self._doubtful: Batch | None = None
        """may be in the journal, or not: the connection broke while it was committed"""
        self._ahead: str | None = None
        """what the journal has and the caller does not know of; nothing is written until it has read all"""
        self._days: set[date] = set()
        """whose partitions are there"""
        with translated():
            try:
                self._link.work(self._begin)
            except BaseException:
                self._link.close()
                raise

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """See the port. Also raises LedgerConflict and Replaced; then nothing at all was written."""
        with self._turn, translated():
            if self._ahead is not None:
                raise JournalAhead(self._ahead)
            earlier = self._doubtful
            write = partial(self._commit, entries, samples, earlier)
            try:
                return self._link.work(write)
            except (psycopg.Error, OSError) as error:
                if self._doubtful is None or self._doubtful is earlier:
                    raise  # nothing of this batch was sent
                return self._after_all(write, error)

    def add_late(self, readings: Sequence[LateReading]) -> int:
        """See the port."""

        def add(connection: Connection) -> int:
            with connection.transaction():
                (epoch,) = one(connection.execute("SELECT epoch FROM gridward.control FOR UPDATE"))
                check_epoch(self._own_epoch, epoch)
                return connection.execute(INSERT_LATE, late_columns(readings)).rowcount

        if not readings:
            return 0
        with self._turn, translated():
            return self._link.work(add)  # once more is no harm: what is there is left out

    def prune_samples(self, before: datetime) -> int:
        """See the port. Whole days are dropped, what is left of a day is deleted; on a connection of its own,
        so that no commit waits for it. Raises StoreUnavailable too while somebody reads those days for long,
        as a backup does."""
        with translated(), connect(replace(self._link.access, waits=PRUNING)) as connection:
            gone = sum(
                int(one(connection.execute(query, (before,)))[0])
                for query in ("SELECT gridward.drop_samples_days(%s)", "SELECT gridward.delete_samples(%s)")
            )
        with self._turn:
            self._days = {day for day in self._days if day >= before.astimezone(UTC).date()}
        return gone

    def take_over(self, holder: str) -> int:
        """See the port. Raises StoreUnavailable when another controller runs."""

        def raise_epoch(connection: Connection) -> int:
            if not self._keep_out(connection):
                raise StoreUnavailable(f"another controller is writing to {self._link.access.name}")
            (epoch,) = one(
                connection.execute(
                    "UPDATE gridward.control SET epoch = epoch + 1, holder = %s RETURNING epoch", (holder,)
                )
            )
            return int(epoch)

        with self._turn, translated():
            self._own_epoch = self._link.work(raise_epoch)
            self._doubtful = self._ahead = None  # whoever takes over reads the whole journal
        return self._own_epoch

    # --- a connection

    def _begin(self, connection: Connection) -> None:
        """Of the first connection: wait for a predecessor's to end, then see to the tables."""
        keep_out(connection, self._link.access)
        self._keeps_out = True
        migrations.migrate(connection, lambda: connect_to_migrate(self._link.access))

    def _prepared(self, connection: Connection) -> None:
        """Of every connection: refuse a server that keeps no promises."""
        self._keeps_out = False
        self._days.clear()
        encoding, is_durable = one(connection.execute(_PROMISES))
        if encoding != "UTF8":
            raise StoreUnavailable(f"the database has encoding {encoding}, expected UTF8")
        if self._link.access.durable and not is_durable:
            raise StoreUnavailable(
                "the server would lose what it acknowledged: expected fsync, full_page_writes and"
                " synchronous_commit to be on"
            )

    def _keep_out(self, connection: Connection) -> bool:
        """Whether we hold the lock; tried again on each new connection."""
        if not self._keeps_out:
            (self._keeps_out,) = one(connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK))
        return self._keeps_out

    # --- a commit

    def _commit(
        self,
        entries: Sequence[Entry],
        samples: Sequence[FeederSample],
        earlier: Batch | None,
        connection: Connection,
    ) -> Sequence[int]:
        """One try. `earlier`: what a commit before this one left in doubt."""
        self._keep_out(connection)
        head, booked = self._locked(connection, keys_of(entries))
        doubtful = self._doubtful
        if doubtful is not None:
            # The old transaction has ended, for we hold the lock that it held.
            self._doubtful = None
            if head == doubtful.head and doubtful is earlier:
                self._ahead = f"entry {head[0]} is in the journal: it was committed when the store was lost"
                raise JournalAhead(self._ahead)
            if head == doubtful.head:
                return doubtful.numbers
        batch = batch_of(entries, head, booked)
        self._doubtful = batch if batch.journal else None
        try:
            self._written(connection, batch, samples)
        except psycopg.Error:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
                self._doubtful = None  # the server answers: it has taken nothing of it
            raise
        self._doubtful = None
        return batch.numbers

    def _locked(self, connection: Connection, keys: list[str]) -> tuple[Head, dict[str, Booked]]:
        """Begin the transaction, with the epoch checked and held until it ends: the journal's end, and which
        transactions are there. Two statements, as the second must see what the first waited for."""
        with connection.pipeline():
            connection.execute("BEGIN")
            epochs = connection.execute("SELECT epoch FROM gridward.control FOR UPDATE")
            ends = connection.execute(
                "SELECT seq, hash FROM gridward.journal ORDER BY seq DESC LIMIT 1", binary=True
            )
            booked = connection.execute(_BOOKED, (keys,)) if keys else None
        (epoch,) = one(epochs)
        check_epoch(self._own_epoch, epoch)
        end = ends.fetchone()
        head = EMPTY if end is None else (int(end[0]), bytes(end[1]))
        return head, {} if booked is None else booked_of(booked.fetchall())

    def _written(self, connection: Connection, batch: Batch, samples: Sequence[FeederSample]) -> None:
        days = {sample.at.astimezone(UTC).date() for sample in samples} - self._days
        ahead = {day + timedelta(days=1) for day in days} - self._days
        with connection.pipeline():
            if batch.journal:
                connection.execute(INSERT_JOURNAL, columns(batch.journal))
            if batch.transactions:
                connection.execute(INSERT_LEDGER[0], columns(batch.transactions))
                connection.execute(INSERT_LEDGER[1], columns(batch.postings))
            for day in sorted(days | ahead):
                connection.execute("SELECT gridward.make_samples_day(%s)", (day,))
            if samples:
                connection.execute(INSERT_SAMPLES, sample_columns(samples))
            connection.execute("COMMIT")
        self._days |= days | ahead

    def _after_all(self, write: Callable[[Connection], Sequence[int]], cause: Exception) -> Sequence[int]:
        """Reach the server again, and learn there whether the batch is written; write it when it is not.

        Raises OutcomeUnknown when the server does not come back in time.
        """
        waits = self._link.access.waits
        for _ in range(waits.return_tries):
            try:
                return self._link.work(write)
            except (psycopg.errors.ConnectionTimeout, psycopg.errors.LockNotAvailable) as error:
                cause = error
                break
            except (psycopg.Error, OSError) as error:
                if self._doubtful is None:
                    raise
                cause = error
            self._pause(waits.return_pause_s)
        raise OutcomeUnknown(
            f"the store was lost while it committed, and does not say whether it had: {in_one_line(cause)}"
        ) from cause


def keep_out(connection: Connection, access: Access) -> None:
    """Take the daemon's lock, for as long as the connection lasts. Raises StoreUnavailable when another
    controller has it."""
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {int(access.waits.start_s * 1000)}")
            connection.execute("SELECT pg_advisory_lock(%s, %s)", LOCK)
    except psycopg.errors.LockNotAvailable as error:
        raise StoreUnavailable(f"another controller is writing to {access.name}") from error
