"""[3] Intervals that hold what they promise: quantiles of a forecast's own errors, tracked online.

After every step the quantile of level a moves by gain · (a − [error ≤ quantile]): up by gain · a when the
error was above, down by gain · (1 − a) when not. Over T steps the share of errors below then differs from a
by at most (range + gain) / (gain · T), whatever the errors are distributed like, also when that changes:
Gibbs and Candès, "Adaptive conformal inference under distribution shift", NeurIPS 2021; Angelopoulos, Candès
and Tibshirani, "Conformal PID control for time series prediction", NeurIPS 2023, section 2.
"""

import numpy as np

from grid_model.network import Floats

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Both ends of the 95 % and the 80 % interval, and the median."""
_FIRST = (-3.6, -2.4, 0.0, 2.4, 3.6)
"""1.5 times those of a normal distribution, in mean absolute deviations: wide, until there is more to say."""
_GAIN = 0.03
_FIRST_GAIN, _FADES = 0.3, 40.0
_FASTER = np.asarray([0.1 / min(level, 1 - level, 0.1) for level in LEVELS])[:, np.newaxis]
"""The outermost levels are passed so seldom that they would take months to come in from where they begin."""


def begin(n_horizon: int, n: int) -> Floats:
    """(n_horizon, n_level, n) before anything was seen."""
    return np.broadcast_to(np.asarray(_FIRST)[:, np.newaxis], (n_horizon, len(_FIRST), n)).copy()


def learn(quantiles: Floats, errors: Floats, steps: Floats, horizons: tuple[int, ...]) -> Floats:
    """Move by errors (n_horizon, n), each in units of its column's spread; NaN moves nothing.

    `steps` (n,) is how many were taken in before: the first ones move faster. Errors of forecasts that reach
    far come in runs, and a quantile that follows a run is wrong for the next one: those move slower.
    """
    levels = np.asarray(LEVELS)[:, np.newaxis]
    gain = _GAIN / np.sqrt(np.asarray(horizons, dtype=np.float64))[:, np.newaxis, np.newaxis]
    gain = gain + _FIRST_GAIN / (1 + steps / _FADES)
    error = errors[:, np.newaxis, :]
    moved = quantiles + _FASTER * gain * (levels - (error <= quantiles))
    return np.sort(np.where(np.isfinite(error), moved, quantiles), axis=1)
