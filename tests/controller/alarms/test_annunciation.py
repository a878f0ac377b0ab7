"""Delays, repetition, suppression: step tables of what is told, and when."""

from collections.abc import Iterable

from controller.alarms import annunciation
from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.annunciation import Memory, annunciate
from controller.alarms.conditions import Condition
from controller.entries import AlarmRaised, AlarmReturned, AlarmUnshelved
from tests.controller.alarms.alarm_builders import acknowledged, book_of, raised, shelved
from tests.controller.record_builders import after

OVERLOAD = Condition("overload", "dorf", "line:3", "at 104 %", 104.0, 100.0)
SEVERE = Condition("overload_severe", "dorf", "line:3", "at 123 %", 123.0, 100.0)
SHORT = Condition("event_short", "dorf", "", "all is asked for")
METER = Condition("wrong_meter", "dorf", "", "M1")


class Rounds:
    """One after the other, with their own memory."""

    def __init__(self, book: AlarmBook | None = None, out_of_service: tuple[str, ...] = ()) -> None:
        self.book, self.memory, self.out = book or AlarmBook(), Memory(), out_of_service

    def at(self, seconds: float, *conditions: Condition) -> list[AlarmEntry]:
        self.memory, told = annunciate(
            self.book, conditions, self.memory, out_of_service=self.out, now=after(seconds)
        )
        for entry in told:
            self.book = self.book.after(entry)
        return list(told)


def kinds(told: Iterable[AlarmEntry]) -> list[str]:
    return [one.kind for one in told if isinstance(one, AlarmRaised)]


def test_it_is_told_once_it_stood_for_its_time_and_once_only() -> None:
    rounds = Rounds()
    assert rounds.at(0, OVERLOAD) == []
    assert rounds.at(29, OVERLOAD) == []
    assert kinds(rounds.at(30, OVERLOAD)) == ["overload"]
    assert rounds.at(40, OVERLOAD) == []


def test_what_comes_and_goes_within_that_is_no_alarm() -> None:
    rounds = Rounds()
    for seconds in range(0, 600, 20):
        assert rounds.at(seconds, *((OVERLOAD,) if seconds % 40 == 0 else ())) == []


def test_it_has_returned_once_it_was_gone_for_its_time() -> None:
    rounds = Rounds()
    rounds.at(0, OVERLOAD)
    rounds.at(30, OVERLOAD)
    assert rounds.at(40) == []
    assert rounds.at(100, OVERLOAD) == []  # there again: the time begins anew
    assert rounds.at(110) == []
    assert rounds.at(229) == []
    assert [type(one) for one in rounds.at(230)] == [AlarmReturned]


def test_worse_is_told_again_and_better_is_not() -> None:
    rounds = Rounds()
    rounds.at(0, OVERLOAD)
    rounds.at(30, OVERLOAD)
    assert rounds.at(40, SEVERE, OVERLOAD) == []
    assert kinds(rounds.at(100, SEVERE, OVERLOAD)) == ["overload_severe"]
    assert rounds.at(200, OVERLOAD) == []
    assert len(rounds.book.alarms) == 1


def test_more_to_tell_is_told_again_only_where_the_text_names_whom() -> None:
    rounds = Rounds()
    assert kinds(rounds.at(0, METER, SHORT)) == ["event_short", "wrong_meter"]
    more = Condition("wrong_meter", "dorf", "", "M1; M2")
    assert kinds(rounds.at(10, more, Condition("event_short", "dorf", "", "now 3 kW"))) == ["wrong_meter"]


def test_what_another_alarm_leaves_nothing_to_tell_of_is_not_told() -> None:
    expected = Condition("overload_expected", "dorf", "line:9", "from 19:00 on")
    elsewhere = Condition("overload_expected", "other", "line:9", "from 19:00 on")
    rounds = Rounds(book_of(raised("event_short", "")))
    assert [one.feeder for one in rounds.at(0, SHORT, expected, elsewhere)] == ["other"]  # type: ignore[union-attr]


def test_what_is_out_of_service_is_not_told() -> None:
    other = Condition("wrong_meter", "other", "", "M9")
    assert kinds(Rounds(out_of_service=("wrong_meter",)).at(0, METER, other, SHORT)) == ["event_short"]
    told = Rounds(out_of_service=("wrong_meter/dorf",)).at(0, METER, other)
    assert [one.feeder for one in told] == ["other"]  # type: ignore[union-attr]


def test_a_shelf_ends_by_itself() -> None:
    one = raised("event_short", "")
    rounds = Rounds(book_of(one, acknowledged(one), shelved(one, for_s=60)))
    assert rounds.at(59, SHORT) == []
    (told,) = rounds.at(60, SHORT)
    assert isinstance(told, AlarmUnshelved)
    assert (told.cause, rounds.book.alarms[one.alarm].core) == ("expired", "unacknowledged")


def test_after_a_restart_nothing_is_told_twice_or_taken_back_at_once() -> None:
    rounds = Rounds()
    rounds.at(0, SHORT)
    again = Rounds(rounds.book)
    assert again.at(10, SHORT) == []
    assert Rounds(rounds.book).at(10) == []


def test_one_round_tells_no_more_than_its_share_the_most_urgent_first() -> None:
    meters = [Condition("wrong_meter", f"F{n}", "", "M") for n in range(annunciation.MOST_AT_ONCE + 20)]
    rounds = Rounds()
    told = rounds.at(0, *meters, SHORT)
    assert (len(told), kinds(told)[0]) == (annunciation.MOST_AT_ONCE, "event_short")
    assert len(rounds.at(5, *meters, SHORT)) == 21
