"""[3] The fixed point itself: voltages from injections on a matrix that was factored once.

V = Y⁻¹(conj(S/V) − Y₀V₀): the current injections that the powers S make at the voltages V, through the
network, give the next voltages. With W = −Y⁻¹Y₀V₀ (the voltages without load) and Z = Y⁻¹ this is V = W + Z
conj(S/V); only the k buses that take power must be iterated, V_k = W_k + Z_kk conj(S_k/V_k), all others
follow once. The fixed point contracts, and leads to the one practical solution, while |Z||S|/|W|² stays below
1/4 (Bolognani and Zampieri, IEEE Trans. Power Systems 31(1), 2016, theorem 1); beyond, it is tried and
watched.

Z_kk is kept as a plain matrix where that is small, because a product of small dense matrices costs less than
a sparse solve; large networks use the sparse factors.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from grid_model import SINGLE_THREADED_BLAS
from grid_model.admittance import Admittance, Complexes
from grid_model.network import Ints

TOLERANCE_PU = 1e-10
"""Of the last step; the step that spreads the currents to all buses follows and is smaller again."""
MAX_ITERATIONS = 120
_FIRST_LOOK, _STEPS_PER_LOOK = 4, 2
"""Looking whether it converged costs as much as a step, and four steps are never too many."""
_DENSE_ENTRIES = 60_000 if SINGLE_THREADED_BLAS else 4_000
"""Above this many entries (about 1 MB) a dense Z leaves the cache and the sparse factors win. From 4,096 on
OpenBLAS spreads one product over its threads, which costs more than it gains: then they win earlier."""
_DENSE_BUSES = 64
"""Many snapshots at once use the cache better: there the sparse factors win earlier."""


@dataclass(frozen=True)
class Solved:
    """Voltages of all internal buses, and how it went.

    `v` is (n + 1,) or (n_snapshot, n + 1); the last bus is NaN and stands for those that are not supplied.
    """

    v: Complexes
    iterations: int
    converged: Any
    """A flag, or one per snapshot."""


class FixedPoint:
    """A factored topology. Immutable after building. The last axis of every array counts buses."""

    def __init__(self, admittance: Admittance, taking: Ints) -> None:
        """`taking` holds the internal positions, below n_free, of all buses that may take power."""
        n_free = admittance.n_free
        self.n_free = n_free
        self.taking = taking
        self.factors = splu(admittance.y_bus[:n_free, :n_free].tocsc())
        y_held = admittance.y_bus[:n_free, n_free:]
        self._without_load = self.factors.solve(-(y_held @ admittance.v_held))
        self._tail = np.append(admittance.v_held, np.nan)
        self._dependence = None if admittance.dependence is None else admittance.dependence.at(taking)
        self._z: Complexes | None = None  # −Z of the taking buses, (k, n_free)
        self._z_taking: Complexes | None = None
        if n_free * len(taking) <= _DENSE_ENTRIES:
            unit = np.zeros((n_free, len(taking)), dtype=np.complex128)
            unit[taking, np.arange(len(taking))] = 1.0
            self._z = np.ascontiguousarray(-self.factors.solve(unit).T)
            self._z_taking = np.ascontiguousarray(self._z[:, taking])

    def solve(self, demand_conj: Complexes, slack_scale: float = 1.0) -> Solved:
        """`demand_conj` is (k,) or (n_snapshot, k): conj(P + jQ) in pu that the taking buses consume."""
        base = self._without_load * slack_scale
        with np.errstate(all="ignore"):
            v, steps, converged = self._iterate(demand_conj, base[self.taking])
            v_free = base + self._drop(self._current(demand_conj, v), everywhere=True)
        tail = self._tail * slack_scale
        if v_free.ndim == 2:
            tail = np.broadcast_to(tail, (len(v_free), len(tail)))
        return Solved(np.concatenate([v_free, tail], axis=-1), steps, converged)

    def _iterate(self, demand_conj: Complexes, start: Complexes) -> tuple[Complexes, int, Any]:
        """Voltages of the taking buses, beginning with those without load."""
        v, steps = start, 0
        while True:
            for _ in range(_STEPS_PER_LOOK if steps else _FIRST_LOOK):
                before, steps = v, steps + 1
                v = start + self._drop(self._current(demand_conj, v), everywhere=False)
            change = np.abs(v - before).max(axis=-1, initial=0.0)
            converged = change < TOLERANCE_PU  # false for NaN
            if converged.all() or steps >= MAX_ITERATIONS or not np.isfinite(change).any():
                return v, steps, converged

    def _current(self, demand_conj: Complexes, v: Complexes) -> Complexes:
        """Currents that the taking buses draw, (..., k)."""
        if self._dependence is not None:
            p_factor, q_factor = self._dependence.factors(np.abs(v))
            demand_conj = demand_conj.real * p_factor + 1j * demand_conj.imag * q_factor
        return np.asarray(demand_conj / v.conj())

    def _drop(self, current: Complexes, *, everywhere: bool) -> Complexes:
        """−Z I: what currents drawn at the taking buses do to the voltage there, or everywhere."""
        dense = self._z if everywhere else self._z_taking
        if dense is not None and (current.ndim == 1 or len(self.taking) <= _DENSE_BUSES):
            return np.asarray(current @ dense)
        full = np.zeros((*current.shape[:-1], self.n_free), dtype=np.complex128)
        full[..., self.taking] = current
        drop = -self.factors.solve(full.T).T
        return np.asarray(drop if everywhere else drop[..., self.taking])
