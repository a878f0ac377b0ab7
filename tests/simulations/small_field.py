"""A field of a few houses without a network, for tests of what happens behind the meters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from customers.registry import Customer, Device, Registry
from devices.messages import LimitCommand
from devices.signing import sign
from simulations.field import FieldModel
from simulations.heat_pump import draw_houses
from simulations.population import Population
from simulations.profiles import BaseLoad
from simulations.scenario import Scenario
from simulations.weather import outdoor_c

START = datetime(2016, 1, 12, 16, 0, tzinfo=UTC)
SECRET = b"a secret for tests only"


def scenario(**tables: Any) -> Scenario:
    """A scenario with a few tables changed: `scenario(devices={"late_s": 60})`."""
    raw = {
        "network": {"source": "none"},
        "time": {"start": START, "days": 1},
        "ev": {"arrival_sd_hours": 0.01, "energy_sigma": 0.01},
    }
    for name, table in tables.items():
        raw[name] = raw.get(name, {}) | table if isinstance(table, dict) else table
    return msgspec.convert(raw, Scenario)


def population(a_scenario: Scenario, cars: int = 3, pumps: int = 2, people: int = 2) -> Population:
    """Houses with a car each, then houses with a heat pump each, then houses with people who take notices."""
    count = cars + pumps + people
    houses = draw_houses(
        a_scenario.heat_pump,
        pumps,
        outdoor_c(a_scenario.weather, a_scenario.time.start),
        np.random.default_rng(1),
    )
    devices = [
        Device(f"ev-{n + 1:03}", f"house {n}", "ev_charger", a_scenario.ev.power_kw, a_scenario.ev.min_kw)
        for n in range(cars)
    ]
    devices += [
        Device(f"hp-{n + 1:03}", f"house {cars + n}", "heat_pump", float(kw), min(4.2, float(kw)))
        for n, kw in enumerate(houses.rated_kw)
    ]
    nobody = np.zeros(cars + pumps, dtype=bool)
    return Population(
        registry=Registry(
            customers=tuple(
                Customer(f"C-{n:03}", f"house {n}", f"M-{n:03}", takes_notices=n >= cars + pumps)
                for n in range(count)
            ),
            devices=tuple(devices),
        ),
        device_place=np.arange(cars + pumps),
        ev_count=cars,
        houses=houses,
        refuses=nobody,
        vanishes=nobody,
        late=nobody,
        cut_share=np.full(count, 0.5),
    )


def flat_load(count: int, kw: float = 1.0, quarters: int = 200) -> BaseLoad:
    """The same power always and everywhere."""
    return BaseLoad(np.full((quarters, count), kw), np.full((quarters, count), 0.1))


def field_of(a_scenario: Scenario, who: Population) -> FieldModel:
    """The field of these people with a flat base load of 1 kW each."""
    return FieldModel(who, flat_load(len(who.registry.customers)), a_scenario, SECRET)


def command(
    device: str,
    at: datetime,
    *,
    limit_kw: float = 4.2,
    minutes: float = 60.0,
    request: str = "R1",
    sequence: int = 1,
) -> LimitCommand:
    """A signed limit from now on."""
    bare = LimitCommand("F1", device, request, limit_kw, at, at + timedelta(minutes=minutes), 1, sequence)
    return sign(bare, SECRET)


def marked(who: Population, **flags: list[int]) -> Population:
    """The same people with some devices that refuse, vanish or are late."""
    count = len(who.registry.devices)
    masks = {}
    for name, places in flags.items():
        mask = np.zeros(count, dtype=bool)
        mask[places] = True
        masks[name] = mask
    return replace(who, **masks)
