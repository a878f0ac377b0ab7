"""Kills the writer (SIGKILL) at instants drawn over its whole life, and has every wreck judged.

Writers are forked from a process that has everything loaded, so that the instants fall into opening,
replaying, committing and checkpointing, and not into the start of Python. Some kills wait for a phase that is
short and then strike within it. A store is used for some kills and then begun anew, so that no journal grows
without bound; while it is used, all that any of its writers acknowledged must be there after each kill.
"""

import json
import multiprocessing
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from controller.settings import Store as Settings
from devices.ports import Clock
from gridward.soak import plants, writer
from gridward.soak.checker import Acknowledged, Judged, judge, judge_postgres
from gridward.soak.draws import AIMED_AT, AIMED_AT_POSTGRES, LONGEST_POSTGRES_S, LONGEST_S, Kill, draw
from gridward.soak.writer import PHASES, Life

KILLS_PER_STORE = 25
LOOK_S, AIM_WITHIN_S = 0.0001, 3.0
BEGUN_WITHIN_S = 60.0
MOST_FAULTS = 50


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    kills: int
    seed: int
    folder: Path
    plant: str | None = None
    stop_at_fault: bool = False
    postgres: Callable[[str], str] | None = None
    """makes a database of this name and returns its URL: the stores are there, and not files"""

    def drawn(self, life: int) -> Kill:
        """When this life is to be killed, the first being 1."""
        if self.postgres is None:
            return draw(self.seed, life, AIMED_AT, LONGEST_S)
        return draw(self.seed, life, AIMED_AT_POSTGRES, LONGEST_POSTGRES_S)


@dataclass
class Outcome:
    """What came of it."""

    planned: int
    struck: Counter[str] = field(default_factory=Counter)
    """by phase: kills that ended a living writer"""
    missed: int = 0
    """kills that came when the writer had ended by itself; they do not count"""
    stores: int = 0
    acknowledged_entries: int = 0
    acknowledged_credits: int = 0
    """the same one again counts again"""
    entries: int = 0
    """in all stores at their end, as are those below"""
    settled: int = 0
    credits: int = 0
    epochs: int = 0
    faults: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def kills(self) -> int:
        """That struck."""
        return self.struck.total()


@dataclass
class _Store:
    """The store in use, and all that was acknowledged in it."""

    folder: Path
    settings: Settings
    number: int
    lives: int = 0
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    judged: Judged | None = None


def soak(plan: Plan, clock: Clock, told: Callable[[Outcome], None]) -> Outcome:
    """Kill until the planned number struck; `told` hears of the progress after each kill."""
    killer = _Killer(plan, clock)
    began_s = clock.monotonic()
    enough = 1 if plan.stop_at_fault else MOST_FAULTS
    while killer.outcome.kills < plan.kills and len(killer.outcome.faults) < enough:
        killer.one_life()
        killer.outcome.wall_s = clock.monotonic() - began_s
        told(killer.outcome)
    killer.end_store()
    return killer.outcome


class _Killer:
    """Starts writers, kills them, and asks the judge."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.outcome = Outcome(plan.kills)
        self._plan, self._clock = plan, clock
        self._lives = 0
        self._context = multiprocessing.get_context("forkserver")
        drivers = [] if plan.postgres is None else ["controller.stores.postgres"]
        self._context.set_forkserver_preload([writer.__name__, plants.__name__, *drivers])
        self._board = plan.folder / "board"
        self._store = self._begin()

    def one_life(self) -> None:
        """Start a writer on the store, kill it, judge what it leaves."""
        if self._store.lives >= KILLS_PER_STORE:
            self.end_store()
            self._store = self._begin()
        store, outcome = self._store, self.outcome
        store.lives += 1
        self._lives += 1
        where = f"seed {self._plan.seed}, store {store.number}, life {store.lives}"
        kill = self._plan.drawn(self._lives)
        status = self._live_and_die(self._life(store, kill), kill)
        if status == -signal.SIGKILL:
            outcome.struck[PHASES[self._board.read_bytes()[0]]] += 1
        elif status == 0:
            outcome.missed += 1
        else:
            outcome.faults.append(f"{where}: the writer ended by itself with status {status}")
        store.judged = self._judge(store)
        outcome.faults += [f"{where}: {fault}" for fault in store.judged.faults]

    def end_store(self) -> None:
        """Sum it up; it is kept when something was wrong with it."""
        found = self._store.judged
        if found is None:
            return
        self.outcome.entries += found.entries
        self.outcome.settled += found.settled
        self.outcome.credits += found.credits
        self.outcome.epochs += found.epochs
        if not found.faults:
            shutil.rmtree(self._store.folder)

    def _judge(self, store: _Store) -> Judged:
        if store.settings.postgres is not None:
            return judge_postgres(store.settings.postgres, store.acknowledged)
        return judge(store.settings.path, store.acknowledged, self._plan.folder)

    def _begin(self) -> _Store:
        self.outcome.stores += 1
        folder = self._plan.folder / f"store-{self.outcome.stores:04d}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = Settings(path=folder / "journal.sqlite3")
        if self._plan.postgres is not None:
            settings = Settings(postgres=self._plan.postgres(f"soak_{self.outcome.stores:04d}"))
        return _Store(folder, settings, self.outcome.stores)

    def _life(self, store: _Store, kill: Kill) -> Life:
        self._board.write_bytes(bytes(1))
        return Life(
            store=store.settings,
            board=self._board,
            draws=(self._plan.seed, store.number, store.lives),
            ticks=kill.ticks,
            plant=self._plan.plant,
        )

    def _live_and_die(self, life: Life, kill: Kill) -> int:
        """The writer's exit status: -9 where the kill struck."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=writer.run, args=(life, theirs), name="writer")
        process.start()
        theirs.close()
        with ours:
            self._listen(ours, BEGUN_WITHIN_S, words=1)
            if kill.aimed is None:
                self._listen(ours, kill.after_s)
            else:
                self._await(ours, PHASES.index(kill.aimed), kill.after_s)
            process.kill()
            self._listen(ours, BEGUN_WITHIN_S)
            process.join()
        status = process.exitcode
        assert status is not None
        return status

    def _await(self, pipe: Connection, phase: int, then_s: float) -> None:
        """Listen until the writer is in this phase, or does not get there in time; then a moment more."""
        until_s = self._clock.monotonic() + AIM_WITHIN_S
        while self._board.read_bytes()[0] != phase and self._clock.monotonic() < until_s:
            if not self._listen(pipe, LOOK_S):
                return
        self._listen(pipe, then_s)

    def _listen(self, pipe: Connection, for_s: float, words: int | None = None) -> bool:
        """Take in what the writer says, until the time is over or so many words were said; False when it
        ended before."""
        until_s = self._clock.monotonic() + for_s
        while words != 0 and pipe.poll(max(0.0, until_s - self._clock.monotonic())):
            try:
                word = json.loads(pipe.recv_bytes())
            except (EOFError, OSError, ValueError):
                return False  # perhaps in the middle of a word
            self._hear(word)
            words = None if words is None else words - 1
            if self._clock.monotonic() >= until_s:
                break
        return True

    def _hear(self, word: dict[str, Any]) -> None:
        heard = self._store.acknowledged
        heard.entries.update(dict(word.get("entries", ())))
        heard.keys.update(word.get("keys", ()))
        heard.samples_us.update(word.get("samples_us", ()))
        heard.epoch = max(heard.epoch, word.get("epoch", 0))
        self.outcome.acknowledged_entries += len(word.get("entries", ()))
        self.outcome.acknowledged_credits += len(word.get("keys", ()))
