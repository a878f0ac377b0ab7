"""[5] The same cut, spread over many instead of one: the most even answer that costs next to nothing more.

A linear programme answers with a vertex: of two houses that are all but equal one gives everything, the other
nothing. So the price of each kW is let rise with the share that a device has given already, from w to
w (1 + s): minimise Σ w x + s/2 Σ w x²/u. Devices worth up to s more per kW share then; and as the second sum
lies between 0 and s/2 Σ w x, the answer never costs more than s/2 above the least, whatever the network. With
a stiffness s that would cost more than is allowed, it is drawn back towards the vertex until it does not: the
cost is linear on the way, and all on the way is feasible.

Solved by a primal-dual interior-point method (S. J. Wright, "Primal-Dual Interior-Point Methods", SIAM 1997):
with a diagonal Hessian each step solves one system of the size of the rows or of the columns,
whichever are fewer.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.linear_programme import Programme
from grid_model.network import Floats

STIFFNESS = 0.3
"""Devices whose worth differs by less than this share take part together where the allowance permits."""
_MAX_STEPS = 40
_DONE = 1e-7
_TO_BOUNDARY = 0.99
_CENTRING = 0.1
_FEASIBLE = 1e-7
_NEAR = 0.05
"""Of all that the free columns can do to a row: one that has more room than that is left out at first."""
_MAX_LOOKS = 8
_NO_EFFECT = 1e-12
"""Of a rating: a row that all free columns together move by less is not theirs."""


def spread(programme: Programme, vertex: Floats, allowance: float) -> Floats:
    """x (n,), most even, at a cost of at most (1 + allowance) that of `vertex`.

    Whole columns stay as they are. Rows that the vertex breaks may be broken as much, not more.
    """
    free = ~programme.whole & (programme.most > 0)
    cost = float(programme.cost @ vertex)
    if allowance <= 0 or cost <= 0 or not free.any():
        return vertex
    rows = np.vstack([programme.matrix, programme.hard])
    bound = np.maximum(np.concatenate([programme.bound, programme.hard_bound]), rows @ vertex)
    even = _within(programme, vertex, rows, bound, free)
    if even is None:
        return vertex
    over = float(programme.cost @ even) - cost
    share = 1.0 if over <= allowance * cost else allowance * cost / over
    return np.asarray(vertex + share * (even - vertex))


def _within(
    programme: Programme, vertex: Floats, rows: Floats, bound: Floats, free: np.ndarray
) -> Floats | None:
    """x (n,), most even within `rows` x ≤ `bound`; None where the method fails.

    Most rows are far from their bounds and only make the systems large, so they come in as they are broken.
    """
    left = bound - rows[:, ~free] @ vertex[~free]
    reach = np.abs(rows[:, free]) @ programme.most[free]
    binds = bound - rows @ vertex <= _NEAR * reach
    even = vertex.copy()
    for _ in range(_MAX_LOOKS):
        try:
            even[free] = _even(programme, rows[binds], left[binds], free)
        except np.linalg.LinAlgError:  # rows that repeat each other to the last bit
            return None
        excess = rows @ even - bound
        if not np.isfinite(excess).all():
            return None
        broken = excess > _FEASIBLE
        if not broken.any():
            return even
        if (broken & binds).any():
            return None
        binds |= broken
    return None


def _even(programme: Programme, rows: Floats, bound: Floats, free: np.ndarray) -> Floats:
    """In units of what each column can give, so that all variables lie between 0 and 1."""
    most = programme.most[free]
    linear = programme.cost[free] * most
    matrix = rows[:, free] * most
    size = np.abs(matrix).max(axis=1)
    theirs = size > _NO_EFFECT  # one row that nobody moves would keep the method from converging
    matrix, bound, size = matrix[theirs], bound[theirs], size[theirs]
    scale = float(linear.mean())
    box = _Box(linear / scale, STIFFNESS * linear / scale, matrix / size[:, None], bound / size)
    return np.asarray(box.solve() * most)


@dataclass(frozen=True)
class _Box:
    """minimise c·x + ½ Σ h x², so that A x ≤ b and 0 ≤ x ≤ 1."""

    c: Floats
    h: Floats
    a: Floats
    b: Floats

    def solve(self) -> Floats:
        """x (n,), as near the optimum as the method comes."""
        n, m = len(self.c), len(self.b)
        x, s = np.full(n, 0.5), np.maximum(self.b - self.a @ np.full(n, 0.5), 1.0)
        y, low, high = np.ones(m), np.ones(n), np.ones(n)  # prices of the rows, and of both bounds
        for _ in range(_MAX_STEPS):
            gap = float(y @ s + low @ x + high @ (1 - x)) / (m + 2 * n)
            missing = self.a @ x + s - self.b
            dual = self.h * x + self.c + self.a.T @ y - low + high
            if max(gap, np.abs(missing).max(initial=0.0), np.abs(dual).max()) < _DONE:
                break
            mu = _CENTRING * gap
            slope = dual + low - high - mu / x + mu / (1 - x)
            curvature = self.h + low / x + high / (1 - x)
            dx, dy = self._direction(curvature, slope, y / s, mu / y - s + missing)
            ds = -missing - self.a @ dx
            d_low, d_high = (mu - low * dx) / x - low, (mu + high * dx) / (1 - x) - high
            now = np.concatenate([x, 1 - x, s, y, low, high])
            step = _reach(now, np.concatenate([dx, -dx, ds, dy, d_low, d_high]))
            x, s, y = x + step * dx, s + step * ds, y + step * dy
            low, high = low + step * d_low, high + step * d_high
        return x

    def _direction(self, curvature: Floats, slope: Floats, w: Floats, r: Floats) -> tuple[Floats, Floats]:
        """dx (n,) and dy (m,) with curvature dx + Aᵀ dy = −slope and A dx − dy / w = −r."""
        if len(self.b) < len(self.c):
            normal = (self.a / curvature) @ self.a.T
            normal.flat[:: len(normal) + 1] += 1 / w
            dy = np.linalg.solve(normal, r - self.a @ (slope / curvature))
            return np.asarray(-(slope + self.a.T @ dy) / curvature), np.asarray(dy, dtype=np.float64)
        normal = (self.a.T * w) @ self.a
        normal.flat[:: len(normal) + 1] += curvature
        dx = np.linalg.solve(normal, -slope - self.a.T @ (w * r))
        return np.asarray(dx, dtype=np.float64), np.asarray(w * (self.a @ dx + r))


def _reach(value: Floats, change: Floats) -> float:
    """The longest step up to 1 that keeps every value above 0."""
    worst = float((-change / value).max())
    return min(1.0, _TO_BOUNDARY / worst) if worst > 0 else 1.0
