"""One life of the writer that is killed: the real store, bookkeeper, books, settlement and ledger.

Runs in a process of its own. It acknowledges over a pipe, and only what `commit` returned for; and it notes
in shared memory what it is doing, so that whoever kills it knows where the kill struck. A planted fault
(`plants.py`) takes the place of the store or of one step, to prove that the judge would find it.
"""

import asyncio
import hashlib
import json
import mmap
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numpy as np
import structlog

from controller.auditing.checkpoints import SigningKey, key_name
from controller.auditing.sealing import Sealer
from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, JournalCheckpointed, LedgerPosted
from controller.live import Live
from controller.metrics import Metrics
from controller.proving.settlement import settle
from controller.proving.verification import sample_window
from controller.settings import Store as Settings
from controller.stores import chain
from controller.stores.opening import open_store
from controller.stores.port import FeederSample, Numbered, Store
from controller.stores.rows import to_us
from controller.stores.sqlite import SqliteStore
from gridward.soak import story

_P = ParamSpec("_P")
_T = TypeVar("_T")
PHASES = (
    "starting",
    "opening",
    "taking over",
    "replaying",
    "booking again",
    "deciding",
    "committing",
    "settling",
    "sealing",
    "checkpointing",
    "closing",
)
"""by the number that is in the shared memory"""
_LOG_PAGES = 60
"""of the write-ahead log, after which a commit also writes them into the file; a daemon's are 1,000"""
_CHECKPOINT_EVERY = 15
"""ticks"""
_SEAL_EVERY = 40
"""entries"""
_KEY = SigningKey(key_name("soak"), bytes(32))
"""made here, so that what signs is loaded before anybody is forked"""


@dataclass(frozen=True)
class Life:
    """What one life is made of."""

    store: Settings
    board: Path
    """a file of one byte: the phase"""
    draws: tuple[int, ...]
    """the seed of this life's draws"""
    ticks: int
    """after which it ends by itself"""
    plant: str | None = None


class Board:
    """The phase, where the killer can read it after the kill."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 1)

    @property
    def phase(self) -> str:
        """What was noted last."""
        return PHASES[self._memory[0]]

    def note(self, phase: str) -> None:
        """From now on it is this one."""
        self._memory[0] = PHASES.index(phase)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """This phase within the block, the one before after it."""
        before = self.phase
        self.note(phase)
        yield
        self.note(before)


class Acknowledging:
    """A store as it is, as far as a bookkeeper needs it; it tells what is durable, and notes what it does."""

    def __init__(self, life: Life, board: Board, pipe: Connection) -> None:
        with board.during("opening"):
            self._store = open_store(life.store)
            if isinstance(self._store, SqliteStore):
                self._store._connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        self._board, self._pipe = board, pipe
        self.last_seq = 0
        self.last_at = story.BEGIN
        self.credits: list[LedgerPosted] = []

    def take_over(self, holder: str) -> int:
        """As the store does."""
        with self._board.during("taking over"):
            epoch = self._store.take_over(holder)
        self._tell(epoch=epoch)
        return epoch

    def replay(self, after: int = 0) -> Iterator[Numbered]:
        """As the store does, keeping its end and its newest credits in mind."""
        for numbered in self._store.replay(after):
            self.last_seq, self.last_at = numbered.seq, max(self.last_at, numbered.entry.at)
            if isinstance(numbered.entry, LedgerPosted):
                self.credits = [*self.credits[-4:], numbered.entry]
            yield numbered

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        """As the store does, and then acknowledge."""
        again = self._board.phase == "booking again"
        with self._board.during("booking again" if again else _phase_of(entries)):
            numbers = self._store.commit(entries, samples)
        self.acknowledge(entries, numbers, samples)
        return numbers

    def acknowledge(
        self, entries: Sequence[Entry], numbers: Sequence[int], samples: Sequence[FeederSample]
    ) -> None:
        """Tell the other end of the pipe what is durable."""
        new = [(n, e) for n, e in zip(numbers, entries, strict=True) if n > self.last_seq]
        self.last_seq = max([self.last_seq, *numbers])
        self._tell(
            entries=[(n, hashlib.sha256(chain.encode(e).encode()).hexdigest()) for n, e in new],
            keys=[entry.key for entry in entries if isinstance(entry, LedgerPosted)],
            samples_us=[to_us(sample.at) for sample in samples],
        )

    def checkpoint(self) -> None:
        """Write the log into the file, as SQLite does by itself now and then; PostgreSQL's server does."""
        if isinstance(self._store, SqliteStore):
            with self._board.during("checkpointing"):
                self._store._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """As the store does."""
        with self._board.during("closing"):
            self._store.close()

    def measured(self, window: tuple[datetime, datetime]) -> Sequence[FeederSample]:
        """The samples of a stretch of time."""
        return self._store.samples(story.FEEDER, *window)

    def _tell(self, **words: object) -> None:
        self._pipe.send_bytes(json.dumps(words).encode())


def run(life: Life, pipe: Connection) -> None:
    """Live until the ticks are over, or until killed."""
    structlog.configure(processors=[_silent])
    board = Board(life.board)
    board.note("starting")
    asyncio.run(_live(life, board, pipe))


async def _live(life: Life, board: Board, pipe: Connection) -> None:
    from gridward.soak import plants  # noqa: PLC0415  they are made from this module's classes

    planted = plants.of(life.plant)
    pipe.send_bytes(b"{}")  # the first word: from here on the killer counts
    store = planted.store(life, board, pipe)
    board.note("replaying")
    # The bookkeeper asks for no more of a store than is here.
    keeper = Bookkeeper(
        cast("Store", store), _here, Metrics(), Live([story.FEEDER]), Sealer(_KEY, 600.0, _SEAL_EVERY)
    )
    await keeper.take_over("soak", "soak", [story.FEEDER], store.last_at)
    with board.during("booking again"):
        await planted.book_again(keeper, store.credits)
    board.note("deciding")
    rng, now = np.random.default_rng(life.draws), store.last_at
    for tick in range(life.ticks):
        now += story.TICK
        await keeper.write((), (story.sample(keeper.books, rng, now),))
        for step in story.STEPS:
            await keeper.write(step(keeper.books, rng, now))
        for record in story.to_settle(keeper.books, now):
            window = sample_window(record)
            told = settle(
                record,
                beside=keeper.books.beside(record),
                samples=() if window is None else store.measured(window),
                position=story.position(record),
                rewards=story.REWARDS,
                now=now,
            )
            await planted.settle(keeper, told)
        if tick % _CHECKPOINT_EVERY == _CHECKPOINT_EVERY - 1:
            store.checkpoint()
    store.close()


async def at_once(keeper: Bookkeeper, told: Sequence[Entry]) -> None:
    """In one commit: a settlement with its credit; or the newest credits once more, as one does who died
    between a commit and hearing of it."""
    await keeper.write(told)


Write = Callable[[Bookkeeper, Sequence[Entry]], Awaitable[None]]


async def _here(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return function(*args, **kwargs)


def _phase_of(entries: Sequence[Entry]) -> str:
    if any(isinstance(entry, LedgerPosted) for entry in entries):
        return "settling"
    return "sealing" if any(isinstance(entry, JournalCheckpointed) for entry in entries) else "committing"


def _silent(*_: object) -> str:
    raise structlog.DropEvent
