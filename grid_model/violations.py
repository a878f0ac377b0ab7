"""[3] Elements outside their limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Diverged
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Branches, Floats, Network

ViolationKind = Literal["line_overload", "transformer_overload", "undervoltage", "overvoltage"]

VOLTAGE_BAND_PU = 0.1
"""EN 50160: ±10 %. A voltage this far outside counts like an element at twice its rating."""
_NEGLIGIBLE = 1e-9
"""An excess that is only the last bits of a float."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as outside. Elements that carry limits of their own keep the stricter one."""

    loading_percent: float = 100.0
    min_v_pu: float = 0.9
    max_v_pu: float = 1.1


@dataclass(frozen=True, slots=True)
class Violation:
    """One element outside its limit."""

    element: str
    """`line:3`, `trafo:0`, `bus:7`"""
    kind: ViolationKind
    value: float
    """loading in percent, or voltage in pu"""
    limit: float
    reverse: bool = False
    """A transformer overloaded by power flowing back into the higher voltage."""


def find_violations(network: Network, result: LoadFlowResult, limits: Limits) -> tuple[Violation, ...]:
    """All violations, the worst first. Raises Diverged when the result did not converge.

    A bus that is not supplied has no voltage and violates nothing.
    """
    if not result.converged:
        raise Diverged("a load flow that did not converge says nothing about violations")
    forward = np.zeros(len(network.lines.ids), dtype=bool)
    found = [
        *_overloads(network.lines, result.line_loading_percent, limits, "line_overload", forward),
        *_overloads(
            network.transformers,
            result.transformer_loading_percent,
            limits,
            "transformer_overload",
            result.transformer_p_kw < 0,
        ),
        *_voltages(network, result.v_pu, limits),
    ]
    return tuple(sorted(found, key=severity, reverse=True))


def severity(violation: Violation) -> float:
    """How far outside, so that loadings and voltages compare: 0 at the limit, 1 at twice the rating."""
    if violation.kind in ("undervoltage", "overvoltage"):
        return abs(violation.value - violation.limit) / VOLTAGE_BAND_PU
    return violation.value / violation.limit - 1


def loading_limits(branches: Branches, limits: Limits) -> Floats:
    """(n_branch,) the stricter of the general limit and the element's own."""
    return np.minimum(branches.max_loading_percent, limits.loading_percent)


def voltage_limits(network: Network, limits: Limits) -> tuple[Floats, Floats]:
    """(n_bus,) lowest and highest voltage: the stricter of the general limit and the bus's own."""
    return (
        np.fmax(network.buses.min_v_pu, limits.min_v_pu),
        np.fmin(network.buses.max_v_pu, limits.max_v_pu),
    )


def _overloads(
    branches: Branches, loading: Floats, limits: Limits, kind: ViolationKind, reverse: NDArray[np.bool_]
) -> Iterator[Violation]:
    limit = loading_limits(branches, limits)
    for place in np.flatnonzero(loading > limit + _NEGLIGIBLE):
        yield Violation(
            branches.ids[place], kind, float(loading[place]), float(limit[place]), bool(reverse[place])
        )


def _voltages(network: Network, v_pu: Floats, limits: Limits) -> Iterator[Violation]:
    lowest, highest = voltage_limits(network, limits)
    for place in np.flatnonzero(v_pu < lowest - _NEGLIGIBLE):
        yield Violation(network.buses.ids[place], "undervoltage", float(v_pu[place]), float(lowest[place]))
    for place in np.flatnonzero(v_pu > highest + _NEGLIGIBLE):
        yield Violation(network.buses.ids[place], "overvoltage", float(v_pu[place]), float(highest[place]))
