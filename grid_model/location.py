"""[4] Who causes a violation, and how much each: sensitivity x power.

The effect of a service point on an element is ∂g/∂P · P + ∂g/∂Q · Q: how much less the loading (or more the
voltage) would be without it, to first order at the present operating point. Only effects in the violation's
direction count: a house that feeds in while its neighbours overload the cable relieves it, and has no share.
The shares of one violation sum to 100 % over those who cause it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.sensitivities import sensitivities
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
    """of what all service points together put on the element in the violation's direction"""
    p_kw: float
    flexible_kw: float
    """what its devices could give"""


def locate(  # noqa: PLR0917  the contract with the controller
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[Violation],
    flexible_kw: Floats,
) -> tuple[Contribution, ...]:
    """Contributions of every service point that takes part, largest share first within each violation.

    `p_kw`, `q_kvar` and `flexible_kw` are (n_sp,). A violation that no service point causes (the external
    grid's own voltage, say) has no contributions. Raises Diverged when the snapshot has no solution.
    """
    if not violations:
        return ()
    found = sensitivities(network, load_flow, p_kw, q_kvar, [violation.element for violation in violations])
    effects = found.per_kw * p_kw + found.per_kvar * q_kvar
    return tuple(
        Contribution(
            service_point=network.service_points[place],
            violation=violation.element,
            share_percent=float(share[place]),
            p_kw=float(p_kw[place]),
            flexible_kw=float(flexible_kw[place]),
        )
        for violation, effect in zip(violations, effects, strict=True)
        for share in (_shares(-effect if violation.kind == "undervoltage" else effect),)
        for place in np.argsort(-share, kind="stable")[: np.count_nonzero(share)]
    )


def _shares(effect: Floats) -> Floats:
    """(n_sp,) percent of the effect in the violation's direction; 0 for those who do not cause it."""
    pushing = np.clip(effect, 0.0, None)
    pushing[pushing < _LEAST_PART * pushing.sum()] = 0.0
    total = pushing.sum()
    return 100 * pushing / total if total > 0 else pushing
