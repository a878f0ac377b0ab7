import numpy as np
import pytest

from simulations.ev import EvFleet, Sessions, draw_sessions
from simulations.scenario import Ev
from tests.simulations.small_field import START

HOUR = 3600.0


def one_car(arrive_h: float, depart_h: float, need_kwh: float) -> EvFleet:
    hours = np.array([[arrive_h]]), np.array([[depart_h]])
    return EvFleet(Ev(), Sessions(hours[0] * HOUR, hours[1] * HOUR, np.array([[need_kwh]])))


def charge(fleet: EvFleet, hours: float, limit_kw: float = np.inf, from_h: float = 0.0) -> list[float]:
    """Minute by minute; the power of each minute."""
    powers = []
    for minute in range(round(from_h * 60), round((from_h + hours) * 60)):
        limit = np.array([limit_kw])
        powers.append(float(fleet.power_kw(minute * 60.0, limit)[0]))
        fleet.advance(minute * 60.0, (minute + 1) * 60.0, limit)
    return powers


def test_a_car_charges_what_it_needs_and_no_more() -> None:
    fleet = one_car(1, 10, 11.0)
    powers = charge(fleet, 10)
    assert sum(powers) / 60 == pytest.approx(11.0)
    assert powers.count(11.0) == 60


@pytest.mark.parametrize("step_s", [60, 900])
def test_what_a_meter_sees_of_a_car_is_what_it_charges(step_s: int) -> None:
    sessions = Sessions(np.array([[HOUR]]), np.array([[10 * HOUR]]), np.array([[10.0]]))
    fleet, seen_kwh = EvFleet(Ev(), sessions, step_s), 0.0
    for from_s in range(0, int(11 * HOUR), step_s):
        power_kw = fleet.power_kw(from_s, np.array([np.inf]))
        assert power_kw[0] <= 11.0
        seen_kwh += float(power_kw[0]) * step_s / HOUR
        middle_s = from_s + step_s / 3  # somebody else's limit begins: the power is looked at anew
        fleet.advance(from_s, middle_s, np.array([np.inf]))
        assert fleet.power_kw(middle_s, np.array([np.inf])) == pytest.approx(power_kw)
        fleet.advance(middle_s, from_s + step_s, np.array([np.inf]))
    assert seen_kwh == pytest.approx(10.0)
    assert fleet.charged_kwh[0] == pytest.approx(10.0)
    assert fleet.remaining_kwh[0] == 0.0


def test_a_limit_delays_energy_and_removes_none() -> None:
    free, limited = one_car(1, 10, 11.0), one_car(1, 10, 11.0)
    charge(free, 10)
    powers = charge(limited, 2, 4.2) + charge(limited, 8, from_h=2)
    assert limited.charged_kwh[0] == pytest.approx(free.charged_kwh[0])
    assert max(powers[:120]) == 4.2
    # the rebound: it still charges at full power when the free car had long finished
    assert powers[120] == 11.0
    assert powers[60:].count(0.0) < 8 * 60 + 1


def test_what_is_missing_at_departure_is_carried_over_and_told() -> None:
    sessions = Sessions(
        np.array([[0.5, 24.5]]) * HOUR, np.array([[1.5, 34.0]]) * HOUR, np.array([[11.0, 5.0]])
    )
    fleet = EvFleet(Ev(), sessions)
    charge(fleet, 40, 4.2)
    assert fleet.left_short_kwh[0] == pytest.approx(11.0 - 4.2, abs=0.1)
    assert fleet.charged_kwh[0] == pytest.approx(16.0)


def test_a_car_of_the_evening_before_has_charged_until_the_start() -> None:
    assert one_car(-1, 8, 20.0).remaining_kwh[0] == pytest.approx(9.0)
    assert one_car(-5, 8, 20.0).remaining_kwh[0] == 0.0


def test_a_car_of_the_evening_before_charged_until_it_left() -> None:
    """At 2.3 kW from 17:45 to 07:15 it got 31 of 60 kWh, however long ago it left."""
    noon = Sessions(np.array([[-18.25 * 3600]]), np.array([[-4.75 * 3600]]), np.array([[60.0]]))
    assert EvFleet(Ev(power_kw=2.3), noon).remaining_kwh == pytest.approx([60 - 2.3 * 13.5])


def test_sessions_follow_their_distributions() -> None:
    ev = Ev(arrival_sd_hours=1.0, plug_in=0.8, energy_kwh=12)
    sessions = draw_sessions(ev, 4000, START.replace(hour=0), 1.0, np.random.default_rng(1))
    today = sessions.arrive_s[:, 1] / HOUR
    need = sessions.need_kwh[:, 1]
    assert np.mean(today) == pytest.approx(17.75, abs=0.05)
    assert np.std(today) == pytest.approx(1.0, abs=0.05)
    assert np.mean(need > 0) == pytest.approx(0.8, abs=0.02)
    assert np.median(need[need > 0]) == pytest.approx(12, abs=0.4)
    assert np.all(sessions.depart_s > sessions.arrive_s)
