"""The programme against scipy, and its best effort."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, milp

from grid_model.allocation.spreading import spread
from grid_model.linear_programme import Programme, solve


def drawn(seed: int, whole_share: float = 0.0) -> Programme:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 12)), int(rng.integers(1, 5))
    most = rng.uniform(0.5, 10.0, n)
    matrix = -rng.uniform(-0.2, 1.0, (m, n))
    return Programme(
        cost=rng.uniform(0.5, 2.0, n),
        most=most,
        matrix=matrix,
        bound=matrix @ (most * rng.uniform(0.0, 0.8, n)),
        hard=np.zeros((0, n)),
        hard_bound=np.zeros(0),
        whole=rng.random(n) < whole_share,
    )


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_as_cheap_as_scipy_says(seed: int) -> None:
    programme = drawn(seed)
    found = solve(programme)
    bounds = [(0.0, float(most)) for most in programme.most]
    other = linprog(programme.cost, programme.matrix, programme.bound, bounds=bounds)
    assert found.feasible
    assert programme.cost @ found.x == pytest.approx(other.fun, abs=1e-7)
    reduced = programme.cost + found.prices @ programme.matrix  # strong duality: the prices prove the cost
    proven = -found.prices @ programme.bound + np.minimum(reduced, 0.0) @ programme.most
    assert (found.prices >= 0).all()
    assert proven == pytest.approx(other.fun, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=521639491)
def test_whole_columns_are_whole_and_the_gap_is_true(seed: int) -> None:
    programme = drawn(seed, whole_share=0.7)
    found = solve(programme)
    scale = np.where(programme.whole, programme.most, 1.0)
    other = milp(
        programme.cost * scale,
        integrality=programme.whole.astype(int),
        bounds=(0.0, programme.most / scale),
        constraints=LinearConstraint(programme.matrix * scale, ub=programme.bound),
        options={"mip_rel_gap": 0.0},
    )
    assert found.feasible == (other.status == 0)
    x = found.x[programme.whole]
    assert ((x == 0) | (x == programme.most[programme.whole])).all()
    if found.feasible:
        # both may break a row by HiGHS' 1e-6, which is worth as much as the row's price
        assert programme.cost @ found.x * (1 - found.gap) <= other.fun + 1e-5
        assert found.gap <= 1e-3


def test_best_effort_and_what_is_hard() -> None:
    """Two columns that may not both be used; the bound needs more than either has."""
    programme = Programme(
        cost=np.array([1.0, 1.0]),
        most=np.array([5.0, 4.0]),
        matrix=np.array([[-1.0, -1.0]]),
        bound=np.array([-8.0]),
        hard=np.array([[0.2, 0.25]]),
        hard_bound=np.array([1.0]),
        whole=np.array([True, True]),
    )
    found = solve(programme)
    assert not found.feasible
    assert found.x.tolist() == [5.0, 0.0]


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), allowance=st.floats(0.0, 0.2))
def test_spreading_stays_feasible_and_within_its_price(seed: int, allowance: float) -> None:
    programme = drawn(seed)
    vertex = solve(programme).x
    x = spread(programme, vertex, allowance)
    assert (x >= 0).all()
    assert (x <= programme.most + 1e-9).all()
    assert (programme.matrix @ x <= programme.bound + 1e-6).all()
    assert programme.cost @ x <= programme.cost @ vertex * (1 + allowance) + 1e-6


def test_nothing_is_written_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    solve(drawn(1))
    solve(drawn(1, whole_share=1.0))
    assert capfd.readouterr().out == ""
