"""What the meters of roofs tell of the sun: five roofs that fed in 8 kW each at the start."""

from datetime import UTC, datetime

import numpy as np
import pytest

from controller.entries import SettledSun
from controller.proving.meter_readings import MeterReadings
from controller.proving.sun_seen import Witness, steps_of, sun_seen, witnesses
from controller.requests import RequestRecord
from customers.registry import Device
from tests.builders import FEEDER
from tests.controller.record_builders import T0, Sample, after, books_of, ended, moved, opened, planned
from tests.controller.sunny import RATED_KW, roofs, sunny

ROOF = {"kind": "pv_inverter", "direction": "production", "p_before_kw": 9.0, "limit_kw": 4.0}
FIVE = tuple(Witness(n) for n in range(5))


def seen(
    *later_kw: list[float],
    record: RequestRecord | None = None,
    who: tuple[Witness, ...] = FIVE,
    first_kw: float = 8.0,
    step_s: float = 5.0,
) -> SettledSun | None:
    """What is fed in is `first_kw` at each meter at first, and then as told, minute by minute."""
    minutes = [[first_kw] * len(who), *later_kw]
    readings = MeterReadings.of(
        [
            Sample(after(60.0 * minute + second), -np.array(fed_in_kw, dtype=np.float32))
            for minute, fed_in_kw in enumerate(minutes)
            for second in range(0, 60, 15)
        ]
    )
    return sun_seen(record or ended(**ROOF), readings, who, step_s)


def told(sun: SettledSun | None) -> list[float | None]:
    assert sun is not None
    assert sun.begin == T0.astimezone(UTC)
    return list(sun.gone)


def test_a_cloud_over_all_takes_the_same_part_of_each() -> None:
    assert told(seen([4.0] * 5, [8.0] * 5, [0.0] * 5)) == [0.0, 0.5, 0.0, 1.0]


def test_it_is_rounded_up_and_never_below_nothing() -> None:
    assert told(seen([5.3] * 5, [9.9] * 5)) == [0.0, 0.338, 0.0]


def test_a_house_that_takes_more_than_it_feeds_in_shows_no_sun_not_less() -> None:
    assert told(seen([8.0, 8.0, 8.0, 8.0, -11.0])) == [0.0, 0.2]


def test_who_is_not_read_tells_nothing_and_where_nobody_is_nobody_tells() -> None:
    nan = float("nan")
    assert told(seen([4.0, 4.0, nan, nan, nan], [nan] * 5)) == [0.0, 0.5, None]
    assert seen([nan] * 5, first_kw=nan) is None


def test_who_fed_in_next_to_nothing_at_the_start_is_no_witness() -> None:
    assert seen([8.0] * 5, first_kw=0.9) is None


def test_who_was_asked_then_or_now_is_no_witness() -> None:
    asked = (Witness(0, ((after(-600), after(-60)),)), Witness(1, ((after(200), after(300)),)))
    assert told(seen([1.0, 4.0, 8.0, 8.0, 8.0], [1.0, 0.0, 8.0, 8.0, 8.0], who=(*asked, *FIVE[2:]))) == [
        0.0,
        pytest.approx(0.125),
        0.0,
    ]


def test_without_a_reading_from_the_start_nothing_is_told() -> None:
    readings = MeterReadings.of([Sample(after(s), -np.full(5, 8.0, dtype=np.float32)) for s in (30.0, 60.0)])
    assert sun_seen(ended(**ROOF), readings, FIVE, 5.0) is None
    assert sun_seen(ended(**ROOF), readings, (), 5.0) is None


def test_where_taking_is_limited_nobody_is_asked_of_the_sun() -> None:
    assert seen([4.0] * 5, record=ended()) is None


def test_steps_are_those_of_a_slow_cycle() -> None:
    sun = seen([8.0] * 5, [4.0] * 5, [2.0] * 5, step_s=120.0)
    assert sun is not None
    assert list(sun.gone) == [0.0, 0.75]
    steps = steps_of(sun)
    assert steps is not None
    assert steps.at(np.array([after(130.0).timestamp()])).tolist() == [0.75]
    assert steps_of(None) is None


def test_witnesses_are_roofs_with_nothing_else_behind_their_meter() -> None:
    who = roofs(chargers=2)
    both = Device("PV00", "sp00", "pv_inverter", RATED_KW, 0.0)
    who = type(who)(who.customers, (*who.devices, both))
    of = sunny(who)
    record = ended(feeder=FEEDER, service_point="sp05")
    books = books_of(
        opened(feeder=FEEDER),
        planned(number=7, feeder=FEEDER, service_point="sp07", target="EV07"),
        *(moved(planned(number=7).request, state, T0) for state in ("sent", "accepted", "active", "ended")),  # type: ignore[arg-type]
        planned(number=8, feeder=FEEDER, service_point="sp08", target="EV08"),
    )
    found = {of.network.service_points[one.position]: one for one in witnesses(of, books, record)}
    assert set(found) == {device.service_point for device in who.devices} - {"sp00", "sp01", "sp05"}
    assert found["sp06"] == Witness(of.place["sp06"])
    assert found["sp07"].asked == ((T0, T0),)
    assert found["sp08"].asked == ((T0, datetime.max.replace(tzinfo=UTC)),)


def test_what_roofs_fed_in_long_before_tells_nothing_of_the_start() -> None:
    """Nothing was read for the last minutes before the request was planned."""
    first = [Sample(after(-seconds), np.full(5, -8.0, dtype=np.float32)) for seconds in (301.0,)]
    later = [Sample(after(15.0 * n), np.full(5, -4.0, dtype=np.float32)) for n in range(1, 60)]
    assert sun_seen(ended(**ROOF), MeterReadings.of([*first, *later]), FIVE, 5.0) is None
    near = [Sample(after(-300.0), np.full(5, -8.0, dtype=np.float32))]
    assert sun_seen(ended(**ROOF), MeterReadings.of([*near, *later]), FIVE, 5.0) is not None
