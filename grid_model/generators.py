"""[3] Generators at voltage set-points, around a load flow that only knows demand.

A generator holds the magnitude of its bus's voltage with whatever reactive power that takes; extended wards
do the same behind their impedance. The fixed point (`fixed_point.py`) needs P and Q everywhere, so Q of the m
generators is sought around it: m equations |V_g(Q)| = set-point. Newton's step uses the derivative
d|V_g| = Re(conj(V_g)/|V_g| · Z_gg · conj(j dQ / V_g)), which leaves out that the other loads' currents follow
the voltage; Broyden's update ("A class of methods for solving nonlinear simultaneous equations", Mathematics
of Computation 19, 1965) makes up for it. No reactive limits: pandapower's `runpp` does not enforce them
either unless asked.
"""

from dataclasses import replace
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import splu

from grid_model.admittance import Admittance, Complexes
from grid_model.network import Floats
from grid_model.results import LoadFlowResult

_WITHIN_PU = 1e-11
_MAX_STEPS = 25
_FURTHEST_PU = 0.5
"""A voltage this far from its set-point is not on its way back."""


class SolvesDemand(Protocol):
    """A load flow without generators: P and Q of all service points are known."""

    def voltages(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> Complexes | None:
        """(n + 1,) voltages of the internal buses; None when it does not converge."""

    def solve(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult | None:
        """The same, with all that is read off the voltages."""

    def judged(
        self, result: LoadFlowResult, node_v: Complexes, p_kw: Floats, q_kvar: Floats, slack_scale: float
    ) -> LoadFlowResult | None:
        """Somebody else's result with its collapse index; None when no network takes it."""


def generators_as_service_points(admittance: Admittance) -> Admittance:
    """With each regulated bus as one service point more, last: the Q of its generators is sought there."""
    points = np.concatenate([admittance.service_point, admittance.generator])
    return replace(admittance, service_point=points)


class Regulated:
    """The factored form of a topology with generators that hold voltages. Immutable."""

    def __init__(self, inner: SolvesDemand, admittance: Admittance) -> None:
        """`inner` solves the topology of `generators_as_service_points(admittance)`."""
        a, self._inner = admittance, inner
        self._at, self._wanted = a.generator, a.generator_v_pu
        unit = np.zeros((a.n_free, len(a.generator)), dtype=np.complex128)
        unit[a.generator, np.arange(len(a.generator))] = 1.0
        self._z = splu(a.y_bus[: a.n_free, : a.n_free].tocsc()).solve(unit)[a.generator] / a.base_kva

    def solve(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult | None:
        """One snapshot; None when no reactive power is found that holds the voltages."""
        p = np.concatenate([p_kw, np.zeros(len(self._at))])
        takes = np.zeros(len(self._at))  # kvar, positive for consumption as everywhere
        inverse: Floats | None = None
        off_before, step = np.zeros(0), np.zeros(0)
        for _ in range(_MAX_STEPS):
            v = self._inner.voltages(p, np.concatenate([q_kvar, takes]), slack_scale)
            if v is None:
                return None
            off = np.abs(v[self._at]) - self._wanted
            if np.abs(off).max() < _WITHIN_PU:
                break
            if not np.abs(off).max() < _FURTHEST_PU:
                return None
            if inverse is None:
                inverse = self._inverse(v[self._at])
            else:
                inverse = _broyden(inverse, step, off - off_before)
            step, off_before = -inverse @ off, off
            takes = takes + step
        else:
            return None
        return self._inner.solve(p, np.concatenate([q_kvar, takes]), slack_scale)

    def judged(
        self, result: LoadFlowResult, node_v: Complexes, p_kw: Floats, q_kvar: Floats, slack_scale: float
    ) -> LoadFlowResult | None:
        """As `SolvesDemand.judged`: buses with a generator are sources there, whatever its Q."""
        idle = np.zeros(len(self._at))
        p, q = np.concatenate([p_kw, idle]), np.concatenate([q_kvar, idle])
        return self._inner.judged(result, node_v, p, q, slack_scale)

    def _inverse(self, v: Complexes) -> Floats:
        """(m, m) by how much each kvar taken changes with each magnitude."""
        change = self._z * (1j / v.conj())  # −Z conj(j dQ / V) for a demand dQ
        return np.asarray(np.linalg.pinv((change * (v.conj() / np.abs(v))[:, None]).real))


def _broyden(inverse: Floats, step: Floats, change: Floats) -> Floats:
    """The inverse Jacobian that explains the last change as well (Sherman and Morrison)."""
    seen = inverse @ change
    along = step @ inverse
    scale = along @ change
    if scale == 0:
        return inverse
    return np.asarray(inverse + np.outer(step - seen, along) / scale)
