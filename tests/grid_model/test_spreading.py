"""The most even answer: rows that do not concern those among whom it is spread, and rows that repeat."""

from dataclasses import replace

import numpy as np
import pytest

from grid_model.allocation.spreading import spread
from grid_model.linear_programme import Programme, solve

# Two columns of a stepped device that stays as it is, and four chargers; the last one is worth the most.
STEPPED = Programme(
    cost=np.ones(6),
    most=np.array([3.0, 5.0, 8.0, 7.0, 7.0, 7.0]),
    matrix=-np.array([[0.07, 0.09, 0.08, 0.03, 0.04, 0.09]]),
    bound=np.array([-0.3]),
    hard=np.array([[1 / 3, 1 / 5, 0.0, 0.0, 0.0, 0.0]]),
    hard_bound=np.ones(1),
    whole=np.array([True, True, False, False, False, False]),
)


def test_the_steps_of_another_device_change_nothing() -> None:
    corner = solve(STEPPED).x
    alone = replace(STEPPED, hard=np.zeros((0, 6)), hard_bound=np.zeros(0))
    np.testing.assert_allclose(spread(STEPPED, corner, 0.05), spread(alone, corner, 0.05), atol=1e-4)


@pytest.mark.parametrize("times", [1, 3, 25])
def test_a_row_that_comes_again_changes_nothing(times: int) -> None:
    equals = replace(STEPPED, matrix=-np.array([[0.0, 0.0, 0.05, 0.05, 0.05, 0.05]]))
    again = replace(equals, matrix=np.tile(equals.matrix, (times, 1)), bound=np.tile(equals.bound, times))
    answer = spread(again, solve(again).x, 0.05)
    np.testing.assert_allclose(answer, spread(equals, solve(equals).x, 0.05), atol=1e-4)
    assert answer[2:].min() > 0.1


def test_where_the_equations_have_no_answer_the_corner_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    corner = solve(STEPPED).x
    monkeypatch.setattr(np.linalg, "solve", singular)
    np.testing.assert_array_equal(spread(STEPPED, corner, 0.05), corner)


def test_rows_far_from_their_bounds_count_when_the_spreading_comes_near_them() -> None:
    """The second row has room at the corner, which leaves its chargers alone, and none when all take part."""
    rows = np.array([[0.0, 0.0, -0.05, -0.05, -0.05, -0.055], [0.0, 0.0, 0.2, 0.2, 0.0, -0.05]])
    programme = replace(STEPPED, matrix=rows, bound=np.array([-0.3, 0.05]))
    corner = solve(programme).x
    answer = spread(programme, corner, 0.05)
    assert (rows @ answer <= programme.bound + 1e-6).all()
    free = spread(replace(programme, matrix=rows[:1], bound=programme.bound[:1]), corner, 0.05)
    assert (rows @ free)[1] > 0.05, "the row matters"
    assert answer[4] > corner[4] + 0.1
