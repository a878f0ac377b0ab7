"""Delays, repetition, suppression: step tables of what is told, and when."""

from collections.abc import Iterable

import pytest

from controller.alarms import alarm_book, annunciation
from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.annunciation import Memory, annunciate
from controller.alarms.conditions import Condition
from controller.entries import AlarmRaised, AlarmReturned, AlarmUnshelved
from tests.controller.alarms.alarm_builders import acknowledged, book_of, id_of, many, raised, shelved
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


def test_full_what_is_lowest_is_held_back_and_what_stands_stays_as_people_left_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_book, "MOST_ALARMS", 20)
    meters = [Condition("wrong_meter", f"F{n}", "", "M") for n in range(30)]
    rounds = Rounds()
    told = rounds.at(0, *meters)
    assert kinds(told) == ["alarms_held_back", *["wrong_meter"] * 15]
    held = rounds.book.alarms[Condition("alarms_held_back", None, "", "").alarm]
    assert (held.raised.value, held.raised.priority) == (15.0, "medium")
    seen = [one.raised for one in rounds.book.alarms.values()]
    rounds.book = rounds.book.after(acknowledged(*seen)).after(shelved(seen[1]))
    assert [rounds.at(at, *meters) for at in (10, 20)] == [[], []]
    assert {one.core for one in rounds.book.alarms.values()} == {"acknowledged"}
    assert kinds(rounds.at(30, *meters, SHORT)) == ["event_short"]
    assert seen[1].alarm in rounds.book.alarms
    rounds.at(40, *meters[:9])
    assert [one.kind for one in rounds.at(101, *meters[:9]) if isinstance(one, AlarmReturned)].count(
        "alarms_held_back"
    ) == 1


def test_what_returned_and_waits_gives_way_to_what_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_book, "MOST_ALARMS", 20)
    rounds = Rounds()
    rounds.at(0, *(Condition("wrong_meter", f"F{n}", "", "M") for n in range(15)))
    rounds.at(1)
    rounds.at(2)
    others = [Condition("wrong_meter", f"G{n}", "", "M") for n in range(15)]
    assert kinds(rounds.at(3, *others)) == ["wrong_meter"] * 15
    assert len(rounds.book.alarms) == 20


def test_an_overload_that_hovers_around_severe_is_an_overload() -> None:
    rounds = Rounds()
    told = [one for n in range(30) for one in rounds.at(10 * n, SEVERE if n % 2 else OVERLOAD)]
    assert kinds(told) == ["overload"]


def test_what_was_severe_and_is_not_any_more_is_told_as_what_it_is_and_needs_nobody_again() -> None:
    rounds = Rounds()
    rounds.at(0, SEVERE)
    rounds.at(60, SEVERE)
    rounds.book = rounds.book.after(acknowledged(raised("overload_severe")))
    assert rounds.at(70, OVERLOAD) == []
    assert rounds.at(100, SEVERE) == []
    assert rounds.at(110, OVERLOAD) == []
    assert rounds.at(229, OVERLOAD) == []
    assert kinds(rounds.at(230, OVERLOAD)) == ["overload"]
    record = rounds.book.alarms[id_of()]
    assert (record.raised.priority, record.core, record.occurrence) == ("low", "acknowledged", 1)
    assert rounds.at(240, OVERLOAD) == []
    assert sum(map(sum, rounds.book.buckets.values())) == 1


def test_five_hundred_at_once_hold_the_loop_only_shortly() -> None:
    rounds = Rounds(book_of(*many(1000, every_s=0.0)))
    told = rounds.at(1, *(Condition("too_few_meters", f"F{n}", "", "x") for n in range(500)))
    assert len(told) <= 100 + 1
