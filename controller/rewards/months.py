"""Calendar months, quarters and years in UTC, as whole numbers that can be counted with. Pure.

A month is numbered 12 · year + its place in the year from 0, so that the difference of two is months.
"""

from datetime import UTC, datetime
from typing import Literal, assert_never

Period = Literal["month", "quarter", "year"]


def month_of(at: datetime) -> int:
    """The number of the month of an aware time, in UTC."""
    utc = at.astimezone(UTC)
    return utc.year * 12 + utc.month - 1


def month_name(month: int) -> str:
    """`2026-03`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def period_name(at: datetime, period: Period) -> str:
    """The period that holds a time: `2026-03`, `2026-Q1` or `2026`."""
    month = month_of(at)
    match period:
        case "month":
            return month_name(month)
        case "quarter":
            return f"{month // 12:04d}-Q{month % 12 // 3 + 1}"
        case "year":
            return f"{month // 12:04d}"
        case _:
            assert_never(period)


def after_period(month: int, period: Literal["month", "quarter"]) -> int:
    """The first month after the month, or after its quarter."""
    return month + 1 if period == "month" else (month // 3 + 1) * 3
