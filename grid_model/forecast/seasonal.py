"""[3] What is usual at a time of day: an exponentially weighted mean and its spread, by slot and kind of day.

Of every column the mean of each quarter-hour slot, apart for workdays and weekends, is learnt with a kernel
over the neighbouring slots (people are not punctual) and forgets slowly, so that seasons pass through it.
What was seen seldom is shrunk: to the same slot of the other kind of day, and to the column's own level,
which is all there is at the start. Standard practice for short-term load profiles (Hong and Fan,
"Probabilistic electric load forecasting: a tutorial review", International Journal of Forecasting 32(3),
2016).
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats

SLOTS = 96
"""Quarter-hours of a day."""
WORKDAY, WEEKEND = 0, 1
_KERNEL = (0.5, 1.0, 0.5)
"""Weight of a value for the slot before, its own, and the next."""
_MEMORY_DAYS = 10.0
"""A slot never weighs more than this many of its days: older ones fade."""
_OTHER_KIND = 0.3
"""What a day of the other kind counts while none of the same kind was seen; then less and less."""
_PRIOR_DAYS = 0.3
"""What the column's own level counts."""
_LEVEL_GAIN = 1 / 48
"""The level forgets within about half a day."""
_LEAST_SPREAD = 0.02
"""No spread is believed to be smaller: a column that never moved yet may still move."""


@dataclass(frozen=True)
class Seasonal:
    """What was learnt of `n` columns. Replaced, never changed."""

    mean: Floats
    """(2, SLOTS, n)"""
    spread: Floats
    """(2, SLOTS, n) mean absolute deviation of what came from what was expected"""
    weight: Floats
    """(2, SLOTS, n) how many days are in it"""
    level: Floats
    """(n,)"""
    level_spread: Floats
    """(n,)"""


def begin(level: Floats, spread: Floats) -> Seasonal:
    """Nothing learnt yet: `level` (n,) is expected at all times, `spread` off."""
    shape = (2, SLOTS, len(level))
    return Seasonal(np.zeros(shape), np.zeros(shape), np.zeros(shape), level.copy(), spread.copy())


def usual(seasonal: Seasonal, kind: int, slot: int) -> tuple[Floats, Floats]:
    """(n,) mean and (n,) mean absolute deviation at a slot of a kind of day."""
    own = seasonal.weight[kind, slot]
    other = _OTHER_KIND * seasonal.weight[1 - kind, slot] / (1 + own)
    total = own + other + _PRIOR_DAYS
    mean = own * seasonal.mean[kind, slot] + other * seasonal.mean[1 - kind, slot]
    spread = own * seasonal.spread[kind, slot] + other * seasonal.spread[1 - kind, slot]
    return (
        (mean + _PRIOR_DAYS * seasonal.level) / total,
        np.maximum((spread + _PRIOR_DAYS * seasonal.level_spread) / total, _LEAST_SPREAD),
    )


def learn(seasonal: Seasonal, kind: int, slot: int, values: Floats, deviations: Floats) -> Seasonal:
    """Take in the `values` (n,) of a slot, and by how much they were off what was usual; NaN is not known."""
    known = np.isfinite(values)
    mean, spread, weight = seasonal.mean.copy(), seasonal.spread.copy(), seasonal.weight.copy()
    off = np.abs(deviations)
    for step, share in zip((-1, 0, 1), _KERNEL, strict=True):
        place = kind, (slot + step) % SLOTS
        before = np.minimum(weight[place], _MEMORY_DAYS - share)
        gain = share / (before + share)
        mean[place] = np.where(known, mean[place] + gain * (values - mean[place]), mean[place])
        spread[place] = np.where(known, spread[place] + gain * (off - spread[place]), spread[place])
        weight[place] = np.where(known, before + share, weight[place])
    level = seasonal.level + _LEVEL_GAIN * np.where(known, values - seasonal.level, 0.0)
    level_off = np.where(known, np.abs(values - seasonal.level) - seasonal.level_spread, 0.0)
    return Seasonal(mean, spread, weight, level, seasonal.level_spread + _LEVEL_GAIN * level_off)
