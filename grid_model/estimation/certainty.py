"""[3] How sure every loading and voltage of an estimate is: its interval, and the probability that it is past
its limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grid_model.estimation.estimate import Estimate
from grid_model.estimation.intervals import Uncertain
from grid_model.network import Branches, Floats, Network
from grid_model.violations import Limits, ViolationKind, loading_limits, voltage_limits

POSSIBLE = 0.05
"""Below this probability an element within its limit is not worth a word."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """One element against one limit."""

    element: str
    """`line:3`, `trafo:0`, `bus:7`"""
    kind: ViolationKind
    value: float
    """loading in percent, or voltage in pu: the most likely one"""
    low: float
    """end of the 95 % interval; a loading is never below 0"""
    high: float
    limit: float
    probability: float
    """that the element truly is outside its limit, 0 to 1"""

    @property
    def outside(self) -> bool:
        """Whether the most likely value is outside the limit."""
        return self.value < self.limit if self.kind == "undervoltage" else self.value > self.limit

    @property
    def possible(self) -> bool:
        """Whether it is outside, or may well be."""
        return self.outside or self.probability >= POSSIBLE


def certainties(network: Network, estimate: Estimate, limits: Limits) -> tuple[Certainty, ...]:
    """Of every line, transformer and voltage limit, the surest violation first, then the fullest; without
    what is not supplied. Elements with limits of their own keep the stricter one, as in `find_violations`.
    """
    buses, (lowest, highest) = network.buses, voltage_limits(network, limits)
    found = [
        *_of_branches(network.lines, estimate.lines, limits, "line_overload"),
        *_of_branches(network.transformers, estimate.transformers, limits, "transformer_overload"),
        *_of(buses.ids, estimate.voltages, lowest, "undervoltage"),
        *_of(buses.ids, estimate.voltages, highest, "overvoltage"),
    ]
    return tuple(sorted(found, key=_order))


def _order(one: Certainty) -> tuple[bool, float, bool, float]:
    """Sure ones first; of those that are out of the question, the fullest branch."""
    voltage = one.kind in {"undervoltage", "overvoltage"}
    return not one.possible, -round(one.probability, 3), voltage, -one.value / one.limit


def _of_branches(
    branches: Branches, loading: Uncertain, limits: Limits, kind: ViolationKind
) -> Iterator[Certainty]:
    return _of(branches.ids, loading, loading_limits(branches, limits), kind)


def _of(ids: tuple[str, ...], values: Uncertain, limit: Floats, kind: ViolationKind) -> Iterator[Certainty]:
    low, high = values.interval()
    past = values.probability_below(limit) if kind == "undervoltage" else values.probability_above(limit)
    for place in np.flatnonzero(np.isfinite(values.value)).tolist():
        yield Certainty(
            element=ids[place],
            kind=kind,
            value=float(values.value[place]),
            low=max(float(low[place]), 0.0),
            high=float(high[place]),
            limit=float(limit[place]),
            probability=float(past[place]),
        )
