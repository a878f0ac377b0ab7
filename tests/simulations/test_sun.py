import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from simulations.scenario import Weather
from simulations.sun import Sun, clear_sky, on_roofs, sun_at, under_clouds
from simulations.weather import draw_clouds

MADISON, SOUTH_WEST = math.radians(43), (np.radians([45.0]), np.radians([15.0]))


def sun(hour_angle_deg: float, declination_deg: float = -14.0) -> Sun:
    return Sun(MADISON, math.radians(declination_deg), math.radians(hour_angle_deg), 1400.0)


def test_angles_are_those_of_the_textbook() -> None:
    """Duffie and Beckman, examples 1.6.1 (incidence of 35° at 10:30) and 1.6.2 (zenith of 66.5° at 9:30)."""
    from simulations.sun import _cos_incidence

    assert math.degrees(math.acos(_cos_incidence(sun(-22.5), *SOUTH_WEST)[0])) == pytest.approx(35, abs=0.3)
    assert math.degrees(math.acos(sun(-37.5).cos_zenith)) == pytest.approx(66.5, abs=0.1)


def test_declination_and_noon() -> None:
    """Example 1.6.1: -14° on February 13; the equation of time is +16 minutes in early November."""
    february = sun_at(datetime(2016, 2, 13, 12, tzinfo=UTC), 43)
    assert math.degrees(february.declination) == pytest.approx(-14, abs=0.2)
    november = sun_at(datetime(2016, 11, 3, 12, tzinfo=UTC), 50)
    assert math.degrees(november.hour_angle) / 15 * 60 == pytest.approx(16.4, abs=0.5)
    summer_time = timezone(timedelta(hours=2))
    late = sun_at(datetime(2016, 7, 1, 12, tzinfo=summer_time), 52, 9.0)
    assert math.degrees(late.hour_angle) / 15 == pytest.approx(-1.47, abs=0.05)


def test_clear_sky_and_clouds() -> None:
    overhead = Sun(0.0, 0.0, 0.0, 1367.0)
    assert clear_sky(overhead) == pytest.approx(1037, abs=1)
    assert clear_sky(Sun(0.0, 0.0, math.pi, 1367.0)) == 0
    assert under_clouds(800, 1.0) == pytest.approx(200)
    assert under_clouds(800, 0.0) == 800


def test_a_roof_towards_the_sun_gets_more_and_one_away_from_it_less() -> None:
    noon = sun_at(datetime(2016, 3, 21, 12, tzinfo=UTC), 52)
    level = clear_sky(noon)
    south, flat, north = on_roofs(noon, level, np.radians([38.0, 0.0, 38.0]), np.array([0.0, 0.0, math.pi]))
    assert flat == pytest.approx(level)
    assert south > 1.3 * level > 3 * north > 0
    assert np.all(on_roofs(sun_at(datetime(2016, 3, 21, 0, tzinfo=UTC), 52), 0.0, *SOUTH_WEST) == 0)


def test_a_clear_summer_day_gives_what_an_atlas_gives() -> None:
    """Around 8 kWh/m² on level ground at 52° N on a clear day in June, around 1 in December."""
    days = {6: (7.3, 9.0), 12: (0.8, 1.5)}
    for month, (least, most) in days.items():
        hours = [datetime(2016, month, 21, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(144)]
        kwh = sum(clear_sky(sun_at(at, 52)) for at in hours) / 6 / 1000
        assert least < kwh < most


def test_clouds_come_and_go_and_have_their_mean() -> None:
    few, many = (draw_clouds(Weather(cloud=cloud), 20, np.random.default_rng(1)) for cloud in (0.2, 0.8))
    assert np.all((few >= 0) & (many <= 1))
    assert few.mean() < 0.4
    assert many.mean() > 0.6
    assert np.corrcoef(few[:-1], few[1:])[0, 1] > 0.9
    assert abs(np.corrcoef(few[:-300], few[300:])[0, 1]) < 0.2
    assert few.max() - few.min() > 0.5
