"""What was agreed with customers: programmes, and who is in which one when. Values and pure questions.

A programme says who may be asked, at which hours, how often, how long, how early they are told, and what a
proven kWh earns. `programme_files.py` reads them. Knows no network, no journal and no clock: how often
somebody was called already is told by whoever asks.

The season of a programme is the unbroken run of its months that a day lies in (October to March may cross the
year); with all twelve months it is the calendar year. Days and hours are local.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

CallKind = Literal["people", "devices"]
Asks = Literal["people", "devices", "both"]
AnswerModel = Literal["opt_out", "opt_in"]
"""opt_out: takes part unless they say no; opt_in: only who said yes counts"""
LIVE_METER = "live_meter"
"""the baseline that is frozen at the meter when the request is planned"""
ALL_MONTHS = frozenset(range(1, 13))
MIDNIGHT = time(0)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a local day. One that ends at or before its begin goes on into the next day."""

    begin: time
    end: time
    """not included; 00:00 is the end of the day"""

    def on(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """(from, until) in UTC of the window that begins on this day."""
        until = day + DAY if self.end <= self.begin else day
        return (
            datetime.combine(day, self.begin, zone).astimezone(UTC),
            datetime.combine(until, self.end, zone).astimezone(UTC),
        )


ALWAYS = Window(MIDNIGHT, MIDNIGHT)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a programme may call."""

    weekday: tuple[Window, ...] = (ALWAYS,)
    """Monday to Friday"""
    weekend: tuple[Window, ...] = (ALWAYS,)
    months: frozenset[int] = ALL_MONTHS

    def open_until(self, at: datetime, zone: tzinfo) -> datetime | None:
        """The end, in UTC, of the window that `at` lies in; None when it lies in none.

        A day belongs to its month and kind by the day on which its window begins. Windows that join, such as
        those of two whole days, count as one for as long as a day.
        """
        until, limit = at, at + DAY
        while until < limit and (later := self._end_of(until, zone)) is not None:
            until = later
        return None if until == at else until

    def _end_of(self, at: datetime, zone: tzinfo) -> datetime | None:
        today = at.astimezone(zone).date()
        ends = [
            end
            for day in (today - DAY, today)
            if day.month in self.months
            for window in (self.weekday if day.weekday() < 5 else self.weekend)
            for begin, end in (window.on(day, zone),)
            if begin <= at < end
        ]
        return max(ends, default=None)

    def season_start(self, day: date) -> date:
        """The first day of the season that this day lies in; the day itself outside of every season."""
        if self.months == ALL_MONTHS:
            return day.replace(month=1, day=1)
        if day.month not in self.months:
            return day
        first = day.replace(day=1)
        while (before := first - DAY).month in self.months:
            first = before.replace(day=1)
        return first


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme. Limits that are None do not bind."""

    programme: str
    """its id, the same at every feeder of a site"""
    names: Mapping[str, str] = field(default_factory=dict)
    """by language"""
    terms: Mapping[str, str] = field(default_factory=dict)
    asks: Asks = "people"
    answer: AnswerModel = "opt_out"
    hours: Hours = Hours()
    calls_per_day: int | None = None
    calls_per_season: int | None = None
    longest_call_s: float | None = None
    notice_s: float = 0.0
    """so long before its start a notice goes out at least"""
    rest_s: float = 0.0
    """between the end of a call and the start of the next"""
    points_per_kwh: int = 0
    minor_units_per_kwh: int = 0
    baseline: str = LIVE_METER
    """`live_meter`, or the name of a programme in `controller/baselines/programmes.py`"""
    follow_up_s: float | None = None
    """so long after its start who takes more than asked is told so; None: never"""
    budget_points: int | None = None
    """once so much was credited, nobody is called any more"""
    budget_minor_units: int | None = None

    def takes_part(self, consent: str | None) -> bool:
        """Whether somebody whose latest answer this is (None: none) takes part now."""
        return self.answer == "opt_out" or consent == "opted_in"

    def covers(self, kind: CallKind) -> bool:
        """Whether it calls people, or devices."""
        return self.asks in (kind, "both")

    def name(self, language: str) -> str:
        """Its name in this language, else in another, else its id."""
        return self.names.get(language) or next(iter(self.names.values()), self.programme)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A customer is in a programme, from a day until another, both included."""

    customer: str
    programme: str
    from_day: date
    until_day: date | None = None
    """None: until further notice"""

    def holds_on(self, day: date) -> bool:
        """Whether the customer is in on this local day."""
        return self.from_day <= day and (self.until_day is None or day <= self.until_day)

    def overlaps(self, other: "Enrolment") -> bool:
        """Whether both hold on some day."""
        return self._begins_before_end_of(other) and other._begins_before_end_of(self)

    def _begins_before_end_of(self, other: "Enrolment") -> bool:
        return other.until_day is None or self.from_day <= other.until_day


@dataclass(frozen=True)
class Agreements:
    """All programmes of a feeder, and who is in which."""

    programmes: Mapping[str, Programme] = field(default_factory=dict)
    enrolments: tuple[Enrolment, ...] = ()
    _of: Mapping[str, tuple[Enrolment, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_of", _by_customer(self.enrolments))

    def of(self, customer: str) -> tuple[Enrolment, ...]:
        """A customer's enrolments, whenever they hold, in the order of the file."""
        return self._of.get(customer, ())

    def programme_of(self, customer: str, kind: CallKind, day: date) -> Programme | None:
        """The programme under which a customer may be called so on this local day."""
        for enrolment in self.of(customer):
            programme = self.programmes.get(enrolment.programme)
            if programme is not None and programme.covers(kind) and enrolment.holds_on(day):
                return programme
        return None


def _by_customer(enrolments: Iterable[Enrolment]) -> dict[str, tuple[Enrolment, ...]]:
    found: dict[str, list[Enrolment]] = {}
    for enrolment in enrolments:
        found.setdefault(enrolment.customer, []).append(enrolment)
    return {customer: tuple(several) for customer, several in found.items()}
