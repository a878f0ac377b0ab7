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
    rng = stream(scenario.seed, "assignment")
    count = len(network.service_points)
    ev_places = _pick(rng, count, scenario.shares.ev)
    hp_places = _pick(rng, count, scenario.shares.heat_pump)
    critical = _mask(count, _pick(rng, count, scenario.shares.critical))
    ac_places = _pick(stream(scenario.seed, "air_conditioner"), count, scenario.shares.air_conditioner)
    pv_places = _pick(stream(scenario.seed, "pv"), count, scenario.shares.pv)
    battery_places = _pick_with_roof(scenario, count, pv_places)
    asked = _draw_asked(
        rng,
        np.concatenate([ev_places, hp_places, ac_places, battery_places]),
        critical,
        scenario.people.share,
    )
    start, seen = scenario.time.start, outdoors or outdoors_of(scenario)
    houses = draw_houses(
        scenario.heat_pump, len(hp_places), seen.outdoor_c(start), stream(scenario.seed, "heat_pump")
    )
    coolers = draw_coolers(
        scenario.air_conditioner,
        len(ac_places),
        seen.outdoor_c(start),
        seen.sun_w_per_m2(start),
        stream(scenario.seed, "air_conditioner", 1),
    )
    roofs = draw_roofs(scenario.pv, len(pv_places), stream(scenario.seed, "pv", 1))
    storages = draw_storages(scenario.battery, len(battery_places), stream(scenario.seed, "battery", 1))
    device_place = np.concatenate([ev_places, hp_places, ac_places, pv_places, battery_places])
    refuses, vanishes, late = _draw_behaviour(scenario, len(device_place))
    people, prefix = scenario.people, scenario.network.prefix
    devices = (
        *_chargers(network, ev_places, scenario),
        *_sized(network, hp_places, "hp", "heat_pump", houses.rated_kw, scenario.heat_pump.min_kw),
        *_sized(
            network,
            ac_places,
            "ac",
            "air_conditioner",
            coolers.rated_kw,
            scenario.air_conditioner.min_kw,
        ),
        *_sized(network, pv_places, "pv", "pv_inverter", roofs.inverter_kw, 0.0),
        *_sized(network, battery_places, "bat", "battery", storages.rated_kw, scenario.battery.min_kw),
    )
    return Population(
        registry=Registry(
            customers=tuple(
                Customer(
                    f"{prefix}C-{n + 1:03}", point, f"{prefix}M-{n + 1:03}", bool(critical[n]), bool(asked[n])
                )
                for n, point in enumerate(network.service_points)
            ),
            devices=_guarded(tuple(replace(d, device=prefix + d.device) for d in devices), scenario),
        ),
        device_place=device_place,
        ev_count=len(ev_places),
        houses=houses,
        refuses=refuses,
        vanishes=vanishes,
        late=late,
        cut_share=rng.uniform(people.least_cut, max(people.least_cut, people.most_cut), count),
        coolers=coolers,
        roofs=roofs,
        storages=storages,
        metered=_metered(scenario, count, device_place),
    )


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
