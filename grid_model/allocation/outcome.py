"""[5] What the allocation answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from grid_model.results import LoadFlowResult
from grid_model.violations import Violation


@dataclass(frozen=True, slots=True)
class Curtailment:
    """What one device is to be held to. Never below its `min_kw`, nor above its `max_kw`."""

    device: str
    service_point: str
    p_kw: float
    limit_kw: float
    curtailed_kw: float
    """how far that is from `p_kw`, whatever the direction"""
    sense: Literal["at_most", "at_least"] = "at_most"
    """Whether it is to take `limit_kw` at most (a load; a battery that is to discharge, below 0), or at
    least (feed-in held back to −`limit_kw`; a battery that is to charge)."""
    q_kvar: float | None = None
    """reactive power it is to take; None: as it likes"""

    @property
    def moved_kw(self) -> float:
        """What its service point takes more than before; below 0 for less."""
        return self.limit_kw - self.p_kw


@dataclass(frozen=True, slots=True)
class Missing:
    """What would clear one violation that is left."""

    violation: Violation
    kw: float | None
    """How many kW more must be moved at the best-placed customers; None where not even all that they take,
    or feed in, is enough."""
    at: tuple[tuple[str, float], ...]
    """(service point, kW of that), best placed first"""


@dataclass(frozen=True)
class Allocation:
    """The answer: the cuts, and what a load flow over the cut snapshot says."""

    curtailments: tuple[Curtailment, ...]
    cleared: bool
    after: LoadFlowResult
    remaining: tuple[Violation, ...]
    """violations left over when not cleared"""
    rounds: int
    gap: float = 0.0
    """How much cheaper, relative, the best may be by proof of the last programme: stepped devices only."""
    assured: float | None = None
    """Share of drawn cases, each device keeping its word with its own probability, in which everything is
    within limits; None where no reserve was asked for."""
    find_missing: Callable[[], tuple[Missing, ...]] = field(default=tuple, repr=False, compare=False)

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """For each of `remaining` what would clear it. Several load flows each, so only when asked for."""
        return self.find_missing()

    @property
    def curtailed_kw(self) -> float:
        """The sum over all devices."""
        return sum(cut.curtailed_kw for cut in self.curtailments)
