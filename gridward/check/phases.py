"""`gridward check` per phase: the same walk over an unbalanced network, where households hang on one phase.

Check, locate, allocate, check again: by phases, neutrals and voltage unbalance. Input is
`phases_input.py`, what is found is `phases_outcome.py`, words are
`phases_report.py`.
"""

import numpy as np

from grid_model.errors import Diverged
from grid_model.network import Floats
from grid_model.three_phase.allocation import PhaseAllocation, allocate_phases
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.location import locate_phases
from grid_model.three_phase.referee import disagreement_pu
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.three_phase.violations import PhaseLimits, find_phase_violations, worst_of_each_kind
from gridward.check.phases_input import PhaseCheckInput
from gridward.check.phases_outcome import PhaseCut, PhaseOutcome, PhaseState

_DISAGREE_PU = 1e-6
_VOLTAGE_DIFFERENCE = 0.02
_EXAMPLES = 5
_LOCATED_OF_A_KIND = 10


def check(data: PhaseCheckInput, limits: PhaseLimits) -> PhaseOutcome:
    """Check, locate, allocate, check again. Never raises for a load flow that does not converge: it says
    so."""
    network, p_kw, q_kvar = data.network, data.p_kw, data.q_kvar
    load_flow = ThreePhaseLoadFlow(network)
    warnings = list(data.warnings)
    if load_flow.unfit_reason:
        warnings.append(f"solved by runpp_3ph throughout: {load_flow.unfit_reason}")
    result = _confirmed(load_flow, load_flow.solve(p_kw, q_kvar), p_kw, q_kvar, warnings)
    if not result.converged:
        warnings.append(
            "the load flow does not converge, by the fixed point nor by runpp_3ph; check the readings"
        )
        dark = PhaseState(result, ())
        return PhaseOutcome(network, dark, (), (), dark, tuple(warnings))
    warnings += _voltage_warnings(data, result)
    before = PhaseState(result, find_phase_violations(network, result, limits))
    worst = worst_of_each_kind(before.violations, _LOCATED_OF_A_KIND)
    try:
        located = locate_phases(network, load_flow, p_kw, q_kvar, worst, flexible_kw=_flexible_kw(data))
        allocation = allocate_phases(network, load_flow, p_kw, q_kvar, data.devices, limits=limits)
    except Diverged as error:  # what is known so far is still worth telling
        told = (*warnings, f"nothing located or allocated: {error}")
        return PhaseOutcome(network, before, (), (), before, told)
    cut = {one.device: one.limit_kw - one.p_kw for one in allocation.curtailments}
    after_kw = p_kw + _gathered(data, np.array([cut.get(one.device.device, 0.0) for one in data.devices]))
    after = _confirmed(load_flow, load_flow.solve(after_kw, q_kvar), after_kw, q_kvar, warnings)
    remaining = find_phase_violations(network, after, limits) if after.converged else before.violations
    state = PhaseState(after, remaining)
    return PhaseOutcome(network, before, located, _cuts(data, allocation), state, tuple(warnings))


def _cuts(data: PhaseCheckInput, allocation: PhaseAllocation) -> tuple[PhaseCut, ...]:
    """Each curtailment with the phases that it takes effect on."""
    devices = {one.device.device: one for one in data.devices}
    cuts = []
    for told in allocation.curtailments:
        one = devices[told.device]
        point = one.device.service_point
        share = {data.network.phase_name(point, part): of for part, of in enumerate(one.share) if of > 0}
        cuts.append(PhaseCut(told, share))
    return tuple(cuts)


def _confirmed(
    load_flow: ThreePhaseLoadFlow,
    result: ThreePhaseResult,
    p_kw: Floats,
    q_kvar: Floats,
    warnings: list[str],
) -> ThreePhaseResult:
    """The result, or the referee's where both disagree: it is believed, and it is told."""
    if load_flow.unfit_reason or not result.converged:
        return result
    second = load_flow.referee.solve(p_kw, q_kvar)
    if not second.converged:
        warnings.append("runpp_3ph finds no solution, so nothing confirms the fast load flow")
        return result
    difference = disagreement_pu(result, second)
    if difference <= _DISAGREE_PU:
        return result
    warnings.append(f"the fast load flow and runpp_3ph differ by {difference:.2g} pu; runpp_3ph is believed")
    return second


def _gathered(data: PhaseCheckInput, per_device: Floats) -> Floats:
    """(n_sp, 3) the sum over the devices of each service point, on their phases."""
    gathered = np.zeros_like(data.p_kw)
    for one, value in zip(data.devices, per_device, strict=True):
        gathered[one.device.service_point] += value * np.array(one.share)
    return gathered


def _flexible_kw(data: PhaseCheckInput) -> Floats:
    """(n_sp, 3) what the devices that may be touched could give."""
    devices = [one.device for one in data.devices]
    give = [
        0.0 if device.critical else max(device.p_kw - device.lowest_kw, device.highest_kw - device.p_kw)
        for device in devices
    ]
    return _gathered(data, np.array(give))


def _voltage_warnings(data: PhaseCheckInput, result: ThreePhaseResult) -> list[str]:
    """Measured voltages that the load flow does not explain: most likely the customer is on another phase.

    A meter's one voltage is compared with the mean over its customer's phases; in delta with none.
    """
    network = data.network
    volts = np.where(network.connected, result.v_pu[network.service_point_bus], 0.0)
    computed = np.asarray(volts.sum(axis=1) / network.connected.sum(axis=1))
    off = np.abs(data.measured_v_pu - computed) > _VOLTAGE_DIFFERENCE * computed  # false where not measured
    places = np.flatnonzero(off & ~network.delta)
    if not len(places):
        return []
    pairs = [
        f"{network.service_points[place]} {data.measured_v_pu[place]:.3f} (computed {computed[place]:.3f})"
        for place in places[:_EXAMPLES]
    ]
    return [
        f"{len(places)} measured voltages are more than 2 % off the computed ones, perhaps on another phase: "
        + ", ".join(pairs)
    ]
