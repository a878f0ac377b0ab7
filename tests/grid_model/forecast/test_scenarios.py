"""Draws keep the houses' intervals and the sum's, and are the same under the same seed."""

import numpy as np
import pytest

from grid_model.forecast import scenarios
from grid_model.forecast.forecaster import HORIZONS, Forecast
from grid_model.forecast.quantiles import LEVELS
from grid_model.network import Floats

N, COUNT = 40, 800
_NORMAL = np.array([-1.96, -1.2816, 0.0, 1.2816, 1.96])


def _said(dependence: float) -> Forecast:
    """Houses of 2 kW, off by 0.5 kW (standard deviation), normal."""
    steps = len(HORIZONS)
    of_sum = 0.5 * np.sqrt(N + dependence * (N * N - N))
    mean = np.full((steps, N), 2.0)
    width = np.broadcast_to(0.5 * _NORMAL[:, np.newaxis], (steps, len(LEVELS), N))
    total = np.full(steps, 2.0 * N)
    return Forecast(
        mean_kw=mean,
        quantiles_kw=mean[:, np.newaxis] + width,
        sum_kw=total,
        sum_quantiles_kw=total[:, np.newaxis] + of_sum * _NORMAL,
        dependence=np.full(steps, dependence),
    )


@pytest.mark.parametrize("dependence", [0.0, 0.3, 1.0])
def test_houses_and_sum_keep_their_widths(dependence: float) -> None:
    said = _said(dependence)
    drawn = scenarios.draw(said, COUNT, np.random.default_rng(1))
    assert drawn.shape == (len(HORIZONS), COUNT, N)
    assert drawn[0].std(axis=0).mean() == pytest.approx(0.5, rel=0.1)
    sums = np.quantile(drawn[3].sum(axis=1), LEVELS)
    np.testing.assert_allclose(sums, said.sum_quantiles_kw[3], atol=0.1 * (sums[-1] - sums[0]))


def test_the_sum_is_as_wide_as_was_seen_even_where_the_houses_say_otherwise() -> None:
    said = _said(0.0)
    wide = said.sum_kw[:, np.newaxis] + 3 * (said.sum_quantiles_kw - said.sum_kw[:, np.newaxis])
    drawn = scenarios.draw(
        Forecast(said.mean_kw, said.quantiles_kw, said.sum_kw, wide, said.dependence),
        COUNT,
        np.random.default_rng(1),
    )
    assert drawn[0].sum(axis=1).std() == pytest.approx(3 * 0.5 * np.sqrt(N), rel=0.1)


def test_the_same_seed_draws_the_same() -> None:
    first, again = (scenarios.draw(_said(0.2), 16, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("z", "expected"), [(0.0, 0.0), (1.2816, 1.0), (-1.2816, -4.0), (1.96, 2.0), (1.6208, 1.5), (3.0, 3.533)]
)
def test_quantiles_between_and_beyond_the_levels_go_in_straight_lines(z: float, expected: float) -> None:
    levels: Floats = np.array([[-6.0], [-4.0], [0.0], [1.0], [2.0]])
    assert scenarios.quantile(levels, np.array([[z]]))[0, 0] == pytest.approx(expected, abs=0.01)
