"""Local days from intervals in UTC, and reading across their borders."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.baselines.history import DayHistory, DayKind, EventWindow, by_local_days, kind_of, place_of
from tests.controller.baselines.day_builders import MONDAY, day, hourly

BERLIN = ZoneInfo("Europe/Berlin")


def _quarter_hours(begin: datetime, n: int) -> list[datetime]:
    return [begin + timedelta(minutes=15 * step) for step in range(n)]


def test_a_plain_day_is_cut_at_local_midnight() -> None:
    # 23:00 UTC is midnight in Berlin in winter: the first value opens the local day.
    starts = _quarter_hours(datetime(2026, 1, 11, 23, tzinfo=UTC), 96)
    dates, p_kw = by_local_days(starts, np.arange(96.0), interval_minutes=15, zone=BERLIN)
    assert dates == (date(2026, 1, 12),)
    assert p_kw[0].tolist() == list(range(96))


def test_the_hour_that_spring_skips_is_no_reading() -> None:
    # 29 March 2026 has 23 hours: 92 quarter-hours; 02:00 to 03:00 are the places 8 to 11.
    starts = _quarter_hours(datetime(2026, 3, 28, 23, tzinfo=UTC), 92)
    dates, p_kw = by_local_days(starts, np.arange(92.0), interval_minutes=15, zone=BERLIN)
    assert dates == (date(2026, 3, 29),)
    assert np.isnan(p_kw[0, 8:12]).all()
    assert p_kw[0, 7] == 7
    assert p_kw[0, 12] == 8


def test_the_hour_that_autumn_repeats_is_the_mean_of_both() -> None:
    # 25 October 2026 has 25 hours: 02:00 (place 8) comes as value 8 and as value 12, an hour later.
    starts = _quarter_hours(datetime(2026, 10, 24, 22, tzinfo=UTC), 100)
    dates, p_kw = by_local_days(starts, np.arange(100.0), interval_minutes=15, zone=BERLIN)
    assert dates == (date(2026, 10, 25),)
    assert p_kw[0, 8] == 10
    assert p_kw[0, 12] == 16
    assert p_kw[0, 95] == 99


def test_one_reading_of_the_repeated_hour_is_enough() -> None:
    starts = _quarter_hours(datetime(2026, 10, 24, 22, tzinfo=UTC), 100)
    p_kw = np.arange(100.0)
    p_kw[8] = np.nan
    _, table = by_local_days(starts, p_kw, interval_minutes=15, zone=BERLIN)
    assert table[0, 8] == 12


def test_six_in_the_evening_is_the_same_place_before_and_after_the_clock_change() -> None:
    winter, summer = datetime(2026, 3, 28, 17, tzinfo=UTC), datetime(2026, 3, 29, 16, tzinfo=UTC)
    assert place_of(winter, BERLIN, 15) == (date(2026, 3, 28), 72)
    assert place_of(summer, BERLIN, 15) == (date(2026, 3, 29), 72)


def test_order_of_readings_and_gaps() -> None:
    starts = _quarter_hours(datetime(2026, 1, 11, 23, tzinfo=UTC), 4)
    dates, p_kw = by_local_days(
        starts[::-1], np.array([4.0, np.nan, 2.0, 1.0]), interval_minutes=15, zone=BERLIN
    )
    assert len(dates) == 1
    assert np.array_equal(p_kw[0, :5], [1.0, 2.0, np.nan, 4.0, np.nan], equal_nan=True)


def test_reading_across_midnight_and_beyond_the_known() -> None:
    history = hourly({0: 5.0, 1: 6.0})
    assert history.between(day(0), 23 * 60, 26 * 60).tolist() == [1.0, 1.0, 1.0]
    assert history.between(day(1), -7 * 60, -4 * 60).tolist() == [5.0, 5.0, 5.0]
    before = history.between(day(0), -60, 60)
    after = history.between(day(1), 23 * 60, 26 * 60)
    assert np.array_equal(before, [np.nan, 1.0], equal_nan=True)
    assert np.array_equal(after, [1.0, np.nan, np.nan], equal_nan=True)
    assert np.isnan(history.between(day(40), 0, 120)).all()
    assert np.isnan(history.between(day(-40), 0, 120)).all()


def test_a_day_without_row_is_not_known() -> None:
    history = hourly({0: 5.0, 2: 6.0})
    assert np.isnan(history.between(day(1), 0, 1440)).all()
    assert history.between(day(2), 17 * 60, 18 * 60).tolist() == [6.0]


def test_an_interval_that_the_event_only_touches_counts_whole() -> None:
    history = hourly({0: 5.0})
    window = EventWindow(day(0), begin_minute=16 * 60 + 50, end_minute=18 * 60 + 10)
    assert history.during(window, day(0)).tolist() == [1.0, 5.0, 5.0]


def test_kinds_of_days() -> None:
    holiday = frozenset({day(1)})
    assert kind_of(day(0), holiday) is DayKind.WEEKDAY
    assert kind_of(day(1), holiday) is DayKind.SUNDAY_OR_HOLIDAY
    assert kind_of(day(5), holiday) is DayKind.SATURDAY
    assert kind_of(day(6), holiday) is DayKind.SUNDAY_OR_HOLIDAY


@pytest.mark.parametrize(
    ("dates", "shape"),
    [
        ((), (0, 24)),
        ((MONDAY,), (2, 24)),
        ((MONDAY,), (1, 7)),
        ((day(1), day(0)), (2, 24)),
        ((day(0), day(0)), (2, 24)),
    ],
)
def test_a_table_that_does_not_fit_its_days_is_refused(
    dates: tuple[date, ...], shape: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match=r"day"):
        DayHistory(dates, np.ones(shape))


@pytest.mark.parametrize(("begin", "end"), [(-1, 60), (60, 60), (1440, 1500), (60, 60 + 1441)])
def test_an_event_without_length_or_longer_than_a_day_is_refused(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="an event from"):
        EventWindow(MONDAY, begin, end)


def test_infinite_is_no_reading() -> None:
    history = DayHistory((MONDAY,), np.full((1, 24), np.inf))
    assert np.isnan(history.between(MONDAY, 0, 1440)).all()
