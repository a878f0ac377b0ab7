"""[4] What each customer's demand adds to a loading, voltage or power flow, so that the sum is all of it.

Sensitivities at the operating point do not add up: the last kW costs more losses than the first. Along the
path on which all customers grow together from nothing to what they take, they do:

    g(S) = g(0) + Σᵢ ∫₀¹ (∂g/∂Pᵢ(tS) Pᵢ + ∂g/∂Qᵢ(tS) Qᵢ) dt

(the Aumann-Shapley value: Aumann and Shapley, "Values of Non-Atomic Games", 1974; as cost shares of a network
Billera, Heath and Raanan, Operations Research 26(6), 1978). A customer's part splits into what it would add
if nobody else caused losses or voltage drops (its sensitivity at t = 0 times its demand: *direct*) and the
rest, *losses*: the additional current or power that feeds losses and makes up for voltage drops.

The integral is Gauss-Radau's, which has t = 0 among its nodes: n nodes are exact to degree 2n - 2, and the
integrand is analytic up to the voltage collapse, so four nodes leave about 1e-8 of a normal load. The sum is
compared with g(S) - g(0), and nodes are added until less than a millionth is missing. What is missing then,
or after the most nodes just before the collapse, is told as `rest`.

Networks that only `runpp` solves get the first-order parts at the operating point; what they miss is `rest`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre

from grid_model.adjoint import Adjoint
from grid_model.admittance import Admittance, Complexes
from grid_model.load_flow import Factored, FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.operating_point import bus_demand_conj, voltages_along
from grid_model.outputs import Output, magnitude, place_of
from grid_model.sensitivities import element_values, perturbed

OutputsAt = Callable[[Admittance, Complexes], Sequence[Output]]
"""Chooses the outputs at the voltages (n + 1,) of the operating point."""

_NODES = (4, 6, 12, 24)
_ADDS_UP = 1e-6
"""Largest rest at which no nodes are added, relative to the value and to what all parts come to."""
_ROUNDING = 1e-9
"""Rest, in percent of loading or pu or kW, that no further nodes would make less."""


@dataclass(frozen=True)
class Attribution:
    """Parts of some outputs: value = without_load + Σ direct + Σ losses + rest, row by row."""

    value: Floats
    """(n_output,) at the operating point"""
    without_load: Floats
    """(n_output,) with no service point taking anything: charging and magnetising currents, generators that
    no meter reads; along the present direction where the output has one"""
    direct: Floats
    """(n_output, n_sp)"""
    losses: Floats
    """(n_output, n_sp)"""

    @property
    def parts(self) -> Floats:
        """(n_output, n_sp) each service point's part, losses included; negative where it lowers the value."""
        return self.direct + self.losses

    @property
    def rest(self) -> Floats:
        """(n_output,) what the quadrature leaves, or a first-order form."""
        return np.asarray(self.value - self.without_load - self.parts.sum(axis=1))


def attribute(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    elements: Sequence[str],
    *,
    slack_scale: float = 1.0,
) -> Attribution:
    """Who makes up the loading of lines and transformers (percent) and the voltage of buses (pu).

    `p_kw`, `q_kvar` are (n_sp,). Raises Diverged when the snapshot has no solution, UnknownElement for a
    wrong id."""
    places = [place_of(network, element) for element in elements]
    factored = load_flow.factored
    if factored is not None:
        found = attribute_outputs(
            factored,
            p_kw,
            q_kvar,
            lambda a, v: [magnitude(a, v, place) for place in places],
            slack_scale=slack_scale,
        )
        if found is not None:
            return found
    value = element_values(load_flow.solve(p_kw, q_kvar, slack_scale=slack_scale), places)
    idle = np.zeros(len(p_kw))
    without = element_values(load_flow.solve(idle, idle, slack_scale=slack_scale), places)
    first_order = perturbed(load_flow, p_kw, q_kvar, places, slack_scale)
    direct = first_order.per_kw * p_kw + first_order.per_kvar * q_kvar
    return Attribution(value, without, direct, np.zeros_like(direct))


def attribute_outputs(
    factored: Factored,
    p_kw: Floats,
    q_kvar: Floats,
    outputs_at: OutputsAt,
    *,
    slack_scale: float = 1.0,
) -> Attribution | None:
    """As `attribute`, of any outputs; None when the fixed point does not converge all the way there."""
    found = None
    adjoint = Adjoint(factored.admittance)
    for n_node in _NODES:
        found = _integrated(
            factored, adjoint, p_kw, q_kvar, outputs_at, n_node=n_node, slack_scale=slack_scale
        )
        if found is None:
            return None
        scale = np.minimum(np.abs(found.direct).sum(axis=1), np.abs(found.value))
        if np.all(np.abs(found.rest) <= np.maximum(_ADDS_UP * scale, _ROUNDING)):
            break
    return found


def _integrated(
    factored: Factored,
    adjoint: Adjoint,
    p_kw: Floats,
    q_kvar: Floats,
    outputs_at: OutputsAt,
    *,
    n_node: int,
    slack_scale: float,
) -> Attribution | None:
    a = factored.admittance
    nodes, weights = _radau(n_node)
    path = voltages_along(factored, p_kw, q_kvar, np.append(nodes, 1.0), slack_scale)
    if path is None:
        return None
    outputs = outputs_at(a, path[-1])
    idle = np.zeros(len(p_kw))
    without, present = bus_demand_conj(a, idle, idle), bus_demand_conj(a, p_kw, q_kvar)
    parts, direct = np.zeros((len(outputs), len(p_kw))), np.zeros((len(outputs), len(p_kw)))
    for node, weight, v in zip(nodes, weights, path[:-1], strict=True):
        gradients = np.stack([output.gradient(v) for output in outputs])
        found = adjoint.sensitivities(v, without + node * (present - without), gradients)
        effect = found.per_kw[:, a.service_point] * p_kw + found.per_kvar[:, a.service_point] * q_kvar
        parts += weight * effect
        if node == 0:
            direct = effect
    value = np.array([output.value(path[-1]) for output in outputs])
    at_zero = np.array([output.value(path[0]) for output in outputs])
    return Attribution(value, at_zero, direct, parts - direct)


@lru_cache(maxsize=8)
def _radau(n: int) -> tuple[Floats, Floats]:
    """Nodes and weights of the n-point Gauss-Radau rule on [0, 1] with the node 0 (Abramowitz and Stegun,
    25.4.31)."""
    numerator = np.zeros(n + 1)
    numerator[n - 1 :] = 1.0  # P(n-1) + P(n), which has the root -1
    inner = legendre.legroots(legendre.legdiv(numerator, [1.0, 1.0])[0])
    at_inner = legendre.legval(inner, np.eye(n)[n - 1])
    nodes = np.concatenate([[-1.0], inner])
    weights = np.concatenate([[2 / n**2], (1 - inner) / (n * at_inner) ** 2])
    return (nodes + 1) / 2, weights / 2
