"""The figures against EEMUA 191 and ISA-18.2, from counts that are easy to add up."""

from datetime import timedelta

import pytest

from controller.alarms.alarm_book import AlarmBook
from controller.alarms.rates import alarm_rate, verdict
from controller.books import Books
from controller.entries import ControllerStarted
from tests.controller.alarms.alarm_builders import book_of, many, raised, shelved
from tests.controller.record_builders import T0, after


@pytest.mark.parametrize(
    ("per_ten_minutes", "told"),
    [
        (0.0, "acceptable"),
        (1.0, "acceptable"),
        (1.01, "manageable"),
        (2.0, "manageable"),
        (2.1, "overloaded"),
    ],
)
def test_the_verdict(per_ten_minutes: float, told: str) -> None:
    assert verdict(per_ten_minutes) == told


def test_an_hour_with_a_flood_in_it() -> None:
    book = book_of(*many(12), raised("link_down", "broker", after(1500), None))
    rate = alarm_rate(book, hours=1, now=after(3600))
    assert (rate.alarms, rate.most_in_ten_minutes) == (13, 12)
    assert rate.per_ten_minutes == pytest.approx(13 / 6, abs=1e-3)
    assert rate.per_operator_hour == 13.0
    assert rate.per_operator_day == 312.0
    assert rate.in_flood_percent == pytest.approx(100 / 6, abs=0.01)
    assert rate.verdict == "overloaded"
    assert [(one.at, one.low, one.medium) for one in rate.points] == [(T0, 12, 0), (after(1200), 0, 1)]
    shares = {one.priority: one.share_percent for one in rate.priorities}
    assert shares == {"critical": 0.0, "high": 0.0, "medium": 7.7, "low": 92.3}


def test_two_operators_share_them() -> None:
    book = book_of(*many(12), begins=AlarmBook(operators=2))
    rate = alarm_rate(book, hours=1, now=after(3600))
    assert (rate.per_ten_minutes, rate.in_flood_percent, rate.verdict) == (1.0, 0.0, "acceptable")
    assert (rate.operators, rate.flood_above) == (2, 20)
    assert not book.is_flood(after(12))
    more = book_of(*many(21), begins=AlarmBook(operators=2))
    assert more.is_flood(after(21))
    assert not more.is_flood(after(612))  # fewer than ten are left


def test_before_the_first_start_there_was_nobody_to_be_told() -> None:
    books = Books()
    for epoch, at_s in enumerate((900, 1000), start=1):
        books.apply(ControllerStarted(at=after(at_s), epoch=epoch, version="1", feeders=("dorf",)))
    book = book_of(*many(12, 10.0, start_s=1500), begins=books.alarm_book)
    rate = alarm_rate(book, hours=168, now=after(2700))
    assert (rate.start, rate.alarms, rate.per_ten_minutes) == (after(900), 12, 4.0)
    assert [one.at for one in rate.points] == [after(1200)]


def test_ten_minutes_that_are_not_over_count_as_long_as_they_are() -> None:
    book = book_of(*many(12, 1.0, start_s=3600))
    rate = alarm_rate(book, hours=1, now=after(3900))
    assert (rate.start, rate.per_ten_minutes) == (after(600), pytest.approx(12 / 5.5, abs=1e-3))
    assert rate.in_flood_percent == pytest.approx(100 * 0.5 / 5.5, abs=0.01)
    rate = alarm_rate(book_of(raised(), begins=AlarmBook(began_at=T0)), hours=1, now=after(1))
    assert rate.per_ten_minutes == 1.0  # of one second nothing is said


def test_only_what_somebody_was_told_counts() -> None:
    one = raised()
    book = book_of(one, shelved(one), raised("overload_severe", at=after(9)), shelved(one, after(10)))
    assert alarm_rate(book, hours=1, now=after(3600)).alarms == 2
    book = book.after(raised("overload_severe", at=after(20)))
    assert (alarm_rate(book, hours=1, now=after(3600)).alarms, book.told) == (2, (0, 0, 1, 1))


def test_the_ten_that_come_most() -> None:
    book = book_of(*many(12), *(raised(subject="line:7", at=after(1000 + n)) for n in range(4)))
    rate = alarm_rate(book, hours=24, now=after(3600))
    assert len(rate.bad_actors) == 10
    worst = rate.bad_actors[0]
    assert (worst.subject, worst.count, worst.share_percent) == ("line:7", 5, 31.2)
    assert rate.chattering == (worst.alarm,)
    other = alarm_rate(book, hours=24, now=after(3600), feeders={"other"})
    assert (other.bad_actors, other.chattering, other.alarms) == ((), (), 16)


def test_what_stands_for_more_than_a_day() -> None:
    book = book_of(raised())
    day = timedelta(hours=24)
    assert alarm_rate(book, hours=1, now=T0 + day).stale == ()
    late = T0 + day + timedelta(seconds=1)
    assert alarm_rate(book, hours=1, now=late).stale == (raised().alarm,)
    assert alarm_rate(book, hours=1, now=late).alarms == 0
