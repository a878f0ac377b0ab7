"""What of a feeder does not change while the daemon runs: its network, customers, devices, and the tables
that join them.

Built once at start, shared by every step of the path. Pure; knows no readings, no time and no journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from controller import settings
from controller.bounds import direction_of
from controller.errors import ConfigRejected
from customers.consent_links import ConsentLinks
from customers.programmes import LIVE_METER
from customers.registry import Customer, Device, Registry
from devices.messages import HEARTBEAT_PERIOD_S
from grid_model.connection import generation_kw, household_bound_kw
from grid_model.estimation.estimate import Estimator
from grid_model.estimation.hypotheses import House
from grid_model.estimation.physics import houses
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.violations import Limits

_GIVING_KINDS = frozenset({"battery", "pv_inverter"})
"""of devices that may feed in"""


@dataclass(frozen=True)
class ElementLimits:
    """The limit in force of every element, the stricter of the site's and its own."""

    line_percent: Floats
    """(n_line,)"""
    transformer_percent: Floats
    """(n_trafo,)"""
    min_v_pu: Floats
    """(n_bus,)"""
    max_v_pu: Floats

    def worst_ratio(self, result: LoadFlowResult) -> float:
        """The largest of all loadings and voltage deviations, as a share of what is allowed: above 1 is a
        violation.

        Infinite when the load flow did not converge: nobody can take it for good (C19).
        """
        if not result.converged:
            return np.inf
        under = (1 - result.v_pu) / np.maximum(1 - self.min_v_pu, 1e-3)
        over = (result.v_pu - 1) / np.maximum(self.max_v_pu - 1, 1e-3)
        parts = (
            result.line_loading_percent / self.line_percent,
            result.transformer_loading_percent / self.transformer_percent,
            under,
            over,
        )
        return max((float(np.fmax.reduce(part)) for part in parts if part.size), default=0.0)


@dataclass(frozen=True)
class FeederControl:
    """One feeder's fixed parts. Positions are places in `network.service_points`."""

    site: settings.Site
    settings: settings.Feeder
    network: Network
    load_flow: FactoredLoadFlow
    registry: Registry
    limits: Limits
    element_limits: ElementLimits
    target_network: Network
    """The same network with every element's own limit scaled by `requests.target_share`: what allocation aims
    at.
    """
    target_limits: Limits
    place: Mapping[str, int]
    """every accepted spelling of a service point and its position"""
    meter_position: Mapping[str, int]
    device_position: Mapping[str, int]
    customer_position: Mapping[str, int]
    customer: Mapping[str, Customer]
    metered: NDArray[np.bool_]
    """(n_sp,) whether a meter is known there"""
    bound_kw: Floats
    """(n_sp,) what the service point can physically take or give"""
    controllable_kw: float
    """rated power of all devices that may be limited"""
    element_place: Mapping[str, tuple[str, int]]
    """element id to its kind and place in the kind's arrays: line, bus, or trafo, also for `trafo3w:0`"""
    links: ConsentLinks | None = None
    """how people answer notices by a link; None where the site has no public address"""

    @cached_property
    def house(self) -> House:
        """What each service point can do at all, its devices included."""
        house = houses(self.network, self.bound_kw)
        feed_in_kw = house.feed_in_kw.copy()
        for device in self.registry.devices:
            if device.kind in _GIVING_KINDS:
                feed_in_kw[self.device_position[device.device]] += device.rated_kw
        return replace(house, feed_in_kw=feed_in_kw)

    @cached_property
    def estimator(self) -> Estimator:
        """The state estimator of this feeder; laid out when it is first asked for, as long as a few load
        flows take.
        """
        return Estimator(self.network, self.load_flow, self.house)

    @cached_property
    def meter_at(self) -> Mapping[int, str]:
        """The meter, the first where there are several, by its service point's position."""
        return {position: meter for meter, position in reversed(tuple(self.meter_position.items()))}

    @cached_property
    def devices_at(self) -> Mapping[int, tuple[Device, ...]]:
        """All devices by their service point's position."""
        found: dict[int, list[Device]] = {}
        for device in self.registry.devices:
            found.setdefault(self.device_position[device.device], []).append(device)
        return {position: tuple(devices) for position, devices in found.items()}

    @cached_property
    def only_taking(self) -> tuple[tuple[str, int], ...]:
        """Devices, and where, at service points where nothing feeds in: a meter there shows at least what
        they take.
        """
        places = ((d.device, self.device_position[d.device]) for d in self.registry.devices)
        return tuple((device, place) for device, place in places if self.house.feed_in_kw[place] == 0)

    @cached_property
    def asks_feed_in(self) -> bool:
        """Whether there is anybody who may be asked to feed in less."""
        feeds_in = any(direction_of(device.kind) == "production" for device in self.registry.devices)
        return feeds_in and self.site.requests.limit_feed_in

    @cached_property
    def guarded(self) -> tuple[Device, ...]:
        """Devices that are declared to go to a failsafe when they hear nothing of us. Those among them that
        are protected are never armed, and let go where they were (`failsafes.py`).
        """
        return tuple(d for d in self.registry.devices if d.on_contact_loss == "guard")

    @property
    def feeder(self) -> str:
        """Its id."""
        return self.settings.id

    @property
    def nominal_v(self) -> float | None:
        """Phase to neutral voltage of the low-voltage busbar; None without a transformer."""
        busbar = self.busbar
        return None if busbar is None else float(self.network.buses.vn_kv[busbar]) * 1000 / 3**0.5

    @property
    def busbar(self) -> int | None:
        """The bus behind the first transformer: where the RTU measures the voltage."""
        return int(self.network.transformers.to_bus[0]) if len(self.network.transformers.ids) else None

    def substation_p_kw(self, result: LoadFlowResult) -> float:
        """What the RTU should show: what goes into the transformers, or all supply where there is none."""
        has_transformers = len(self.network.transformers.ids) > 0
        return float(result.transformer_p_kw.sum()) if has_transformers else result.supply_kw


def build_control(
    site: settings.Site,
    feeder: settings.Feeder,
    network: Network,
    registry: Registry,
    load_flow: FactoredLoadFlow | None = None,
    *,
    links: ConsentLinks | None = None,
) -> FeederControl:
    """Join network and registry. Raises ConfigRejected naming every customer and device on an unknown service
    point, and every programme whose calls outlast their baseline.
    """
    places = network.service_point_index()
    _check_places(feeder, registry, places)
    _check_programmes(site, feeder, registry)
    _check_guards(site, feeder, registry)
    meter_position = {c.meter: places[c.service_point] for c in registry.customers}
    device_position = {d.device: places[d.service_point] for d in registry.devices}
    n_sp = len(network.service_points)
    metered = np.zeros(n_sp, dtype=bool)
    metered[list(meter_position.values())] = True
    bound_kw = household_bound_kw(network) + generation_kw(network)
    for device in registry.devices:
        bound_kw[device_position[device.device]] += device.rated_kw
    share = site.requests.target_share
    return FeederControl(
        site=site,
        settings=feeder,
        network=network,
        load_flow=load_flow or FactoredLoadFlow(network, compiled=site.cycle.compiled),
        registry=registry,
        limits=Limits(site.limits.loading_percent, site.limits.min_v_pu, site.limits.max_v_pu),
        element_limits=_element_limits(network, site.limits),
        target_network=_scaled(network, share),
        target_limits=_scaled_limits(site.limits, share),
        place=places,
        meter_position=meter_position,
        device_position=device_position,
        customer_position={c.customer: places[c.service_point] for c in registry.customers},
        customer={c.customer: c for c in registry.customers},
        metered=metered,
        bound_kw=bound_kw,
        controllable_kw=sum(d.rated_kw for d in registry.devices if not registry.is_protected(d)),
        element_place=_element_places(network),
        links=links,
    )


def _check_programmes(site: settings.Site, feeder: settings.Feeder, registry: Registry) -> None:
    """A call that outlasts its baseline would earn nothing from some minute on, whatever was promised."""
    programmes = () if registry.agreements is None else registry.agreements.programmes.values()
    believed_s = site.rewards.baseline_holds_s
    findings = [
        f"{feeder.programmes or 'programmes'}, programme {one.programme!r}: longest_call_minutes: expected "
        f"at most {believed_s / 60:g}, because baseline = {LIVE_METER!r} is believed for "
        f"rewards.baseline_holds_s = {believed_s:g} s only and what is saved later earns nothing; "
        f"got {one.longest_call_s / 60:g}. "
        "Make the calls shorter, or name a published baseline (`gridward bench baselines` lists them)"
        for one in programmes
        if one.baseline == LIVE_METER and one.longest_call_s is not None and one.longest_call_s > believed_s
    ]
    if findings:
        raise ConfigRejected(findings)


def _check_guards(site: settings.Site, feeder: settings.Feeder, registry: Registry) -> None:
    """Heartbeats go out with the cycle, each one as soon as half the period is over: with a slower cycle
    they would be further apart than promised.
    """
    slowest_s = HEARTBEAT_PERIOD_S / 2
    guards = [d.device for d in registry.devices if d.on_contact_loss == "guard"]
    if guards and site.cycle.period_s > slowest_s:
        raise ConfigRejected(
            [
                f"cycle.period_s: expected at most {slowest_s:g}, because {feeder.devices} has "
                f"devices of guard mode ({guards[0]}), who need to hear of us; got {site.cycle.period_s:g}"
            ]
        )


def _check_places(feeder: settings.Feeder, registry: Registry, places: Mapping[str, int]) -> None:
    findings = [
        f"{source}: {kind} {name!r}: service point {point!r} is not in the network {feeder.network}"
        for source, kind, name, point in (
            *((feeder.customers, "customer", c.customer, c.service_point) for c in registry.customers),
            *((feeder.devices, "device", d.device, d.service_point) for d in registry.devices),
        )
        if point not in places
    ]
    if findings:
        raise ConfigRejected(findings)


def _element_limits(network: Network, limits: settings.Limits) -> ElementLimits:
    return ElementLimits(
        line_percent=np.minimum(limits.loading_percent, network.lines.max_loading_percent),
        transformer_percent=np.minimum(limits.loading_percent, network.transformers.max_loading_percent),
        min_v_pu=np.fmax(limits.min_v_pu, network.buses.min_v_pu),
        max_v_pu=np.fmin(limits.max_v_pu, network.buses.max_v_pu),
    )


def _scaled(network: Network, share: float) -> Network:
    """The network with its elements' own limits drawn in; topology and ratings stay."""
    buses = replace(
        network.buses,
        min_v_pu=1 - (1 - network.buses.min_v_pu) * share,
        max_v_pu=1 + (network.buses.max_v_pu - 1) * share,
    )
    lines, transformers = (
        replace(branches, max_loading_percent=branches.max_loading_percent * share)
        for branches in (network.lines, network.transformers)
    )
    return replace(network, buses=buses, lines=lines, transformers=transformers)


def _scaled_limits(limits: settings.Limits, share: float) -> Limits:
    return Limits(
        loading_percent=limits.loading_percent * share,
        min_v_pu=1 - (1 - limits.min_v_pu) * share,
        max_v_pu=1 + (limits.max_v_pu - 1) * share,
    )


def _element_places(network: Network) -> dict[str, tuple[str, int]]:
    tables = (("line", network.lines.ids), ("trafo", network.transformers.ids), ("bus", network.buses.ids))
    return {element: (kind, place) for kind, ids in tables for place, element in enumerate(ids)}
