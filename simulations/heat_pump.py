"""Heat pumps: a house that loses heat, a thermostat that switches, a limit that slows the warming. Pure.

One thermal mass per house (first-order building model, for example ISO 13790's 1R1C reduction):

    C dT/dt = COP(T_out)·P − H·(T − T_out),   τ = C/H

solved exactly over a step in which power and outdoor temperature are held. H is set so that at the design
temperature the pump runs `design_duty` of the time. Under a limit the same pump takes less and runs longer:
that is the rebound.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from simulations.draws import triangular
from simulations.scenario import HeatPump

_SPREAD = 0.35


@dataclass(frozen=True)
class Houses:
    """The houses as drawn; `(n_hp,)` each."""

    rated_kw: Floats
    loss_kw_per_k: Floats
    """heat lost per degree between inside and outside"""
    time_constant_hours: Floats
    first_room_c: Floats
    first_on: Floats
    """1 where the pump runs at the start"""


def cop(outdoor_c: float) -> float:
    """Coefficient of performance of an air-source pump: 3.0 at 0 °C, 0.07 more per degree, 1.8 to 4.5.

    A straight line through the usual A-7/W35 to A7/W35 test points (EN 14511); good enough for load, not for
    a product.
    """
    return float(np.clip(3.0 + 0.07 * outdoor_c, 1.8, 4.5))


def draw_houses(pump: HeatPump, count: int, outdoor_c: float, rng: np.random.Generator) -> Houses:
    """Draw sizes (triangular); each house begins somewhere within its cycle, on as often as its duty says."""
    rated_kw = np.round(triangular(rng, pump.least_kw, pump.usual_kw, pump.most_kw, count), 1)
    # no two houses alike: equal ones would fall into step and switch together
    loss = rng.uniform(1 - _SPREAD, 1.0, count) * pump.design_duty * cop(pump.design_c) * rated_kw
    loss = loss / (pump.room_c - pump.design_c)
    duty = np.clip(loss * (pump.room_c - outdoor_c) / (cop(outdoor_c) * rated_kw), 0, 1)
    return Houses(
        rated_kw=rated_kw,
        loss_kw_per_k=loss,
        time_constant_hours=pump.time_constant_hours * rng.uniform(1 - _SPREAD, 1 + _SPREAD, count),
        first_room_c=pump.room_c + pump.band_k * (rng.random(count) - 0.5),
        first_on=(rng.random(count) < duty).astype(np.float64),
    )


class HeatPumpFleet:
    """All heat pumps of a feeder; `(n_hp,)` throughout."""

    def __init__(self, pump: HeatPump, houses: Houses) -> None:
        self._pump = pump
        self._houses = houses
        self.room_c = houses.first_room_c.copy()
        self._on = houses.first_on > 0
        self.used_kwh: Floats = np.zeros(len(houses.rated_kw))
        self.too_cold_kh: Floats = np.zeros(len(houses.rated_kw))
        """kelvin-hours below the thermostat's band: comfort lost"""

    def power_kw(self, limit_kw: Floats) -> Floats:
        """What each pump takes now; `limit_kw` is inf where no limit is held."""
        return np.where(self._on, np.minimum(self._houses.rated_kw, limit_kw), 0.0)

    def advance(self, hours: float, outdoor_c: float, limit_kw: Floats) -> None:
        """Warm or cool each house over `hours`, then let the thermostats switch."""
        power = self.power_kw(limit_kw)
        self.used_kwh = self.used_kwh + power * hours
        settles_at = outdoor_c + cop(outdoor_c) * power / self._houses.loss_kw_per_k
        fades = np.exp(-hours / self._houses.time_constant_hours)
        self.room_c = settles_at + (self.room_c - settles_at) * fades
        half = self._pump.band_k / 2
        below_k = self._pump.room_c - half - self.room_c
        self.too_cold_kh = self.too_cold_kh + np.maximum(below_k, 0.0) * hours
        self._on = (self._on | (below_k > 0)) & ~(self.room_c > self._pump.room_c + half)
