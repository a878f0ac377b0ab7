"""[5] The linear programme of the allocation: the cheapest cut within linear constraints, or the best
effort."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from grid_model.errors import Diverged
from grid_model.network import Floats

_SLACK_TOLERANCE = 1e-3
"""How much of the least remaining excess may be given up for a smaller cut, when nothing clears it all."""


@dataclass(frozen=True)
class Programme:
    """minimise cost · x, so that matrix x ≤ bound and 0 ≤ x ≤ most. Rows are scaled: 1 is a full rating."""

    cost: Floats
    """(n,)"""
    most: Floats
    """(n,)"""
    matrix: Floats
    """(m, n)"""
    bound: Floats
    """(m,)"""


def solve(programme: Programme) -> Floats:
    """The cut x, (n,). Where the constraints cannot all hold: the one that leaves the least excess, and costs
    least."""
    bounds = [(0.0, float(most)) for most in programme.most]
    answer = linprog(programme.cost, programme.matrix, programme.bound, bounds=bounds, method="highs")
    if answer.status == 0:
        return np.asarray(answer.x, dtype=np.float64)
    return _best_effort(programme, bounds)


def _best_effort(programme: Programme, bounds: list[tuple[float, float]]) -> Floats:
    """First the least sum of excess, then the least cost that keeps it."""
    m, n = programme.matrix.shape
    matrix = np.hstack([programme.matrix, -np.eye(m)])
    open_bounds: list[tuple[float, float | None]] = [*bounds, *[(0.0, None)] * m]
    excess = np.concatenate([np.zeros(n), np.ones(m)])
    least = linprog(excess, matrix, programme.bound, bounds=open_bounds, method="highs")
    if least.status != 0:
        raise Diverged(f"HiGHS found no best effort: {least.message}")
    answer = linprog(
        np.concatenate([programme.cost, np.zeros(m)]),
        np.vstack([matrix, excess]),
        np.append(programme.bound, least.fun * (1 + _SLACK_TOLERANCE) + 1e-6),
        bounds=open_bounds,
        method="highs",
    )
    chosen = answer if answer.status == 0 else least
    return np.asarray(chosen.x[:n], dtype=np.float64)
