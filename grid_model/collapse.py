"""[3] How near a solution is to voltage collapse, and whether it is the one that a network really takes.

Beside the voltages that customers have, the load-flow equations have others, far lower, that no network
takes. With growing load both meet at the nose of the voltage curve, and beyond there is no solution at all.

The load flow is V = W − Z I(V) (`fixed_point.py`), W the voltages without load. Let K be the derivative of
the right-hand side. K's largest real eigenvalue λ is 0 without load and 1 at the nose, where the Jacobian
1 − K is singular, and above 1 on the lower branch. For two buses λ = |W − V| / |V|, and a share 4λ/(1 + λ)²
of the largest load is reached. In a network the same ratio at bus j, |1 − W_j/V_j|, is the L-index of Kessel
and Glavitsch ("Estimating the voltage stability of a power system", IEEE Trans. Power Delivery 1(3), 1986).
K V is W − V for loads of constant power, so where K is non-negative (all demand in phase) the largest of them
is no less than λ (Collatz and Wielandt). It costs next to nothing and screens every solution; beyond the
threshold λ itself is computed.
"""

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs, splu

from grid_model.admittance import Admittance, Complexes
from grid_model.network import Floats, Ints
from grid_model.results import NEAR_COLLAPSE, LoadFlowResult

_DENSE = 40
"""Up to so many unknowns all eigenvalues are computed: the iteration for one needs room."""


class CollapseWatch:
    """Judges the voltages of one topology. Buses at which generators hold the voltage count as sources."""

    def __init__(self, admittance: Admittance, taking: Ints, factors: Any) -> None:
        """`taking` holds the internal positions, below n_free, of all buses that may take power; `factors`
        are those of the admittance matrix of all free buses."""
        self._a, self._of_all = admittance, factors
        self._loads = np.setdiff1d(np.arange(admittance.n_free), admittance.generator)
        at_generator = np.isin(taking, admittance.generator)
        self._kept = np.flatnonzero(~at_generator)  # of the taking buses
        self._at = taking[self._kept]
        self._slot = np.searchsorted(self._loads, self._at)

    @cached_property
    def _factors(self) -> Any:
        if not len(self._a.generator):
            return self._of_all
        return splu(self._a.y_bus[self._loads][:, self._loads].tocsc())

    @cached_property
    def _unloaded(self) -> tuple[Complexes, Complexes]:
        """Voltages without load at the taking buses: what the external grids make (k,), and what 1 pu at each
        generator does (n_generator, k)."""
        y = self._a.y_bus[self._loads]
        held = -self._factors.solve(y[:, self._a.n_free :] @ self._a.v_held)
        if not len(self._a.generator):
            return held[self._slot], np.zeros((0, len(self._slot)), dtype=np.complex128)
        generators = -self._factors.solve(y[:, self._a.generator].toarray())
        return held[self._slot], np.ascontiguousarray(generators[self._slot].T)

    def index(self, v: Complexes, slack_scale: Any = 1.0) -> Floats:
        """(...) the largest |1 − W/V| for voltages (..., n + 1)."""
        held, generators = self._unloaded
        unloaded = held * slack_scale
        if len(generators):
            unloaded = unloaded + v[..., self._a.generator] @ generators
        with np.errstate(all="ignore"):
            return np.asarray(np.abs(1 - unloaded / v[..., self._at]).max(axis=-1, initial=0.0))

    def judged(
        self, result: LoadFlowResult, v: Complexes, demand_conj: Complexes, slack_scale: float
    ) -> LoadFlowResult | None:
        """The result for the voltages `v` (n + 1,) with its collapse index; None when it is on the lower
        branch, which no network takes. `demand_conj` as in `eigenvalue`."""
        index = float(self.index(v, slack_scale))
        if not index < NEAR_COLLAPSE:
            index = self.eigenvalue(v, demand_conj)
        return replace(result, collapse_index=max(index, 0.0)) if index < 1 else None

    def eigenvalue(self, v: Complexes, demand_conj: Complexes) -> float:
        """λ at one solution `v` (n + 1,) with the demand conj(P + jQ) (k,) of the taking buses at nominal
        voltage; infinite when it cannot be told."""
        at, demand_conj = v[self._at], demand_conj[self._kept]
        k, dependence = len(at), self._a.dependence
        grow = np.zeros(k, dtype=np.complex128)
        if dependence is not None:
            shares, magnitude = dependence.at(self._at), np.abs(at)
            p_slope, q_slope = shares.slopes(magnitude)
            p_factor, q_factor = shares.factors(magnitude)
            grow = (demand_conj.real * p_slope + 1j * demand_conj.imag * q_slope) / at.conj() / magnitude
            demand_conj = demand_conj.real * p_factor + 1j * demand_conj.imag * q_factor
        turn = -demand_conj / at.conj() ** 2

        def k_times(x: Floats) -> Floats:
            dv = x[:k] + 1j * x[k:]
            current = np.zeros(len(self._loads), dtype=np.complex128)
            current[self._slot] = turn * dv.conj() + grow * (at.conj() * dv).real
            change = -self._factors.solve(current)[self._slot]
            return np.concatenate([change.real, change.imag])

        return _largest_real(k_times, np.concatenate([at.real, at.imag]))


def _largest_real(times: Any, start: Floats) -> float:
    size = len(start)
    if size == 0:
        return 0.0
    if size <= _DENSE:
        matrix = np.stack([times(unit) for unit in np.eye(size)], axis=1)
        return float(np.linalg.eigvals(matrix).real.max())
    operator = LinearOperator((size, size), matvec=times, dtype=np.float64)
    try:
        found = eigs(operator, k=1, which="LR", v0=start, tol=1e-6, return_eigenvectors=False)
    except ArpackError:
        return np.inf
    return float(found.real.max())


def load_share(index: float) -> float:
    """Which share of the largest load, at the same pattern, is reached at this index: exact for two buses."""
    return 4 * index / (1 + index) ** 2 if index < 1 else 1.0


__all__ = ["NEAR_COLLAPSE", "CollapseWatch", "load_share"]
