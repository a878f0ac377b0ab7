from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from grid_model.network import Network, load_network
from simulations.battery import BatteryFleet, Storages, draw_storages
from simulations.field import FieldModel
from simulations.population import draw_population
from simulations.pv import PvFleet, Roofs, draw_roofs
from simulations.scenario_devices import Battery, Pv
from simulations.sun import clear_sky, sun_at
from tests.simulations.small_field import SECRET, command, flat_load, scenario

NOON = datetime(2016, 6, 21, 12, tzinfo=UTC)
FREE = np.full(1, np.inf)


def storage(kwh: float, kw: float, first_kwh: float) -> Storages:
    return Storages(np.array([kwh]), np.array([kw]), np.array([first_kwh]))


def roof(modules_kw: float, inverter_kw: float) -> Roofs:
    return Roofs(np.array([modules_kw]), np.array([inverter_kw]), np.radians([30.0]), np.zeros(1))


def test_a_roof_gives_its_rated_power_at_most_and_near_it_at_noon_in_june() -> None:
    sun = sun_at(NOON, 52)
    fleet = PvFleet(Pv(), roof(10.0, 9.5))
    possible = fleet.possible_kw(sun, clear_sky(sun))
    assert 7.0 < possible[0] <= 9.5
    assert fleet.power_kw(possible, FREE)[0] == -possible[0]
    assert np.all(draw_roofs(Pv(), 50, np.random.default_rng(1)).modules_kw >= Pv().least_kw)


def test_what_may_not_be_fed_in_is_held_back_and_counted() -> None:
    capped = PvFleet(Pv(feed_in_share=0.6), roof(10.0, 9.5))
    possible = np.array([8.0])
    assert capped.power_kw(possible, FREE)[0] == -6.0
    power = capped.power_kw(possible, np.array([2.0]))
    assert power[0] == -2.0
    capped.advance(0.5, possible, power)
    assert (capped.made_kwh[0], capped.held_back_kwh[0]) == (1.0, 3.0)


def test_a_battery_takes_the_roofs_surplus_and_gives_it_in_the_evening() -> None:
    battery = Battery(efficiency=0.81, least_charge=0.0)
    fleet = BatteryFleet(battery, storage(10.0, 5.0, 0.0))
    power = fleet.power_kw(np.array([-3.0]), 12.0, 1 / 60, FREE)
    assert power[0] == 3.0
    fleet.advance(2.0, power)
    assert fleet.kept_kwh[0] == pytest.approx(6 * 0.9)
    given = fleet.power_kw(np.array([2.0]), 19.0, 1 / 60, FREE)
    assert given[0] == -2.0
    fleet.advance(5.4 * 0.9 / 2, given)
    assert fleet.kept_kwh[0] == pytest.approx(0.0, abs=1e-9)
    assert fleet.given_kwh[0] == pytest.approx(6 * 0.81)
    assert fleet.power_kw(np.array([2.0]), 19.0, 1 / 60, FREE)[0] == 0.0


def test_a_battery_keeps_within_its_energy_and_its_limit() -> None:
    full = BatteryFleet(Battery(), storage(10.0, 5.0, 10.0))
    assert full.power_kw(np.array([-3.0]), 12.0, 1 / 60, FREE)[0] == 0.0
    night = BatteryFleet(Battery(policy="night_charge"), storage(10.0, 8.0, 1.0))
    assert night.power_kw(np.array([1.0]), 23.0, 1 / 60, FREE)[0] == 8.0
    assert night.power_kw(np.array([1.0]), 2.0, 1 / 60, np.array([4.2]))[0] == 4.2
    assert night.power_kw(np.array([1.0]), 12.0, 1 / 60, FREE)[0] == 0.0
    drawn = draw_storages(Battery(), 50, np.random.default_rng(1))
    assert np.all((drawn.first_kwh >= 0) & (drawn.first_kwh <= drawn.capacity_kwh))


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)


def sunny(network: Network, **tables: dict[str, float]) -> FieldModel:
    a_scenario = scenario(
        time={"start": NOON - timedelta(hours=2)},
        shares={"ev": 0.0, "heat_pump": 0.0, "critical": 0.0, "pv": 1.0} | tables.pop("shares", {}),
        weather={"cloud": 0.0},
        **tables,
    )
    who = draw_population(network, a_scenario)
    return FieldModel(who, flat_load(len(network.service_points)), a_scenario, SECRET)


def test_at_noon_power_flows_back_and_batteries_take_some(network: Network) -> None:
    without, with_ = sunny(network), sunny(network, shares={"battery": 1.0})
    for model in (without, with_):
        model.advance(NOON - timedelta(hours=1.5))
    assert without.power().p_kw.sum() < -30
    assert with_.power().p_kw.sum() > 0.6 * without.power().p_kw.sum()
    for model in (without, with_):
        model.advance(NOON)
    # a battery that takes all it can is full before the sun is highest
    assert with_.power().p_kw.sum() < 0.9 * without.power().p_kw.sum()
    kinds = {d.kind for d in with_.population.registry.devices}
    assert kinds == {"pv_inverter", "battery"}
    with_.advance(NOON + timedelta(hours=11))
    evening = with_.power().p_kw
    assert np.all(evening >= -1e-9)
    assert evening.sum() < 0.2 * len(evening)
    assert np.all(with_.batteries.kept_kwh <= with_.population.storages.capacity_kwh)


def test_an_inverter_obeys_a_limit_on_what_it_feeds_in(network: Network) -> None:
    from dataclasses import replace

    from devices.signing import sign

    model = sunny(network)
    model.advance(NOON)
    before = model.power().device_kw[0]
    told = replace(command("pv-001", NOON, limit_kw=1.0), direction="production")
    model.receive(sign(told, SECRET))
    model.advance(NOON + timedelta(minutes=1))
    assert before < -2
    assert model.power().device_kw[0] == -1.0
    status = model.statuses()[0]
    assert (status.limit_kw, status.production_limit_kw, status.production_request) == (None, 1.0, "R1")
    model.advance(NOON + timedelta(hours=1, minutes=2))
    assert model.power().device_kw[0] < -2
