"""[3] How much of the present deviation from what is usual is still there some steps later.

Direct regression of the deviation at t + h on the deviation at t, one coefficient for each horizon and
column, from sums that forget exponentially: an AR(1) would force them to be powers of one number, which cars
that charge for an hour and kettles are not. A column that has seen little is shrunk towards all columns'
common coefficient. (Direct multi-step forecasts: Marcellino, Stock and Watson, Journal of Econometrics 135,
2006.)
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats

_MEMORY_STEPS = 96 * 14
_SHRINK_STEPS = 96.0
"""The common coefficient counts as much as this many steps of the column's own."""


@dataclass(frozen=True)
class Persistence:
    """What was learnt of `n` columns. Replaced, never changed."""

    deviations: Floats
    """(longest horizon, n) newest first; NaN where not known"""
    cross: Floats
    """(n_horizon, n) sum of d(t) d(t − h)"""
    power: Floats
    """(n_horizon, n) sum of d(t − h)²"""
    steps: Floats
    """(n,) how many were taken in, but for those of which nothing was known"""


def begin(horizons: tuple[int, ...], n: int) -> Persistence:
    """Nothing learnt yet."""
    shape = (len(horizons), n)
    return Persistence(np.full((max(horizons), n), np.nan), np.zeros(shape), np.zeros(shape), np.zeros(n))


def kept(persistence: Persistence) -> Floats:
    """(n_horizon, n) the share of a deviation that is left at each horizon, 0 to 1."""
    pooled_power = persistence.power.sum(axis=1, keepdims=True)
    pooled = persistence.cross.sum(axis=1, keepdims=True) / np.maximum(pooled_power, 1e-12)
    steps = np.clip(persistence.steps, 1.0, _MEMORY_STEPS)
    mean_square = persistence.power / steps
    share = persistence.cross + _SHRINK_STEPS * pooled * mean_square
    return np.asarray(
        np.clip(share / np.maximum(persistence.power + _SHRINK_STEPS * mean_square, 1e-12), 0.0, 1.0)
    )


def learn(persistence: Persistence, horizons: tuple[int, ...], deviations: Floats) -> Persistence:
    """Take in the deviations (n,) of one step; NaN where not known."""
    earlier = persistence.deviations[np.asarray(horizons) - 1]
    both = np.isfinite(earlier) & np.isfinite(deviations)
    fade = 1 - 1 / _MEMORY_STEPS
    return Persistence(
        deviations=np.concatenate([deviations[np.newaxis], persistence.deviations[:-1]]),
        cross=fade * persistence.cross + np.where(both, earlier * deviations, 0.0),
        power=fade * persistence.power + np.where(both, earlier**2, 0.0),
        steps=persistence.steps + np.isfinite(deviations),
    )


def off_by(persistence: Persistence, horizons: tuple[int, ...], deviations: Floats) -> Floats:
    """(n_horizon, n) errors of the forecasts that were made for this step; NaN where there was none."""
    earlier = persistence.deviations[np.asarray(horizons) - 1]
    return np.asarray(deviations - kept(persistence) * earlier)
