"""[5] Robust against refusals: so much more is asked for that it clears with a given probability.

Device i does what it is asked with probability c_i, independently, or nothing of it. What row k of the
programme is relieved by has then the mean Σ c_i e_ki and the variance Σ c_i (1 − c_i) e_ki², and the row must
hold at the mean less z standard deviations (a chance constraint; A. Charnes, W. W. Cooper, Management Science
6(1), 1959), with the normal quantile z of the confidence. The standard deviation is a norm of the movements:
convex, so it enters each round of the programme by its gradient.

With a handful of devices nothing is normal. So the answer is tried on drawn cases, all with load flow, and z
raised until as many are within limits as were wanted.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from grid_model.allocation.columns import Columns
from grid_model.allocation.rules import Reserve
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from grid_model.watch import Watch

ATTEMPTS = 5
_RAISE, _RAISE_BY = 1.3, 0.2


def first_quantile(reserve: Reserve) -> float:
    """The normal quantile of the confidence."""
    return NormalDist().inv_cdf(reserve.confidence)


def next_quantile(z: float) -> float:
    """The one to try when too few cases were within limits."""
    return _RAISE * z + _RAISE_BY


def with_reserve(columns: Columns, matrix: Floats, x: Floats, z: float) -> tuple[Floats, Floats]:
    """(m, n) the rows `matrix` with what is kept in reserve, linear around the movements `x`, and the (m,)
    constants to add.

    The square of an all-or-nothing movement is linear in it, so there the variance is exact and the square
    root is what is made linear (from above): which of several equals are chosen makes no difference then.
    """
    doubt = columns.comply * (1 - columns.comply)
    some, all_or_none = np.where(columns.whole, 0.0, x), np.where(columns.whole, x, 0.0)
    first = np.diff(columns.owner, prepend=-1) > 0  # the columns of a device stand side by side
    of_device = np.add.reduceat(matrix * some, np.flatnonzero(first), axis=1)
    effect = of_device[:, np.cumsum(first) - 1]  # (m, n) of the column's whole device
    slope = doubt * np.where(columns.whole, matrix**2 * columns.most / 2, effect * matrix)
    variance = np.maximum(slope @ some + 2 * slope @ all_or_none, 0.0)  # below 0 by its last bits
    deviation = np.sqrt(variance)
    per_unit = slope / np.where(deviation > 0, deviation, np.inf)[:, None]
    return matrix * columns.comply + z * per_unit, z * (deviation - per_unit @ x)


@dataclass(frozen=True)
class Draws:
    """The cases that an answer is tried on: the same for every answer."""

    load_flow: FactoredLoadFlow
    watch: Watch
    p_kw: Floats
    q_kvar: Floats
    columns: Columns
    obeys: Floats
    """(n_draw, n) 1 where the column's device does what it is asked"""

    def assured(self, x: Floats) -> float:
        """Share of the cases within limits when `x` is asked for."""
        columns, n_sp = self.columns, len(self.p_kw)
        cases, count = np.unique(self.obeys[:, x > 0], axis=0, return_counts=True)
        moved = np.zeros((len(cases), len(x)))
        moved[:, x > 0] = cases * x[x > 0]
        added = [columns.added(row, n_sp) for row in moved]
        p_kw = self.p_kw + np.array([p for p, _ in added])
        q_kvar = self.q_kvar + np.array([q for _, q in added])
        within = [self.watch.holds(result) for result in self.load_flow.solve_batch(p_kw, q_kvar)]
        return float(count[within].sum() / count.sum())


def draws(
    load_flow: FactoredLoadFlow,
    watch: Watch,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    columns: Columns,
    reserve: Reserve,
) -> Draws:
    """Cases drawn with the seed of the reserve."""
    rng = np.random.default_rng(reserve.seed)
    comply = np.array([device.comply for device in columns.devices])
    obeys = rng.random((reserve.draws, len(comply))) < comply
    return Draws(load_flow, watch, p_kw, q_kvar, columns, obeys[:, columns.owner].astype(np.float64))
