"""[3] Snapshot to voltages and loadings per phase, one or a batch, by factored sequence matrices.

What the fixed point (`fixed_point.py`) does not reach is given to the referee, `runpp_3ph`.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Ints
from grid_model.three_phase.admittance import SequenceAdmittance, Unfit, build
from grid_model.three_phase.fixed_point import FixedPoint
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.phases import NEUTRAL_ROW, Complexes, to_phases
from grid_model.three_phase.referee import ThreePhaseReferee
from grid_model.three_phase.results import ThreePhaseResult

__all__ = ["ThreePhaseLoadFlow", "ThreePhaseResult"]

_CHUNK_BUSES = 8_192
"""Snapshots times buses that are solved at once: keeps the working set in the cache."""


class ThreePhaseLoadFlow:
    """The unbalanced load flow of one topology: build once, solve often.

    `solve` and `solve_batch` do not change the object: threads may share it.
    """

    def __init__(self, network: ThreePhaseNetwork) -> None:
        self._network = network
        self.referee = ThreePhaseReferee(network)
        """The same load flow through `runpp_3ph`, for whoever wants a second opinion."""
        built = _factored(network, build(network))
        self.unfit_reason: str | None = built.reason if isinstance(built, Unfit) else None
        """Why every load flow of this network goes through `runpp_3ph`; None when the factored form holds."""
        self.factored: Factored | None = None if isinstance(built, Unfit) else built
        """The factored form itself, for sensitivities; None when the network is unfit for it."""

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> ThreePhaseResult:
        """Solve one snapshot; `p_kw` and `q_kvar` are (n_sp, 3): a, b, c of each service point, or ab, bc, ca
        of one in delta. `slack_scale` multiplies the external grids' voltage.

        A snapshot on which the fixed point does not converge is given to `runpp_3ph` before it is called
        diverged. Raises ValueError for wrong shapes and for power on a phase that is not connected.
        """
        self._check(p_kw, q_kvar, 2)
        if self.factored is not None:
            (result,) = self.factored.solve_batch(p_kw[None], q_kvar[None], slack_scale)
            if result is not None:
                return result
        return self.referee.solve(p_kw, q_kvar, slack_scale=slack_scale)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats) -> list[ThreePhaseResult]:
        """Solve many snapshots of shape (n_snapshot, n_sp, 3) in one go."""
        self._check(p_kw, q_kvar, 3)
        results: list[ThreePhaseResult | None] = [None] * len(p_kw)
        if self.factored is not None:
            size = max(1, _CHUNK_BUSES // self.factored.admittance.n)
            results = [
                result
                for start in range(0, len(p_kw), size)
                for result in self.factored.solve_batch(
                    p_kw[start : start + size], q_kvar[start : start + size]
                )
            ]
        return [
            self.referee.solve(p_kw[place], q_kvar[place]) if result is None else result
            for place, result in enumerate(results)
        ]

    def _check(self, p_kw: Floats, q_kvar: Floats, dimensions: int) -> None:
        network = self._network
        expected = network.connected.shape
        if p_kw.shape != q_kvar.shape or p_kw.ndim != dimensions or p_kw.shape[-2:] != expected:
            raise ValueError(f"p_kw {p_kw.shape} and q_kvar {q_kvar.shape} must both end in {expected}")
        astray = ((p_kw != 0) | (q_kvar != 0)) & ~network.connected
        if astray.any():
            *_, point, part = (int(positions[0]) for positions in np.nonzero(astray))
            phase, name = network.phase_name(point, part), network.service_points[point]
            raise ValueError(
                f"service point {name!r} is not connected to phase {phase}, but takes power there"
            )


def _factored(network: ThreePhaseNetwork, built: SequenceAdmittance | Unfit) -> "Factored | Unfit":
    if isinstance(built, Unfit):
        return built
    try:
        return Factored(network, built)
    except RuntimeError:  # of SuperLU
        return Unfit("one of its sequences has no way to earth")


@dataclass(frozen=True)
class Readings:
    """Arrays of a batch, one row per snapshot; as in `ThreePhaseResult`."""

    v_pu: Floats
    unbalance_percent: Floats
    line_loading_percent: Floats
    neutral_loading_percent: Floats
    transformer_loading_percent: Floats
    transformer_p_kw: Floats
    losses_kw: Floats


class Factored:
    """The factored form of one topology, and what it needs to read results off the voltages. Immutable."""

    def __init__(self, network: ThreePhaseNetwork, admittance: SequenceAdmittance) -> None:
        self.admittance = admittance
        self.fixed_point = FixedPoint(admittance)
        self._percent_squared = admittance.ends.percent**2
        self._n_line, self._n_trafo = len(network.lines.ids), len(network.transformers.ids)
        self._parts = np.flatnonzero(network.connected)
        self._slot = admittance.demands.service_point.ravel()[self._parts]

    def demand(self, p_kw: Floats, q_kvar: Floats) -> Complexes:
        """(n_snapshot, k) conj(P + jQ) in pu that is taken, of (n_snapshot, n_sp, 3)."""
        demands = self.admittance.demands
        taken = np.zeros((len(demands.bus), len(p_kw)), dtype=np.complex128)
        np.add.at(taken, self._slot, (p_kw - 1j * q_kvar).reshape(len(p_kw), -1)[:, self._parts].T)
        return np.ascontiguousarray(taken.T) / self.admittance.base_kva + demands.fixed.conj()

    def voltages(self, p_kw: Floats, q_kvar: Floats) -> Complexes | None:
        """(3, n + 1) sequence voltages of the internal buses, NaN last, of (n_sp, 3); None when the fixed
        point does not converge."""
        solved = self.fixed_point.solve(self.demand(p_kw[None], q_kvar[None]))
        return solved.v[0] if solved.converged[0] else None

    def solve_batch(
        self, p_kw: Floats, q_kvar: Floats, slack_scale: float = 1.0
    ) -> list[ThreePhaseResult | None]:
        """(n_snapshot, n_sp, 3) at once; None for each snapshot on which the fixed point does not
        converge."""
        solved = self.fixed_point.solve(self.demand(p_kw, q_kvar), slack_scale)
        read = self._measure(solved.v)
        return [
            ThreePhaseResult(
                converged=True,
                iterations=solved.iterations,
                v_pu=read.v_pu[place],
                unbalance_percent=read.unbalance_percent[place],
                line_loading_percent=read.line_loading_percent[place],
                neutral_loading_percent=read.neutral_loading_percent[place],
                transformer_loading_percent=read.transformer_loading_percent[place],
                transformer_p_kw=read.transformer_p_kw[place],
                losses_kw=float(read.losses_kw[place]),
            )
            if converged
            else None
            for place, converged in enumerate(solved.converged)
        ]

    def _measure(self, v: Complexes) -> Readings:
        """All that a result holds, off the voltages (n_snapshot, 3, n + 1) of the internal buses."""
        a, ends = self.admittance, self.admittance.ends
        n_line, n_trafo = len(ends.line), len(ends.trafo)
        rated, first = len(ends.percent), 2 * n_line
        near = v[..., ends.near]
        flow = ends.y_near * near + ends.y_far * v[..., ends.far]  # into the branch, at each end
        losses = 3 * (near * flow.conj()).real.sum(axis=(-2, -1)) * a.base_kva
        phases = to_phases(flow[..., :rated])
        loading = _squared(phases) * self._percent_squared
        neutral = np.sqrt(_squared(NEUTRAL_ROW[0] * flow[:, 0, :first]) * self._percent_squared[:first])
        high = slice(first, first + n_trafo)
        into = (to_phases(near[..., high]) * phases[..., high].conj()).real * a.base_kva
        lines = np.sqrt(np.maximum(loading[..., :n_line], loading[..., n_line:first]))
        trafos = np.sqrt(np.maximum(loading[..., high], loading[..., first + n_trafo :]))
        with np.errstate(invalid="ignore"):
            unbalance = 100 * np.abs(v[:, 2]) / np.abs(v[:, 1])
        return Readings(
            v_pu=np.abs(to_phases(v))[..., a.bus].swapaxes(-1, -2),
            unbalance_percent=unbalance[:, a.bus],
            line_loading_percent=_scatter(lines, ends.line, self._n_line).swapaxes(-1, -2),
            neutral_loading_percent=_scatter(
                np.maximum(neutral[:, :n_line], neutral[:, n_line:]), ends.line, self._n_line
            ),
            transformer_loading_percent=_scatter(trafos, ends.trafo, self._n_trafo).swapaxes(-1, -2),
            transformer_p_kw=_scatter(into, ends.trafo, self._n_trafo).swapaxes(-1, -2),
            losses_kw=losses,
        )


def _squared(current: Complexes) -> Floats:
    return np.asarray(current.real**2 + current.imag**2)


def _scatter(values: Floats, positions: Ints, size: int) -> Floats:
    """Back into the order of the network; 0 for what is out of service."""
    if len(positions) == size:
        return values
    scattered = np.zeros((*values.shape[:-1], size))
    scattered[..., positions] = values
    return scattered
