"""Waits grow, are spread over the whole interval, and start again after success."""

import numpy as np

from devices.backoff import Backoff


def test_the_bound_doubles_up_to_the_longest() -> None:
    waits = []
    for seed in range(200):
        backoff = Backoff(np.random.default_rng(seed), first_s=0.5, longest_s=30.0)
        waits.append([backoff.next_wait_s() for _ in range(10)])
    bounds = np.minimum(30.0, 0.5 * 2.0 ** np.arange(10))
    table = np.array(waits)
    assert (table <= bounds).all()
    # full jitter: the mean is half the bound, and some hardly wait at all
    np.testing.assert_allclose(table.mean(axis=0), bounds / 2, rtol=0.2)
    assert (table.min(axis=0) < bounds * 0.05).all()


def test_it_never_overflows_and_begins_again_after_success() -> None:
    backoff = Backoff(np.random.default_rng(1), first_s=0.5, longest_s=30.0)
    assert max(backoff.next_wait_s() for _ in range(5000)) <= 30.0
    backoff.reset()
    assert backoff.next_wait_s() <= 0.5
