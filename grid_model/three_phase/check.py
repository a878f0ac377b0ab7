"""[3] to [4] One snapshot of an unbalanced network in one call: load flow, violations, who causes them."""

from dataclasses import dataclass

from grid_model.errors import Diverged
from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.location import PhaseContribution, locate_phases
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.three_phase.violations import (
    PhaseLimits,
    PhaseViolation,
    find_phase_violations,
    worst_of_each_kind,
)


@dataclass(frozen=True)
class PhaseCheck:
    """What a check of one snapshot says; nothing but the result when it did not converge."""

    result: ThreePhaseResult
    violations: tuple[PhaseViolation, ...]
    """the worst first"""
    contributions: tuple[PhaseContribution, ...]
    """of the worst violations of each kind, in their order"""


def check_phases(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    limits: PhaseLimits | None = None,
    flexible_kw: Floats | None = None,
    located_of_a_kind: int = 10,
) -> PhaseCheck:
    """Check one snapshot; `p_kw`, `q_kvar`, `flexible_kw` are (n_sp, 3), or (n_sp,) where a meter tells one
    total, which is spread evenly over the phases its customer has.

    Contributions are found for the worst `located_of_a_kind` violations of each kind. Never raises for a
    snapshot that has no solution: its result says so, and there are no contributions where the load flow
    converges but sensitivities do not.
    """
    p, q = (values if values.ndim == 2 else network.spread(values) for values in (p_kw, q_kvar))
    if flexible_kw is not None and flexible_kw.ndim == 1:
        flexible_kw = network.spread(flexible_kw)
    result = load_flow.solve(p, q)
    if not result.converged:
        return PhaseCheck(result, (), ())
    violations = find_phase_violations(network, result, limits or PhaseLimits())
    worst = worst_of_each_kind(violations, located_of_a_kind)
    try:
        contributions = locate_phases(network, load_flow, p, q, worst, flexible_kw=flexible_kw)
    except Diverged:
        contributions = ()
    return PhaseCheck(result, violations, contributions)
