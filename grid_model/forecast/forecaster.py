"""[3] The forecast of every service point and of their sum, a quarter of an hour to six hours ahead.

mean(t + h) = usual(t + h) + kept(h) · (now − usual(now)): what is usual at that time of day and kind of day
(`seasonal.py`), and what is left then of the present deviation from it (`persistence.py`). Intervals are
tracked quantiles of the forecast's own past errors (`quantiles.py`) in units of the slot's spread. The sum of
all is a column of its own, learnt like the others, because a sum is far easier to foretell than its parts;
the parts are then moved to add up to it, each by its share of the variance (weighted least squares
reconciliation: Wickramasuriya, Athanasopoulos and Hyndman, JASA 114(526), 2019). How dependent the houses are
follows from the sum's width against theirs (`dependence`).

What is taken in must be what would be used without control: a forecast that learns curtailed evenings sees
no overload coming. Knows no clock: the caller says which slot and kind of day it is.
"""

from dataclasses import dataclass, replace

import numpy as np

from grid_model.forecast import persistence, quantiles, seasonal
from grid_model.forecast.persistence import Persistence
from grid_model.forecast.seasonal import SLOTS, Seasonal
from grid_model.network import Floats

STEP_S = 86400 // SLOTS
HORIZONS = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24)
"""Steps of a quarter of an hour: 15 min to 6 h."""
_DEFAULT_SPREAD_SHARE, _DEFAULT_SPREAD_KW = 0.5, 0.5
"""Before anything was seen a service point is believed to be off its default by this."""
_NORMAL_80 = 2 * 1.2815515655446004
"""Width of a normal distribution's 80 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter of an hour: which of the day, and of which kind of day."""

    kind: int
    """`seasonal.WORKDAY` or `seasonal.WEEKEND`"""
    place: int
    """0 to 95"""


@dataclass(frozen=True)
class Forecaster:
    """What was learnt of `n_sp` service points; their sum is the last column. Replaced, never changed."""

    seasonal: Seasonal
    persistence: Persistence
    quantiles: Floats
    """(n_horizon, n_level, n_sp + 1) in units of the spread"""

    @property
    def steps(self) -> int:
        """How many slots were taken in of which something was known."""
        return int(self.persistence.steps[-1])


@dataclass(frozen=True)
class Forecast:
    """Powers at each of `HORIZONS`."""

    mean_kw: Floats
    """(n_horizon, n_sp)"""
    quantiles_kw: Floats
    """(n_horizon, n_level, n_sp) at `quantiles.LEVELS`"""
    sum_kw: Floats
    """(n_horizon,)"""
    sum_quantiles_kw: Floats
    """(n_horizon, n_level)"""
    dependence: Floats
    """(n_horizon,) the common correlation of the errors of any two service points, 0 to 1"""

    @property
    def deviation_kw(self) -> Floats:
        """(n_horizon, n_sp) standard deviations."""
        return _deviation(self.quantiles_kw)


def begin(default_kw: Floats) -> Forecaster:
    """Nothing seen yet: everybody is expected to take their default (n_sp,), within wide intervals."""
    level = np.append(default_kw, default_kw.sum())
    spread = _DEFAULT_SPREAD_SHARE * np.abs(level) + _DEFAULT_SPREAD_KW
    return Forecaster(
        seasonal.begin(level, spread),
        persistence.begin(HORIZONS, len(level)),
        quantiles.begin(len(HORIZONS), len(level)),
    )


def observe(before: Forecaster, slot: Slot, p_kw: Floats) -> Forecaster:
    """Take in the mean powers (n_sp,) of one slot; NaN where nobody knows. Slots come without gaps."""
    usual_kw, spread_kw = seasonal.usual(before.seasonal, slot.kind, slot.place)
    values = np.append(p_kw, _sum(p_kw, usual_kw[:-1]))
    deviations = values - usual_kw
    errors = persistence.off_by(before.persistence, HORIZONS, deviations) / spread_kw
    return Forecaster(
        seasonal.learn(before.seasonal, slot.kind, slot.place, values, deviations),
        persistence.learn(before.persistence, HORIZONS, deviations),
        quantiles.learn(before.quantiles, errors, before.persistence.steps, HORIZONS),
    )


def glimpse(before: Forecaster, slot: Slot, p_kw: Floats) -> Forecaster:
    """As if the slot were over with these powers (n_sp,), without learning: to forecast from within it."""
    usual_kw, _ = seasonal.usual(before.seasonal, slot.kind, slot.place)
    deviations = np.append(p_kw, _sum(p_kw, usual_kw[:-1])) - usual_kw
    moved = np.concatenate([deviations[np.newaxis], before.persistence.deviations[:-1]])
    return replace(before, persistence=replace(before.persistence, deviations=moved))


def forecast(known: Forecaster, slots: tuple[Slot, ...]) -> Forecast:
    """The forecast from the latest slot that was taken in; `slots` are those at each of `HORIZONS`."""
    usual = [seasonal.usual(known.seasonal, slot.kind, slot.place) for slot in slots]
    deviation = np.nan_to_num(known.persistence.deviations[0], nan=0.0)
    mean = np.stack([kw for kw, _ in usual]) + persistence.kept(known.persistence) * deviation
    spread = np.stack([kw for _, kw in usual])
    width = known.quantiles * spread[:, np.newaxis, :]
    variance = _deviation(width[:, :, :-1]) ** 2
    share = variance / np.maximum(variance.sum(axis=1, keepdims=True), 1e-12)
    missing = mean[:, -1:] - mean[:, :-1].sum(axis=1, keepdims=True)
    mean_kw = mean[:, :-1] + share * missing
    return Forecast(
        mean_kw=mean_kw,
        quantiles_kw=mean_kw[:, np.newaxis, :] + width[:, :, :-1],
        sum_kw=mean[:, -1],
        sum_quantiles_kw=mean[:, -1:] + width[:, :, -1],
        dependence=_dependence(variance, _deviation(width[:, :, -1:])[:, 0] ** 2),
    )


def _sum(p_kw: Floats, usual_kw: Floats) -> float:
    """Of all, what is not known taken as usual; NaN when nothing is known."""
    known = np.isfinite(p_kw)
    return float(np.where(known, p_kw, usual_kw).sum()) if known.any() else np.nan


def _deviation(quantiles_kw: Floats) -> Floats:
    """Standard deviations off the width of the 80 % interval; the levels are the second axis."""
    return np.asarray((quantiles_kw[:, 3] - quantiles_kw[:, 1]) / _NORMAL_80)


def _dependence(variance: Floats, of_sum: Floats) -> Floats:
    """(n_horizon,) the r in Var(sum) = Σσ² + r ((Σσ)² − Σσ²), which is Σσ² when all are independent."""
    alone, together = variance.sum(axis=1), np.sqrt(variance).sum(axis=1) ** 2
    return np.asarray(np.clip((of_sum - alone) / np.maximum(together - alone, 1e-12), 0.0, 1.0))
