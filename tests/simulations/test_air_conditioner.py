import numpy as np
import pytest

from simulations.air_conditioner import AirConditionerFleet, draw_coolers, eer
from simulations.scenario_devices import AirConditioner

HOT_C, SUN = 32.0, 700.0


def fleet_of(table: AirConditioner, count: int) -> AirConditionerFleet:
    return AirConditionerFleet(table, draw_coolers(table, count, HOT_C, SUN, np.random.default_rng(3)))


def run(fleet: AirConditionerFleet, hours: float, limit_kw: float, outdoor_c: float = HOT_C) -> np.ndarray:
    """(n_minute, n_ac) powers."""
    limit = np.full(len(fleet.room_c), limit_kw)
    powers = []
    for _ in range(round(hours * 60)):
        powers.append(fleet.power_kw(limit))
        fleet.advance(1 / 60, outdoor_c, SUN, limit)
    return np.array(powers)


def test_rooms_stay_cool_and_energy_is_what_comes_in() -> None:
    table = AirConditioner()
    coolers = draw_coolers(table, 60, HOT_C, SUN, np.random.default_rng(3))
    fleet = AirConditionerFleet(table, coolers)
    run(fleet, 24, np.inf)
    assert np.all(np.abs(fleet.room_c - table.room_c) < table.band_k / 2 + 0.2)
    outside_c = HOT_C + table.sun_k * SUN / 1000
    expected = coolers.gain_kw_per_k * (outside_c - table.room_c) * 24 / eer(HOT_C)
    assert fleet.used_kwh == pytest.approx(expected, rel=0.08)


def test_a_limit_costs_comfort_and_its_rebound_comes() -> None:
    table = AirConditioner()
    free, limited = fleet_of(table, 200), fleet_of(table, 200)
    run(free, 2, np.inf)
    assert run(limited, 2, 0.8).max() == 0.8
    assert limited.room_c.mean() > free.room_c.mean() + 0.5
    assert limited.too_warm_kh.sum() > 20 * max(free.too_warm_kh.sum(), 0.1)
    after, usual = run(limited, 1, np.inf).sum(), run(free, 1, np.inf).sum()
    assert after > 1.3 * usual


def test_nobody_cools_in_winter() -> None:
    table = AirConditioner()
    fleet = AirConditionerFleet(table, draw_coolers(table, 20, 2.0, 0.0, np.random.default_rng(1)))
    assert run(fleet, 24, np.inf, outdoor_c=2.0).sum() == 0
