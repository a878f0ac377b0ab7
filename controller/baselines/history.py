"""What one service point took, as local days of equal intervals, and which days are special. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAY_MINUTES = 1440


class DayKind(Enum):
    """What kind of day a programme compares with what; a holiday counts as a Sunday."""

    WEEKDAY = "weekday"
    SATURDAY = "Saturday"
    SUNDAY_OR_HOLIDAY = "Sunday or holiday"


def kind_of(day: date, holidays: frozenset[date]) -> DayKind:
    """The kind of a day."""
    if day in holidays or day.weekday() == 6:
        return DayKind.SUNDAY_OR_HOLIDAY
    return DayKind.SATURDAY if day.weekday() == 5 else DayKind.WEEKDAY


@dataclass(frozen=True, slots=True)
class EventWindow:
    """The hours of one event, in minutes of the local clock from the midnight that begins its day."""

    day: date
    begin_minute: int
    end_minute: int
    """beyond 1440 where the event runs past midnight"""

    def __post_init__(self) -> None:
        longest = self.begin_minute + DAY_MINUTES
        if not 0 <= self.begin_minute < DAY_MINUTES or not self.begin_minute < self.end_minute <= longest:
            raise ValueError(f"an event from minute {self.begin_minute} to {self.end_minute} of its day")


@dataclass(frozen=True, eq=False)
class DayHistory:
    """The meter of one service point (or the sum of several) by local days, and what is known of each day.

    Days are civil days of the local clock (`by_local_days`), so that 18:00 is compared with 18:00 on both
    sides of a clock change.
    """

    dates: tuple[date, ...]
    """ascending, each once; days without any reading may be absent"""
    p_kw: Floats
    """(n_day, n_interval) mean of each interval, consumption positive; NaN where nothing was measured"""
    holidays: frozenset[date] = frozenset()
    """given: the core knows no calendar of any country"""
    event_days: frozenset[date] = frozenset()
    outage_days: frozenset[date] = frozenset()
    _line: Floats = field(init=False, repr=False)
    """every calendar day from the first to the last, one after the other"""

    def __post_init__(self) -> None:
        p_kw = np.asarray(self.p_kw, dtype=np.float64)
        if p_kw.ndim != 2 or len(p_kw) != len(self.dates) or not self.dates:
            raise ValueError(
                f"{len(self.dates)} days and a table of shape {p_kw.shape}; expected a row a day"
            )
        if p_kw.shape[1] == 0 or DAY_MINUTES % p_kw.shape[1]:
            raise ValueError(f"{p_kw.shape[1]} intervals a day; expected equal ones of whole minutes")
        if any(later <= earlier for earlier, later in zip(self.dates, self.dates[1:], strict=False)):
            raise ValueError("the days must ascend, each once")
        rows = [(day - self.dates[0]).days for day in self.dates]
        line = np.full((rows[-1] + 1, p_kw.shape[1]), np.nan)
        line[rows] = np.where(np.isfinite(p_kw), p_kw, np.nan)
        line.flags.writeable = False
        object.__setattr__(self, "_line", line.reshape(-1))

    @property
    def interval_minutes(self) -> int:
        """How long one interval is."""
        return DAY_MINUTES // int(self.p_kw.shape[1])

    def kind_of(self, day: date) -> DayKind:
        """The kind of a day, holidays considered."""
        return kind_of(day, self.holidays)

    def between(self, day: date, begin_minute: int, end_minute: int) -> Floats:
        """(n,) the intervals touched by [begin, end), in minutes from the midnight that begins `day`.

        Minutes below 0 or beyond 1440 lie on the days beside it. NaN where the history knows nothing.
        """
        step = self.interval_minutes
        first, last = begin_minute // step, -(-end_minute // step)
        offset = (day - self.dates[0]).days * self.p_kw.shape[1]
        begin, end = offset + first, offset + last
        known = self._line[max(begin, 0) : max(end, 0)]
        if len(known) == end - begin:
            return known
        padded = np.full(end - begin, np.nan)
        start = max(-begin, 0)
        padded[start : start + len(known)] = known
        return padded

    def during(self, window: EventWindow, day: date) -> Floats:
        """(n,) what was taken in the event's hours, on any day."""
        return self.between(day, window.begin_minute, window.end_minute)


def place_of(at: datetime, zone: tzinfo, interval_minutes: int) -> tuple[date, int]:
    """Which local day, and which of its intervals, a time lies in."""
    local = at.astimezone(zone)
    return local.date(), (local.hour * 60 + local.minute) // interval_minutes


def by_local_days(
    starts: Sequence[datetime], p_kw: Floats, *, interval_minutes: int, zone: tzinfo
) -> tuple[tuple[date, ...], Floats]:
    """Interval means that begin at `starts` (aware, any order) as `dates` and `p_kw` of a `DayHistory`.

    The hour that the clock skips in spring stays NaN. The hour that it repeats in autumn is the mean of both.
    A missing value (NaN) counts as no reading.
    """
    places = [place_of(at, zone, interval_minutes) for at in starts]
    dates = tuple(sorted({day for day, _ in places}))
    row = {day: n for n, day in enumerate(dates)}
    total = np.zeros((len(dates), DAY_MINUTES // interval_minutes))
    count = np.zeros_like(total)
    for (day, place), kw in zip(places, p_kw, strict=True):
        if np.isfinite(kw):
            total[row[day], place] += kw
            count[row[day], place] += 1
    return dates, np.where(count > 0, total / np.maximum(count, 1), np.nan)


def days_before(day: date, ago: int) -> date:
    """The day `ago` days earlier."""
    return day - timedelta(days=ago)
