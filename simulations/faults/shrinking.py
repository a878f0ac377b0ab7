"""Makes a failing run smaller, as long as it breaks the same promise: fewer fault classes, fewer faults,
fewer periods.

Deterministic: a run is a function of its options, so each smaller candidate is simply run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from simulations.faults.options import CLASSES, Options
from simulations.faults.run import Outcome, run

MOST_RUNS = 150
_PLAIN: tuple[dict[str, Any], ...] = (
    {"store": "memory"},
    {"act_early": False},
    {"singles": False},
    {"guards": False},
    {"settings": ()},
    {"mixed": False},
    {"voltages": False, "cable": 1.0},
    {"cable": 1.0},
)
"""what a site has less in it with"""


@dataclass(frozen=True)
class Shrunk:
    """The least that was found."""

    outcome: Outcome
    runs: int
    """that it took"""


def shrink(found: Outcome, again: Callable[[Options], Outcome] = run, most_runs: int = MOST_RUNS) -> Shrunk:
    """The smallest options that break the promise that `found` broke."""
    shrinker = _Shrinker(found, again, most_runs)
    shrinker.go()
    return Shrunk(shrinker.least, shrinker.runs)


class _Shrinker:
    def __init__(self, found: Outcome, again: Callable[[Options], Outcome], most_runs: int) -> None:
        self.least, self.runs = found, 0
        self._again, self._most_runs = again, most_runs
        self._tried: set[Options] = {found.options}

    def go(self) -> None:
        """Until nothing smaller breaks it, or there were runs enough."""
        progress = True
        while progress and self.runs < self._most_runs:
            progress = False
            for candidate in self._candidates():
                progress |= self._try(candidate)
        self._fewest_faults()

    def _candidates(self) -> Iterator[Options]:
        broken_in = self.least.broken_in_period
        if broken_in is not None and broken_in < self.least.options.cycles:
            yield replace(self.least.options, cycles=broken_in)
        for name in CLASSES:
            if getattr(self.least.options, name) > 0:
                yield self.least.options.without(name)
        for plain in _PLAIN:
            yield replace(self.least.options, **plain)
        for setting in self.least.options.settings:
            fewer = tuple(one for one in self.least.options.settings if one != setting)
            yield replace(self.least.options, settings=fewer)
        for cycles in (self.least.options.cycles // 2, self.least.options.cycles - 1):
            if cycles >= 1:
                yield replace(self.least.options, cycles=cycles)

    def _fewest_faults(self) -> None:
        """By halving: the faults that come last are left out first."""
        low, high = 0, sum(self.least.struck.values())
        while low < high and self.runs < self._most_runs:
            middle = (low + high) // 2
            if self._try(replace(self.least.options, most=middle)):
                high = middle
            else:
                low = middle + 1

    def _try(self, candidate: Options) -> bool:
        if candidate in self._tried or self.runs >= self._most_runs:
            return False
        self._tried.add(candidate)
        self.runs += 1
        try:
            outcome = self._again(candidate)
        except RuntimeError:
            return False
        if outcome.promise != self.least.promise:
            return False
        self.least = outcome
        return True
