"""[3] The fixed point as two sweeps over the eliminated network, compiled: one snapshot or many.

The same iteration as `fixed_point.py` on the same matrix, so it gives the same voltages, but it never leaves
machine code and takes as many snapshots per instruction as the processor can. Radial networks have no
fill-in (`elimination.py`): a step costs two passes over the buses. Knows nothing of `runpp`; what does not
converge is said and is for others to solve.
"""

import importlib
import importlib.util
import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from grid_model.admittance import Admittance, BranchEnds, Complexes
from grid_model.batch_result import BatchResult
from grid_model.elimination import Elimination, eliminate, solve
from grid_model.network import Floats, Network
from grid_model.results import NEAR_COLLAPSE, LoadFlowResult
from grid_model.sweep_layout import Demand, Outputs, Tree

_BLOCK, _ONE = (0,) * 32, (0,)
"""As many snapshots as are in a block (`sweep_kernels.Lanes`): enough to fill the processor's vectors, few
enough for its cache."""
_SCALARS = 4
"""The last columns of an answer: losses, supply, collapse index, sweeps."""
_RESIDUAL = 1e-9
"""Of a trial solution, relative to what it is made of, beyond which the factors do not hold."""
_log = logging.getLogger(__name__)


def can_compile() -> bool:
    """Whether the compiler is installed."""
    return importlib.util.find_spec("numba") is not None


def radial_sweep(network: Network, admittance: Admittance) -> "RadialSweep | None":
    """The compiled load flow of one topology, or None where it cannot be had: numba is not installed or does
    not work here, a generator holds a voltage, or the factors without pivoting do not hold."""
    if not can_compile() or len(admittance.generator):
        return None
    factors = eliminate(admittance.y_bus, admittance.n_free)
    if (np.diff(factors.up_start) == 0).any() or not _hold(factors, admittance):
        return None
    try:
        sweep = RadialSweep(network, admittance, factors)
        sweep.warm_up()
    except (ImportError, OSError) as error:  # a numba for another NumPy; a disk that is full
        _log.warning("load flows are not compiled, because numba does not work here: %s", error)
        return None
    return sweep


def _hold(factors: Elimination, admittance: Admittance) -> bool:
    """Whether the factors solve Y V = I, tried with currents about as large as those of a voltage of 1 pu."""
    free = admittance.y_bus[: admittance.n_free]
    row_size = abs(free).max(axis=1).toarray().ravel()
    current = row_size * np.exp(1j * np.arange(admittance.n_free))
    with np.errstate(all="ignore"):
        v = solve(factors, current[factors.order], admittance.v_held)
        residual = (free @ v[_at(factors, admittance)[:-1]] - current) / row_size
        size = max(np.abs(v).max(initial=1.0), 1.0)
    return bool(np.abs(residual).max(initial=0.0) < _RESIDUAL * size)  # false for NaN


def _at(factors: Elimination, admittance: Admittance) -> Any:
    """(n + 1,) position of each internal bus; the last stands for what is not supplied."""
    at = np.arange(admittance.y_bus.shape[0] + 1, dtype=np.uint32)
    at[factors.order] = np.arange(admittance.n_free)
    return at


class RadialSweep:
    """One topology, laid out for `sweep_kernels`. Immutable; threads may share it."""

    def __init__(self, network: Network, admittance: Admittance, factors: Elimination) -> None:
        self._n_line, self._n_trafo = len(network.lines.ids), len(network.transformers.ids)
        counts = (len(network.buses.ids), self._n_line, self._n_trafo, self._n_trafo)
        self._ends = tuple(np.cumsum(counts).tolist())
        at = _at(factors, admittance)
        self._tree = self._lay_out_tree(admittance, factors, at)
        self._demand = self._lay_out_demand(admittance, factors, at)
        self._outputs = self._lay_out_outputs(admittance, at)
        self._solve: Any = importlib.import_module("grid_model.sweep_kernels").solve

    def _lay_out_tree(self, admittance: Admittance, factors: Elimination, at: Any) -> Tree:
        n, n_free = admittance.y_bus.shape[0], admittance.n_free
        takes = np.zeros(n + 1, dtype=np.bool_)
        takes[at[admittance.service_point]] = True
        takes[at[np.flatnonzero(admittance.fixed_demand)]] = True
        nothing = np.zeros(n_free, dtype=np.complex128)
        without_load = np.append(solve(factors, nothing, admittance.v_held), np.nan)
        shares = np.zeros((0, 4))
        if (dependence := admittance.dependence) is not None:
            free = dependence.at(factors.order)
            columns = (free.current_p, free.impedance_p, free.current_q, free.impedance_q)
            shares = np.column_stack(columns)
        return Tree(
            low_start=factors.low_start.astype(np.uint32),
            low=factors.low.astype(np.uint32),
            low_factor=_pairs(factors.low_factor),
            up_start=factors.up_start.astype(np.uint32),
            up=factors.up.astype(np.uint32),
            up_factor=_pairs(factors.up_factor),
            takes=takes[:n_free],
            scale=_pairs(-1 / factors.diagonal),
            shares=shares,
            without_load=_pairs(without_load),
        )

    def _lay_out_demand(self, admittance: Admittance, factors: Elimination, at: Any) -> Demand:
        """Constant power is multiplied by −1/d once, when it is read; other demand at each step."""
        factor = np.ones(len(at), dtype=np.complex128)
        if admittance.dependence is None:
            factor[: admittance.n_free] = -1 / factors.diagonal
        position = at[admittance.service_point]
        fixed = admittance.fixed_demand[factors.order].conj() * factor[: admittance.n_free]
        per_kw = factor[position] / admittance.base_kva
        return Demand(position=position, factor=_pairs(per_kw), fixed=_pairs(fixed))

    def _lay_out_outputs(self, admittance: Admittance, at: Any) -> Outputs:
        ends, n_free = admittance.ends, admittance.n_free
        elements, columns = _elements(ends, self._n_line, self._n_line + self._n_trafo)
        in_order = np.concatenate(elements).astype(np.int64) if elements else np.zeros(0, dtype=np.int64)
        percent = np.zeros(len(ends.near))
        percent[: len(ends.percent)] = ends.percent
        held = admittance.y_bus[n_free:].tocoo()
        return Outputs(
            bus=at[admittance.bus],
            end_start=np.cumsum([0, *map(len, elements)]).astype(np.uint32),
            near=at[ends.near[in_order]],
            far=at[ends.far[in_order]],
            y=np.hstack([_pairs(ends.y_near[in_order]), _pairs(ends.y_far[in_order])]),
            percent_squared=percent[in_order] ** 2,
            column=np.array(columns, dtype=np.uint32),
            n_line=self._n_line,
            n_trafo=self._n_trafo,
            held=(held.row + n_free).astype(np.uint32),
            held_other=at[held.col],
            held_y=_pairs(held.data),
            n_held=len(admittance.v_held),
            held_p_kw=float(admittance.fixed_demand[n_free:].real.sum()) * admittance.base_kva,
            base_kva=admittance.base_kva,
        )

    def warm_up(self) -> None:
        """Have everything compiled now, rather than in the first load flow that somebody waits for."""
        nothing = np.zeros((1, len(self._demand.position)))
        for lanes in (_ONE, _BLOCK):
            self._answer(lanes, nothing, nothing, 1.0)

    def solve(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult | None:
        """One snapshot, (n_sp,); None when the fixed point does not converge, or near collapse."""
        answer = self._answer(_ONE, p_kw[None], q_kvar[None], slack_scale)[0]
        losses, supply, collapse, sweeps = answer[-_SCALARS:].tolist()
        if not (sweeps > 0 and collapse < NEAR_COLLAPSE and math.isfinite(supply)):
            return None
        return LoadFlowResult(True, int(sweeps), *self._cut(answer), losses, supply, collapse)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> BatchResult:
        """Solve (n_snapshot, n_sp); not converged as in `solve`."""
        answer = self._answer(_BLOCK, p_kw, q_kvar, slack_scale)
        losses, supply, collapse, sweeps = answer[:, -_SCALARS:].T
        iterations = sweeps.astype(np.int64)
        converged = (iterations > 0) & (collapse < NEAR_COLLAPSE) & np.isfinite(supply)
        answer[~converged] = np.nan
        return BatchResult(converged, iterations, *self._cut(answer), losses, supply, collapse)

    def _answer(self, lanes: tuple[int, ...], p_kw: Floats, q_kvar: Floats, slack_scale: float) -> Floats:
        answer = np.zeros((len(p_kw), self._ends[-1] + _SCALARS))
        given = _plain(p_kw), _plain(q_kvar)
        self._solve(lanes, self._tree, self._demand, self._outputs, *given, float(slack_scale), answer)
        return answer

    def _cut(self, answer: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Voltages, loadings of lines and of transformers, and what flows into these."""
        bus, line, trafo, p_kw = self._ends
        return answer[..., :bus], answer[..., bus:line], answer[..., line:trafo], answer[..., trafo:p_kw]


def _elements(ends: BranchEnds, n_line: int, no_column: int) -> tuple[list[Sequence[int]], list[int]]:
    """The ends of each element in service, and the column of its loading."""
    elements: list[Sequence[int]] = []
    columns: list[int] = []
    first = 0
    for table, sides, shift in ((ends.line, 2, 0), (ends.trafo, 2, n_line), (ends.trafo3w, 3, n_line)):
        for row, position in enumerate(table):
            elements.append(range(first + row, first + row + sides * len(table), len(table)))
            columns.append(shift + int(position))
        first += sides * len(table)
    rest = len(ends.near) - first
    elements.extend([first + row] for row in range(rest))
    columns.extend([no_column] * rest)
    return elements, columns


def _plain(values: Floats) -> Floats:
    """The one kind of array that the sweeps are compiled for: any other would have them compiled again, and
    somebody wait for seconds."""
    values = np.ascontiguousarray(values, np.float64)
    return values if values.flags.carray else values.copy()  # such as one that may not be written to


def _pairs(values: Complexes) -> Floats:
    """(n, 2) real and imaginary parts."""
    return np.stack([values.real, values.imag], axis=-1)
