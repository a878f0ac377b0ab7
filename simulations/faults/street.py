"""The simulated field: what customers and devices take, what meters say of it, and how readings go mad."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from devices.messages import SUBSTATION, Answer, Inbound, Reading, ReadingBatch
from grid_model.network import Floats
from simulations.faults import site
from simulations.faults.device import FieldDevice
from simulations.faults.options import Draws, Options
from simulations.faults.site import FEEDER, TAN_PHI

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
REGISTER_BACK_KWH = 5.0
REGISTER_BEGINS_KWH = 1000.0


@dataclass(frozen=True)
class Truth:
    """What is true at one time."""

    at: datetime
    p_kw: Floats
    """(n_sp,) at the meters"""


class Street:
    """All customers and devices. `now`: the true time."""

    def __init__(self, options: Options, draws: Draws, devices: dict[str, FieldDevice]) -> None:
        self.devices = devices
        self._options, self._draws = options, draws
        self._n = len(site.network().service_points)
        self._base_kw = np.full(self._n, 1.0)
        self._people_save = np.zeros(self._n)
        self._place = {name: int(name[1:]) for name in devices}
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
        for share, device in zip(shares, self.devices.values(), strict=True):
            most_kw = SUN_KW[phase] if device.feeds_in else device_kw
            device.wants_kw = min(float(share) * most_kw, device.device.rated_kw)

    def saves(self, place: int, share: float) -> None:
        """A person takes this share less from now on; 0 ends that."""
        self._people_save[place] = share

    def truth(self, now: datetime) -> Truth:
        """The powers now."""
        p_kw = self._base_kw * (1.0 - self._people_save)
        for name, device in self.devices.items():
            p_kw[self._place[name]] += device.p_kw()
        return Truth(now, p_kw)

    def readings(self, truth: Truth) -> Iterator[Inbound]:
        """What the meters, and the substation, say of it."""
        if self.silent_until is not None and truth.at < self.silent_until:
            return
        noise = 1.0 + 0.005 * (self._draws.of("field").random(self._n) - 0.5)
        p_kw = np.round(truth.p_kw * noise, 3)
        self._energy_kwh += np.maximum(truth.p_kw, 0.0) * self._options.period_s / 3600
        mad = {n: self._madness() for n in range(self._n) if self._draws.strikes("mad_reading")}
        at = truth.at + self.clock_off
        for n in range(self._n):
            if self._options.singles or n in mad:
                yield self._reading(n, float(p_kw[n]), at, mad.get(n))
        if not self._options.singles:
            well = [n for n in range(self._n) if n not in mad]
            yield ReadingBatch(
                FEEDER,
                at,
                tuple(f"M{n}" for n in well),
                tuple(float(p_kw[n]) for n in well),
                tuple(round(TAN_PHI * float(p_kw[n]), 3) for n in well),
            )
        result = site.load_flow().solve(truth.p_kw, TAN_PHI * truth.p_kw)
        if result.converged:
            head_kw = float(result.transformer_p_kw.sum())
            yield Reading(FEEDER, SUBSTATION, at, round(head_kw, 3), round(TAN_PHI * head_kw, 3))

    def ended(self) -> list[Answer]:
        """What devices let go by themselves."""
        return [answer for device in self.devices.values() for answer in device.ended()]

    def _madness(self) -> str:
        return str(self._draws.of("mad_reading").choice(MADNESS))

    def _reading(self, n: int, p_kw: float, at: datetime, mad: str | None) -> Reading:
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
        return Reading(FEEDER, f"M{n}", at, p_kw, round(TAN_PHI * p_kw, 3), energy_kwh=energy_kwh)
