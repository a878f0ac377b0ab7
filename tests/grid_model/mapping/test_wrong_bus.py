"""Customers on another bus than the plan says: found above the noise, and nobody else accused."""

import numpy as np

from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy
from grid_model.mapping.wrong_bus import find_wrong_buses
from grid_model.network import Ints
from gridward.bench.location_cases import Feeder, household_series, observe

ACCURACY, EXACT = Accuracy(), Accuracy(*[0.0] * 10)
SNAPSHOTS = 96
VISIBLE = 60.0
"""Misfit without any noise; twice what it takes to be certain."""


def moved(feeder: Feeder, rng: np.random.Generator, count: int) -> Ints:
    """Where the customers are, `count` of them not where the plan says."""
    real = feeder.any_bus.admittance.service_point.copy()
    for point in rng.choice(len(real), count, replace=False):
        real[point] = rng.choice(feeder.any_bus.candidates[feeder.any_bus.candidates != real[point]])
    return real


def test_who_is_above_the_noise_is_found_and_nobody_else(feeder: Feeder) -> None:
    visible = hits = 0
    recorded = feeder.any_bus.admittance.service_point
    for seed in range(16):
        rng = np.random.default_rng(seed)
        p_kw, q_kvar = household_series(feeder, SNAPSHOTS, rng)
        real = moved(feeder, rng, 1)
        (wrong,) = np.flatnonzero(real != recorded)
        clear = observe(feeder, p_kw, q_kvar, EXACT, rng, service_point=real)
        seen = observe(feeder, p_kw, q_kvar, ACCURACY, rng, service_point=real)
        found = find_wrong_buses(feeder.network, feeder.load_flow, seen, ACCURACY)
        assert {one.service_point for one in found} <= {feeder.network.service_points[wrong]}
        if Fit(feeder.network, feeder.load_flow, clear, ACCURACY).misfit() > VISIBLE:
            visible += 1
            hits += any(feeder.name_of(real[wrong]) in [c.bus for c in one.candidates] for one in found)
    assert visible >= 5
    assert hits >= visible - 1


def test_two_wrong_customers_are_found_one_after_the_other(feeder: Feeder) -> None:
    rng = np.random.default_rng(4)
    p_kw, q_kvar = household_series(feeder, SNAPSHOTS, rng)
    recorded = feeder.any_bus.admittance.service_point
    real = recorded.copy()
    heaviest = np.argsort(-p_kw.mean(axis=0))[:2]
    real[heaviest] = recorded[heaviest][::-1]
    assert (real != recorded).sum() == 2
    seen = observe(feeder, p_kw, q_kvar, ACCURACY, rng, service_point=real)
    found = find_wrong_buses(feeder.network, feeder.load_flow, seen, ACCURACY)
    assert {one.service_point for one in found} == {
        feeder.network.service_points[point] for point in heaviest
    }
    for one in found:
        point = feeder.network.service_points.index(one.service_point)
        assert one.confidence >= 0.99
        assert one.recorded == feeder.network.buses.ids[feeder.network.service_point_bus[point]]
        assert feeder.name_of(int(real[point])) in [candidate.bus for candidate in one.candidates]


def test_a_right_plan_is_left_alone(feeder: Feeder) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        seen = observe(feeder, *household_series(feeder, SNAPSHOTS, rng), ACCURACY, rng)
        assert find_wrong_buses(feeder.network, feeder.load_flow, seen, ACCURACY) == ()


def test_without_voltmeters_nobody_is_accused(feeder: Feeder) -> None:
    rng = np.random.default_rng(1)
    seen = observe(
        feeder, *household_series(feeder, 12, rng), ACCURACY, rng, service_point=moved(feeder, rng, 3)
    )
    seen.v_pu[:] = np.nan
    assert find_wrong_buses(feeder.network, feeder.load_flow, seen, ACCURACY) == ()
