"""[5] What one kW less at each device does for each violation: the rows of a least-curtailment programme.

Linear at the present operating point, as in `grid_model/allocation/tangents.py`: Σ relief · cut ≥ needed
clears a violation to first order; whoever uses the rows checks the cut snapshot by load flow. Knows nothing
of costs and floors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Ints
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.sensitivities import phase_sensitivities
from grid_model.three_phase.violations import PhaseViolation


@dataclass(frozen=True)
class ReliefRows:
    """Rows of Σ relief · cut ≥ needed, in the units of each violation's value."""

    relief: Floats
    """(n_violation, n_device) per kW of active power that the device takes less; negative where that harms"""
    needed: Floats
    """(n_violation,) how far outside the value is"""


def relief_rows(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[PhaseViolation],
    *,
    service_point: Ints,
    share: Floats,
) -> ReliefRows:
    """Rows for the devices at `service_point` (n_device,).

    `share` (n_device, 3) says which part of a device's power is on which phase of its customer; each row sums
    to 1. `p_kw`, `q_kvar` are (n_sp, 3). Raises Diverged when the snapshot has no solution, ValueError where
    a share is on a phase that its customer does not have.
    """
    if (share[~network.connected[service_point]] != 0).any():
        raise ValueError("a device's share is on a phase that its service point is not connected to")
    found = phase_sensitivities(
        network, load_flow, p_kw, q_kvar, [violation.place for violation in violations]
    )
    rise = (found.per_kw[:, service_point] * share).sum(axis=-1)  # of the value, per kW more
    sign = np.array([-1.0 if violation.kind == "undervoltage" else 1.0 for violation in violations])
    needed = np.array([abs(violation.value - violation.limit) for violation in violations])
    return ReliefRows(rise * sign[:, None], needed)
