"""[4] The load flow linearised at one operating point, from its outputs back to the demand: the adjoint.

The equations, for the free buses: F(V) = Y V + Y₀V₀ + conj(D/V) = 0 with the demand D = P + jQ. In real and
imaginary parts F has the Jacobian J. An output g(V) has the gradient c = ∂g/∂(Re V, Im V); with Jᵀλ = c and
λ = λ_re + jλ_im, a change of demand changes g by −Re(conj(λ) · conj(dD)/conj(V)), so ∂g/∂P = −Re(λ/V) and
∂g/∂Q = Im(λ/V): one sparse solve per output, whatever the number of customers. (Adjoint sensitivities of the
load flow: Peschon, Piercy, Tinney, Tveit, "Sensitivity in power systems", IEEE Trans. PAS-87, 1968.)

Jᵀ is written straight into compressed columns, real and imaginary part of each bus beside each other: its
pattern is that of Y, and putting it together with scipy's operators costs ten times its factorisation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from grid_model.admittance import Admittance, Complexes
from grid_model.network import Floats

_SYMMETRIC_PATTERN: dict[str, Any] = {
    "permc_spec": "MMD_AT_PLUS_A",
    "diag_pivot_thresh": 0.1,
    "options": {"SymmetricMode": True},
}
"""For `splu`: half the fill-in of its default order, which expects any pattern."""


@dataclass(frozen=True)
class BusSensitivities:
    """Derivatives of outputs by the demand at every internal bus; 0 at buses of external grids."""

    per_kw: Floats
    """(n_output, n + 1); the last stands for buses that are not supplied"""
    per_kvar: Floats
    """(n_output, n + 1)"""


class Adjoint:
    """What all operating points of one topology share: the pattern of Jᵀ. Immutable."""

    def __init__(self, admittance: Admittance) -> None:
        self._a = admittance
        n = admittance.n_free
        y = sparse.csr_matrix(admittance.y_bus[:n, :n])
        y.sort_indices()
        if np.count_nonzero(y.indices == np.repeat(np.arange(n), np.diff(y.indptr))) < n:
            y = sparse.csr_matrix(y + sparse.csr_matrix((np.zeros(n), (np.arange(n), np.arange(n))), (n, n)))
        start = y.indptr[:-1]
        count = np.diff(y.indptr)
        row = np.repeat(np.arange(n), count)
        # Row i of Y becomes two columns of Jᵀ, one for each part of equation i, each of 2 count[i] entries.
        self._real = 2 * (start[row] + np.arange(len(row)))  # where column 2i keeps what multiplies d Re V
        self._imaginary = self._real + 2 * count[row]  # and column 2i + 1
        self._diagonal = np.flatnonzero(y.indices == row)
        self._indices = np.empty(4 * len(row), dtype=np.int32)
        for part in (self._real, self._imaginary):
            self._indices[part] = 2 * y.indices
            self._indices[part + 1] = 2 * y.indices + 1
        self._indptr = np.empty(2 * n + 1, dtype=np.int32)
        self._indptr[:-1:2], self._indptr[1::2], self._indptr[-1] = (
            4 * start,
            4 * start + 2 * count,
            4 * len(row),
        )
        self._y = np.asarray(y.data, dtype=np.complex128)

    def sensitivities(self, v: Complexes, demand_conj: Complexes, gradients: Complexes) -> BusSensitivities:
        """At the voltages `v` (n + 1,) under the demand `demand_conj` (n_free,), conj(P + jQ) in pu at
        nominal voltage, of the outputs with `gradients` (n_output, n + 1)."""
        a, n = self._a, self._a.n_free
        free = gradients[:, :n]
        right = np.empty((2 * n, len(free)))
        right[0::2], right[1::2] = free.real.T, free.imag.T
        solved = splu(self._jacobian_transposed(v[:n], demand_conj), **_SYMMETRIC_PATTERN).solve(right)
        ratio = (solved[0::2] + 1j * solved[1::2]).T / v[:n] / a.base_kva
        per_kw, per_kvar = np.zeros(gradients.shape), np.zeros(gradients.shape)
        per_kw[:, :n], per_kvar[:, :n] = -ratio.real, ratio.imag
        if a.dependence is not None:
            p_factor, q_factor = a.dependence.at(slice(0, n)).factors(np.abs(v[:n]))
            per_kw[:, :n] *= p_factor
            per_kvar[:, :n] *= q_factor
        return BusSensitivities(per_kw, per_kvar)

    def _jacobian_transposed(self, v: Complexes, demand_conj: Complexes) -> sparse.csc_matrix:
        data = np.empty(4 * len(self._y))
        data[self._real], data[self._real + 1] = self._y.real, -self._y.imag
        data[self._imaginary], data[self._imaginary + 1] = self._y.imag, self._y.real
        by_re, by_im = self._demand_slopes(v, demand_conj)
        real, imaginary = self._real[self._diagonal], self._imaginary[self._diagonal]
        data[real] += by_re.real
        data[real + 1] += by_im.real
        data[imaginary] += by_re.imag
        data[imaginary + 1] += by_im.imag
        size = 2 * len(v)
        return sparse.csc_matrix((data, self._indices, self._indptr), shape=(size, size))

    def _demand_slopes(self, v: Complexes, demand_conj: Complexes) -> tuple[Complexes, Complexes]:
        """(n_free,) derivatives of the current conj(D/V) by Re V and by Im V."""
        at = np.conj(v)
        if self._a.dependence is None:
            turn = -demand_conj / at**2  # of conj(dV)
            return turn, -1j * turn
        shares, vm = self._a.dependence.at(slice(0, len(v))), np.abs(v)
        grow = _scaled(demand_conj, shares.slopes(vm)) / at / vm  # of d|V|, as multiples of Re V and Im V
        turn = -_scaled(demand_conj, shares.factors(vm)) / at**2
        return turn + grow * v.real, -1j * turn + grow * v.imag


def _scaled(demand_conj: Complexes, factors: tuple[Floats, Floats]) -> Complexes:
    return np.asarray(demand_conj.real * factors[0] + 1j * demand_conj.imag * factors[1])
