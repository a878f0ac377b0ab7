"""The weather outside: temperature and sun, by formula or as measured. Pure.

Without measurements the temperature is a year's and a day's sine, and the sun that of a clear sky behind a
seeded series of clouds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from grid_model.network import Floats
from simulations.draws import stream
from simulations.scenario import Scenario, Weather
from simulations.series_file import read_weather
from simulations.sun import Sun, clear_sky, sun_at, under_clouds

CLOUD_STEP_S = 60.0
_CLOUD_SPREAD = 1.8
"""of the cover's logit: at a mean of one half the sky is now nearly clear, now nearly closed"""


@dataclass(frozen=True)
class Outdoors:
    """What a time of the scenario's own clock is like."""

    weather: Weather
    clouds: Floats
    """(n,) cover of the sky, 0 to 1, `CLOUD_STEP_S` apart from the start"""
    start: datetime
    measured_c: Callable[[datetime], float] | None = None
    measured_w_per_m2: Callable[[datetime], float] | None = None

    def outdoor_c(self, at: datetime) -> float:
        """Degrees Celsius."""
        return outdoor_c(self.weather, at) if self.measured_c is None else self.measured_c(at)

    def sun(self, at: datetime) -> Sun:
        """Where the sun stands."""
        return sun_at(at, self.weather.latitude_deg, self.weather.longitude_deg)

    def sun_w_per_m2(self, at: datetime, sun: Sun | None = None) -> float:
        """Global irradiance on level ground."""
        if self.measured_w_per_m2 is not None:
            return self.measured_w_per_m2(at)
        clear = clear_sky(self.sun(at) if sun is None else sun)
        return under_clouds(clear, self._cover(at)) if clear > 0 else 0.0

    def _cover(self, at: datetime) -> float:
        place = (at - self.start).total_seconds() / CLOUD_STEP_S
        low = min(max(int(place), 0), len(self.clouds) - 2)
        part = min(max(place - low, 0.0), 1.0)
        return float((1 - part) * self.clouds[low] + part * self.clouds[low + 1])


def outdoors_of(scenario: Scenario) -> Outdoors:
    """The weather of a scenario; the clouds are drawn. Raises ScenarioRejected for a file that is wrong."""
    weather, start, days = scenario.weather, scenario.time.start, scenario.time.days
    clouds = draw_clouds(weather, days, stream(scenario.seed, "clouds"))
    if weather.file is None:
        return Outdoors(weather, clouds, start)
    measured = read_weather(Path(weather.file), start, start.timestamp() + 86400 * days)
    return Outdoors(weather, clouds, start, *measured)


def draw_clouds(weather: Weather, days: float, rng: np.random.Generator) -> Floats:
    """(n,) cover: the logistic of a first-order autoregressive series, so that clouds come and go in about
    `cloud_minutes`.
    """
    count = int(np.ceil(days * 86400 / CLOUD_STEP_S)) + 2
    mean = min(max(weather.cloud, 0.001), 0.999)
    memory = math.exp(-CLOUD_STEP_S / 60 / weather.cloud_minutes)
    noise = rng.standard_normal(count)
    noise[1:] *= math.sqrt(1 - memory**2)
    series = lfilter([1.0], [1.0, -memory], noise)
    return np.asarray(1 / (1 + np.exp(-(math.log(mean / (1 - mean)) + _CLOUD_SPREAD * series))))


def outdoor_c(weather: Weather, at: datetime) -> float:
    """Degrees Celsius at a time of the scenario's own clock, by the two sines."""
    hour = at.hour + at.minute / 60 + at.second / 3600
    day = at.timetuple().tm_yday + hour / 24
    year_part = math.cos(2 * math.pi * (day - weather.coldest_day) / 365.25)
    day_part = math.cos(2 * math.pi * (hour - weather.coldest_hour) / 24)
    return (
        weather.mean_c + weather.shift_k - weather.year_swing_k * year_part - weather.day_swing_k * day_part
    )
