"""[3] Phases, neutrals and buses outside their limits."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from grid_model.errors import Diverged
from grid_model.network import Branches, Floats
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.phases import PHASES, Phase
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.violations import VOLTAGE_BAND_PU

Conductor = Phase | Literal["n"]
PhaseViolationKind = Literal[
    "line_overload",
    "transformer_overload",
    "neutral_overload",
    "undervoltage",
    "overvoltage",
    "voltage_unbalance",
]
_NEGLIGIBLE = 1e-9
"""An excess that is only the last bits of a float."""


@dataclass(frozen=True, slots=True)
class PhaseLimits:
    """What counts as outside. Elements that carry limits of their own keep the stricter one."""

    loading_percent: float = 100.0
    neutral_percent: float = 100.0
    """Of the rating of the line's phases. 100 is right for four cores of one section, 50 for a neutral of
    half of it."""
    min_v_pu: float = 0.9
    """EN 50160: ±10 %, phase to neutral"""
    max_v_pu: float = 1.1
    unbalance_percent: float = 2.0
    """EN 50160 and IEC 61000-2-2: negative sequence up to 2 % of the positive"""


class Place(NamedTuple):
    """One value of an unbalanced result: the loading of a conductor, a voltage, or a bus's unbalance."""

    element: str
    """`line:3`, `trafo:0`, `bus:7`"""
    conductor: Conductor | None
    """a, b, c; n for the neutral of a line; None for the unbalance of a bus"""


@dataclass(frozen=True, slots=True)
class PhaseViolation:
    """One phase, neutral or bus outside its limit."""

    element: str
    """`line:3`, `trafo:0`, `bus:7`"""
    phase: Conductor | None
    """n for the neutral; None for voltage unbalance, which all three have together"""
    kind: PhaseViolationKind
    value: float
    """loading or unbalance in percent, or voltage in pu"""
    limit: float
    reverse: bool = False
    """A transformer overloaded by power flowing back into the higher voltage."""

    @property
    def place(self) -> Place:
        """The value that is outside."""
        return Place(self.element, self.phase)


def find_phase_violations(
    network: ThreePhaseNetwork, result: ThreePhaseResult, limits: PhaseLimits
) -> tuple[PhaseViolation, ...]:
    """All violations, the worst first. Raises Diverged when the result did not converge.

    A bus that is not supplied has no voltage and violates nothing.
    """
    if not result.converged:
        raise Diverged("a load flow that did not converge says nothing about violations")
    found = [
        *_line_overloads(network.lines, result, limits),
        *_transformer_overloads(network.transformers, result, limits),
        *_voltages(network, result.v_pu, limits),
        *_unbalances(network, result.unbalance_percent, limits),
    ]
    return tuple(sorted(found, key=phase_severity, reverse=True))


def phase_severity(violation: PhaseViolation) -> float:
    """How far outside, so that all kinds compare: 0 at the limit, 1 at twice the rating or the whole voltage
    band."""
    if violation.kind in ("undervoltage", "overvoltage"):
        return abs(violation.value - violation.limit) / VOLTAGE_BAND_PU
    return violation.value / violation.limit - 1


def worst_of_each_kind(violations: Sequence[PhaseViolation], most: int) -> tuple[PhaseViolation, ...]:
    """The first `most` of every kind, in the order given: along a feeder a thousand buses may share one
    cause."""
    seen: Counter[PhaseViolationKind] = Counter()
    kept = []
    for violation in violations:
        seen[violation.kind] += 1
        if seen[violation.kind] <= most:
            kept.append(violation)
    return tuple(kept)


def _line_overloads(
    lines: Branches, result: ThreePhaseResult, limits: PhaseLimits
) -> Iterator[PhaseViolation]:
    limit = np.minimum(lines.max_loading_percent, limits.loading_percent)
    for place, phase, value in _above(result.line_loading_percent, limit):
        yield PhaseViolation(lines.ids[place], phase, "line_overload", value, float(limit[place]))
    neutral = result.neutral_loading_percent
    for line in np.flatnonzero(neutral > limits.neutral_percent + _NEGLIGIBLE):
        value = float(neutral[line])
        yield PhaseViolation(lines.ids[line], "n", "neutral_overload", value, limits.neutral_percent)


def _transformer_overloads(
    transformers: Branches, result: ThreePhaseResult, limits: PhaseLimits
) -> Iterator[PhaseViolation]:
    limit = np.minimum(transformers.max_loading_percent, limits.loading_percent)
    reverse = result.transformer_p_kw.sum(axis=1) < 0
    for place, phase, value in _above(result.transformer_loading_percent, limit):
        name, most = transformers.ids[place], float(limit[place])
        yield PhaseViolation(name, phase, "transformer_overload", value, most, bool(reverse[place]))


def _voltages(network: ThreePhaseNetwork, v_pu: Floats, limits: PhaseLimits) -> Iterator[PhaseViolation]:
    lowest = np.fmax(network.buses.min_v_pu, limits.min_v_pu)
    highest = np.fmin(network.buses.max_v_pu, limits.max_v_pu)
    for place, phase, value in _above(-v_pu, -lowest):
        yield PhaseViolation(network.buses.ids[place], phase, "undervoltage", -value, float(lowest[place]))
    for place, phase, value in _above(v_pu, highest):
        yield PhaseViolation(network.buses.ids[place], phase, "overvoltage", value, float(highest[place]))


def _unbalances(
    network: ThreePhaseNetwork, unbalance: Floats, limits: PhaseLimits
) -> Iterator[PhaseViolation]:
    for place in np.flatnonzero(unbalance > limits.unbalance_percent + _NEGLIGIBLE):
        name, value = network.buses.ids[place], float(unbalance[place])
        yield PhaseViolation(name, None, "voltage_unbalance", value, limits.unbalance_percent)


def _above(values: Floats, limit: Floats) -> Iterator[tuple[int, Phase, float]]:
    """Positions, phases and values of (n, 3) above (n,); NaN is above nothing."""
    for place, column in zip(*np.nonzero(values > limit[:, None] + _NEGLIGIBLE), strict=True):
        yield int(place), PHASES[column], float(values[place, column])
