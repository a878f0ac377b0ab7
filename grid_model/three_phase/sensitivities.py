"""[4] What one kW, and one kvar, on each phase of each customer does to a conductor's loading, a voltage or
an unbalance.

Exact derivatives at the present operating point. The equations are those of `fixed_point.py`: with the
currents I = conj(S/v) through the demands, v = W − Z_k I. Their differential dI − α conj(Z_k dI) =
conj(dS/v), with α = conj(S)/conj(v)², is linear over the reals, and its adjoint under ⟨x, y⟩ = Re(xᴴy) is μ
= h + conj(Z_kᵀ(conj(α) μ)). For a value g of the voltages with the gradient c = ∂g/∂Re V + j ∂g/∂Im V, h =
−Zᴴc; then ∂g/∂P = Re(μ/v) and ∂g/∂Q = −Im(μ/v). The adjoint is iterated: it contracts exactly as fast as
the load flow that led here, and needs no Jacobian. (Peschon, Piercy, Tinney, Tveit, "Sensitivity in power
systems", IEEE Trans. PAS-87, 1968.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.errors import Diverged, UnknownElement
from grid_model.network import Floats, Ints
from grid_model.three_phase.admittance import POSITIVE, SequenceAdmittance
from grid_model.three_phase.fixed_point import FixedPoint
from grid_model.three_phase.load_flow import Factored, ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.phases import NEUTRAL_ROW, PHASES, TO_PHASES, Complexes
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.three_phase.violations import Place

_TOLERANCE = 1e-10
"""Of the last step, relative to the largest entry."""
_MAX_ITERATIONS = 500
_NEGATIVE = 2
_STEP_KW = 0.2
"""Half a central difference, where there is no analytic form."""


@dataclass(frozen=True)
class PhaseSensitivities:
    """Derivatives of each value: percent of loading or unbalance, or pu of voltage."""

    per_kw: Floats
    """(n_value, n_sp, 3); 0 where a service point is not connected"""
    per_kvar: Floats


def phase_sensitivities(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    places: Sequence[Place],
) -> PhaseSensitivities:
    """Derivatives of the values at `places` by the demand on each phase of each service point.

    `p_kw`, `q_kvar` are (n_sp, 3). Raises Diverged when the snapshot has no solution, UnknownElement for a
    place that the network does not have.
    """
    for place in places:
        position_of(network, place)
    factored = load_flow.factored
    v = None if factored is None else factored.voltages(p_kw, q_kvar)
    if factored is None or v is None:
        return _perturbed(network, load_flow, p_kw, q_kvar, places)
    gradients = np.zeros((len(places), 3, factored.admittance.n + 1), dtype=np.complex128)
    for row, place in enumerate(places):
        _add_gradient(gradients[row], factored.admittance, v, place, position_of(network, place))
    return _adjoint(factored, v[:, :-1], factored.demand(p_kw[None], q_kvar[None])[0], gradients[..., :-1])


def position_of(network: ThreePhaseNetwork, place: Place) -> int:
    """The element's position among its kind; raises UnknownElement."""
    kind = place.element.partition(":")[0]
    tables = {"line": network.lines.ids, "trafo": network.transformers.ids, "bus": network.buses.ids}
    conductors = {"line": (*PHASES, "n"), "trafo": PHASES, "bus": (*PHASES, None)}
    if place.element not in tables.get(kind, ()) or place.conductor not in conductors[kind]:
        raise UnknownElement(f"the network has no conductor {place.conductor!r} of element {place.element!r}")
    return tables[kind].index(place.element)


def value_at(network: ThreePhaseNetwork, result: ThreePhaseResult, place: Place) -> float:
    """The value at a place; raises UnknownElement where there is none."""
    position = position_of(network, place)
    if place.conductor == "n":
        return float(result.neutral_loading_percent[position])
    if place.conductor is None:
        return float(result.unbalance_percent[position])
    tables = {
        "line": result.line_loading_percent,
        "trafo": result.transformer_loading_percent,
        "bus": result.v_pu,
    }
    return float(tables[place.element.partition(":")[0]][position, PHASES.index(place.conductor)])


def _adjoint(
    factored: Factored, v: Complexes, demand_conj: Complexes, gradients: Complexes
) -> PhaseSensitivities:
    """`gradients` is (n_value, 3, n)."""
    fixed_point, base_kva = factored.fixed_point, factored.admittance.base_kva
    across = fixed_point.across_demands(v)
    start = -fixed_point.transposed(gradients.conj()).conj()
    multiplier = _iterate(fixed_point, start, (demand_conj / across.conj() ** 2).conj())
    ratio = multiplier / across / base_kva
    still = np.zeros((len(ratio), 1))  # a part of a service point that is not connected
    slot = factored.admittance.demands.service_point
    per_kw = np.concatenate([ratio.real, still], axis=1)[:, slot]
    per_kvar = np.concatenate([-ratio.imag, still], axis=1)[:, slot]
    return PhaseSensitivities(per_kw, per_kvar)


def _iterate(fixed_point: FixedPoint, start: Complexes, alpha_conj: Complexes) -> Complexes:
    multiplier = start
    for _ in range(_MAX_ITERATIONS):
        before = multiplier
        multiplier = start + fixed_point.transposed_across(alpha_conj * before).conj()
        change = np.abs(multiplier - before).max(initial=0.0)
        if change <= _TOLERANCE * np.abs(multiplier).max(initial=0.0):
            return multiplier
    raise Diverged("so close to voltage collapse that sensitivities say nothing")


def _add_gradient(
    gradient: Complexes, a: SequenceAdmittance, v: Complexes, place: Place, position: int
) -> None:
    """Add ∂g/∂Re V + j ∂g/∂Im V of one value to (3, n + 1); nothing where nothing flows or is supplied."""
    kind = place.element.partition(":")[0]
    row = NEUTRAL_ROW if place.conductor == "n" else None
    if place.conductor in PHASES:
        row = TO_PHASES[PHASES.index(place.conductor)]
    if kind != "bus":
        assert row is not None  # position_of has seen to it
        _add_loading(gradient, a, v, row, _ends_of(a, kind, position))
    elif (bus := a.bus[position]) == a.n:
        return  # not supplied
    elif row is None:
        _add_unbalance(gradient[:, bus], v[:, bus])
    else:
        voltage = row @ v[:, bus]
        gradient[:, bus] += row.conj() * voltage / np.abs(voltage)


def _add_unbalance(gradient: Complexes, v: Complexes) -> None:
    positive, negative = v[POSITIVE], v[_NEGATIVE]
    if negative == 0:
        return  # at no unbalance at all the value has no derivative
    size = np.abs(positive)
    unbalance = 100 * np.abs(negative) / size
    gradient[_NEGATIVE] += 100 * negative / np.abs(negative) / size
    gradient[POSITIVE] -= unbalance * positive / size**2


def _add_loading(
    gradient: Complexes, a: SequenceAdmittance, v: Complexes, row: Complexes, ends: Ints
) -> None:
    """Of the end that decides the loading of the conductor `row`."""
    near, far, y_near, y_far = (
        a.ends.near[ends],
        a.ends.far[ends],
        a.ends.y_near[:, ends],
        a.ends.y_far[:, ends],
    )
    current = row @ (y_near * v[:, near] + y_far * v[:, far])
    if not np.abs(current).any():
        return
    end = int(np.argmax(np.abs(current) * a.ends.percent[ends]))
    direction = a.ends.percent[ends[end]] * current[end] / np.abs(current[end])
    gradient[:, near[end]] += direction * (row * y_near[:, end]).conj()
    gradient[:, far[end]] += direction * (row * y_far[:, end]).conj()


def _ends_of(a: SequenceAdmittance, kind: str, position: int) -> Ints:
    """Rows of both ends; none when the branch is out of service."""
    table = a.ends.line if kind == "line" else a.ends.trafo
    first = np.flatnonzero(table == position) + (0 if kind == "line" else 2 * len(a.ends.line))
    return np.concatenate([first, first + len(table)])


def _perturbed(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    places: Sequence[Place],
) -> PhaseSensitivities:
    """Central differences: two load flows for every connected part and quantity that is not 0 there."""
    derivatives = np.zeros((2, len(places), *p_kw.shape))
    demand = np.stack([p_kw, q_kvar])
    for quantity in range(2):
        for point, part in zip(
            *np.nonzero(network.connected & ((quantity == 0) | (q_kvar != 0))), strict=True
        ):
            ends = []
            for step in (_STEP_KW, -_STEP_KW):
                moved = demand.copy()
                moved[quantity, point, part] += step
                ends.append(_values(network, load_flow.solve(*moved), places))
            derivatives[quantity, :, point, part] = (ends[0] - ends[1]) / (2 * _STEP_KW)
    return PhaseSensitivities(derivatives[0], derivatives[1])


def _values(network: ThreePhaseNetwork, result: ThreePhaseResult, places: Sequence[Place]) -> Floats:
    if not result.converged:
        raise Diverged("the load flow does not converge here, so nothing can be said of sensitivities")
    return np.array([value_at(network, result, place) for place in places])
