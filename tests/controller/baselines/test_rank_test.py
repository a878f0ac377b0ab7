"""The exact rank-sum test against counting by hand, by brute force and by SciPy."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from controller.baselines.rank_test import p_value


def test_by_hand() -> None:
    # Of 1 to 5 two are marked. 4 + 5 = 9 is one way of ten; 3 + 5 = 8 or more are two.
    others = np.array([1.0, 2.0, 3.0])
    assert p_value([(np.array([5.0, 4.0]), others)]) == pytest.approx(0.1)
    assert p_value([(np.array([5.0, 3.0]), np.array([1.0, 2.0, 4.0]))]) == pytest.approx(0.2)
    assert p_value([(np.array([1.0, 2.0]), others + 2)]) == pytest.approx(1.0)


def test_ties_share_their_rank() -> None:
    # 1, 1, 1: whichever is marked stands as high as the others.
    assert p_value([(np.array([1.0]), np.array([1.0, 1.0]))]) == pytest.approx(1.0)
    # Of 1, 2, 2 a marked 2 stands as high as either 2: two of three.
    assert p_value([(np.array([2.0]), np.array([2.0, 1.0]))]) == pytest.approx(2 / 3)


def test_two_groups_by_hand() -> None:
    # The highest of two, twice: a quarter.
    group = (np.array([2.0]), np.array([1.0]))
    assert p_value([group, group]) == pytest.approx(0.25)


@given(
    values=st.lists(st.integers(0, 6), min_size=3, max_size=9),
    marked=st.integers(1, 2),
)
def test_against_every_possible_choice(values: list[int], marked: int) -> None:
    table = np.array(values, dtype=float)
    ranks = np.array([(table < one).sum() + ((table == one).sum() + 1) / 2 for one in table])
    sums = [ranks[list(chosen)].sum() for chosen in combinations(range(len(table)), marked)]
    expected = np.mean([one >= ranks[:marked].sum() for one in sums])
    assert p_value([(table[:marked], table[marked:])]) == pytest.approx(float(expected))


def test_against_scipy_without_ties() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        marked, others = rng.normal(0.4, 1.0, 8), rng.normal(0.0, 1.0, 40)
        expected = mannwhitneyu(marked, others, alternative="greater", method="exact").pvalue
        assert p_value([(marked, others)]) == pytest.approx(float(expected), rel=1e-9)
