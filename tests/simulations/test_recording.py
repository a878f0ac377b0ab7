"""What is noted of a run beside each look: the highest quarter-hourly means."""

from collections.abc import Sequence

import numpy as np
import pytest

from simulations.recording import QuarterPeaks

START_S = 1452556800.0
"""a whole hour"""


def peak(loads: Sequence[float], step_s: float, start_s: float = START_S) -> float:
    """Of one element; the last of the loads is looked at, and not held."""
    quarters = QuarterPeaks(1)
    for step, load in enumerate(loads):
        quarters.look(start_s + step * step_s, np.array([load]))
    return float(quarters.peaks[0])


@pytest.mark.parametrize("step_s", [7, 13, 60, 90, 400, 420, 800, 900])
def test_a_quarter_hour_counts_each_step_by_how_much_of_it_lies_within(step_s: int) -> None:
    rng = np.random.default_rng(step_s)
    loads = rng.uniform(50, 150, 4 * 3600 // step_s + 1)
    second = np.repeat(loads[:-1], step_s)
    whole = second[: len(second) // 900 * 900].reshape(-1, 900).mean(axis=1)
    assert peak(loads.tolist(), step_s) == pytest.approx(whole.max())


def test_quarter_hours_are_those_of_the_clock() -> None:
    """Ten minutes of overload from 00:07:30 on: half of each quarter-hour they lie in."""
    loads = [200.0 if 0 <= minute < 15 else 0.0 for minute in range(53)]
    assert peak(loads, 60, START_S + 450) == pytest.approx(100)


def test_the_last_look_is_held_no_longer() -> None:
    assert peak([100.0] * 30 + [900.0], 60) == 100


def test_a_run_without_a_whole_quarter_hour_is_its_own_mean() -> None:
    assert peak([100.0, 200.0, 0.0], 60) == 150
    assert peak([100.0], 60) == 0


def test_what_was_not_known_of_a_quarter_hour_counts_neither_way() -> None:
    gone = float("nan")
    assert peak([80.0] * 5 + [gone] * 5 + [100.0] * 5 + [0.0], 60) == 90
    assert peak([80.0] * 15 + [gone] * 15 + [70.0] * 15 + [0.0], 60) == 80
    assert peak([gone] * 31, 60) == 0
