"""How much of a deviation is left."""

import numpy as np
import pytest

from grid_model.forecast import persistence
from grid_model.network import Floats

HORIZONS = (1, 4, 8)


def _learnt(deviations: Floats) -> persistence.Persistence:
    known = persistence.begin(HORIZONS, deviations.shape[1])
    for row in deviations:
        known = persistence.learn(known, HORIZONS, row)
    return known


def _ar1(share: float, steps: int, n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    rows = np.zeros((steps, n))
    for step in range(1, steps):
        rows[step] = share * rows[step - 1] + rng.normal(0, 1, n)
    return rows


def test_an_ar1_fades_by_its_powers() -> None:
    kept = persistence.kept(_learnt(_ar1(0.8, 1500, 6, 1)))
    np.testing.assert_allclose(kept.mean(axis=1), [0.8, 0.8**4, 0.8**8], atol=0.06)


def test_noise_leaves_nothing_and_a_constant_leaves_all() -> None:
    assert persistence.kept(_learnt(_ar1(0.0, 1000, 8, 2))).mean() < 0.05
    assert persistence.kept(_learnt(np.ones((300, 1)))).min() > 0.95


def test_what_was_seen_little_follows_the_others() -> None:
    rows = _ar1(0.9, 800, 9, 3)
    rows[:-6, 0] = np.nan
    rows[-6:, 0] = [1, -1, 1, -1, 1, -1]
    assert persistence.kept(_learnt(rows))[0, 0] == pytest.approx(0.9, abs=0.12)


def test_nothing_learnt_keeps_nothing() -> None:
    assert persistence.kept(persistence.begin(HORIZONS, 3)).tolist() == np.zeros((3, 3)).tolist()


def test_the_error_is_that_of_the_forecast_made_then() -> None:
    known = _learnt(_ar1(0.8, 400, 2, 4))
    now = np.array([1.5, np.nan])
    errors = persistence.off_by(known, HORIZONS, now)
    earlier = known.deviations[3, 0]
    assert errors[1, 0] == pytest.approx(1.5 - persistence.kept(known)[1, 0] * earlier)
    assert np.isnan(errors[:, 1]).all()
