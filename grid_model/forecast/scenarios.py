"""[3] Snapshots that may come, drawn so that houses and feeder both keep their forecast's intervals.

Each draw gives every service point a quantile of its own forecast; the quantiles hang together by one common
factor (a one-factor Gaussian copula: Vasicek, 1987) as strongly as the errors' `dependence` says. The draws'
sums are then moved, rank by rank, onto the quantiles of the sum's own forecast (a copula on the bottom level
with the upper level's margin kept: Ben Taieb, Taylor and Hyndman, "Coherent probabilistic forecasts for
hierarchical time series", ICML 2017): what the transformer carries has the width that was seen, whatever the
houses' tails add up to.
"""

import numpy as np
from scipy.special import ndtri

from grid_model.forecast.forecaster import Forecast
from grid_model.forecast.quantiles import LEVELS
from grid_model.network import Floats

_KNOTS = ndtri(np.asarray(LEVELS))
"""The levels as standard deviations: between them, and beyond, quantiles go in straight lines."""


def draw(forecast: Forecast, count: int, rng: np.random.Generator) -> Floats:
    """(n_horizon, count, n_sp) powers in kW. The same generator state gives the same draws."""
    n_horizon, _, n_sp = forecast.quantiles_kw.shape
    common, own = rng.standard_normal((count, 1)), rng.standard_normal((count, n_sp))
    share = forecast.deviation_kw**2
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    p_kw = np.empty((n_horizon, count, n_sp))
    for step in range(n_horizon):
        together = forecast.dependence[step]
        z = np.sqrt(together) * common + np.sqrt(1 - together) * own
        drawn = quantile(forecast.quantiles_kw[step], z)
        sums = drawn.sum(axis=1)
        ranks = ndtri((np.argsort(np.argsort(sums)) + 0.5) / count)
        wanted = quantile(forecast.sum_quantiles_kw[step][:, np.newaxis], ranks[:, np.newaxis])[:, 0]
        p_kw[step] = drawn + (wanted - sums)[:, np.newaxis] * share[step]
    return p_kw


def quantile(quantiles: Floats, z: Floats) -> Floats:
    """(count, n) the quantiles at `z` (count, n) standard deviations, of `quantiles` (n_level, n)."""
    piece = np.clip(np.searchsorted(_KNOTS, z) - 1, 0, len(_KNOTS) - 2)
    columns = np.arange(quantiles.shape[1])
    low, high = quantiles[piece, columns], quantiles[piece + 1, columns]
    part = (z - _KNOTS[piece]) / (_KNOTS[piece + 1] - _KNOTS[piece])
    return np.asarray(low + part * (high - low))
