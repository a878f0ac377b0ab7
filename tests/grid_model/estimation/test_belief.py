"""Meters and priors joined: exact, against dense matrices of a textbook."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_model.estimation.belief import Belief, join
from grid_model.estimation.measurements import MeterReadings
from grid_model.network import Floats


def dense(belief: Belief) -> Floats:
    n = len(belief.mean)
    covariance = np.zeros((2 * n + 1, 2 * n + 1))
    for place in range(n):
        covariance[2 * place : 2 * place + 2, 2 * place : 2 * place + 2] = belief.block[place]
    flat = belief.factors.reshape(2 * n, -1)
    covariance[:-1, :-1] += flat @ flat.T
    covariance[-1, -1] = belief.slack_var
    return covariance


def random_belief(rng: np.random.Generator, n_sp: int, factors: int) -> Belief:
    root = rng.normal(size=(n_sp, 2, 2))
    return Belief(
        mean=rng.normal(size=(n_sp, 2)),
        block=root @ root.transpose(0, 2, 1) + 0.1 * np.eye(2),
        factors=rng.normal(size=(n_sp, 2, factors)),
        slack=1.0,
        slack_var=4e-4,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n_sp=st.integers(1, 7), factors=st.integers(0, 3))
def test_join_is_the_conditional_gaussian(seed: int, n_sp: int, factors: int) -> None:
    rng = np.random.default_rng(seed)
    prior = random_belief(rng, n_sp, factors)
    values, sd = rng.normal(size=(n_sp, 2)), rng.uniform(0.05, 1.0, (n_sp, 2))
    values[rng.random((n_sp, 2)) < 0.4] = np.nan
    joined = join(prior, MeterReadings(values, sd, np.ones(n_sp, dtype=np.int64)))

    covariance, seen = dense(prior), np.append(np.isfinite(values.ravel()), False)
    innovation_covariance = covariance[np.ix_(seen, seen)] + np.diag(sd.ravel()[seen[:-1]] ** 2)
    gain = np.linalg.solve(innovation_covariance, covariance[seen]).T
    mean = prior.state + gain @ (values.ravel()[seen[:-1]] - prior.state[seen])
    np.testing.assert_allclose(joined.belief.state, mean, atol=1e-9)
    np.testing.assert_allclose(dense(joined.belief), covariance - gain @ covariance[seen], atol=1e-9)


def test_products_are_those_of_the_dense_covariance() -> None:
    rng = np.random.default_rng(3)
    belief, rows = random_belief(rng, 5, 2), rng.normal(size=(4, 11))
    np.testing.assert_allclose(belief.covariance_times(rows), rows @ dense(belief), atol=1e-12)
    np.testing.assert_allclose(belief.variance_of(rows), np.diag(rows @ dense(belief) @ rows.T), atol=1e-12)
    np.testing.assert_allclose(belief.variance.ravel(), np.diag(dense(belief))[:-1], atol=1e-12)


def test_fresh_meters_tell_what_is_common_to_the_missing_ones() -> None:
    rng = np.random.default_rng(4)
    prior = random_belief(rng, 6, 0)
    cold = Belief(
        np.full((6, 2), 1.0), np.tile(0.01 * np.eye(2), (6, 1, 1)), np.ones((6, 2, 1)), 1.0, prior.slack_var
    )
    values = np.full((6, 2), np.nan)
    values[:5] = 3.0  # a cold evening: all meters show 2 more than usual
    joined = join(cold, MeterReadings(values, np.full((6, 2), 0.01), np.ones(6, dtype=np.int64)))
    np.testing.assert_allclose(joined.belief.mean[5], 3.0, atol=0.02)
    np.testing.assert_allclose(joined.expected[5], 3.0, atol=0.02)
    assert joined.unread.tolist() == [False] * 5 + [True]
