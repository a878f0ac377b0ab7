"""Outdoor temperature where no measurements come with the network: a year's sine and a day's sine. Pure."""

import math
from datetime import datetime

from simulations.scenario import Weather


def outdoor_c(weather: Weather, at: datetime) -> float:
    """Degrees Celsius at a time of the scenario's own clock."""
    hour = at.hour + at.minute / 60 + at.second / 3600
    day = at.timetuple().tm_yday + hour / 24
    year_part = math.cos(2 * math.pi * (day - weather.coldest_day) / 365.25)
    day_part = math.cos(2 * math.pi * (hour - weather.coldest_hour) / 24)
    return (
        weather.mean_c + weather.shift_k - weather.year_swing_k * year_part - weather.day_swing_k * day_part
    )
