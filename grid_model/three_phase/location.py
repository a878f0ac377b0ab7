"""[4] Who causes a violation on a phase, and how much each: sensitivity x power.

With the meaning of `grid_model/location.py`, per customer and phase: the effect of a part is ∂g/∂P · P +
∂g/∂Q · Q, to first order at the present operating point; only effects in the violation's direction count,
and the shares of one violation sum to 100 % over those who cause it. A customer on phase b can cause an
overload of the neutral, or push phase a above its voltage limit, without any current on a.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.sensitivities import phase_sensitivities
from grid_model.three_phase.violations import PhaseViolation

_LEAST_PART = 1e-4
"""Of the whole effect: less is the echo of losses and voltage from another feeder, not a cause."""


@dataclass(frozen=True, slots=True)
class PhaseContribution:
    """What one service point puts on one violation through one of its phases."""

    service_point: str
    phase: str
    """the customer's own: a, b, c, or in delta ab, bc, ca"""
    violation: PhaseViolation
    share_percent: float
    """of what all service points together put on it in the violation's direction"""
    p_kw: float
    """on this phase"""
    flexible_kw: float


def locate_phases(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[PhaseViolation],
    *,
    flexible_kw: Floats | None = None,
) -> tuple[PhaseContribution, ...]:
    """Contributions of every part of a service point that takes part, largest share first within each
    violation.

    `p_kw`, `q_kvar` and `flexible_kw` (what its devices could give; nothing without) are (n_sp, 3). A
    violation that no service point causes has no contributions. Raises Diverged when the snapshot has no
    solution.
    """
    if not violations:
        return ()
    flexible = np.zeros_like(p_kw) if flexible_kw is None else flexible_kw
    found = phase_sensitivities(
        network, load_flow, p_kw, q_kvar, [violation.place for violation in violations]
    )
    effects = found.per_kw * p_kw + found.per_kvar * q_kvar
    return tuple(
        PhaseContribution(
            service_point=network.service_points[point],
            phase=network.phase_name(point, part),
            violation=violation,
            share_percent=float(share[point, part]),
            p_kw=float(p_kw[point, part]),
            flexible_kw=float(flexible[point, part]),
        )
        for violation, effect in zip(violations, effects, strict=True)
        for share in (_shares(-effect if violation.kind == "undervoltage" else effect),)
        for point, part in _largest_first(share)
    )


def _shares(effect: Floats) -> Floats:
    """(n_sp, 3) percent of the effect in the violation's direction; 0 for those who do not cause it."""
    pushing = np.clip(effect, 0.0, None)
    pushing[pushing < _LEAST_PART * pushing.sum()] = 0.0
    total = pushing.sum()
    return 100 * pushing / total if total > 0 else pushing


def _largest_first(share: Floats) -> list[tuple[int, int]]:
    order = np.argsort(-share, axis=None, kind="stable")[: np.count_nonzero(share)]
    return [(int(flat) // 3, int(flat) % 3) for flat in order]
