"""Air conditioners: a house that warms up, a thermostat that switches, a limit that slows the cooling. Pure.

The same single thermal mass per house as in `heat_pump.py`, driven the other way, and by the sun as well:

    C dT/dt = H·(T_out + g·I − T) − EER(T_out)·P,   τ = C/H

solved exactly over a step in which power, outdoor temperature and irradiance I are held. g is such that full
sun warms a closed house by `sun_k`; H such that in full sun at the design temperature the machine runs
`design_duty` of the time. Under a limit the room warms, and the machine runs longer afterwards: the rebound.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from simulations.draws import triangular
from simulations.scenario_devices import AirConditioner

_SPREAD = 0.35
_FULL_SUN = 1000.0


@dataclass(frozen=True)
class Coolers:
    """The cooled houses as drawn; `(n_ac,)` each."""

    rated_kw: Floats
    gain_kw_per_k: Floats
    """heat that comes in per degree between outside and inside"""
    time_constant_hours: Floats
    first_room_c: Floats
    first_on: Floats
    """1 where the machine runs at the start"""


def no_coolers() -> Coolers:
    """Where nobody has one."""
    none = np.zeros(0)
    return Coolers(none, none, none, none, none)


def eer(outdoor_c: float) -> float:
    """Energy efficiency ratio of a split unit: 3.4 at 35 °C, 0.09 more per degree less, 2.2 to 6.

    A straight line through the usual A35/A27 and A25/A27 test points (EN 14511, EN 14825); good enough for
    load, not for a product.
    """
    return float(np.clip(3.4 - 0.09 * (outdoor_c - 35.0), 2.2, 6.0))


def draw_coolers(
    table: AirConditioner, count: int, outdoor_c: float, sun_w_per_m2: float, rng: np.random.Generator
) -> Coolers:
    """Draw sizes (triangular); each house begins somewhere within its cycle, on as often as its duty says,
    and at the warmth of outside where that is below the thermostat's.
    """
    rated = np.round(triangular(rng, table.least_kw, table.usual_kw, table.most_kw, count), 1)
    warmest_k = table.design_c + table.sun_k - table.room_c
    gain = rng.uniform(1 - _SPREAD, 1.0, count) * table.design_duty * eer(table.design_c) * rated / warmest_k
    outside_c = outdoor_c + table.sun_k * sun_w_per_m2 / _FULL_SUN
    duty = np.clip(gain * (outside_c - table.room_c) / (eer(outdoor_c) * rated), 0, 1)
    room_c = table.room_c + table.band_k * (rng.random(count) - 0.5)
    return Coolers(
        rated_kw=rated,
        gain_kw_per_k=gain,
        time_constant_hours=table.time_constant_hours * rng.uniform(1 - _SPREAD, 1 + _SPREAD, count),
        first_room_c=np.minimum(room_c, max(outside_c, table.room_c - 4.0)),
        first_on=(rng.random(count) < duty).astype(np.float64),
    )


class AirConditionerFleet:
    """All air conditioners of a feeder; `(n_ac,)` throughout."""

    def __init__(self, table: AirConditioner, coolers: Coolers) -> None:
        self._table, self._coolers = table, coolers
        self.room_c: Floats = coolers.first_room_c.copy()
        self._on = coolers.first_on > 0
        self.used_kwh: Floats = np.zeros(len(coolers.rated_kw))
        self.too_warm_kh: Floats = np.zeros(len(coolers.rated_kw))
        """kelvin-hours above the thermostat's band: comfort lost"""

    def power_kw(self, limit_kw: Floats) -> Floats:
        """What each takes now; `limit_kw` is inf where no limit is held."""
        return np.where(self._on, np.minimum(self._coolers.rated_kw, limit_kw), 0.0)

    def advance(self, hours: float, outdoor_c: float, sun_w_per_m2: float, limit_kw: Floats) -> None:
        """Cool or warm each house over `hours`, then let the thermostats switch."""
        power = self.power_kw(limit_kw)
        self.used_kwh = self.used_kwh + power * hours
        outside_c = outdoor_c + self._table.sun_k * sun_w_per_m2 / _FULL_SUN
        settles_at = outside_c - eer(outdoor_c) * power / self._coolers.gain_kw_per_k
        fades = np.exp(-hours / self._coolers.time_constant_hours)
        self.room_c = settles_at + (self.room_c - settles_at) * fades
        half = self._table.band_k / 2
        above_k = self.room_c - (self._table.room_c + half)
        self.too_warm_kh = self.too_warm_kh + np.maximum(above_k, 0.0) * hours
        self._on = (self._on | (above_k > 0)) & ~(self.room_c < self._table.room_c - half)
