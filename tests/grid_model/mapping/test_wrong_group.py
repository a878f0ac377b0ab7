"""Customers in the wrong group, by the powers of groups and by how voltages move together."""

import numpy as np
import pytest

from grid_model.mapping.observations import Accuracy
from grid_model.mapping.phase_voltages import find_wrong_phases
from grid_model.mapping.wrong_group import NO_GROUP, find_wrong_groups
from gridward.bench.location_cases import (
    Feeder,
    group_powers,
    household_series,
    phase_voltages,
    wrong_plan,
)

ACCURACY = Accuracy()


@pytest.mark.parametrize(
    ("n_snapshot", "n_group", "n_wrong"), [(48, 3, 1), (96, 3, 4), (288, 5, 6), (96, 3, 0)]
)
def test_found_by_powers(feeder: Feeder, n_snapshot: int, n_group: int, n_wrong: int) -> None:
    hits = told = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        p_kw, _ = household_series(feeder, n_snapshot, rng)
        real, recorded = wrong_plan(p_kw.shape[1], n_group, n_wrong, rng)
        meters = p_kw * (1 + rng.normal(0, 0.01, p_kw.shape))
        powers = group_powers(p_kw, real, n_group, ACCURACY, rng)
        found = find_wrong_groups(meters, powers, recorded)
        wrong = set(np.flatnonzero(real != recorded).tolist())
        accused = {one.service_point: one.likely for one in found.wrong}
        assert accused.keys() <= wrong
        assert all(accused[point] == real[point] for point in accused)
        hits += len(accused)
        told += len(wrong - set(found.untold))
    assert hits >= 0.95 * told
    assert told >= 0.8 * 10 * n_wrong


def test_who_is_in_none_of_the_groups(feeder: Feeder) -> None:
    rng = np.random.default_rng(2)
    p_kw, _ = household_series(feeder, 96, rng)
    real, recorded = wrong_plan(p_kw.shape[1], 3, 0, rng)
    heaviest = int(np.argmax(p_kw.std(axis=0)))
    real[heaviest] = NO_GROUP
    found = find_wrong_groups(p_kw, group_powers(p_kw, real, 3, ACCURACY, rng), recorded)
    (one,) = found.wrong
    assert (one.service_point, one.recorded, one.likely) == (heaviest, recorded[heaviest], NO_GROUP)


def test_who_always_takes_the_same_is_not_accused_for_the_other() -> None:
    rng = np.random.default_rng(6)
    p_kw = rng.lognormal(0, 0.7, (200, 12))
    p_kw[:, 1] = p_kw[:, 0]
    recorded = np.arange(12) % 2
    recorded[1] = recorded[0]
    real = recorded.copy()
    real[1] = 1 - recorded[1]
    found = find_wrong_groups(p_kw, group_powers(p_kw, real, 2, ACCURACY, rng), recorded)
    assert found.wrong == ()
    assert set(found.untold) & {0, 1}


def test_who_takes_nothing_cannot_be_told() -> None:
    rng = np.random.default_rng(7)
    p_kw = rng.lognormal(0, 0.7, (100, 8))
    p_kw[:, 5] = 0.001
    recorded = np.arange(8) % 2
    found = find_wrong_groups(p_kw, group_powers(p_kw, recorded, 2, ACCURACY, rng), recorded)
    assert 5 in found.untold
    assert found.wrong == ()


@pytest.mark.parametrize("n_wrong", [0, 3])
def test_found_by_voltages(feeder: Feeder, n_wrong: int) -> None:
    hits = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        p_kw, _ = household_series(feeder, 288, rng)
        real, recorded = wrong_plan(p_kw.shape[1], 3, n_wrong, rng)
        v_pu = phase_voltages(feeder, p_kw, real, ACCURACY, rng)
        found = find_wrong_phases(v_pu, p_kw * (1 + rng.normal(0, 0.01, p_kw.shape)), recorded)
        assert {one.service_point for one in found.wrong} <= set(np.flatnonzero(real != recorded).tolist())
        assert all(one.likely == real[one.service_point] for one in found.wrong)
        hits += len(found.wrong)
    assert hits >= 0.95 * 5 * n_wrong


def test_gaps_are_left_out(feeder: Feeder) -> None:
    rng = np.random.default_rng(1)
    p_kw, _ = household_series(feeder, 120, rng)
    real, recorded = wrong_plan(p_kw.shape[1], 3, 2, rng)
    powers = group_powers(p_kw, real, 3, ACCURACY, rng)
    gaps = p_kw.copy()
    gaps[5:20, 3] = np.nan
    complete = np.r_[0:5, 20:120]
    with_gaps = find_wrong_groups(gaps, powers, recorded)
    without = find_wrong_groups(p_kw[complete], powers[complete], recorded)
    assert with_gaps.wrong == without.wrong


def test_too_little_or_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 10"):
        find_wrong_groups(np.ones((9, 4)), np.ones((9, 2)), np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="do not fit"):
        find_wrong_groups(np.ones((30, 4)), np.ones((29, 2)), np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="expected at least 30"):
        find_wrong_phases(np.ones((20, 4)), np.ones((20, 4)), np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="at least 2 on each"):
        find_wrong_phases(np.ones((40, 4)), np.ones((40, 4)), np.array([0, 0, 0, 1]))
    for recorded in (np.zeros(4, dtype=np.int64), np.zeros(0, dtype=np.int64)):
        with pytest.raises(ValueError, match="at least 2 on each of at least 2"):
            find_wrong_phases(np.ones((40, len(recorded))), np.ones((40, len(recorded))), recorded)


@pytest.mark.parametrize("stuck_kw", [0.0, 17.3])
def test_a_group_whose_meter_is_stuck_accuses_nobody(stuck_kw: float) -> None:
    rng = np.random.default_rng(2)
    p_kw = rng.lognormal(0, 0.7, (100, 8))
    recorded = np.arange(8) % 2
    powers = group_powers(p_kw, recorded, 3, ACCURACY, rng)
    assert find_wrong_groups(p_kw, powers, recorded).wrong == (), "nobody is in the third one, nor should be"
    powers[:, 1] = stuck_kw
    with pytest.raises(ValueError, match=r"group 1 .* never changes"):
        find_wrong_groups(p_kw, powers, recorded)
