"""[3] Snapshot to voltages and loadings, one or a batch, by a factored admittance matrix.

V = Y⁻¹(conj(S/V) − Y₀V₀), iterated to a fixed point on the matrix that pandapower built (`fixed_point.py`).
What the fixed point cannot express or does not reach is given to the referee, `runpp`.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy import sparse

from grid_model.admittance import Admittance, Complexes, assemble
from grid_model.batch_result import BatchResult, joined, unsolved
from grid_model.collapse import CollapseWatch
from grid_model.fixed_point import FixedPoint, Solved
from grid_model.generators import Regulated, generators_as_service_points
from grid_model.layout import Layout, Unfit, lay_out
from grid_model.network import Floats, Ints, Network
from grid_model.radial_sweep import radial_sweep
from grid_model.referee import Referee
from grid_model.results import NEAR_COLLAPSE, LoadFlowResult, not_converged
from grid_model.topology import Change, Topology, topology_of, with_topology

__all__ = ["FactoredLoadFlow", "LoadFlowResult"]

_CHUNK = 256
"""Snapshots solved at once: keeps the working set in the cache."""
_LEAST_PU = 0.5
"""Where `runpp` alone has a say, a bus below this is taken for the lower branch of the voltage curve."""


class FactoredLoadFlow:
    """The load flow of one topology: build once, solve often.

    `solve` and `solve_batch` do not change the object: threads may share it.
    """

    def __init__(
        self,
        network: Network,
        *,
        layout: Layout | Unfit | None = None,
        topology: Topology | None = None,
        slack_scale: float = 1.0,
        compiled: bool = False,
    ) -> None:
        """The load flow of `network` as it stands, or in another `topology`; `layout` is the network's, where
        it is known already. `slack_scale` multiplies the external grids' voltage in all that is asked.

        `compiled` makes every load flow several times as fast (`radial_sweep.py`) for a second at the start,
        or ten on a machine that has never done it; without numba it changes nothing."""
        self._network, self._slack_scale, self._compiled = network, slack_scale, compiled
        self._layout = lay_out(network) if layout is None else layout
        self._topology, self._is_switched = topology or topology_of(network), topology is not None
        built = self._layout if isinstance(self._layout, Unfit) else assemble(self._layout, self._topology)
        self.unfit_reason: str | None = built.reason if isinstance(built, Unfit) else None
        """Why every load flow of this network goes through `runpp`; None when the factored form holds."""
        self._factored: Factored | None = None
        self._regulated: Regulated | None = None
        if isinstance(built, Unfit):
            return
        built = replace(built, v_held=built.v_held * slack_scale)
        if len(built.generator):
            self._regulated = Regulated(Factored(network, generators_as_service_points(built)), built)
        else:
            self._factored = Factored(network, built, compiled=compiled)

    @cached_property
    def network(self) -> Network:
        """The network in this topology."""
        return with_topology(self._network, self._topology) if self._is_switched else self._network

    @cached_property
    def referee(self) -> Referee:
        """The same load flow through `runpp`, for whoever wants a second opinion."""
        return Referee(self.network, slack_scale=self._slack_scale)

    @property
    def factored(self) -> "Factored | None":
        """The factored form itself, for sensitivities; None when the network is unfit for it, or has
        generators that hold a voltage."""
        return self._factored

    @property
    def is_compiled(self) -> bool:
        """Whether load flows run compiled."""
        return self._factored is not None and self._factored.is_compiled

    def switched(self, *changes: Change) -> "FactoredLoadFlow":
        """The load flow after `changes` of the topology, without pandapower: only the matrix of the new
        topology is put together and factored. This one stays as it is.

        Raises UnknownElement for what the network does not have.
        """
        topology = self._topology.changed(self._network, changes)
        return FactoredLoadFlow(
            self._network,
            layout=self._layout,
            topology=topology,
            slack_scale=self._slack_scale,
            compiled=self._compiled,
        )

    def at_voltage(self, slack_scale: float) -> "FactoredLoadFlow":
        """The same load flow with the external grids' voltage multiplied once for all, as a measurement says:
        also in `factored`, hence in sensitivities."""
        if slack_scale == 1.0:
            return self
        return FactoredLoadFlow(
            self._network,
            layout=self._layout,
            topology=self._topology if self._is_switched else None,
            slack_scale=self._slack_scale * slack_scale,
            compiled=self._compiled,
        )

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> LoadFlowResult:
        """Solve one snapshot; `p_kw` and `q_kvar` are (n_sp,). `slack_scale` multiplies the external grids'
        voltage.

        A snapshot on which the fixed point does not converge is given to `runpp` before it is called
        diverged. A solution on the lower branch of the voltage curve counts as diverged (`collapse.py`).
        """
        self._check_shape(p_kw, q_kvar, 1)
        engine = self._factored or self._regulated
        result = None if engine is None else engine.solve(p_kw, q_kvar, slack_scale)
        return self.by_runpp(p_kw, q_kvar, slack_scale) if result is None else result

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> BatchResult:
        """Solve many snapshots of shape (n_snapshot, n_sp) in one go."""
        self._check_shape(p_kw, q_kvar, 2)
        if self._factored is None:
            batch = unsolved(self._network, len(p_kw))
        else:
            batch = self._factored.solve_batch(p_kw, q_kvar, slack_scale)
        for place in np.flatnonzero(~batch.converged).tolist():
            batch.put(place, self.solve(p_kw[place], q_kvar[place], slack_scale=slack_scale))
        return batch

    def by_runpp(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult:
        """The referee's answer, judged: Newton's method may find a solution that no network takes."""
        result, node_v = self.referee.solve_with_voltages(p_kw, q_kvar, slack_scale=slack_scale)
        if not result.converged:
            return result
        judged: LoadFlowResult | None = result
        if self._factored is not None:
            judged = self._factored.judged(result, node_v, p_kw, q_kvar, slack_scale)
        elif self._regulated is not None:
            judged = self._regulated.judged(result, node_v, p_kw, q_kvar, slack_scale)
        elif np.nanmin(result.v_pu) < _LEAST_PU:
            judged = None
        return not_converged(self._network, result.iterations) if judged is None else judged

    def _check_shape(self, p_kw: Floats, q_kvar: Floats, dimensions: int) -> None:
        n_sp = len(self._network.service_points)
        if p_kw.shape != q_kvar.shape or p_kw.ndim != dimensions or p_kw.shape[-1] != n_sp:
            raise ValueError(
                f"p_kw {p_kw.shape} and q_kvar {q_kvar.shape} must both end in {n_sp} service points"
            )


class Factored:
    """The factored form of one topology, and what it needs to read results off the voltages. Immutable."""

    def __init__(self, network: Network, admittance: Admittance, *, compiled: bool = False) -> None:
        """With `compiled` all snapshots go through `RadialSweep` first, where that can be had."""
        self.admittance = admittance
        self._sweep = radial_sweep(network, admittance) if compiled else None
        n, n_free = admittance.y_bus.shape[0], admittance.n_free
        takes = np.zeros(n + 1, dtype=bool)
        takes[admittance.service_point] = True
        takes[:n] |= admittance.fixed_demand != 0
        taking = np.flatnonzero(takes[:n_free])
        self.fixed_point = FixedPoint(admittance, taking)
        self._collapse = CollapseWatch(admittance, taking, self.fixed_point.factors)
        self._k = len(taking)
        slot = np.full(
            n + 1, self._k, dtype=np.int64
        )  # the last slot gathers demand on external grids' buses
        slot[taking] = np.arange(self._k)
        self.slot = slot[admittance.service_point]
        """(n_sp,) which of the taking buses each service point is on; k when on an external grid's bus, or on
        none that is supplied"""
        supplied = admittance.service_point < n
        self._supplied = None if supplied.all() else supplied
        self._fixed = admittance.fixed_demand[taking].conj()
        self._fixed_held_p = float(admittance.fixed_demand[n_free:].real.sum())
        self._y_held = np.ascontiguousarray(admittance.y_bus[n_free:].toarray().T)
        self._percent_squared = admittance.ends.percent**2
        n_sp = len(admittance.service_point)
        entries = (supplied.astype(np.float64), (np.arange(n_sp), self.slot))
        self._onto_slot = sparse.csr_matrix(entries, shape=(n_sp, self._k + 1))
        self._n_line, self._n_trafo = len(network.lines.ids), len(network.transformers.ids)
        self._trafo = np.concatenate([admittance.ends.trafo, admittance.ends.trafo3w])

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled sweep answers."""
        return self._sweep is not None

    def voltages(self, p_kw: Floats, q_kvar: Floats, slack_scale: float = 1.0) -> Complexes | None:
        """(n + 1,) complex voltages of the internal buses, NaN last; None when the fixed point does not
        converge."""
        demand_conj, _ = self._demand(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj, slack_scale)
        return solved.v if solved.converged else None

    def demand(self, p_kw: Floats, q_kvar: Floats) -> Complexes:
        """(k,) conj(P + jQ) in pu that the taking buses consume at nominal voltage."""
        return self._demand(p_kw, q_kvar)[0]

    def _demand(self, p_kw: Floats, q_kvar: Floats) -> tuple[Complexes, float]:
        """As `demand`, and what is taken directly from the external grids' buses, in pu."""
        k = self._k
        if self._supplied is not None:
            p_kw, q_kvar = np.where(self._supplied, p_kw, 0.0), np.where(self._supplied, q_kvar, 0.0)
        p = np.bincount(self.slot, weights=p_kw, minlength=k + 1)
        q = np.bincount(self.slot, weights=q_kvar, minlength=k + 1)
        demand_conj = np.empty(k, dtype=np.complex128)
        demand_conj.real = p[:k] / self.admittance.base_kva
        demand_conj.imag = -q[:k] / self.admittance.base_kva
        demand_conj += self._fixed
        return demand_conj, float(p[k]) / self.admittance.base_kva + self._fixed_held_p

    def solve(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult | None:
        """One snapshot; None when the fixed point does not converge to a solution that the network takes."""
        if self._sweep is not None and (result := self._sweep.solve(p_kw, q_kvar, slack_scale)) is not None:
            return result
        demand_conj, held_p = self._demand(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj, slack_scale)
        if not solved.converged:
            return None
        return self._collapse.judged(self._read(solved, held_p), solved.v, demand_conj, slack_scale)

    def judged(
        self, result: LoadFlowResult, node_v: Complexes, p_kw: Floats, q_kvar: Floats, slack_scale: float
    ) -> LoadFlowResult | None:
        """Somebody else's result with its collapse index; None when no network takes it. `node_v` are the
        voltages of the layout's nodes."""
        v = np.full(self.admittance.y_bus.shape[0] + 1, np.nan, dtype=np.complex128)
        v[self.admittance.node] = node_v
        v[-1] = np.nan
        return self._collapse.judged(result, v, self.demand(p_kw, q_kvar), slack_scale)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> BatchResult:
        """(n_snapshot, n_sp) at once; not converged where the fixed point does not, or near collapse."""
        if self._sweep is not None:
            return self._sweep.solve_batch(p_kw, q_kvar, slack_scale)
        parts = [
            self._solve_chunk(p_kw[start : start + _CHUNK], q_kvar[start : start + _CHUNK], slack_scale)
            for start in range(0, max(len(p_kw), 1), _CHUNK)
        ]
        return joined(parts)

    def _solve_chunk(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> BatchResult:
        demand_conj, held_p = self._demand_batch(p_kw, q_kvar)
        solved = self.fixed_point.solve(demand_conj, slack_scale)
        v_pu, lines, trafos, trafo_p, losses, supply = self._measure(solved.v)
        supply = supply + held_p * self.admittance.base_kva
        collapse = self._collapse.index(solved.v, slack_scale)
        good = solved.converged & (collapse < NEAR_COLLAPSE) & np.isfinite(supply)
        for numbers in (v_pu, lines, trafos, trafo_p, losses, supply, collapse):
            numbers[~good] = np.nan
        iterations = np.full(len(good), solved.iterations)
        return BatchResult(good, iterations, v_pu, lines, trafos, trafo_p, losses, supply, collapse)

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
        second, three = first + n_trafo, first + 2 * n_trafo
        trafos = np.maximum(squared[..., first:second], squared[..., second:three])
        high_p = power[..., first:second]
        if len(ends.trafo3w):
            windings = squared[..., three:].reshape(*squared.shape[:-1], 3, -1)
            trafos = np.concatenate([trafos, windings.max(axis=-2)], axis=-1)
            high_p = np.concatenate([high_p, power[..., three : three + len(ends.trafo3w)]], axis=-1)
        supply = (v[..., a.n_free : -1] * (v[..., :-1] @ self._y_held).conj()).real.sum(axis=-1) * a.base_kva
        return (
            np.abs(v)[..., a.bus],
            _scatter(np.sqrt(lines), ends.line, self._n_line),
            _scatter(np.sqrt(trafos), self._trafo, self._n_trafo),
            _scatter(high_p, self._trafo, self._n_trafo),
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
