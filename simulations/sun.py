"""Where the sun stands and what it gives: a clear sky, clouds before it, and a tilted roof below. Pure.

All formulas but those of the sky itself are numbered as in Duffie and Beckman, *Solar Engineering of Thermal
Processes*, 4th edition (2013). Irradiance in W/m².
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from grid_model.network import Floats

_LOWEST_COS = 0.087
"""85° from the zenith: below that a beam's share on a tilted plane says nothing."""
_GROUND = 0.2
"""reflectance (albedo) of ordinary ground"""


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun at one time and place; angles in radians."""

    latitude: float
    declination: float
    hour_angle: float
    """0 at solar noon, negative before"""
    beam_outside: float
    """W/m² above the atmosphere, on a plane that faces the sun"""

    @property
    def cos_zenith(self) -> float:
        """Above 0 by day (1.6.5)."""
        return math.cos(self.latitude) * math.cos(self.declination) * math.cos(self.hour_angle) + math.sin(
            self.latitude
        ) * math.sin(self.declination)


def sun_at(at: datetime, latitude_deg: float, longitude_deg: float | None = None) -> Sun:
    """The sun at an aware time.

    Without a longitude the place lies on the meridian of the time's own zone. Declination by Cooper
    (1.6.1a), equation of time by Spencer (1.5.3), radiation outside (1.4.1a).
    """
    offset = at.utcoffset()
    assert offset is not None, "an aware time"
    meridian_deg = offset.total_seconds() / 240
    east_h = 0.0 if longitude_deg is None else (longitude_deg - meridian_deg) / 15
    day = at.timetuple().tm_yday
    b = 2 * math.pi * (day - 1) / 365
    equation_min = 229.2 * (
        0.000075
        + 0.001868 * math.cos(b)
        - 0.032077 * math.sin(b)
        - 0.014615 * math.cos(2 * b)
        - 0.04089 * math.sin(2 * b)
    )
    solar_hour = at.hour + at.minute / 60 + at.second / 3600 + equation_min / 60 + east_h
    return Sun(
        latitude=math.radians(latitude_deg),
        declination=math.radians(23.45) * math.sin(2 * math.pi * (284 + day) / 365),
        hour_angle=math.radians(15 * (solar_hour - 12)),
        beam_outside=1367 * (1 + 0.033 * math.cos(2 * math.pi * day / 365)),
    )


def clear_sky(sun: Sun) -> float:
    """Global irradiance on level ground under a clear sky: 1098 cos z exp(-0.057 / cos z).

    Haurwitz, *Insolation in relation to cloudiness and cloud density*, Journal of Meteorology 2 (1945); of
    the models that need nothing but the zenith angle among the best in Reno, Hansen and Stein, *Global
    Horizontal Irradiance Clear Sky Models*, SAND2012-2389 (2012).
    """
    cos_z = sun.cos_zenith
    return 1098 * cos_z * math.exp(-0.057 / cos_z) if cos_z > 0 else 0.0


def under_clouds(clear: float, cover: float) -> float:
    """What of a clear sky's irradiance is left when clouds cover this share (0 to 1) of it.

    Kasten and Czeplak, *Solar and terrestrial radiation dependent on the amount and type of cloud*, Solar
    Energy 24 (1980): 1 - 0.75 N^3.4.
    """
    return clear * (1 - 0.75 * math.pow(cover, 3.4))


def on_roofs(sun: Sun, level: float, tilt: Floats, azimuth: Floats) -> Floats:
    """(n,) irradiance on planes of these tilts and azimuths (radians, 0 south, west positive), of `level` on
    the ground.

    Diffuse part by Erbs, Klein and Duffie (2.10.1), the sky's diffuse light the same from everywhere
    (2.15.1).
    """
    cos_z = sun.cos_zenith
    if cos_z <= 0 or level <= 0:
        return np.zeros(len(tilt))
    diffuse = level * _diffuse_share(min(level / (sun.beam_outside * cos_z), 1.0))
    beam = (level - diffuse) / max(cos_z, _LOWEST_COS)
    from_sky = diffuse * (1 + np.cos(tilt)) / 2
    from_ground = _GROUND * level * (1 - np.cos(tilt)) / 2
    return np.asarray(beam * np.maximum(_cos_incidence(sun, tilt, azimuth), 0.0) + from_sky + from_ground)


def _cos_incidence(sun: Sun, tilt: Floats, azimuth: Floats) -> Floats:
    """(1.6.2)"""
    sin_d, cos_d = math.sin(sun.declination), math.cos(sun.declination)
    sin_f, cos_f = math.sin(sun.latitude), math.cos(sun.latitude)
    sin_w, cos_w = math.sin(sun.hour_angle), math.cos(sun.hour_angle)
    sin_b, cos_b = np.sin(tilt), np.cos(tilt)
    towards = sin_b * np.cos(azimuth)
    return np.asarray(
        sin_d * sin_f * cos_b
        - sin_d * cos_f * towards
        + cos_d * cos_f * cos_w * cos_b
        + cos_d * sin_f * cos_w * towards
        + cos_d * sin_w * sin_b * np.sin(azimuth)
    )


def _diffuse_share(kt: float) -> float:
    """Erbs et al., of the clearness index; fitted to hours, taken here for minutes."""
    if kt <= 0.22:
        return 1 - 0.09 * kt
    if kt <= 0.8:
        return 0.9511 - 0.1604 * kt + 4.388 * kt**2 - 16.638 * kt**3 + 12.336 * kt**4
    return 0.165
