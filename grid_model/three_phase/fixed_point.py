"""[3] The fixed point of the unbalanced load flow, on three sequence matrices that were factored once.

A demand s sits between two conductors of its bus: the voltage across it is v_s = c_s V_012, its current
conj(S_s/v_s) enters the sequences by d_s = conj(c_s)/3. The sequences do not mix in the network itself, so
with Z = Y⁻¹ of each (Z of a bus held by an external grid is 0 in the positive sequence)

    v = W − Z_k conj(S/v),   Z_k[s, t] = Σ_seq c_s[seq] Z_seq[bus_s, bus_t] d_t[seq],

W being the voltages without load. This is the same iteration V = Y⁻¹(conj(S/V) − Y₀V₀) as in
`grid_model/fixed_point.py`, over the phases that take power; all other voltages follow once at the end. (The
iteration for several phases: A. Bernstein, C. Wang, E. Dall'Anese, J.-Y. Le Boudec, C. Zhao, "Load-flow in
multiphase distribution networks: existence, uniqueness, non-singularity and linear models",
arXiv 1702.03310.)

Z_k, and Z from the demands to everywhere, are kept as plain matrices where they are small, else the sparse
factors are used.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from grid_model import SINGLE_THREADED_BLAS
from grid_model.three_phase.admittance import POSITIVE, SEQUENCES, SequenceAdmittance
from grid_model.three_phase.phases import CONNECTIONS, Bools, Complexes

TOLERANCE_PU = 1e-10
"""Of the last step; the step that spreads the currents to all buses follows and is smaller again."""
MAX_ITERATIONS = 200
_FIRST_LOOK, _STEPS_PER_LOOK = 4, 2
_DENSE_ENTRIES = 400_000 if SINGLE_THREADED_BLAS else 4_000
"""Up to this many entries (6 MB) a product is cheaper than three sparse solves, above all for a batch."""


@dataclass(frozen=True)
class Solved:
    """Sequence voltages of all internal buses, and how it went.

    `v` is (3, n + 1) or (n_snapshot, 3, n + 1); the last bus is NaN and stands for those not supplied.
    """

    v: Complexes
    iterations: int
    converged: Any
    """A flag, or one per snapshot."""


class FixedPoint:
    """A factored topology. Immutable after building."""

    def __init__(self, admittance: SequenceAdmittance) -> None:
        """Raises RuntimeError where a sequence has no way to earth, so that its matrix is singular."""
        demands, free, held = admittance.demands, admittance.free, admittance.held
        self._n, self._free, self._bus = admittance.n, free, demands.bus
        k = len(demands.bus)
        self._row = CONNECTIONS[demands.connection]  # (k, 3) voltage across a demand, of its bus's sequences
        self._into = self._row.conj() / 3
        zero, positive, negative = admittance.y_bus
        self._factors = (splu(zero), splu(positive[free][:, free].tocsc()), splu(negative))
        self._without_load = np.zeros((3, self._n), dtype=np.complex128)
        self._without_load[POSITIVE, held] = admittance.v_held
        right = positive[free][:, held] @ admittance.v_held
        self._without_load[POSITIVE, free] = -self._factors[POSITIVE].solve(right)
        self._z: Complexes | None = None  # (k, k), row: where the current enters
        self._z_everywhere: Complexes | None = None  # (k, 3n)
        if k * k <= _DENSE_ENTRIES:
            everywhere = self.rise(np.eye(k, dtype=np.complex128))
            self._z = np.ascontiguousarray(self.across_demands(everywhere))
            if 3 * k * self._n <= _DENSE_ENTRIES:
                self._z_everywhere = everywhere.reshape(k, 3 * self._n)

    @property
    def dense(self) -> bool:
        """Whether Z_k is kept as a plain matrix."""
        return self._z is not None

    def solve(self, demand_conj: Complexes, slack_scale: float = 1.0) -> Solved:
        """`demand_conj` is (k,) or (n_snapshot, k): conj(P + jQ) in pu that is taken."""
        base = self._without_load * slack_scale
        with np.errstate(all="ignore"):
            v, steps, converged = self._iterate(demand_conj, self.across_demands(base))
            everywhere = base - self.rise(demand_conj / v.conj())
        dark = np.full((*everywhere.shape[:-1], 1), np.nan)
        return Solved(np.concatenate([everywhere, dark], axis=-1), steps, converged)

    def _iterate(self, demand_conj: Complexes, start: Complexes) -> tuple[Complexes, int, Any]:
        v, steps = np.broadcast_to(start, demand_conj.shape), 0
        while True:
            for _ in range(_STEPS_PER_LOOK if steps else _FIRST_LOOK):
                before, steps = v, steps + 1
                v = start - self.rise_across(demand_conj / v.conj())
            change = np.abs(v - before).max(axis=-1, initial=0.0)
            converged: Bools = change < TOLERANCE_PU  # false for NaN
            if converged.all() or steps >= MAX_ITERATIONS or not np.isfinite(change).any():
                return v, steps, converged

    def rise_across(self, current: Complexes) -> Complexes:
        """Z_k I: (..., k) voltages across the demands from currents (..., k) fed in there."""
        if self._z is not None:
            return np.asarray(current @ self._z)
        return self.across_demands(self.rise(current))

    def rise(self, current: Complexes) -> Complexes:
        """(..., 3, n) sequence voltages everywhere from currents (..., k) fed in at the demands."""
        if self._z_everywhere is not None:
            return np.asarray((current @ self._z_everywhere).reshape(*current.shape[:-1], 3, self._n))
        return self._through(self._at_buses(current[..., None, :] * self._into.T), "N")

    def transposed(self, weights: Complexes) -> Complexes:
        """(..., k): the transpose of `rise`, applied to (..., 3, n)."""
        solved = self._through(weights, "T")[..., self._bus]
        return np.asarray((solved * self._into.T).sum(axis=-2))

    def transposed_across(self, weights: Complexes) -> Complexes:
        """(..., k): the transpose of `rise_across`, applied to (..., k)."""
        if self._z is not None:
            return np.asarray(weights @ self._z.T)
        return self.transposed(self._at_buses(weights[..., None, :] * self._row.T))

    def across_demands(self, v: Complexes) -> Complexes:
        """(..., k) voltages across the demands, off (..., 3, n)."""
        return np.asarray((v[..., self._bus] * self._row.T).sum(axis=-2))

    def _at_buses(self, values: Complexes) -> Complexes:
        """(..., 3, n) sums of (..., 3, k) at the buses of the demands."""
        total = np.zeros((self._n, *values.shape[:-1]), dtype=np.complex128)
        np.add.at(total, self._bus, np.moveaxis(values, -1, 0))
        return np.moveaxis(total, 0, -1)

    def _through(self, right: Complexes, trans: str) -> Complexes:
        """Z of each sequence, or its transpose, times (..., 3, n)."""
        flat = right.reshape(-1, 3, self._n)
        solved = np.zeros_like(flat)
        for sequence in SEQUENCES:
            part = self._free if sequence == POSITIVE else slice(None)
            solved[:, sequence, part] = (
                self._factors[sequence].solve(flat[:, sequence, part].T, trans=trans).T
            )
        return solved.reshape(right.shape)
