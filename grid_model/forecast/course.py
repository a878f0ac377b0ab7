"""[3] How the highest loadings are expected to go on: a middle course, and one on each side of it.

The courses are load flows of the forecast's mean, and of the same moved to the ends of the 80 % interval of
the feeder's sum, each service point by its share of the variance. For the transformer, which carries the sum,
that is an interval; a line that few hang on may leave it more often. Whether an element leaves its limits is
`outlook.py`'s subject.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grid_model.batch_result import BatchResult
from grid_model.forecast.forecaster import Forecast
from grid_model.forecast.quantiles import LEVELS
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats

LOW, HIGH = 0.1, 0.9
"""The levels beside the middle."""
_LOW, _HIGH = LEVELS.index(LOW), LEVELS.index(HIGH)
_COURSES = 3


@dataclass(frozen=True)
class Course:
    """(n_horizon, 3) each: low, middle and high, in percent; NaN where there is no solution, or nothing to be
    loaded."""

    transformer_percent: Floats
    line_percent: Floats


def course(
    load_flow: FactoredLoadFlow, forecast: Forecast, *, reactive: Callable[[Floats], Floats]
) -> Course:
    """The courses of the highest loaded transformer and line; `reactive` as in `outlook.py`."""
    off_kw = forecast.sum_quantiles_kw[:, [_LOW, _HIGH]] - forecast.sum_kw[:, np.newaxis]
    moves = np.stack([off_kw[:, 0], np.zeros(len(off_kw)), off_kw[:, 1]], axis=1)
    variance = forecast.deviation_kw**2
    share = variance / np.maximum(variance.sum(axis=1, keepdims=True), 1e-12)
    p_kw = forecast.mean_kw[:, np.newaxis, :] + moves[:, :, np.newaxis] * share[:, np.newaxis, :]
    batch = p_kw.reshape(-1, p_kw.shape[-1])
    solved = _solve(load_flow, batch, reactive(batch))
    return Course(_highest(solved.transformer_loading_percent), _highest(solved.line_loading_percent))


def _solve(load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats) -> BatchResult:
    """Without `runpp` for what has no solution: a picture is not worth its time."""
    if load_flow.factored is None:
        return load_flow.solve_batch(p_kw, q_kvar)
    return load_flow.factored.solve_batch(p_kw, q_kvar, 1.0)


def _highest(loading: Floats) -> Floats:
    """(n_horizon, 3) in order: where power turns round in between, less load may be more loading."""
    if not loading.shape[1]:
        return np.full((len(loading) // _COURSES, _COURSES), np.nan)
    highest = np.fmax.reduce(loading, axis=1).reshape(-1, _COURSES)
    return np.asarray(np.sort(highest, axis=1))
