"""What is usual at a time of day."""

import numpy as np
import pytest

from grid_model.forecast import seasonal
from grid_model.forecast.seasonal import SLOTS, WEEKEND, WORKDAY, Seasonal
from grid_model.network import Floats


def _days(of: Seasonal, kind: int, day: Floats, count: int) -> Seasonal:
    """`count` days of a kind, each `day` (SLOTS,) in the only column."""
    for _ in range(count):
        for slot, value in enumerate(day):
            usual, _ = seasonal.usual(of, kind, slot)
            of = seasonal.learn(of, kind, slot, np.array([value]), value - usual)
    return of


STEPS = np.where(np.arange(SLOTS) < 48, 1.0, 5.0)


def test_before_anything_was_seen_the_level_is_usual() -> None:
    mean, spread = seasonal.usual(seasonal.begin(np.array([2.0, 3.0]), np.array([1.0, 0.0])), WORKDAY, 7)
    assert mean.tolist() == [2.0, 3.0]
    assert spread[0] == 1.0
    assert spread[1] > 0


def test_a_day_is_learnt_slot_by_slot() -> None:
    of = _days(seasonal.begin(np.array([9.0]), np.array([1.0])), WORKDAY, STEPS, 12)
    assert seasonal.usual(of, WORKDAY, 20)[0][0] == pytest.approx(1.0, abs=0.2)
    assert seasonal.usual(of, WORKDAY, 70)[0][0] == pytest.approx(5.0, abs=0.2)
    assert 1.5 < seasonal.usual(of, WORKDAY, 48)[0][0] < 5.0, "people are not punctual"


def test_a_weekend_borrows_from_workdays_until_it_has_its_own() -> None:
    of = _days(seasonal.begin(np.array([0.0]), np.array([1.0])), WORKDAY, STEPS, 10)
    assert seasonal.usual(of, WEEKEND, 70)[0][0] == pytest.approx(5.0, abs=0.7)
    of = _days(of, WEEKEND, np.full(SLOTS, 2.0), 8)
    assert seasonal.usual(of, WEEKEND, 70)[0][0] == pytest.approx(2.0, abs=0.6)
    assert seasonal.usual(of, WORKDAY, 70)[0][0] == pytest.approx(5.0, abs=0.3)


def test_the_spread_is_the_mean_absolute_deviation() -> None:
    rng, of = np.random.default_rng(3), seasonal.begin(np.zeros(1), np.ones(1))
    for _ in range(30):
        of = _days(of, WORKDAY, rng.normal(3.0, 0.5, SLOTS), 1)
    spreads = [seasonal.usual(of, WORKDAY, slot)[1][0] for slot in range(SLOTS)]
    assert np.mean(spreads) == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=0.25)


def test_old_days_fade() -> None:
    of = _days(seasonal.begin(np.zeros(1), np.ones(1)), WORKDAY, np.full(SLOTS, 10.0), 60)
    of = _days(of, WORKDAY, np.zeros(SLOTS), 30)
    assert seasonal.usual(of, WORKDAY, 30)[0][0] < 0.6


def test_what_is_not_known_changes_nothing_and_the_value_before_stays_as_it_was() -> None:
    before = _days(seasonal.begin(np.array([1.0]), np.array([1.0])), WORKDAY, STEPS, 2)
    kept = before.mean.copy()
    nan = np.array([np.nan])
    after = seasonal.learn(before, WORKDAY, 3, nan, nan)
    np.testing.assert_array_equal(after.mean, kept)
    np.testing.assert_array_equal(after.weight, before.weight)
    seasonal.learn(before, WORKDAY, 3, np.array([99.0]), np.array([98.0]))
    np.testing.assert_array_equal(before.mean, kept)
