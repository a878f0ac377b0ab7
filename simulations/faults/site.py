"""The simulated site: a real small network, 13 customers, 11 devices, and settings in units of one period.

All times that the controller waits are so many periods, so that a run with a period of 15 minutes goes
through the same course of events as one with 10 seconds. A device's own floor is 0: only the controller may
keep it from being asked too much.
"""

from functools import lru_cache
from pathlib import Path

from controller import settings
from controller.feeder_control import FeederControl, build_control
from customers.registry import Customer, Device, Registry
from devices.signing import device_key
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network
from grid_model.results import LoadFlowResult
from simulations.faults.options import Options
from simulations.faults.promises import Promised

FEEDER = "street"
NETWORK = "pandapower:create_kerber_landnetz_freileitung_1"
SECRET = b"gridward fault simulation"
EV_KW, HEAT_PUMP_KW, BOILER_KW = 11.0, 9.0, 4.0
FLOOR_KW = 4.2
ROOF_KW = 50.0
TAN_PHI = 0.2
"""of everything on the street"""
DEVICES = 11
CRITICAL_DEVICE, CRITICAL_CUSTOMER = "D10", "C10"
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
    period_s = options.period_s
    return settings.Site(
        name="fault simulation",
        feeder=(
            settings.Feeder(
                id=FEEDER,
                network=NETWORK,
                customers=Path("customers.csv"),
                devices=Path("devices.csv"),
                rtu=settings.Rtu(host="substation"),
            ),
        ),
        cycle=settings.Cycle(
            period_s=period_s, fresh_s=2.5 * period_s, max_clock_skew_s=min(period_s, 30.0), estimate=False
        ),
        events=settings.Events(
            persistence_checks=2, close_after_s=2 * period_s, max_duration_s=18 * period_s
        ),
        look_ahead=settings.LookAhead(act_early=options.act_early, lead_s=period_s, announce=False),
        requests=settings.Requests(
            duration_s=8 * period_s,
            renew_before_s=4 * period_s,
            answer_within_s=1.2 * period_s,
            attempts=2,
            min_between_s=3 * period_s,
            raise_after_s=1.5 * period_s,
            longest_order_s=8 * period_s,
        ),
        safety=settings.Safety(feeder_share_per_minute=REACH_SHARE, release_share_per_minute=PACE_SHARE),
        rewards=settings.Rewards(interval_s=3 * period_s, baseline_holds_s=20 * period_s),
    )


REACH_SHARE, PACE_SHARE = 0.45, 0.5


@lru_cache(maxsize=1)
def network() -> Network:
    """The network."""
    return load_network(NETWORK, metered_generation=True)


@lru_cache(maxsize=1)
def load_flow() -> Unrefereed:
    """Its load flow."""
    return Unrefereed(network())


@lru_cache(maxsize=1)
def keys() -> dict[str, bytes]:
    """Device → the key that it checks commands with."""
    return {f"D{n}": device_key(SECRET, f"D{n}") for n in range(DEVICES)}


@lru_cache(maxsize=64)
def registry(guards: bool, critical: frozenset[str] = frozenset(), sunny: bool = False) -> Registry:
    """Who lives there. `critical`: devices that were marked so later on."""
    points = network().service_points
    customers = tuple(
        Customer(f"C{n}", point, f"M{n}", critical=n == 10, takes_notices=n in (3, 11, 12))
        for n, point in enumerate(points)
    )
    devices = tuple(_device(n, points[n], guards, critical) for n in range(DEVICES))
    return Registry(customers, tuple(map(_roof, devices)) if sunny else devices)


def _roof(device: Device) -> Device:
    """In place of a charger, but for the critical one."""
    if device.kind != "ev_charger" or device.device == CRITICAL_DEVICE:
        return device
    return Device(
        device.device, device.service_point, "pv_inverter", ROOF_KW, FLOOR_KW, critical=device.critical
    )


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
def control_of(
    period_s: float, act_early: bool, guards: bool, critical: frozenset[str], sunny: bool = False
) -> FeederControl:
    """The feeder's fixed parts, as files and registry have them."""
    site = site_of(Options(seed=0, period_s=period_s, act_early=act_early, guards=guards))
    return build_control(site, site.feeder[0], network(), registry(guards, critical, sunny), load_flow())


def promised(options: Options) -> Promised:
    """The settings as the judge holds them against us."""
    rated_kw = {d.service_point: d.rated_kw for d in registry(options.guards, sunny=options.sunny).devices}
    default_kw = zip(network().service_points, network().default_p_kw, strict=True)
    bound_kw = tuple(max(FUSE_KW, 2 * abs(kw)) + rated_kw.get(point, 0.0) for point, kw in default_kw)
    return promised_by(site_of(options), bound_kw)


def promised_by(s: settings.Site, bound_kw: tuple[float, ...]) -> Promised:
    """The same of any site. `bound_kw`: (n_sp,) what each connection can carry."""
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
        spread_s=min(60.0 / s.safety.release_share_per_minute, s.requests.duration_s),
        attempts_s=s.requests.answer_within_s * s.requests.attempts,
        leave_alone_s=s.requests.min_between_s,
        reach_share=s.safety.feeder_share_per_minute,
        pace_share=s.safety.release_share_per_minute,
        points_per_kwh=s.rewards.points_per_kwh,
        minor_units_per_kwh=s.rewards.minor_units_per_kwh,
        act_early=s.look_ahead.act_early,
        bound_kw=bound_kw,
    )
