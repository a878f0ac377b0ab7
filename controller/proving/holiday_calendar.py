"""Public holidays of a country or one of its regions, by the `holidays` package. Pure but for its import,
which is slow and therefore waits until somebody asks.

A calendar's name is that of ISO 3166: `DE`, or `DE-BY` for Bavaria.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any


def holidays_of(calendar: str, years: Iterable[int]) -> frozenset[date]:
    """The holidays of these years. Raises ValueError for a calendar that is not known."""
    return frozenset(_calendar(calendar, tuple(years)))


def calendar_fault(calendar: str) -> str | None:
    """Why there is no such calendar; None where there is."""
    try:
        _calendar(calendar, (2026,))
    except ValueError as error:
        return str(error)
    return None


def _calendar(calendar: str, years: tuple[int, ...]) -> Any:
    from holidays import country_holidays  # noqa: PLC0415  half a second that only rules of baselines need

    country, _, region = calendar.partition("-")
    try:
        return country_holidays(country, subdiv=region or None, years=years)
    except (NotImplementedError, KeyError, AttributeError) as error:
        expected = "expected a country and region of ISO 3166, such as DE or DE-BY"
        raise ValueError(f"{expected}; got {calendar!r}") from error
