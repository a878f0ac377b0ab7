"""What is real is left alone by the simulation, and counts in its place."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from grid_model.network import Network, load_network
from simulations.field import FieldModel
from simulations.live_time import as_if_now
from simulations.population import draw_population
from simulations.real_parts import RealParts, RealPower
from simulations.weather import outdoors_of
from tests.simulations.small_field import SECRET, START, flat_load, scenario


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)


def field_of(network: Network, real: RealParts) -> FieldModel:
    a_scenario = scenario(shares={"ev": 0.5, "heat_pump": 0.0, "critical": 0.0})
    who = draw_population(network, a_scenario)
    return FieldModel(who, flat_load(len(network.service_points)), a_scenario, SECRET, real=real)


def test_a_real_charger_counts_where_it_stands_and_speaks_for_itself(network: Network) -> None:
    simulated = field_of(network, RealParts())
    name = simulated.population.registry.devices[1].device
    field = field_of(network, RealParts(devices=frozenset({name})))
    field.real.tell({name: 7.4, "somebody else's": 99.0}, {})
    before, after = simulated.power(), field.power()
    place = int(field.population.device_place[1])
    assert after.device_kw[1] == pytest.approx(7.4)
    assert after.p_kw[place] - before.p_kw[place] == pytest.approx(7.4 - before.device_kw[1])
    others = np.arange(len(after.p_kw)) != place
    assert np.array_equal(after.p_kw[others], before.p_kw[others])
    assert name not in {status.device for status in field.statuses()}
    assert {status.device for status in simulated.statuses()} - {s.device for s in field.statuses()} == {name}


def test_what_a_real_device_takes_is_nothing_until_it_is_known(network: Network) -> None:
    name = field_of(network, RealParts()).population.registry.devices[0].device
    field = field_of(network, RealParts(devices=frozenset({name})))
    assert field.power().device_kw[0] == 0.0
    field.real.tell({name: 3.0}, {})
    assert field.power().device_kw[0] == 3.0
    field.real.tell({}, {})
    assert field.power().device_kw[0] == 0.0


def test_a_real_meter_is_the_truth_of_its_service_point_and_unknown_it_is_the_household(
    network: Network,
) -> None:
    simulated = field_of(network, RealParts()).power()
    customers = field_of(network, RealParts()).population.registry.customers
    field = field_of(network, RealParts(meters=frozenset({customers[4].meter})))
    assert field.power().p_kw[4] == simulated.p_kw[4]
    field.real.tell({}, {customers[4].meter: -2.5})
    shown = field.power()
    assert shown.p_kw[4] == -2.5
    assert shown.q_kvar[4] == pytest.approx(-2.5 * simulated.q_kvar[4] / simulated.p_kw[4])
    assert shown.p_kw[5] == simulated.p_kw[5]


def test_a_part_that_the_field_does_not_have_is_refused(network: Network) -> None:
    registry = field_of(network, RealParts()).population.registry
    with pytest.raises(KeyError):
        RealPower(RealParts(devices=frozenset({"nobody"})), registry)


@pytest.mark.parametrize("now", ["2026-07-01T09:30:00+00:00", "2026-01-01T00:10:00+00:00"])
def test_a_scenario_can_begin_now_with_its_own_hours_and_season(now: str) -> None:
    a_scenario, at = scenario(), datetime.fromisoformat(now)
    begin = a_scenario.time.start + timedelta(hours=1.5)
    outdoors = outdoors_of(a_scenario)
    live = as_if_now(a_scenario, outdoors, begin, at)
    start = live.scenario.time.start
    assert start == at - timedelta(hours=1.5)
    assert start.time() == a_scenario.time.start.time()
    assert at.astimezone(start.tzinfo).time() == begin.time()
    for hours in (0, 3, 16):
        then, later = begin + timedelta(hours=hours), at + timedelta(hours=hours)
        assert live.outdoors.outdoor_c(later) == outdoors.outdoor_c(then)
        assert live.outdoors.sun(later) == outdoors.sun(then)
        assert live.outdoors.sun_w_per_m2(later) == outdoors.sun_w_per_m2(then)
    assert live.moved == at - begin
    noon = begin + timedelta(hours=18)
    assert outdoors.sun_w_per_m2(noon) > 0, "a weather that says nothing proves nothing"


def test_what_happens_at_a_time_of_the_scenario_happens_when_that_time_is() -> None:
    at = START + timedelta(hours=2)
    times = {"begin": at, "end": at + timedelta(hours=1)}
    a_scenario = scenario(
        devices={"refuse_from": at},
        outage=[{"of": "broker"} | times],
        false_reading=[{"meters": ["M-001"]} | times, {"share": 0.1}],
    )
    now = datetime.fromisoformat("2026-07-01T09:30:00+00:00")
    live = as_if_now(a_scenario, outdoors_of(a_scenario), START, now).scenario
    assert live.devices.refuse_from == now + timedelta(hours=2)
    assert (live.outage[0].begin, live.outage[0].end) == (
        now + timedelta(hours=2),
        now + timedelta(hours=3),
    )
    assert live.false_reading[0].begin == now + timedelta(hours=2)
    assert (live.false_reading[1].begin, live.false_reading[1].end) == (None, None)
