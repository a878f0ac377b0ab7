"""Durable journal entries a second, in commits of 1 to 1,000 entries: SQLite and PostgreSQL side by side.

Every commit is on the disk when it counts. Both stores take the same entries, in turns, on the same disk
where the server is our own. What one sync of that disk costs is told too: a commit cannot be faster.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from controller.entries import Entry, LedgerPosted, RequestChanged, RequestPlanned
from controller.settings import Store as Settings
from controller.stores.opening import open_store
from controller.stores.port import Store, StoreUnavailable
from gridward.private_postgres import NoPostgres, PrivatePostgres

SIZES = (1, 10, 100, 1000)
GOAL = 5000
"""entries a second that group commit has to make durable"""
_START = datetime(2026, 1, 12, 18, tzinfo=UTC)


@dataclass
class Runner:
    """One store, and what its commits took."""

    name: str
    store: Store
    entries: Iterator[Entry]
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def run(self, size: int, for_s: float) -> None:
        """Commit batches of `size` for some time, and note what each took."""
        spent = 0.0
        while spent < for_s:
            batch = list(islice(self.entries, size))
            began = perf_counter()
            self.store.commit(batch)
            took = perf_counter() - began
            spent += took
            self.seconds.setdefault(size, []).append(took)

    def per_second(self, size: int) -> float:
        """Entries a second, over all its commits of that size."""
        taken = self.seconds[size]
        return size * len(taken) / math.fsum(taken)


def print_figures(seed: int, quick: bool) -> None:
    """Print the table, with a private server."""
    print_on(seed, quick, None)


def print_on(seed: int, quick: bool, postgres: str | None) -> None:
    """Print the table; `postgres`: the URL of a database to use, and to leave filled."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridward-bench-")))
        print(f"one sync of the disk: {_sync_ms(folder):.2f} ms (median of 50 writes of 4 KiB)")
        runners = [_runner("SQLite", Settings(path=folder / "bench.sqlite3"), seed, stack)]
        try:
            url = stack.enter_context(_own_server()) if postgres is None else postgres
            runners.append(_runner("PostgreSQL", Settings(postgres=url), seed, stack))
        except (NoPostgres, StoreUnavailable) as missing:
            print(f"PostgreSQL is left out: {missing}")
        rounds, for_s = (3, 0.1) if quick else (6, 0.5)
        for _ in range(rounds):
            for size in SIZES:
                for runner in runners:
                    runner.run(size, for_s)
        _print(runners)


def _print(runners: Sequence[Runner]) -> None:
    names = "".join(f"{f'{runner.name}/s':>15}{'ms/commit':>11}" for runner in runners)
    print(f"{'entries a commit':<17}{names}{'ratio':>8}")
    for size in SIZES:
        rates = [runner.per_second(size) for runner in runners]
        cells = "".join(
            f"{rate:>15,.0f}{1000 * median(runner.seconds[size]):>11.2f}"
            for rate, runner in zip(rates, runners, strict=True)
        )
        print(f"{size:<17}{cells}{rates[-1] / rates[0]:>8.2f}")
    best = ", ".join(f"{r.name} {max(r.per_second(size) for size in SIZES):,.0f}" for r in runners)
    print(f"entries a second with group commit: {best} (goal {GOAL:,} each)", flush=True)


def _runner(name: str, settings: Settings, seed: int, stack: ExitStack) -> Runner:
    store = stack.enter_context(closing(open_store(settings)))
    store.take_over("bench")
    # the epoch makes keys that no earlier run on the same database had
    return Runner(name, store, _entries(np.random.default_rng(seed), f"{store.epoch()}"))


@contextmanager
def _own_server() -> Iterator[str]:
    with PrivatePostgres() as server:
        yield server.url("postgres")


def _sync_ms(folder: Path) -> float:
    taken = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            began = perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            taken.append(perf_counter() - began)
    return 1000 * median(taken)


def _entries(rng: np.random.Generator, tag: str) -> Iterator[Entry]:
    """As an evening brings them: of ten, five plans, four changes and a credit."""
    makers: tuple[Callable[[str, datetime, float], Entry], ...] = (_planned, _changed)
    for number in count():
        request, at = f"E-bench-{tag}-R{number:06}", _START + timedelta(seconds=number)
        if number % 10 == 9:
            yield _credited(request, at, int(rng.integers(1, 5000)))
        else:
            yield makers[number % 2](request, at, float(rng.uniform(4.2, 11.0)))


def _planned(request: str, at: datetime, p_kw: float) -> RequestPlanned:
    return RequestPlanned(
        at=at,
        request=request,
        event="E-bench",
        feeder="bench",
        resource="device",
        target="ev-001",
        kind="ev_charger",
        customer="C-001",
        service_point="load:1",
        limit_kw=4.2,
        p_before_kw=p_kw,
        baseline_kw=p_kw,
        start=at,
        end=at + timedelta(minutes=15),
        epoch=1,
        sequence=1,
        element="line:3",
        value=107.4,
    )


def _changed(request: str, at: datetime, limit_kw: float) -> RequestChanged:
    end = at + timedelta(minutes=15)
    return RequestChanged(
        at=at, request=request, limit_kw=limit_kw, end=end, epoch=1, sequence=2, reason="renewed"
    )


def _credited(request: str, at: datetime, points: int) -> LedgerPosted:
    postings = (("programme:bench:budget", "points", -points), ("customer:C-001", "points", points))
    return LedgerPosted(
        at=at, key=f"bench/{request}/credit/v1", postings=postings, reason="bench", request=request
    )
