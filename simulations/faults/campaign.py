"""Many seeds on all cores, and every planted bug in turn."""

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from simulations.faults import planted as plants
from simulations.faults import site
from simulations.faults.options import Options, draw_options
from simulations.faults.run import Outcome, run

A = TypeVar("A")
B = TypeVar("B")
COLLECT_EVERY = 8
"""runs; while one lasts nothing is collected"""
PLANTED_SEEDS = 200
"""A planted bug that none of so many seeds shows counts as not found."""
SITES = ("guards", "singles", "act_early", "sunny", "mixed", "voltages", "cable", "settings")
"""what a seed's site may have"""
AT_ONCE = 4
"""seeds that a worker takes in one go"""


@dataclass
class Tally:
    """What many runs came to."""

    seeds: int = 0
    simulated_s: float = 0.0
    cpu_s: float = 0.0
    steps: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    """seeds with what is not so common"""
    settings: Counter[str] = field(default_factory=Counter)
    """seeds with each setting off its default"""
    broken: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One more run."""
        self.seeds += 1
        self.simulated_s += outcome.simulated_s
        self.cpu_s += outcome.cpu_s
        self.steps += outcome.steps
        self.struck.update(outcome.struck)
        self.counts.update(outcome.counts)
        self.sites.update(name for name in SITES if outcome.options.differing().get(name))
        self.sites["feed-in held"] += outcome.counts["feed-in held"] > 0
        self.settings.update(name for name, _ in outcome.options.settings)
        if outcome.promise is not None:
            self.broken.append(outcome)

    @property
    def hours(self) -> float:
        """Simulated."""
        return self.simulated_s / 3600

    @property
    def hours_per_cpu_minute(self) -> float:
        """How fast it was."""
        return self.hours / (self.cpu_s / 60) if self.cpu_s > 0 else 0.0


def outcomes(seeds: Sequence[int], hours: float | None, jobs: int) -> Iterator[Outcome]:
    """Each seed's outcome, in the order of the seeds. Raises RuntimeError for a fault of the simulation."""
    return _mapped(partial(_seed, hours), seeds, jobs, at_once=AT_ONCE)


@dataclass(frozen=True)
class Found:
    """What became of one planted bug."""

    name: str
    what: str
    seeds: int
    """that it took"""
    outcome: Outcome | None
    """None: it was not found"""


def find_planted(first_seed: int, jobs: int, names: Iterable[str] = ()) -> Iterator[Found]:
    """Every planted bug in turn, or those that are named."""
    chosen = [bug.name for bug in plants.BUGS if not names or bug.name in names]
    return _mapped(partial(_find, first_seed), chosen, jobs)


def _mapped(work: Callable[[A], B], each: Iterable[A], jobs: int, at_once: int = 1) -> Iterator[B]:
    """In order, here or on `jobs` processes."""
    if jobs == 1:
        _prepare()
        yield from map(work, each)
        return
    with _pool(jobs) as pool:
        yield from pool.map(work, each, chunksize=at_once)


def _find(first_seed: int, name: str) -> Found:
    """By the first seed that breaks a promise with the bug, and none without it."""
    bug = plants.named(name)
    for tried in range(PLANTED_SEEDS):
        options = bug.options(draw_options(first_seed + tried))
        with plants.planted(bug):
            outcome = run(options)
        if outcome.promise is not None and run(options).promise is None:
            return Found(name, bug.what, tried + 1, outcome)
    return Found(name, bug.what, PLANTED_SEEDS, None)


def _seed(hours: float | None, seed: int) -> Outcome:
    if seed % COLLECT_EVERY == 0:
        gc.collect()
    return run(draw_options(seed, hours))


def _pool(jobs: int) -> ProcessPoolExecutor:
    _prepare()
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork"))


def _prepare() -> None:
    """What all runs share is made once, and looked through by no collection any more."""
    site.control_of(Options(0).site)
    site.keys()
    gc.collect()
    gc.freeze()


def replays_the_same(outcome: Outcome, again: Callable[[Options], Outcome] = run) -> bool:
    """Whether the same options give the same trace."""
    return again(outcome.options).digest == outcome.digest


def left_s(began_s: float, done: int, of: int) -> float:
    """Seconds that are still to come, by what was done so far."""
    passed_s = time.perf_counter() - began_s
    return passed_s / done * (of - done) if done else 0.0
