"""[5] The linear programme of the allocation: the cheapest cut within linear constraints, or the best effort.

Where columns are all or nothing it is a mixed-integer one, with a proof of how far from the best the answer
may be. Solved by HiGHS, handed the arrays directly: the general interfaces cost more than the solving.
"""

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
_MAX_NODES = 5_000
"""Of branch and bound; what is not proven by then is told as the gap. Not a time: runs must repeat."""


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


def solve(programme: Programme) -> Solution:
    """The cheapest x. Where the constraints cannot all hold: the one that leaves the least excess, and costs
    least. Raises Diverged when HiGHS finds not even that."""
    rows = np.vstack([programme.matrix, programme.hard])
    bound = np.concatenate([programme.bound, programme.hard_bound])
    answer = _highs(programme.cost, programme.most, rows, bound, programme.whole)
    if answer is None:
        return _best_effort(programme)
    x, prices, gap = answer
    return Solution(x, prices[: len(programme.bound)], gap, feasible=True)


def _best_effort(programme: Programme) -> Solution:
    """First the least sum of excess, then the least cost that keeps it."""
    (m, n), m_hard = programme.matrix.shape, len(programme.hard_bound)
    rows = np.block([[programme.matrix, -np.eye(m)], [programme.hard, np.zeros((m_hard, m))]])
    bound = np.concatenate([programme.bound, programme.hard_bound])
    most = np.concatenate([programme.most, np.full(m, highspy.kHighsInf)])
    whole = np.concatenate([programme.whole, np.zeros(m, dtype=bool)])
    excess = np.concatenate([np.zeros(n), np.ones(m)])
    least = _highs(excess, most, rows, bound, whole)
    if least is None:
        raise Diverged("HiGHS found no best effort")
    kept = float(excess @ least[0]) * (1 + _SLACK_TOLERANCE) + 1e-6
    cost = np.concatenate([programme.cost, np.zeros(m)])
    answer = _highs(cost, most, np.vstack([rows, excess]), np.append(bound, kept), whole)
    x, _, gap = answer or least
    return Solution(x[:n], np.zeros(m), gap, feasible=False)


def _highs(
    cost: Floats, most: Floats, rows: Floats, bound: Floats, whole: NDArray[np.bool_]
) -> tuple[Floats, Floats, float] | None:
    """x, the price of each row, and the gap; None when there is no such x."""
    scale = np.where(whole, most, 1.0)  # a whole column is counted in pieces, 0 or 1
    solver = _core._Highs()  # not Highs(): that one announces itself on standard output
    for option, value in _options(bool(whole.any())):
        solver.setOptionValue(option, value)
    solver.passModel(*_model(cost * scale, most / scale, rows * scale, bound, whole))
    solver.run()
    info, solution = solver.getInfo(), solver.getSolution()
    solved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    if not solved and not (whole.any() and info.primal_solution_status == highspy.kSolutionStatusFeasible):
        return None
    x = np.asarray(solution.col_value, dtype=np.float64)
    x = np.clip(np.where(whole, np.round(x), x) * scale, 0.0, most)
    if whole.any():
        return x, np.zeros(len(bound)), max(float(info.mip_gap), 0.0)
    return x, np.maximum(-np.asarray(solution.row_dual, dtype=np.float64), 0.0), 0.0


def _options(mixed: bool) -> list[tuple[str, Any]]:
    options: list[tuple[str, Any]] = [("output_flag", False), ("threads", 1), ("parallel", "off")]
    if mixed:
        return [*options, ("mip_rel_gap", _INTEGER_GAP), ("mip_max_nodes", _MAX_NODES)]
    return [*options, ("presolve", "off")]  # costs more than it saves on programmes this small


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
