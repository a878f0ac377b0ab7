"""[4] What one kW, and one kvar, at each service point does to a loading or a voltage.

Exact derivatives at the present operating point, by the adjoint of the load-flow equations: one sparse solve
per element, whatever the number of service points. Networks that are unfit for the factored form are
perturbed one service point after the other instead.

The equations, for the free buses: F(V) = Y V + Y₀V₀ + conj(D/V) = 0 with the demand D = P + jQ. In real and
imaginary parts F has the Jacobian J. An output g(V) has the derivative c = ∂g/∂(Re V, Im V); with Jᵀλ = c and
λ = λ_re + jλ_im, a change of demand changes g by −Re(conj(λ) · conj(dD)/conj(V)), so ∂g/∂P = −Re(λ/V) and
∂g/∂Q = Im(λ/V). (Adjoint sensitivities of the load flow: Peschon, Piercy, Tinney, Tveit, "Sensitivity in
power systems", IEEE Trans. PAS-87, 1968.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from grid_model.admittance import Admittance, Complexes
from grid_model.errors import Diverged, UnknownElement
from grid_model.load_flow import Factored, FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network

_STEP_KW = 0.5
"""Half a central difference, where there is no analytic form: well above runpp's own error of about 1e-6
kW."""


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives of each element's value: percent of loading, or pu of voltage."""

    per_kw: Floats
    """(n_element, n_sp)"""
    per_kvar: Floats
    """(n_element, n_sp); where perturbed, 0 for service points that take no reactive power"""


def sensitivities(
    network: Network, load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, elements: Sequence[str]
) -> Sensitivities:
    """Derivatives of `elements` (ids of lines, transformers and buses) by the demand of each service point.

    `p_kw`, `q_kvar` are (n_sp,). Raises Diverged when the snapshot has no solution, UnknownElement for a
    wrong id.
    """
    places = [_place(network, element) for element in elements]
    factored = load_flow.factored
    v = None if factored is None else factored.voltages(p_kw, q_kvar)
    if factored is None or v is None:
        return _perturbed(load_flow, p_kw, q_kvar, places)
    return _adjoint(factored, v, factored.demand(p_kw, q_kvar), places)


def _place(network: Network, element: str) -> tuple[str, int]:
    kind = element.partition(":")[0]
    ids = {"line": network.lines.ids, "trafo": network.transformers.ids, "bus": network.buses.ids}.get(
        kind, ()
    )
    if element not in ids:
        raise UnknownElement(f"the network has no element {element!r}")
    return kind, ids.index(element)


def _adjoint(
    factored: Factored, v: Complexes, demand_conj: Complexes, places: Sequence[tuple[str, int]]
) -> Sensitivities:
    a, taking = factored.admittance, factored.fixed_point.taking
    gradients = np.stack([_gradient(a, v, place) for place in places]) if places else np.zeros((0, len(v)))
    free = gradients[:, : a.n_free]
    right = np.concatenate([free.real, free.imag], axis=1)
    solved = splu(_jacobian(a, v, demand_conj, factored)).solve(right.T, trans="T").T
    multiplier = solved[:, : a.n_free] + 1j * solved[:, a.n_free :]
    ratio = multiplier[:, taking] / v[taking] / a.base_kva
    p_factor, q_factor = (
        (1.0, 1.0) if a.dependence is None else a.dependence.at(taking).factors(np.abs(v[taking]))
    )
    still = np.zeros((len(places), 1))  # what hangs on an external grid's own bus moves nothing
    per_kw = np.concatenate([-ratio.real * p_factor, still], axis=1)
    per_kvar = np.concatenate([ratio.imag * q_factor, still], axis=1)
    return Sensitivities(per_kw[:, factored.slot], per_kvar[:, factored.slot])


def _gradient(a: Admittance, v: Complexes, place: tuple[str, int]) -> Complexes:
    """(n + 1,) ∂g/∂Re V + j ∂g/∂Im V of one element's value."""
    kind, position = place
    gradient = np.zeros(len(v), dtype=np.complex128)
    if kind == "bus":
        internal = a.bus[position]
        if internal < len(v) - 1:
            gradient[internal] = v[internal] / np.abs(v[internal])
        return gradient
    for end in _loaded_end(a, v, kind, position):
        near, far = a.ends.near[end], a.ends.far[end]
        current = a.ends.y_near[end] * v[near] + a.ends.y_far[end] * v[far]
        if current == 0:
            continue  # an idle branch: the loading has no derivative there, and no violation either
        direction = a.ends.percent[end] * current / np.abs(current)
        gradient[near] += direction * np.conj(a.ends.y_near[end])
        gradient[far] += direction * np.conj(a.ends.y_far[end])
    return gradient


def _loaded_end(a: Admittance, v: Complexes, kind: str, position: int) -> list[int]:
    """The row of the end that decides the branch's loading; none when it is out of service."""
    table = a.ends.line if kind == "line" else a.ends.trafo
    found = np.flatnonzero(table == position)
    if not len(found):
        return []
    first = int(found[0]) + (0 if kind == "line" else 2 * len(a.ends.line))
    rows = [first, first + len(table)]
    near, far = v[a.ends.near[rows]], v[a.ends.far[rows]]
    loading = np.abs(a.ends.y_near[rows] * near + a.ends.y_far[rows] * far) * a.ends.percent[rows]
    return [rows[int(np.argmax(loading))]]


def _jacobian(a: Admittance, v: Complexes, demand_conj: Complexes, factored: Factored) -> Any:
    """(2 n_free, 2 n_free) of F by (Re V, Im V)."""
    y = a.y_bus[: a.n_free, : a.n_free]
    taking = factored.fixed_point.taking
    turn, grow = np.zeros(a.n_free, dtype=np.complex128), np.zeros(a.n_free, dtype=np.complex128)
    demand, at = demand_conj, np.conj(v[taking])
    if a.dependence is not None:
        shares, magnitude = a.dependence.at(taking), np.abs(at)
        grow[taking] = _scaled(demand_conj, shares.slopes(magnitude)) / at  # of d|V|
        demand = _scaled(demand_conj, shares.factors(magnitude))
    turn[taking] = -demand / at**2  # of conj(dV)
    vm = np.abs(v[: a.n_free])
    along_re, along_im = v[: a.n_free].real / vm, v[: a.n_free].imag / vm
    diagonal = sparse.diags
    return sparse.block_array(
        [
            [
                y.real + diagonal(turn.real + grow.real * along_re),
                -y.imag + diagonal(turn.imag + grow.real * along_im),
            ],
            [
                y.imag + diagonal(turn.imag + grow.imag * along_re),
                y.real + diagonal(-turn.real + grow.imag * along_im),
            ],
        ],
        format="csc",
    )


def _scaled(demand_conj: Complexes, factors: tuple[Floats, Floats]) -> Complexes:
    return np.asarray(demand_conj.real * factors[0] + 1j * demand_conj.imag * factors[1])


def _perturbed(
    load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, places: Sequence[tuple[str, int]]
) -> Sensitivities:
    """Central differences: two load flows for every service point and quantity that is not 0 there."""
    n_sp = len(p_kw)
    per_kw, per_kvar = np.zeros((len(places), n_sp)), np.zeros((len(places), n_sp))
    for point in range(n_sp):
        step = np.zeros(n_sp)
        step[point] = _STEP_KW
        more, less = load_flow.solve(p_kw + step, q_kvar), load_flow.solve(p_kw - step, q_kvar)
        per_kw[:, point] = (_values(more, places) - _values(less, places)) / (2 * _STEP_KW)
        if q_kvar[point] == 0:
            continue  # nobody asks what reactive power does that is not there
        more, less = load_flow.solve(p_kw, q_kvar + step), load_flow.solve(p_kw, q_kvar - step)
        per_kvar[:, point] = (_values(more, places) - _values(less, places)) / (2 * _STEP_KW)
    return Sensitivities(per_kw, per_kvar)


def _values(result: LoadFlowResult, places: Sequence[tuple[str, int]]) -> Floats:
    if not result.converged:
        raise Diverged("the load flow does not converge here, so nothing can be said of sensitivities")
    arrays = {
        "line": result.line_loading_percent,
        "trafo": result.transformer_loading_percent,
        "bus": result.v_pu,
    }
    return np.array([arrays[kind][position] for kind, position in places])
