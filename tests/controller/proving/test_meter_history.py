"""The meters' days before: read once, by hours, and only what is asked for."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.proving.asked_times import KEEP, AskedTimes
from controller.proving.holiday_calendar import calendar_fault, holidays_of
from controller.proving.meter_history import MeterHistory
from controller.stores.port import FeederSample

NOW = datetime(2026, 1, 12, 18, 7, tzinfo=UTC)


class Samples:
    """Every five minutes each meter takes as many kW as the day of the month; remembers who asked."""

    def __init__(self, width: int = 2) -> None:
        self.asked: list[datetime] = []
        self.width = width

    def __call__(self, feeder: str, start: datetime, end: datetime) -> list[FeederSample]:
        assert feeder == "dorf"
        self.asked.append(start)
        times = [start + timedelta(minutes=5 * n) for n in range(int((end - start).total_seconds() // 300))]
        return [
            FeederSample(feeder, at, np.full(self.width, at.day, dtype=np.float32), None, None, None, 0.0)
            for at in times
        ]


def history(samples: Samples, holidays: str | None = None) -> MeterHistory:
    return MeterHistory(samples, min_share=0.8, zone=ZoneInfo("Europe/Berlin"), holidays=holidays)


def test_hours_are_read_once_and_the_present_one_each_time() -> None:
    samples = Samples()
    known, since = history(samples), NOW - timedelta(days=3)
    hours = known.missing("dorf", since, NOW)
    assert hours == tuple(datetime(2026, 1, 9, 18, tzinfo=UTC) + timedelta(hours=n) for n in range(72))
    known.read("dorf", 2, hours[0])
    assert known.missing("dorf", since, NOW) == hours[1:]
    days = known.of("dorf", 2, since, NOW).of(1)
    assert days is not None
    assert len(samples.asked) == 72 + 1
    # local days: the last hour of a UTC day belongs to the next one there
    assert days.p_kw[1, 4:].tolist()[:2] == [10.0, 10.0]
    known.of("dorf", 2, since, NOW)
    assert len(samples.asked) == 72 + 2
    known.of("dorf", 2, NOW - timedelta(days=1), NOW)
    assert known.missing("dorf", since, NOW) == hours[:25]  # dropped: nobody looks back so far


def test_samples_of_another_network_are_left_out() -> None:
    assert history(Samples(width=3)).of("dorf", 2, NOW - timedelta(days=1), NOW).of(0) is None


def test_holidays_of_a_country_and_its_regions() -> None:
    epiphany = date(2026, 1, 6)
    assert epiphany in holidays_of("DE-BY", [2026])
    assert epiphany not in holidays_of("DE", [2026])
    assert date(2026, 1, 1) in holidays_of("DE", [2026])
    days = history(Samples(), "DE-BY").of("dorf", 2, NOW - timedelta(days=8), NOW).of(0)
    assert days is not None
    assert epiphany in days.holidays


@pytest.mark.parametrize("calendar", ["XX", "DE-ZZ", "", "bavaria"])
def test_a_calendar_that_is_not_known(calendar: str) -> None:
    fault = calendar_fault(calendar)
    assert fault is not None
    assert "expected a country and region of ISO 3166" in fault
    assert calendar_fault("DE-BY") is None


def test_when_a_meter_was_asked_is_forgotten_in_time() -> None:
    asked = AskedTimes()
    hour = timedelta(hours=1)
    asked.add("sp1", NOW, NOW + hour)
    before = asked.fork()
    asked.add("sp1", NOW + KEEP / 2, NOW + KEEP / 2 + hour)
    asked.add("sp2", NOW, NOW + hour)
    assert len(asked.spans("sp1")) == 2
    assert asked.spans("sp2") == ((NOW, NOW + hour),)
    asked.add("sp1", NOW + KEEP + hour, NOW + KEEP + 2 * hour)
    assert [begin for begin, _ in asked.spans("sp1")] == [NOW + KEEP / 2, NOW + KEEP + hour]
    assert before.spans("sp1") == ((NOW, NOW + hour),)
    assert before.spans("sp2") == ()
