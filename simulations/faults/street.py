"""The simulated field: what customers and devices take, what meters say of it, and how readings go mad."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from devices.messages import SUBSTATION, Answer, Inbound, Reading, ReadingBatch
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats
from simulations.faults import site
from simulations.faults.device import FieldDevice
from simulations.faults.options import Draws, Options
from simulations.faults.site import TAN_PHI
from simulations.faults.site_settings import FEEDER

PHASES: dict[str, tuple[float, float]] = {
    "calm": (2.0, 1.0),
    "busy": (11.0, 4.0),
    "severe": (11.0, 7.0),
    "mixed": (8.0, 5.0),
}
"""What a device wants at most, and what each household takes besides, in kW."""
SUN_KW: dict[str, float] = {"calm": 2.0, "busy": 38.0, "severe": 50.0, "mixed": 45.0}
"""What a roof gives at most in each phase, where there are roofs."""
HARDLY_ANYBODY_AT_HOME = 0.2
"""Of what is taken, where there are roofs, but for the calm."""
MADNESS = ("nan", "inf", "thousand", "thousandth", "negative", "future", "past", "stuck", "register_back")
VOLTAGE_MADNESS = ("dead_phase", "line_to_line", "too_high", "too_low")
"""beside those where meters show voltages"""
SUN = (0.0, 0.5, 1.0)
"""Of what roofs give in a phase, where there are some among other devices."""
BATTERY_GIVES = 0.3
"""of the phases: a battery gives in place of taking"""
WRONG_PU = 0.05
VOLTAGE_NOISE = 0.004
REGISTER_BACK_KWH = 5.0
REGISTER_BEGINS_KWH = 1000.0
PHASES_OF_A_METER = 3
VOLTS_BY_KV = 1000 / PHASES_OF_A_METER**0.5
"""phase to neutral, of the voltage between phases"""


@dataclass(frozen=True)
class Truth:
    """What is true at one time."""

    at: datetime
    p_kw: Floats
    """(n_sp,) at the meters"""
    network: LoadFlowResult
    """what it comes to, by the cables as they are"""


class Street:
    """All customers and devices. `now`: the true time."""

    def __init__(self, options: Options, draws: Draws, devices: dict[str, FieldDevice]) -> None:
        self.devices = devices
        self._options, self._draws = options, draws
        self._n = len(site.network().service_points)
        self._base_kw = np.full(self._n, 1.0)
        self._people_save = np.zeros(self._n)
        points = {point: place for place, point in enumerate(site.network().service_points)}
        self._place = {name: points[device.device.service_point] for name, device in devices.items()}
        self._load_flow: FactoredLoadFlow = site.true_load_flow(options.cable)
        self._energy_kwh = np.full(self._n, REGISTER_BEGINS_KWH)
        self._stuck: dict[int, float] = {}
        self.silent_until: datetime | None = None
        self.clock_off = timedelta(0)
        """of all meters and the RTU"""
        self.phase = "calm"

    def begin_phase(self, phase: str) -> None:
        """Everybody takes what the phase says, each a little other."""
        self.phase = phase
        device_kw, base_kw = PHASES[phase]
        rng = self._draws.of("phases")
        if self._options.sunny and phase != "calm":
            device_kw, base_kw = HARDLY_ANYBODY_AT_HOME * device_kw, HARDLY_ANYBODY_AT_HOME * base_kw
        self._base_kw = base_kw * (0.85 + 0.3 * rng.random(self._n))
        shares = 0.4 + 0.6 * rng.random(len(self.devices)) if phase == "mixed" else np.ones(len(self.devices))
        sun = float(rng.choice(SUN)) if self._options.mixed and not self._options.sunny else 1.0
        for share, device in zip(shares, self.devices.values(), strict=True):
            most_kw = sun * SUN_KW[phase] if device.feeds_in else device_kw
            device.wants_kw = min(float(share) * most_kw, device.device.rated_kw)
            if device.device.kind == "battery" and phase != "calm" and rng.random() < BATTERY_GIVES:
                device.wants_kw *= -1

    def saves(self, place: int, share: float) -> None:
        """A person takes this share less from now on; 0 ends that."""
        self._people_save[place] = share

    def cables_are_as_filed(self) -> None:
        """The network is what its file says."""
        self._load_flow = site.load_flow()

    def truth(self, now: datetime) -> Truth:
        """The powers now."""
        p_kw = self._base_kw * (1.0 - self._people_save)
        for name, device in self.devices.items():
            p_kw[self._place[name]] += device.p_kw()
        return Truth(now, p_kw, self._load_flow.solve(p_kw, TAN_PHI * p_kw))

    def readings(self, truth: Truth) -> Iterator[Inbound]:
        """What the meters, and the substation, say of it."""
        if self.silent_until is not None and truth.at < self.silent_until:
            return
        noise = 1.0 + 0.005 * (self._draws.of("field").random(self._n) - 0.5)
        p_kw = np.round(truth.p_kw * noise, 3)
        self._energy_kwh += np.maximum(truth.p_kw, 0.0) * self._options.period_s / 3600
        mad = {n: self._madness() for n in range(self._n) if self._draws.strikes("mad_reading")}
        at, volts = truth.at + self.clock_off, self._volts(truth)
        for n in range(self._n):
            if self._options.singles or n in mad:
                yield self._reading(n, float(p_kw[n]), at, mad.get(n), None if volts is None else volts[n])
        if not self._options.singles:
            well = [n for n in range(self._n) if n not in mad]
            yield ReadingBatch(
                FEEDER,
                at,
                tuple(f"M{n}" for n in well),
                tuple(float(p_kw[n]) for n in well),
                tuple(round(TAN_PHI * float(p_kw[n]), 3) for n in well),
                None if volts is None else tuple(volts[n] for n in well),
            )
        if truth.network.converged:
            head_kw = float(truth.network.transformer_p_kw.sum())
            v_v = (self._busbar_v(truth),) * PHASES_OF_A_METER if self._options.voltages else None
            yield Reading(FEEDER, SUBSTATION, at, round(head_kw, 3), round(TAN_PHI * head_kw, 3), v_v)

    def _volts(self, truth: Truth) -> list[float] | None:
        """Of each service point, phase to neutral."""
        if not self._options.voltages or not truth.network.converged:
            return None
        network = site.network()
        nominal_v = network.buses.vn_kv[network.service_point_bus] * VOLTS_BY_KV
        noise = 1.0 + VOLTAGE_NOISE * (self._draws.of("site").random(self._n) - 0.5)
        v_v = truth.network.v_pu[network.service_point_bus] * nominal_v * noise
        return [round(float(v), 1) for v in v_v]

    def _busbar_v(self, truth: Truth) -> float:
        busbar = int(site.network().transformers.to_bus[0])
        return round(float(truth.network.v_pu[busbar] * site.network().buses.vn_kv[busbar] * VOLTS_BY_KV), 3)

    def ended(self) -> list[Answer]:
        """What devices let go by themselves."""
        return [answer for device in self.devices.values() for answer in device.ended()]

    def _madness(self) -> str:
        all_ways = MADNESS + VOLTAGE_MADNESS if self._options.voltages else MADNESS
        return str(self._draws.of("mad_reading").choice(all_ways))

    def _reading(self, n: int, p_kw: float, at: datetime, mad: str | None, volts: float | None) -> Reading:
        v_v = None if volts is None else _phases(volts, mad)
        energy_kwh: float | None = round(float(self._energy_kwh[n]), 3)
        match mad:
            case "nan":
                p_kw = math.nan
            case "inf":
                p_kw = math.inf
            case "thousand":
                p_kw *= 1000
            case "thousandth":
                p_kw = round(p_kw / 1000, 3)
            case "negative":
                p_kw = -p_kw
            case "future":
                at += timedelta(days=1)
            case "past":
                at -= timedelta(seconds=60 * self._options.period_s)
            case "stuck":
                p_kw = self._stuck.setdefault(n, p_kw)
            case "register_back":
                energy_kwh = round(float(self._energy_kwh[n]) - REGISTER_BACK_KWH, 3)
            case _:
                pass
        return Reading(FEEDER, f"M{n}", at, p_kw, round(TAN_PHI * p_kw, 3), v_v, energy_kwh=energy_kwh)


def _phases(volts: float, mad: str | None) -> tuple[float, ...]:
    """What a meter on three phases shows of them."""
    match mad:
        case "dead_phase":
            return (0.0, volts, volts)
        case "line_to_line":
            volts *= PHASES_OF_A_METER**0.5
        case "too_high":
            volts *= 1 + WRONG_PU
        case "too_low":
            volts *= 1 - WRONG_PU
        case _:
            pass
    return (volts,) * PHASES_OF_A_METER
