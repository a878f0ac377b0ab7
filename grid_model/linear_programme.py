"""[5] The linear programme of the allocation: the cheapest cut within linear constraints, or the best effort.

Where columns are all or nothing it is a mixed-integer one, with a proof of how far from the best the answer
may be. Solved by HiGHS, handed the arrays directly: the general interfaces cost more than the solving.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from highspy import _core
from numpy.typing import NDArray

from grid_model.errors import Diverged
from grid_model.network import Floats

_SLACK_TOLERANCE = 1e-3
"""How much of the least remaining excess may be given up for a smaller cut, when nothing clears it all."""
_INTEGER_GAP = 1e-3
"""A mixed-integer answer this close to the proven bound is good enough."""
MAX_NODES = 5_000
"""Of branch and bound; what is not proven by then is told as the gap. Not a time: runs must repeat."""
_MIXED_WORK = 10
"""What a mixed-integer programme costs before it branches, in programmes without whole columns, with one more
for every whole column: cuts and heuristics. A branching costs about one."""
_QUIET: tuple[tuple[str, Any], ...] = (("output_flag", False), ("threads", 1), ("parallel", "off"))
_PLAIN = (*_QUIET, ("presolve", "off"))
"""Presolve costs more than it saves on programmes this small."""
_MIXED = (*_QUIET, ("mip_rel_gap", _INTEGER_GAP))


@dataclass(frozen=True)
class Programme:
    """minimise cost · x, so that matrix x ≤ bound, hard x ≤ hard_bound, 0 ≤ x ≤ most; x = 0 or most where
    `whole`.

    Rows of `matrix` are scaled: 1 is a full rating. They are given up where they cannot hold; `hard` never
    is.
    """

    cost: Floats
    """(n,)"""
    most: Floats
    """(n,)"""
    matrix: Floats
    """(m, n)"""
    bound: Floats
    """(m,)"""
    hard: Floats
    """(m_hard, n)"""
    hard_bound: Floats
    whole: NDArray[np.bool_]
    """(n,)"""


@dataclass(frozen=True)
class Solution:
    """The cheapest x, and what is known about it."""

    x: Floats
    """(n,)"""
    prices: Floats
    """(m,) what the cost would fall by per unit of bound; 0 where it is not known"""
    gap: float
    """Relative: how much cheaper than x the best may be, by the proof. 0 without whole columns."""
    feasible: bool
    work: int = 1
    """What it took, counted in programmes without whole columns; no time, so that it repeats."""


class Solver:
    """HiGHS, set up once for many programmes, because that costs as much as solving one. For one thread."""

    def __init__(self) -> None:
        self._plain = _set_up(_PLAIN)
        self.work = 0
        """what all programmes so far took"""

    def run(
        self,
        cost: Floats,
        most: Floats,
        rows: Floats,
        bound: Floats,
        *,
        whole: NDArray[np.bool_],
        max_nodes: int,
    ) -> tuple[Floats, Floats, float] | None:
        """x, the price of each row, and the gap; None when there is no such x."""
        mixed = bool(whole.any())
        scale = np.where(whole, most, 1.0)  # a whole column is counted in pieces, 0 or 1
        solver = _set_up([*_MIXED, ("mip_max_nodes", max_nodes)]) if mixed else self._plain
        solver.passModel(*_model(cost * scale, most / scale, rows * scale, bound, whole))
        solver.run()
        info, solution = solver.getInfo(), solver.getSolution()
        branched = max(int(info.mip_node_count), 0) if mixed else 0
        self.work += _MIXED_WORK + int(whole.sum()) + branched if mixed else 1
        solved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        if not solved and not (mixed and info.primal_solution_status == highspy.kSolutionStatusFeasible):
            return None
        x = np.asarray(solution.col_value, dtype=np.float64)
        x = np.clip(np.where(whole, np.round(x), x) * scale, 0.0, most)
        if mixed:
            return x, np.zeros(len(bound)), max(float(info.mip_gap), 0.0)
        return x, np.maximum(-np.asarray(solution.row_dual, dtype=np.float64), 0.0), 0.0


def solve(programme: Programme, solver: Solver | None = None, max_nodes: int = MAX_NODES) -> Solution:
    """The cheapest x. Where the constraints cannot all hold: the one that leaves the least excess, and costs
    least. Raises Diverged when HiGHS finds not even that."""
    solver = solver or Solver()
    before = solver.work
    rows = np.vstack([programme.matrix, programme.hard])
    bound = np.concatenate([programme.bound, programme.hard_bound])
    answer = solver.run(
        programme.cost, programme.most, rows, bound, whole=programme.whole, max_nodes=max_nodes
    )
    if answer is None:
        x, gap = _best_effort(programme, solver, max_nodes)
        return Solution(x, np.zeros(len(programme.bound)), gap, feasible=False, work=solver.work - before)
    x, prices, gap = answer
    return Solution(x, prices[: len(programme.bound)], gap, feasible=True, work=solver.work - before)


def _best_effort(programme: Programme, solver: Solver, max_nodes: int) -> tuple[Floats, float]:
    """First the least sum of excess, then the least cost that keeps it."""
    (m, n), m_hard = programme.matrix.shape, len(programme.hard_bound)
    rows = np.block([[programme.matrix, -np.eye(m)], [programme.hard, np.zeros((m_hard, m))]])
    bound = np.concatenate([programme.bound, programme.hard_bound])
    most = np.concatenate([programme.most, np.full(m, highspy.kHighsInf)])
    whole = np.concatenate([programme.whole, np.zeros(m, dtype=bool)])
    excess = np.concatenate([np.zeros(n), np.ones(m)])
    least = solver.run(excess, most, rows, bound, whole=whole, max_nodes=max_nodes)
    if least is None:
        raise Diverged("HiGHS found no best effort")
    kept = float(excess @ least[0]) * (1 + _SLACK_TOLERANCE) + 1e-6
    cost = np.concatenate([programme.cost, np.zeros(m)])
    all_rows, bounds = np.vstack([rows, excess]), np.append(bound, kept)
    answer = solver.run(cost, most, all_rows, bounds, whole=whole, max_nodes=max_nodes)
    x, _, gap = answer or least
    return x[:n], gap


def _set_up(options: Sequence[tuple[str, Any]]) -> Any:
    solver = _core._Highs()  # not Highs(): that one announces itself on standard output
    for option, value in options:
        solver.setOptionValue(option, value)
    return solver


def _model(
    cost: Floats, most: Floats, rows: Floats, bound: Floats, whole: NDArray[np.bool_]
) -> tuple[Any, ...]:
    """As HiGHS takes it in one call, all arrays as they are."""
    m, n = rows.shape
    row, column = np.nonzero(rows)
    start = np.searchsorted(row, np.arange(m + 1)).astype(np.int32)
    return (
        n,
        m,
        len(row),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        cost,
        np.zeros(n),
        most,
        np.full(m, -highspy.kHighsInf),
        bound,
        start,
        column.astype(np.int32),
        rows[row, column],
        whole.astype(np.int32),
    )
