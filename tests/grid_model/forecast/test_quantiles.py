"""Intervals hold what they promise, whatever the errors are distributed like."""

from collections.abc import Callable

import numpy as np
import pytest

from grid_model.forecast import quantiles
from grid_model.forecast.quantiles import LEVELS
from grid_model.network import Floats

Draw = Callable[[np.random.Generator, int], Floats]


def _normal(rng: np.random.Generator, n: int) -> Floats:
    return rng.normal(0, 1.25, n)


def _cars(rng: np.random.Generator, n: int) -> Floats:
    """Mostly nothing, seldom much."""
    return np.where(rng.random(n) < 0.15, 5.0 + rng.normal(0, 0.3, n), rng.normal(-0.2, 0.1, n))


def _shifting(rng: np.random.Generator, n: int) -> Floats:
    return rng.normal(0, 1, n) * rng.choice([0.3, 2.0])


@pytest.mark.parametrize("draw", [_normal, _cars, _shifting])
def test_the_share_below_is_the_level(draw: Draw) -> None:
    rng, n, steps, warm = np.random.default_rng(7), 30, 1500, 200
    tracked, below = quantiles.begin(1, n), np.zeros(len(LEVELS))
    for step in range(steps):
        errors = draw(rng, n)[np.newaxis]
        if step >= warm:
            below += (errors[:, np.newaxis, :] <= tracked).mean(axis=2)[0]
        tracked = quantiles.learn(tracked, errors, np.full(n, float(step)), (1,))
    np.testing.assert_allclose(below / (steps - warm), LEVELS, atol=0.02)


def test_they_begin_wide_in_order_and_apart() -> None:
    first = quantiles.begin(2, 3)
    assert first.shape == (2, len(LEVELS), 3)
    assert (np.diff(first, axis=1) > 0).all()
    assert first[0, 4, 0] > 1.96 * 1.25


def test_what_is_not_known_moves_nothing() -> None:
    first = quantiles.begin(1, 2)
    moved = quantiles.learn(first, np.array([[np.nan, 9.0]]), np.zeros(2), (4,))
    assert moved[0, :, 0].tolist() == first[0, :, 0].tolist()
    assert (moved[0, :, 1] > first[0, :, 1]).all()
