"""[3] Snapshot to voltages and loadings, one or a batch, by a factored admittance matrix.

V = Y⁻¹(conj(S/V) − Y₀V₀), iterated to a fixed point on the matrix that pandapower built (`fixed_point.py`).
What the fixed point cannot express or does not reach is given to the referee, `runpp`.
"""

import numpy as np
from scipy import sparse

from grid_model.admittance import Admittance, Complexes, Unfit, build
from grid_model.fixed_point import FixedPoint, Solved
from grid_model.network import Floats, Ints, Network
from grid_model.referee import Referee
from grid_model.results import LoadFlowResult

__all__ = ["FactoredLoadFlow", "LoadFlowResult"]

_CHUNK = 256
"""Snapshots solved at once: keeps the working set in the cache."""


class FactoredLoadFlow:
    """The load flow of one topology: build once, solve often.

    `solve` and `solve_batch` do not change the object: threads may share it.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.referee = Referee(network)
        """The same load flow through `runpp`, for whoever wants a second opinion."""
        built = build(network)
        self.unfit_reason: str | None = built.reason if isinstance(built, Unfit) else None
        """Why every load flow of this network goes through `runpp`; None when the factored form holds."""
        self._factored = None if isinstance(built, Unfit) else Factored(network, built)

    @property
    def factored(self) -> "Factored | None":
        """The factored form itself, for sensitivities; None when the network is unfit for it."""
        return self._factored

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> LoadFlowResult:
        """Solve one snapshot; `p_kw` and `q_kvar` are (n_sp,). `slack_scale` multiplies the external grids'
        voltage.

        A snapshot on which the fixed point does not converge is given to `runpp` before it is called
        diverged.
        """
        self._check_shape(p_kw, q_kvar, 1)
        if self._factored is not None:
            result = self._factored.solve(p_kw, q_kvar, slack_scale)
            if result is not None:
                return result
        return self.referee.solve(p_kw, q_kvar, slack_scale=slack_scale)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats) -> list[LoadFlowResult]:
        """Solve many snapshots of shape (n_snapshot, n_sp) in one go."""
        self._check_shape(p_kw, q_kvar, 2)
        results: list[LoadFlowResult | None] = [None] * len(p_kw)
        if self._factored is not None:
            results = [
                result
                for start in range(0, len(p_kw), _CHUNK)
                for result in self._factored.solve_batch(
                    p_kw[start : start + _CHUNK], q_kvar[start : start + _CHUNK]
                )
            ]
        return [
            self.referee.solve(p_kw[place], q_kvar[place]) if result is None else result
            for place, result in enumerate(results)
        ]

    def _check_shape(self, p_kw: Floats, q_kvar: Floats, dimensions: int) -> None:
        n_sp = len(self._network.service_points)
        if p_kw.shape != q_kvar.shape or p_kw.ndim != dimensions or p_kw.shape[-1] != n_sp:
            raise ValueError(
                f"p_kw {p_kw.shape} and q_kvar {q_kvar.shape} must both end in {n_sp} service points"
            )


class Factored:
    """The factored form of one topology, and what it needs to read results off the voltages. Immutable."""

    def __init__(self, network: Network, admittance: Admittance) -> None:
        self.admittance = admittance
        n, n_free = admittance.y_bus.shape[0], admittance.n_free
        takes = np.zeros(n, dtype=bool)
        takes[admittance.service_point] = True
        takes |= admittance.fixed_demand != 0
        taking = np.flatnonzero(takes[:n_free])
        self.fixed_point = FixedPoint(admittance, taking)
        self._k = len(taking)
        slot = np.full(n, self._k, dtype=np.int64)  # the last slot gathers demand on buses of external grids
        slot[taking] = np.arange(self._k)
        self.slot = slot[admittance.service_point]
        """(n_sp,) which of the taking buses each service point is on; k when on an external grid's bus"""
        self._fixed = admittance.fixed_demand[taking].conj()
        self._fixed_held_p = float(admittance.fixed_demand[n_free:].real.sum())
        self._y_held = np.ascontiguousarray(admittance.y_bus[n_free:].toarray().T)
        self._percent_squared = admittance.ends.percent**2
        n_sp = len(admittance.service_point)
        entries = (np.ones(n_sp), (np.arange(n_sp), self.slot))
        self._onto_slot = sparse.csr_matrix(entries, shape=(n_sp, self._k + 1))
        self._n_line, self._n_trafo = len(network.lines.ids), len(network.transformers.ids)

    def voltages(self, p_kw: Floats, q_kvar: Floats) -> Complexes | None:
        """(n + 1,) complex voltages of the internal buses, NaN last; None when the fixed point does not
        converge."""
        demand_conj, _ = self._demand(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj, 1.0)
        return solved.v if solved.converged else None

    def demand(self, p_kw: Floats, q_kvar: Floats) -> Complexes:
        """(k,) conj(P + jQ) in pu that the taking buses consume at nominal voltage."""
        return self._demand(p_kw, q_kvar)[0]

    def _demand(self, p_kw: Floats, q_kvar: Floats) -> tuple[Complexes, float]:
        """As `demand`, and what is taken directly from the external grids' buses, in pu."""
        k = self._k
        p = np.bincount(self.slot, weights=p_kw, minlength=k + 1)
        q = np.bincount(self.slot, weights=q_kvar, minlength=k + 1)
        demand_conj = np.empty(k, dtype=np.complex128)
        demand_conj.real = p[:k] / self.admittance.base_kva
        demand_conj.imag = -q[:k] / self.admittance.base_kva
        demand_conj += self._fixed
        return demand_conj, float(p[k]) / self.admittance.base_kva + self._fixed_held_p

    def solve(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult | None:
        """One snapshot; None when the fixed point does not converge."""
        demand_conj, held_p = self._demand(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj, slack_scale)
        if not solved.converged:
            return None
        return self._read(solved, held_p)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats) -> list[LoadFlowResult | None]:
        """(n_snapshot, n_sp) at once; None for each snapshot on which the fixed point does not converge."""
        demand_conj, held_p = self._demand_batch(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj)
        v_pu, lines, trafos, trafo_p, losses, supply = self._measure(solved.v)
        supply = supply + held_p * self.admittance.base_kva
        rows = zip(solved.converged, v_pu, lines, trafos, trafo_p, losses, supply, strict=True)
        return [
            LoadFlowResult(True, solved.iterations, v, line, trafo, p, float(loss), float(out))
            if converged
            else None
            for converged, v, line, trafo, p, loss, out in rows
        ]

    def _demand_batch(self, p_kw: Floats, q_kvar: Floats) -> tuple[Complexes, Floats]:
        """As `_demand`, for (n_snapshot, n_sp)."""
        demand_conj = (p_kw - 1j * q_kvar) @ self._onto_slot / self.admittance.base_kva
        return demand_conj[:, : self._k] + self._fixed, demand_conj[:, self._k].real + self._fixed_held_p

    def _read(self, solved: Solved, held_p: float) -> LoadFlowResult:
        v_pu, lines, trafos, trafo_p, losses, supply = self._measure(solved.v)
        supply_kw = float(supply) + held_p * self.admittance.base_kva
        return LoadFlowResult(True, solved.iterations, v_pu, lines, trafos, trafo_p, float(losses), supply_kw)

    def _measure(self, v: Complexes) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """All that a result holds, off the voltages (..., n + 1) of the internal buses."""
        a, ends = self.admittance, self.admittance.ends
        near = v[..., ends.near]
        current = ends.y_near * near + ends.y_far * v[..., ends.far]
        power = (near * current.conj()).real * a.base_kva  # into the branch, at each end
        rated = current[..., : len(ends.percent)]
        squared = (rated.real**2 + rated.imag**2) * self._percent_squared
        n_line, n_trafo, first = len(ends.line), len(ends.trafo), 2 * len(ends.line)
        lines = np.maximum(squared[..., :n_line], squared[..., n_line:first])
        trafos = np.maximum(squared[..., first : first + n_trafo], squared[..., first + n_trafo :])
        supply = (v[..., a.n_free : -1] * (v[..., :-1] @ self._y_held).conj()).real.sum(axis=-1) * a.base_kva
        return (
            np.abs(v)[..., a.bus],
            _scatter(np.sqrt(lines), ends.line, self._n_line),
            _scatter(np.sqrt(trafos), ends.trafo, self._n_trafo),
            _scatter(power[..., first : first + n_trafo], ends.trafo, self._n_trafo),
            power.sum(axis=-1),
            supply,
        )


def _scatter(values: Floats, positions: Ints, size: int) -> Floats:
    """Back into the order of the network; 0 for what is out of service."""
    if len(positions) == size:
        return values
    scattered = np.zeros((*values.shape[:-1], size))
    scattered[..., positions] = values
    return scattered
