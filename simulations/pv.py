"""Solar roofs and their inverters: what the sun gives, less what may not be fed in. Pure, vectorised.

An inverter gives no more than its rated power, feeds in no more than its contract allows, and no more than it
was told. What is held back is lost, and counted.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from simulations.draws import triangular
from simulations.scenario_devices import Pv
from simulations.sun import Sun, on_roofs

_FULL_SUN = 1000.0
"""W/m² at which modules give their rated power (IEC 61215, standard test conditions)"""


@dataclass(frozen=True)
class Roofs:
    """The roofs as drawn; `(n_pv,)` each, angles in radians."""

    modules_kw: Floats
    inverter_kw: Floats
    tilt: Floats
    azimuth: Floats


def no_roofs() -> Roofs:
    """Where nobody has one."""
    none = np.zeros(0)
    return Roofs(none, none, none, none)


def draw_roofs(pv: Pv, count: int, rng: np.random.Generator) -> Roofs:
    """Sizes triangular; azimuths normal, tilts within ten degrees."""
    modules_kw = np.round(triangular(rng, pv.least_kw, pv.usual_kw, pv.most_kw, count), 1)
    azimuth_deg = pv.azimuth_deg + pv.azimuth_sd_deg * rng.standard_normal(count)
    tilt_deg = np.clip(pv.tilt_deg + 10 * (2 * rng.random(count) - 1), 0, 90)
    return Roofs(
        modules_kw=modules_kw,
        inverter_kw=np.round(modules_kw * pv.inverter_share, 2),
        tilt=np.radians(tilt_deg),
        azimuth=np.radians(azimuth_deg),
    )


class PvFleet:
    """All roofs of a feeder; `(n_pv,)` throughout."""

    def __init__(self, pv: Pv, roofs: Roofs) -> None:
        self._roofs = roofs
        self._most_kw = np.minimum(roofs.inverter_kw, pv.feed_in_share * roofs.modules_kw)
        self._performance = pv.performance
        self.made_kwh: Floats = np.zeros(len(roofs.modules_kw))
        self.held_back_kwh: Floats = np.zeros(len(roofs.modules_kw))
        """by a limit or by contract"""

    def possible_kw(self, sun: Sun, level_w_per_m2: float) -> Floats:
        """What the inverters could give, positive."""
        light = on_roofs(sun, level_w_per_m2, self._roofs.tilt, self._roofs.azimuth)
        given = self._roofs.modules_kw * light / _FULL_SUN * self._performance
        return np.minimum(given, self._roofs.inverter_kw)

    def power_kw(self, possible_kw: Floats, limit_kw: Floats) -> Floats:
        """What they take: negative; `limit_kw` is what they may feed in, inf where nobody said."""
        return -np.minimum(possible_kw, np.minimum(self._most_kw, limit_kw))

    def advance(self, hours: float, possible_kw: Floats, power_kw: Floats) -> None:
        """Count what was made, and what was not."""
        self.made_kwh = self.made_kwh - power_kw * hours
        self.held_back_kwh = self.held_back_kwh + (possible_kw + power_kw) * hours
