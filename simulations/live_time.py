"""A scenario that begins now, for hardware that lives in real time. Pure.

The scenario's own hours stay what they were: its evening may happen at any time of our day, because a zone is
chosen in which the clock shows it now.
"""

from datetime import datetime, timedelta, timezone

import msgspec

from simulations.scenario import Scenario

_DAY = timedelta(days=1)
_YEAR_DAYS = 366


def as_if_now(scenario: Scenario, begin: datetime, now: datetime) -> Scenario:
    """The scenario moved so that `begin`, a moment of it, is `now`. Its clock times and the season of its
    weather stay.
    """
    start = scenario.time.start
    moved = now - begin
    zone = timezone(_within_half_a_day((start.utcoffset() or timedelta()) - moved))
    later = (start + moved).astimezone(zone)
    days = later.timetuple().tm_yday - start.timetuple().tm_yday
    weather = scenario.weather
    coldest = (weather.coldest_day - 1 + days) % _YEAR_DAYS + 1
    return msgspec.structs.replace(
        scenario,
        time=msgspec.structs.replace(scenario.time, start=later),
        weather=msgspec.structs.replace(weather, coldest_day=coldest),
    )


def _within_half_a_day(offset: timedelta) -> timedelta:
    """The same clock time, from the zone that is nearest to UTC."""
    return (offset + _DAY / 2) % _DAY - _DAY / 2
