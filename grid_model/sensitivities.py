"""[4] What one kW, and one kvar, at each service point does to a loading or a voltage.

Exact derivatives at the present operating point, by the adjoint of the load flow (`adjoint.py`). Networks
that are unfit for the factored form are perturbed one service point after the other instead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.adjoint import Adjoint, BusSensitivities
from grid_model.admittance import Admittance
from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.operating_point import bus_demand_conj, voltages_along
from grid_model.outputs import Place, magnitude, place_of

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
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    elements: Sequence[str],
    *,
    slack_scale: float = 1.0,
) -> Sensitivities:
    """Derivatives of `elements` (ids of lines, transformers and buses) by the demand of each service point.

    `p_kw`, `q_kvar` are (n_sp,); `slack_scale` multiplies the external grids' voltage. Raises Diverged when
    the snapshot has no solution, UnknownElement for a wrong id.
    """
    places = [place_of(network, element) for element in elements]
    factored = load_flow.factored
    path = None
    if factored is not None:
        path = voltages_along(factored, p_kw, q_kvar, np.ones(1), slack_scale)
    if factored is None or path is None:
        return perturbed(load_flow, p_kw, q_kvar, places, slack_scale)
    a, v = factored.admittance, path[0]
    gradients = np.zeros((len(places), len(v)), dtype=np.complex128)
    for row, place in enumerate(places):
        gradients[row] = magnitude(a, v, place).gradient(v)
    return at_service_points(a, Adjoint(a).sensitivities(v, bus_demand_conj(a, p_kw, q_kvar), gradients))


def at_service_points(a: Admittance, found: BusSensitivities) -> Sensitivities:
    """Of the demand of service points, from that of their buses."""
    return Sensitivities(found.per_kw[:, a.service_point], found.per_kvar[:, a.service_point])


def perturbed(
    load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, places: Sequence[Place], slack_scale: float
) -> Sensitivities:
    """Central differences: two load flows for every service point and quantity that is not 0 there."""
    n_sp = len(p_kw)
    per_kw, per_kvar = np.zeros((len(places), n_sp)), np.zeros((len(places), n_sp))

    def values(p: Floats, q: Floats) -> Floats:
        return element_values(load_flow.solve(p, q, slack_scale=slack_scale), places)

    for point in range(n_sp):
        step = np.zeros(n_sp)
        step[point] = _STEP_KW
        more, less = values(p_kw + step, q_kvar), values(p_kw - step, q_kvar)
        per_kw[:, point] = (more - less) / (2 * _STEP_KW)
        if q_kvar[point] == 0:
            continue  # nobody asks what reactive power does that is not there
        more, less = values(p_kw, q_kvar + step), values(p_kw, q_kvar - step)
        per_kvar[:, point] = (more - less) / (2 * _STEP_KW)
    return Sensitivities(per_kw, per_kvar)


def element_values(result: LoadFlowResult, places: Sequence[Place]) -> Floats:
    """(n_element,) loading in percent or voltage in pu; raises Diverged when there are no numbers."""
    if not result.converged:
        raise Diverged("the load flow does not converge here, so nothing can be said of sensitivities")
    arrays = {
        "line": result.line_loading_percent,
        "trafo": result.transformer_loading_percent,
        "bus": result.v_pu,
    }
    return np.array([arrays[place.kind][place.position] for place in places])
