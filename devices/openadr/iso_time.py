"""Times and durations as OpenADR 3 writes them: RFC 3339 and ISO 8601. No I/O.

Source: openadr3-3.1.1.yaml, schemas `dateTime`, `duration` and `intervalPeriod`.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

NOW = "0001-01-01T00:00:00Z"
"""a start that means "now" """
_ENDLESS_YEARS = 9999
_BARE_NOW = ("0001-01-01", "0001-01-01T00:00:00")
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
# the documents bound no number; one of thousands of digits is no duration but an attack
_DURATION = re.compile(
    r"(-?)P(?=\d|T\d)(?:(\d{1,100})Y)?(?:(\d{1,100})M)?(?:(\d{1,100})([DW]))?"
    r"(?:T(?:(\d{1,100})H)?(?:(\d{1,100})M)?(?:(\d{1,100}(?:\.\d{1,100})?)S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Duration:
    """Months and the rest apart, since months have no fixed length."""

    months: int
    rest: timedelta

    @property
    def endless(self) -> bool:
        """P9999Y and beyond stand for infinity."""
        return self.months >= _ENDLESS_YEARS * 12

    @property
    def is_zero(self) -> bool:
        """PT0S in any spelling."""
        return self.months == 0 and not self.rest


def checked_date_time(text: str) -> str:
    """The text as it goes on: RFC 3339. The bare "now" of OpenADR is completed. ValueError for all else."""
    if text in _BARE_NOW:
        return NOW
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"Expected a date-time as of RFC 3339, got {text[:60]!a}")
    date(int(found[1]), int(found[2]), int(found[3]))  # ValueError when there is no such day
    return text


def moment(text: str) -> datetime | None:
    """The time in UTC; None for "now" and for times that UTC's calendar does not hold."""
    found = _DATE_TIME.fullmatch(text)
    if found is None or found[1] == "0001":
        return None
    year, month, day, hour, minute = (int(found[i]) for i in range(1, 6))
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=UTC)
        local += timedelta(seconds=int(found[6]), microseconds=micro)
        return local + offset if found[8] == "-" else local - offset
    except (ValueError, OverflowError):
        return None


def checked_duration(text: str) -> str:
    """The text, when it is a duration of ISO 8601; ValueError otherwise."""
    if _DURATION.fullmatch(text) is None:
        raise ValueError(f"Expected a duration as of ISO 8601, got {text[:60]!a}")
    return text


def duration_of(text: str) -> Duration:
    """What the text says; longer than the calendar is endless. ValueError when it says nothing."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"Expected a duration as of ISO 8601, got {text[:60]!a}")
    years, months = int(found[2] or 0), int(found[3] or 0)
    days = int(found[4] or 0) * (7 if found[5] == "W" else 1)
    try:
        rest = timedelta(days, float(found[8] or 0), hours=int(found[6] or 0), minutes=int(found[7] or 0))
        sign = -1 if found[1] else 1
        return Duration(sign * (years * 12 + months), sign * rest)
    except OverflowError:
        return Duration(_ENDLESS_YEARS * 12, timedelta())


def after(start: datetime, duration: Duration) -> datetime | None:
    """Start plus duration by the calendar; None when that is beyond it."""
    if duration.endless:
        return None
    month0 = start.year * 12 + start.month - 1 + duration.months
    year, month = month0 // 12, month0 % 12 + 1
    if not 1 <= year <= _ENDLESS_YEARS:
        return None
    day = min(start.day, calendar.monthrange(year, month)[1])
    try:
        return start.replace(year=year, month=month, day=day) + duration.rest
    except OverflowError:
        return None


def written(at: datetime) -> str:
    """A time of ours, to the millisecond, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
