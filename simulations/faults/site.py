"""The simulated site: a real small network, 13 customers, 11 devices or some more, and what is promised them.

A device's own floor is 0: only the controller may keep it from being asked too much.
"""

from copy import deepcopy
from functools import lru_cache

from controller import settings
from controller.feeder_control import FeederControl, build_control
from customers.registry import Customer, Device, Registry
from devices.signing import device_key
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network, network_of
from grid_model.results import LoadFlowResult
from simulations.faults.options import Options
from simulations.faults.promises import Promised
from simulations.faults.site_settings import NETWORK, site_with

SECRET = b"gridward fault simulation"
EV_KW, HEAT_PUMP_KW, BOILER_KW = 11.0, 9.0, 4.0
FLOOR_KW = 4.2
ROOF_KW = 50.0
TAN_PHI = 0.2
"""of everything on the street"""
DEVICES, MOST_DEVICES = 11, 15
CRITICAL_DEVICE, CRITICAL_CUSTOMER = "D10", "C10"
OWN_PERCENT = 100.0
"""what the network file allows each of its elements"""
SHORTEST_ORDER_S = 60.0
"""Nobody is limited by hand for less, whatever the site allows at most."""
FUSE_KW = 43.5
"""3 × 63 A × 230 V: what a household's connection carries"""


class Unrefereed(FactoredLoadFlow):
    """The load flow without pandapower's second opinion, which costs more than all else in a cycle; what does
    not converge is still asked of it.
    """

    _asked = False

    def by_runpp(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult:
        """See the base class: here its own solution, where it has one."""
        if self._asked:
            return super().by_runpp(p_kw, q_kvar, slack_scale)
        self._asked = True
        try:
            return self.solve(p_kw, q_kvar, slack_scale=slack_scale)
        finally:
            self._asked = False


def site_of(options: Options) -> settings.Site:
    """The settings in force."""
    return site_with(options.period_s, act_early=options.act_early, tuned=options.settings)


@lru_cache(maxsize=1)
def network() -> Network:
    """The network."""
    return load_network(NETWORK, metered_generation=True)


@lru_cache(maxsize=1)
def load_flow() -> Unrefereed:
    """Its load flow."""
    return Unrefereed(network())


@lru_cache(maxsize=64)
def true_load_flow(cable: float) -> FactoredLoadFlow:
    """Of the network as it is: its cables have so many times the impedance that the file has."""
    if cable == 1.0:
        return load_flow()
    net = deepcopy(network().net)
    net.line[["r_ohm_per_km", "x_ohm_per_km"]] *= cable
    return FactoredLoadFlow(network_of(net, NETWORK, metered_generation=True))


@lru_cache(maxsize=1)
def keys() -> dict[str, bytes]:
    """Device → the key that it checks commands with."""
    return {f"D{n}": device_key(SECRET, f"D{n}") for n in range(MOST_DEVICES)}


@lru_cache(maxsize=64)
def registry(
    guards: bool, critical: frozenset[str] = frozenset(), *, sunny: bool = False, mixed: bool = False
) -> Registry:
    """Who lives there. `critical`: devices that were marked so later on."""
    points = network().service_points
    customers = tuple(
        Customer(f"C{n}", point, f"M{n}", critical=n == 10, takes_notices=n in (3, 11, 12))
        for n, point in enumerate(points)
    )
    devices = tuple(_device(n, points[n], guards, critical) for n in range(DEVICES))
    if sunny:
        devices = tuple(map(_roof, devices))
    return Registry(customers, _mixed(devices, critical) if mixed else devices)


def _roof(device: Device) -> Device:
    """In place of a charger, but for the critical one."""
    if device.kind != "ev_charger" or device.device == CRITICAL_DEVICE:
        return device
    return Device(
        device.device, device.service_point, "pv_inverter", ROOF_KW, FLOOR_KW, critical=device.critical
    )


def _mixed(devices: tuple[Device, ...], critical: frozenset[str]) -> tuple[Device, ...]:
    """Some are of kinds that are not so common, and some houses have several behind one meter."""
    points = network().service_points
    others = tuple(
        Device(name, points[place], kind, rated_kw, least_kw, name in critical)
        for name, place, kind, rated_kw, least_kw in _OTHERS
    )
    replaced = {device.device for device in others}
    kept = tuple(d for d in devices if d.device not in replaced)
    return tuple(sorted((*kept, *others), key=lambda d: int(d.device[1:])))


_OTHERS = (
    ("D1", 1, "battery", 5.0, 0.0),
    ("D4", 4, "air_conditioner", 6.0, 1.5),
    ("D7", 7, "battery", 8.0, FLOOR_KW),
    ("D11", 0, "pv_inverter", 30.0, 3.0),
    ("D12", 0, "pv_inverter", 20.0, 0.0),
    ("D13", 3, "heat_pump", HEAT_PUMP_KW, FLOOR_KW),
    ("D14", 2, "pv_inverter", ROOF_KW, FLOOR_KW),
)
"""name, place of the service point, kind, rated power, minimum; beside D0, D2 and D3 in the same houses"""


def registry_of(options: Options, critical: frozenset[str] = frozenset()) -> Registry:
    """Who lives there under these options."""
    return registry(options.guards, critical, sunny=options.sunny, mixed=options.mixed)


def _device(number: int, point: str, guards: bool, critical: frozenset[str]) -> Device:
    name = f"D{number}"
    kind, rated_kw, least_kw = (
        ("boiler", BOILER_KW, 0.0)
        if number == 9
        else ("heat_pump", HEAT_PUMP_KW, FLOOR_KW)
        if number % 3 == 2
        else ("ev_charger", EV_KW, FLOOR_KW)
    )
    marked = name in critical or name == CRITICAL_DEVICE
    if guards and number % 2 == 1 and kind == "ev_charger":
        return Device(
            name, point, kind, rated_kw, least_kw, marked, "guard", failsafe_kw=5.0, failsafe_s=7200
        )
    return Device(name, point, kind, rated_kw, least_kw, marked)


@lru_cache(maxsize=256)
def control_of(options: Options, critical: frozenset[str] = frozenset()) -> FeederControl:
    """The feeder's fixed parts, as files and registry have them. `options`: of the site alone."""
    site = site_of(options)
    return build_control(site, site.feeder[0], network(), registry_of(options, critical), load_flow())


def promised(options: Options) -> Promised:
    """The settings as the judge holds them against us."""
    bound_kw = dict(zip(network().service_points, map(_fuse_kw, network().default_p_kw), strict=True))
    for device in registry_of(options).devices:
        bound_kw[device.service_point] += device.rated_kw
    return promised_by(site_of(options), tuple(bound_kw.values()))


def _fuse_kw(default_kw: float) -> float:
    return float(max(FUSE_KW, 2 * abs(default_kw)))


def promised_by(s: settings.Site, bound_kw: tuple[float, ...]) -> Promised:
    """The same of any site. `bound_kw`: (n_sp,) what each connection can carry."""
    pace_share = s.safety.release_share_per_minute
    spread_s = 60.0 / pace_share if pace_share > 0 else 0.0
    return Promised(
        period_s=s.cycle.period_s,
        fresh_s=s.cycle.fresh_s,
        skew_s=s.cycle.max_clock_skew_s,
        min_fresh_share=s.cycle.min_fresh_share,
        persistence=s.events.persistence_checks,
        at_once_percent=s.events.at_once_percent,
        close_below=s.events.close_below,
        close_after_s=s.events.close_after_s,
        longest_s=s.events.max_duration_s,
        duration_s=s.requests.duration_s,
        spread_s=min(spread_s, s.requests.duration_s),
        attempts_s=s.requests.answer_within_s * s.requests.attempts,
        leave_alone_s=s.requests.min_between_s,
        reach_share=s.safety.feeder_share_per_minute,
        pace_share=pace_share,
        points_per_kwh=s.rewards.points_per_kwh,
        minor_units_per_kwh=s.rewards.minor_units_per_kwh,
        act_early=s.look_ahead.act_early,
        loading_percent=min(s.limits.loading_percent, OWN_PERCENT),
        lowest_v_pu=s.limits.min_v_pu,
        highest_v_pu=s.limits.max_v_pu,
        target_share=s.requests.target_share,
        keeps_room=s.look_ahead.act_early and s.look_ahead.room_share > 0,
        limits_feed_in=s.requests.limit_feed_in,
        raises=s.requests.raise_limits,
        raise_after_s=s.requests.raise_after_s,
        asks_people=s.requests.notices,
        least_asked_kw=s.requests.notice_min_kw,
        longest_order_s=max(s.requests.longest_order_s, SHORTEST_ORDER_S),
        bound_kw=bound_kw,
    )
