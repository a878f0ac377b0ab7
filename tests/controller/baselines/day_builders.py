"""Days for the tests of baselines: hourly, written down as few numbers."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from controller.baselines.history import DayHistory, EventWindow, Floats

MONDAY = date(2026, 3, 2)
"""Day 0; days 5 and 6, 12 and 13, ... are weekends."""


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def hourly(evening_kw: Mapping[int, float], *, rest_kw: float = 1.0, **known: frozenset[date]) -> DayHistory:
    """Whole days with `rest_kw` but for 17 to 20 h, where each day n takes `evening_kw[n]`."""
    table = np.full((len(evening_kw), 24), rest_kw)
    table[:, 17:20] = np.array(list(evening_kw.values()))[:, np.newaxis]
    return DayHistory(dates=tuple(day(n) for n in evening_kw), p_kw=table, **known)


def always(kw: float, days: int) -> DayHistory:
    """Quarter-hours of a home that never changes."""
    return DayHistory(tuple(day(n) for n in range(days)), np.full((days, 96), kw))


def with_hours(history: DayHistory, n: int, hours: Mapping[int, float]) -> DayHistory:
    """The same days, some hours of day n replaced."""
    table = history.p_kw.copy()
    row = history.dates.index(day(n))
    for hour, kw in hours.items():
        table[row, hour] = kw
    return DayHistory(history.dates, table, history.holidays, history.event_days, history.outage_days)


def evening(n: int) -> EventWindow:
    """17 to 20 h on day n."""
    return EventWindow(day(n), begin_minute=17 * 60, end_minute=20 * 60)


def dates(numbers: Sequence[int]) -> frozenset[date]:
    return frozenset(day(n) for n in numbers)


def random_days(rng: np.random.Generator, days: int, *, intervals: int = 24, missing: float = 0.0) -> Floats:
    """(days, intervals) of a home that never takes the same twice, with gaps."""
    table = rng.lognormal(0.0, 0.5, (days, intervals))
    table[rng.random(table.shape) < missing] = np.nan
    return table
