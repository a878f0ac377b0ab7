from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.programmes import Agreements, Enrolment, Hours, Programme, Window

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
EVENING = Hours(weekday=(Window(time(17), time(21)),), weekend=(Window(time(10), time(12)),))


def at(text: str, zone: tzinfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2026-01-12 16:59", None),
        ("2026-01-12 17:00", "2026-01-12 21:00"),
        ("2026-01-12 20:59", "2026-01-12 21:00"),
        ("2026-01-12 21:00", None),
        ("2026-01-17 17:00", None),  # a Saturday
        ("2026-01-17 10:30", "2026-01-17 12:00"),
        ("2026-07-13 17:00", "2026-07-13 21:00"),  # summer time
    ],
)
def test_windows_are_local(local: str, until: str | None) -> None:
    assert EVENING.open_until(at(local), BERLIN) == (None if until is None else at(until))


def test_the_same_instant_in_another_zone() -> None:
    assert EVENING.open_until(at("2026-01-12 17:30"), SHANGHAI) is None
    assert EVENING.open_until(at("2026-01-12 17:30", SHANGHAI), SHANGHAI) == at("2026-01-12 21:00", SHANGHAI)


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    night = Hours(weekday=(Window(time(22), time(6)),), weekend=())
    assert night.open_until(at("2026-01-17 05:00"), BERLIN) == at("2026-01-17 06:00")  # from Friday
    assert night.open_until(at("2026-01-17 22:30"), BERLIN) is None
    assert night.open_until(at("2026-01-12 05:00"), BERLIN) is None  # Sunday's night
    january = Hours(weekday=(Window(time(22), time(6)),), months=frozenset({1}))
    assert january.open_until(at("2026-01-31 23:00"), BERLIN) is not None
    assert january.open_until(at("2026-02-02 23:00"), BERLIN) is None


def test_windows_that_join_count_as_one_for_a_day() -> None:
    begin = at("2026-01-12 17:30")
    assert Hours().open_until(begin, BERLIN) == at("2026-01-14 00:00")
    joined = Hours(weekday=(Window(time(17), time(19)), Window(time(19), time(21))))
    assert joined.open_until(begin, BERLIN) == at("2026-01-12 21:00")


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25)],  # clocks go forward, and back
)
def test_a_whole_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    begin, end = Window(time(0), time(0)).on(date.fromisoformat(day), BERLIN)
    assert end - begin == timedelta(hours=hours)


@given(st.integers(1_577_836_800, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC)))
def test_an_end_is_always_later_and_open_just_before(instant: datetime) -> None:
    until = EVENING.open_until(instant, BERLIN)
    if until is not None:
        assert instant < until <= instant + timedelta(hours=4)
        assert EVENING.open_until(until - timedelta(seconds=1), BERLIN) == until
        assert EVENING.open_until(until, BERLIN) is None


WINTER = Hours(months=frozenset({10, 11, 12, 1, 2, 3}))


@pytest.mark.parametrize(
    ("hours", "day", "first"),
    [
        (Hours(), "2026-05-04", "2026-01-01"),
        (WINTER, "2026-02-14", "2025-10-01"),
        (WINTER, "2026-10-01", "2026-10-01"),
        (WINTER, "2026-12-31", "2026-10-01"),
        (WINTER, "2026-05-04", "2026-05-04"),
        (Hours(months=frozenset({6, 7, 12})), "2026-07-20", "2026-06-01"),
        (Hours(months=frozenset({6, 7, 12})), "2026-12-20", "2026-12-01"),
    ],
)
def test_where_a_season_begins(hours: Hours, day: str, first: str) -> None:
    assert hours.season_start(date.fromisoformat(day)) == date.fromisoformat(first)


PEOPLE, DEVICES, BOTH = (Programme(name, asks=name) for name in ("people", "devices", "both"))  # type: ignore[arg-type]
JANUARY = Enrolment("C-1", "people", date(2026, 1, 1), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("day", "kind", "found"),
    [
        ("2025-12-31", "people", None),
        ("2026-01-01", "people", "people"),
        ("2026-01-31", "people", "people"),
        ("2026-01-15", "devices", "devices"),
        ("2026-02-01", "people", "both"),
        ("2026-02-01", "devices", "both"),
    ],
)
def test_a_customer_is_in_the_programme_of_the_day_and_kind(day: str, kind: str, found: str | None) -> None:
    agreed = Agreements(
        {p.programme: p for p in (PEOPLE, DEVICES, BOTH)},
        (
            JANUARY,
            Enrolment("C-1", "devices", date(2025, 1, 1), date(2026, 1, 31)),
            Enrolment("C-1", "both", date(2026, 2, 1)),
            Enrolment("C-2", "both", date(2020, 1, 1)),
        ),
    )
    programme = agreed.programme_of("C-1", kind, date.fromisoformat(day))  # type: ignore[arg-type]
    assert (None if programme is None else programme.programme) == found
    assert agreed.programme_of("C-3", "people", date(2026, 2, 1)) is None


@pytest.mark.parametrize(
    ("begin", "end", "overlaps"),
    [
        ("2026-01-31", None, True),
        ("2026-02-01", None, False),
        ("2025-01-01", "2025-12-31", False),
        ("2025-01-01", "2026-01-01", True),
        ("2026-01-10", "2026-01-11", True),
    ],
)
def test_two_enrolments_overlap_by_days(begin: str, end: str | None, overlaps: bool) -> None:
    other = Enrolment(
        "C-1", "both", date.fromisoformat(begin), None if end is None else date.fromisoformat(end)
    )
    assert JANUARY.overlaps(other) is overlaps
    assert other.overlaps(JANUARY) is overlaps


def test_a_name_in_the_readers_language_or_another() -> None:
    named = Programme("p", names={"en": "Relief"})
    assert (named.name("en"), named.name("zh"), Programme("p").name("en")) == ("Relief", "Relief", "p")


@pytest.mark.parametrize(
    ("answer", "consent", "counts"),
    [
        ("opt_out", None, True),
        ("opt_out", "opted_in", True),
        ("opt_out", "opted_out", True),  # until then
        ("opt_in", None, False),
        ("opt_in", "opted_in", True),
        ("opt_in", "opted_out", False),
    ],
)
def test_where_a_yes_is_needed_only_a_yes_counts(answer: str, consent: str | None, counts: bool) -> None:
    assert Programme("p", answer=answer).takes_part(consent) is counts  # type: ignore[arg-type]
