"""[4] Who causes a violation, and how much each: parts that add up to its value.

Each service point's part is that of `attribution.py`: value = without load + parts, losses included. Only
parts in the violation's direction cause it: a house that feeds in while its neighbours overload the cable
relieves it, and its part is negative. The shares of those who cause it sum to 100 %."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.attribution import attribute
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Violation

_LEAST_PART = 1e-4
"""Of the whole effect: less is the echo of losses and voltage from another feeder, not a cause."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One service point's part in one violation."""

    service_point: str
    violation: str
    """the element's id"""
    share_percent: float
    """of what all service points that cause it put on the element; negative for one that relieves it"""
    p_kw: float
    flexible_kw: float
    """what its devices could give"""
    part: float = 0.0
    """what it adds to the element's value, losses included: percentage points of loading, or pu; the sign is
    the value's own, so what lowers a voltage is negative"""
    losses_percent: float = 0.0
    """how much of `share_percent` feeds losses and makes up for voltage drops that it causes"""


@dataclass(frozen=True, slots=True)
class Composition:
    """What the value of one violation is made of: value = without_load + caused + losses + relieved +
    rest."""

    violation: Violation
    without_load: float
    """with no service point taking anything, in the present direction"""
    caused: float
    """by those who cause it, but for `losses`"""
    losses: float
    """for losses and voltage drops, by those who cause it"""
    relieved: float
    """by those who relieve it, losses included"""
    rest: float
    """echoes from other feeders too small to be named, and the numerical error"""
    causes: tuple[Contribution, ...]
    """largest first; their shares sum to 100 %"""
    relief: tuple[Contribution, ...]
    """whoever makes it less, most first; on the scale of `causes`, so their shares are negative"""

    @property
    def value(self) -> float:
        """The sum, which is the violation's value."""
        return self.without_load + self.caused + self.losses + self.relieved + self.rest


def locate(  # noqa: PLR0917  the contract with the controller
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[Violation],
    flexible_kw: Floats,
    *,
    slack_scale: float = 1.0,
) -> tuple[Contribution, ...]:
    """Contributions of every service point that takes part, largest share first within each violation.

    `p_kw`, `q_kvar` and `flexible_kw` are (n_sp,); `slack_scale` multiplies the external grids' voltage. A
    violation that no service point causes (the external grid's own voltage, say) has no contributions. Raises
    Diverged when the snapshot has no solution.
    """
    composed = compose(network, load_flow, p_kw, q_kvar, violations, flexible_kw, slack_scale=slack_scale)
    return tuple(contribution for composition in composed for contribution in composition.causes)


def compose(  # noqa: PLR0917  as locate
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[Violation],
    flexible_kw: Floats,
    *,
    slack_scale: float = 1.0,
) -> tuple[Composition, ...]:
    """As `locate`, with all that the value is made of, one composition for each violation."""
    if not violations:
        return ()
    elements = [violation.element for violation in violations]
    found = attribute(network, load_flow, p_kw, q_kvar, elements, slack_scale=slack_scale)
    return tuple(
        _composition(
            network,
            violation,
            float(found.value[row]),
            float(found.without_load[row]),
            _Parts(found.direct[row], found.losses[row], p_kw, flexible_kw),
        )
        for row, violation in enumerate(violations)
    )


@dataclass(frozen=True)
class _Parts:
    """All service points' parts of one element's value, (n_sp,) each."""

    direct: Floats
    losses: Floats
    p_kw: Floats
    flexible_kw: Floats


def _composition(
    network: Network, violation: Violation, value: float, without_load: float, parts: _Parts
) -> Composition:
    direction = -1.0 if violation.kind == "undervoltage" else 1.0
    pushing = direction * (parts.direct + parts.losses)
    least = _LEAST_PART * np.clip(pushing, 0.0, None).sum()
    causes, relief = pushing > max(least, 0.0), pushing < -least
    total = pushing[causes].sum()

    def contributions(chosen: Floats) -> tuple[Contribution, ...]:
        places = np.flatnonzero(chosen)
        order = places[np.argsort(-np.abs(pushing[places]), kind="stable")]
        columns = (
            100 * pushing[order] / total,
            parts.p_kw[order],
            parts.flexible_kw[order],
            direction * pushing[order],
            100 * direction * parts.losses[order] / total,
        )
        names = [network.service_points[place] for place in order.tolist()]
        rows = zip(names, *(np.asarray(column, dtype=np.float64).tolist() for column in columns), strict=True)
        return tuple(Contribution(name, violation.element, *numbers) for name, *numbers in rows)

    caused, losses = float(parts.direct[causes].sum()), float(parts.losses[causes].sum())
    relieved = float(direction * pushing[relief].sum())
    if total <= 0:  # nobody causes it
        relief = np.zeros_like(relief)
        relieved = 0.0
    return Composition(
        violation=violation,
        without_load=without_load,
        caused=caused,
        losses=losses,
        relieved=relieved,
        rest=value - without_load - caused - losses - relieved,
        causes=contributions(causes),
        relief=contributions(relief),
    )
