"""Who lives at the feeder: customers, meters, cars and heat pumps, drawn by shares under a seed. Pure.

Names are stable: customer C-001 with meter M-001 is the first service point of the network, whatever the
seed.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from customers.registry import Customer, Device, Registry
from grid_model.network import Floats, Ints, Network
from simulations.draws import stream
from simulations.heat_pump import Houses, draw_houses
from simulations.scenario import Scenario
from simulations.weather import outdoor_c

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """All that is drawn once; devices are in the registry's order, chargers first."""

    registry: Registry
    device_place: Ints
    """(n_device,) position of each device's service point"""
    ev_count: int
    houses: Houses
    refuses: Flags
    """(n_device,) as are the next two; no device has two of them"""
    vanishes: Flags
    late: Flags
    cut_share: Floats
    """(n_sp,) of its household's power that a person switches off when following a notice"""


def draw_population(network: Network, scenario: Scenario) -> Population:
    """Draw who has what: shares are met to the nearest whole service point, customer or device."""
    rng = stream(scenario.seed, "assignment")
    count = len(network.service_points)
    ev_places = _pick(rng, count, scenario.shares.ev)
    hp_places = _pick(rng, count, scenario.shares.heat_pump)
    critical = _mask(count, _pick(rng, count, scenario.shares.critical))
    asked = _draw_asked(rng, np.concatenate([ev_places, hp_places]), critical, scenario.people.share)
    houses = draw_houses(
        scenario.heat_pump,
        len(hp_places),
        outdoor_c(scenario.weather, scenario.time.start),
        stream(scenario.seed, "heat_pump"),
    )
    refuses, vanishes, late = _draw_behaviour(scenario, len(ev_places) + len(hp_places))
    people = scenario.people
    return Population(
        registry=Registry(
            customers=tuple(
                Customer(f"C-{n + 1:03}", point, f"M-{n + 1:03}", bool(critical[n]), bool(asked[n]))
                for n, point in enumerate(network.service_points)
            ),
            devices=_guarded(
                _chargers(network, ev_places, scenario) + _heat_pumps(network, hp_places, houses, scenario),
                scenario,
            ),
        ),
        device_place=np.concatenate([ev_places, hp_places]),
        ev_count=len(ev_places),
        houses=houses,
        refuses=refuses,
        vanishes=vanishes,
        late=late,
        cut_share=rng.uniform(people.least_cut, max(people.least_cut, people.most_cut), count),
    )


def _pick(rng: np.random.Generator, count: int, share: float) -> Ints:
    return np.sort(rng.permutation(count)[: round(share * count)]).astype(np.int64)


def _mask(count: int, places: Ints) -> Flags:
    mask = np.zeros(count, dtype=bool)
    mask[places] = True
    return mask


def _draw_asked(rng: np.random.Generator, with_device: Ints, critical: Flags, share: float) -> Flags:
    """Who agreed to be asked: a share of those without an automatic device, never a critical customer."""
    free = np.flatnonzero(~_mask(len(critical), with_device) & ~critical)
    return _mask(len(critical), free[_pick(rng, len(free), share)])


def _draw_behaviour(scenario: Scenario, count: int) -> tuple[Flags, Flags, Flags]:
    order = stream(scenario.seed, "behaviour").permutation(count)
    devices = scenario.devices
    ends = np.cumsum([round(share * count) for share in (devices.refuse, devices.vanish, devices.late)])
    refuses, vanishes, late = np.split(order, ends)[:3]
    return _mask(count, refuses), _mask(count, vanishes), _mask(count, late)


def _guarded(devices: tuple[Device, ...], scenario: Scenario) -> tuple[Device, ...]:
    """Some of them of guard mode; drawn by a stream of its own, so that nobody else changes with it."""
    guards = set(_pick(stream(scenario.seed, "guard"), len(devices), scenario.devices.guard).tolist())
    failsafe_kw = scenario.devices.failsafe_kw
    return tuple(
        replace(d, on_contact_loss="guard", failsafe_kw=min(max(failsafe_kw, d.min_kw), d.rated_kw))
        if n in guards
        else d
        for n, d in enumerate(devices)
    )


def _chargers(network: Network, places: Ints, scenario: Scenario) -> tuple[Device, ...]:
    ev = scenario.ev
    return tuple(
        Device(
            f"ev-{n:03}",
            network.service_points[place],
            "ev_charger",
            ev.power_kw,
            min(ev.min_kw, ev.power_kw),
        )
        for n, place in enumerate(places, start=1)
    )


def _heat_pumps(network: Network, places: Ints, houses: Houses, scenario: Scenario) -> tuple[Device, ...]:
    return tuple(
        # a pump smaller than the floor is guaranteed all it can take: nothing can be cut
        Device(
            f"hp-{n:03}",
            network.service_points[place],
            "heat_pump",
            float(rated),
            min(scenario.heat_pump.min_kw, float(rated)),
        )
        for n, (place, rated) in enumerate(zip(places, houses.rated_kw, strict=True), start=1)
    )
