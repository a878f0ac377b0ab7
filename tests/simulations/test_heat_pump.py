import numpy as np
import pytest

from simulations.heat_pump import HeatPumpFleet, cop, draw_houses
from simulations.scenario import HeatPump

MINUTE = 1 / 60


def run(fleet: HeatPumpFleet, hours: float, outdoor_c: float, limit_kw: float, count: int) -> np.ndarray:
    """(n_minute, n_hp) powers."""
    limit = np.full(count, limit_kw)
    powers = []
    for _ in range(round(hours * 60)):
        powers.append(fleet.power_kw(limit))
        fleet.advance(MINUTE, outdoor_c, limit)
    return np.array(powers)


def fleet_of(pump: HeatPump, count: int, outdoor_c: float = 0.0) -> HeatPumpFleet:
    return HeatPumpFleet(pump, draw_houses(pump, count, outdoor_c, np.random.default_rng(4)))


def test_the_room_stays_within_the_band_and_the_pump_cycles() -> None:
    pump = HeatPump()
    fleet = fleet_of(pump, 50)
    powers = run(fleet, 24, 0.0, np.inf, 50)
    assert np.all(np.abs(fleet.room_c - pump.room_c) < pump.band_k / 2 + 0.15)
    switched_on = np.sum((powers[1:] > 0) & (powers[:-1] == 0), axis=0)
    assert np.all((switched_on > 8) & (switched_on < 100))


def test_energy_is_what_the_house_loses() -> None:
    pump = HeatPump()
    houses = draw_houses(pump, 30, 0.0, np.random.default_rng(4))
    fleet = HeatPumpFleet(pump, houses)
    run(fleet, 48, 0.0, np.inf, 30)
    expected_kwh = houses.loss_kw_per_k * pump.room_c * 48 / cop(0.0)
    assert fleet.used_kwh == pytest.approx(expected_kwh, rel=0.06)


def test_colder_weather_needs_more() -> None:
    mild, cold = fleet_of(HeatPump(), 40), fleet_of(HeatPump(), 40)
    run(mild, 24, 8.0, np.inf, 40)
    run(cold, 24, -8.0, np.inf, 40)
    assert np.all(cold.used_kwh > 1.5 * mild.used_kwh)


def test_a_limit_is_obeyed_and_its_rebound_comes() -> None:
    pump = HeatPump(least_kw=8, usual_kw=8.5, most_kw=9)
    free, limited = fleet_of(pump, 200, -5.0), fleet_of(pump, 200, -5.0)
    run(free, 2, -5.0, np.inf, 200)
    during = run(limited, 2, -5.0, 4.2, 200)
    assert during.max() == 4.2
    # houses are colder than they would be, so the next hour takes more than the same hour without a limit
    assert limited.room_c.mean() < free.room_c.mean() - 0.2
    after = run(limited, 1, -5.0, np.inf, 200).sum()
    usual = run(free, 1, -5.0, np.inf, 200).sum()
    assert after > 1.05 * usual


def test_houses_do_not_fall_into_step() -> None:
    powers = run(fleet_of(HeatPump(), 100), 24, 0.0, np.inf, 100).sum(axis=1)
    assert powers[720:].std() / powers[720:].mean() < 0.2


def test_cop_is_bounded() -> None:
    assert (cop(-40), cop(0), cop(40)) == (1.8, 3.0, 4.5)
