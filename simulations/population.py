"""Who lives at the feeder: customers, meters, cars and heat pumps, drawn by shares under a seed. Pure.

Names are stable: customer C-001 with meter M-001 is the first service point of the network, whatever the
seed.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from customers.registry import Customer, Device, Registry
from grid_model.network import Floats, Ints, Network
from simulations.air_conditioner import Coolers, draw_coolers, no_coolers
from simulations.battery import Storages, draw_storages, no_storages
from simulations.draws import stream
from simulations.heat_pump import Houses, draw_houses
from simulations.pv import Roofs, draw_roofs, no_roofs
from simulations.scenario import Scenario
from simulations.weather import Outdoors, outdoors_of

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """All that is drawn once; devices are in the registry's order: chargers, heat pumps, air conditioners,
    inverters, batteries.
    """

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
    coolers: Coolers = field(default_factory=no_coolers)
    roofs: Roofs = field(default_factory=no_roofs)
    storages: Storages = field(default_factory=no_storages)
    metered: Flags = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """(n_sp,) who has a meter; left out: all"""

    def __post_init__(self) -> None:
        if not len(self.metered):
            object.__setattr__(self, "metered", np.ones(len(self.registry.customers), dtype=bool))

    @cached_property
    def known(self) -> Registry:
        """The customers and devices that the controller knows: those without a meter are none of its own."""
        if self.metered.all():
            return self.registry
        customers = self.registry.customers
        return replace(
            self.registry,
            customers=tuple(c for c, metered in zip(customers, self.metered, strict=True) if metered),
        )


def draw_population(network: Network, scenario: Scenario, outdoors: Outdoors | None = None) -> Population:
    """Draw who has what: shares are met to the nearest whole service point, customer or device."""
    rng, count = stream(scenario.seed, "assignment"), len(network.service_points)
    places = _draw_places(rng, scenario, count)
    critical = _mask(count, _pick(rng, count, scenario.shares.critical))
    asked = _draw_asked(rng, places.that_take, critical, scenario.people.share)
    plants = _draw_plants(scenario, places, outdoors or outdoors_of(scenario))
    refuses, vanishes, late = _draw_behaviour(scenario, len(places.of_devices))
    people = scenario.people
    return Population(
        registry=Registry(
            customers=_customers(network, critical, asked, scenario.network.prefix),
            devices=_devices(network, places, plants, scenario),
        ),
        device_place=places.of_devices,
        ev_count=len(places.ev),
        houses=plants.houses,
        refuses=refuses,
        vanishes=vanishes,
        late=late,
        cut_share=rng.uniform(people.least_cut, max(people.least_cut, people.most_cut), count),
        coolers=plants.coolers,
        roofs=plants.roofs,
        storages=plants.storages,
        metered=_metered(scenario, count, places.of_devices),
    )


@dataclass(frozen=True)
class _Places:
    """(n,) positions of the service points that have such a device."""

    ev: Ints
    heat_pump: Ints
    air_conditioner: Ints
    pv: Ints
    battery: Ints

    @property
    def that_take(self) -> Ints:
        return np.concatenate([self.ev, self.heat_pump, self.air_conditioner, self.battery])

    @property
    def of_devices(self) -> Ints:
        """In the registry's order."""
        return np.concatenate([self.ev, self.heat_pump, self.air_conditioner, self.pv, self.battery])


@dataclass(frozen=True)
class _Plants:
    """Each as many as have a place."""

    houses: Houses
    coolers: Coolers
    roofs: Roofs
    storages: Storages


def _draw_places(rng: np.random.Generator, scenario: Scenario, count: int) -> _Places:
    shares = scenario.shares
    pv = _pick(stream(scenario.seed, "pv"), count, shares.pv)
    return _Places(
        ev=_pick(rng, count, shares.ev),
        heat_pump=_pick(rng, count, shares.heat_pump),
        air_conditioner=_pick(stream(scenario.seed, "air_conditioner"), count, shares.air_conditioner),
        pv=pv,
        battery=_pick_with_roof(scenario, count, pv),
    )


def _draw_plants(scenario: Scenario, places: _Places, outdoors: Outdoors) -> _Plants:
    seed, start = scenario.seed, scenario.time.start
    outdoor_c, sun_w_per_m2 = outdoors.outdoor_c(start), outdoors.sun_w_per_m2(start)
    cooled, of_coolers = len(places.air_conditioner), stream(seed, "air_conditioner", 1)
    return _Plants(
        houses=draw_houses(scenario.heat_pump, len(places.heat_pump), outdoor_c, stream(seed, "heat_pump")),
        coolers=draw_coolers(scenario.air_conditioner, cooled, outdoor_c, sun_w_per_m2, of_coolers),
        roofs=draw_roofs(scenario.pv, len(places.pv), stream(seed, "pv", 1)),
        storages=draw_storages(scenario.battery, len(places.battery), stream(seed, "battery", 1)),
    )


def _customers(network: Network, critical: Flags, asked: Flags, prefix: str) -> tuple[Customer, ...]:
    return tuple(
        Customer(f"{prefix}C-{n + 1:03}", point, f"{prefix}M-{n + 1:03}", bool(critical[n]), bool(asked[n]))
        for n, point in enumerate(network.service_points)
    )


def _devices(network: Network, places: _Places, plants: _Plants, scenario: Scenario) -> tuple[Device, ...]:
    heating, cooling, storing = scenario.heat_pump, scenario.air_conditioner, scenario.battery
    hp, ac, pv, bat = places.heat_pump, places.air_conditioner, places.pv, places.battery
    drawn = (
        *_chargers(network, places.ev, scenario),
        *_sized(network, hp, "hp", "heat_pump", plants.houses.rated_kw, heating.min_kw),
        *_sized(network, ac, "ac", "air_conditioner", plants.coolers.rated_kw, cooling.min_kw),
        *_sized(network, pv, "pv", "pv_inverter", plants.roofs.inverter_kw, 0.0),
        *_sized(network, bat, "bat", "battery", plants.storages.rated_kw, storing.min_kw),
    )
    prefix = scenario.network.prefix
    return _guarded(tuple(replace(one, device=prefix + one.device) for one in drawn), scenario)


def _pick(rng: np.random.Generator, count: int, share: float) -> Ints:
    return np.sort(rng.permutation(count)[: round(share * count)]).astype(np.int64)


def _pick_with_roof(scenario: Scenario, count: int, with_roof: Ints) -> Ints:
    """Batteries go to houses with a roof first, then to others."""
    rng = stream(scenario.seed, "battery")
    others = np.setdiff1d(np.arange(count), with_roof)
    order = np.concatenate([rng.permutation(with_roof), rng.permutation(others)])
    return np.sort(order[: round(scenario.shares.battery * count)]).astype(np.int64)


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
    takers = np.flatnonzero([device.kind != "pv_inverter" for device in devices])
    guards = set(takers[_pick(stream(scenario.seed, "guard"), len(takers), scenario.devices.guard)].tolist())
    failsafe_kw = scenario.devices.failsafe_kw
    return tuple(
        replace(d, on_contact_loss="guard", failsafe_kw=min(max(failsafe_kw, d.min_kw), d.rated_kw))
        if n in guards
        else d
        for n, d in enumerate(devices)
    )


def _metered(scenario: Scenario, count: int, with_device: Ints) -> Flags:
    """(n_sp,) who has a meter: those with a device, then others, up to the share."""
    rng = stream(scenario.seed, "meters")
    controlled = np.unique(with_device)
    others = rng.permutation(np.setdiff1d(np.arange(count), controlled))
    more = max(round(scenario.meters.share * count) - len(controlled), 0)
    mask = np.zeros(count, dtype=bool)
    mask[controlled] = True
    mask[others[:more]] = True
    return mask


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


def _sized(  # noqa: PLR0917  a table of five kinds reads better without keywords
    network: Network, places: Ints, prefix: str, kind: str, rated_kw: Floats, floor_kw: float
) -> tuple[Device, ...]:
    """Devices of many sizes; one smaller than the floor is guaranteed all it can take: nothing can be cut."""
    return tuple(
        Device(
            f"{prefix}-{n:03}",
            network.service_points[place],
            kind,
            float(rated),
            min(floor_kw, float(rated)),
        )
        for n, (place, rated) in enumerate(zip(places, rated_kw, strict=True), start=1)
    )
