"""The fold of alarms: what stands, how often, how many."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.alarms import alarm_book
from controller.alarms.alarm_book import AlarmBook, AlarmEntry
from controller.alarms.states import STANDING
from controller.entries import Entry, ReadingsRefused
from tests.controller.alarms.alarm_builders import (
    acknowledged,
    book_of,
    id_of,
    many,
    raised,
    returned,
    shelved,
    unshelved,
)
from tests.controller.record_builders import T0, after, books_of

ONE = raised()


def test_an_alarm_from_its_beginning_to_its_end() -> None:
    book = book_of(ONE)
    record = book.alarms[ONE.alarm]
    assert (record.core, record.occurrence, record.since) == ("unacknowledged", 1, T0)
    book = book.after(acknowledged(ONE, at=after(5)))
    assert (book.alarms[ONE.alarm].acknowledged_by, book.alarms[ONE.alarm].acknowledged_at) == (
        "mara", after(5),
    )  # fmt: skip
    assert book.after(returned(ONE)).alarms == {}


def test_what_returns_unseen_stays_until_somebody_has_seen_it() -> None:
    book = book_of(ONE, returned(ONE, after(9)))
    assert (book.alarms[ONE.alarm].core, book.alarms[ONE.alarm].returned_at) == (
        "returned_unacknowledged", after(9),
    )  # fmt: skip
    assert book.after(acknowledged(ONE)).alarms == {}


def test_raised_again_it_is_another_occurrence_and_nobodys_acknowledgement_counts() -> None:
    worse = raised("overload_severe", at=after(60))
    assert worse.alarm == ONE.alarm
    record = book_of(ONE, acknowledged(ONE), worse).alarms[ONE.alarm]
    assert (record.core, record.occurrence, record.since, record.acknowledged_by) == (
        "unacknowledged", 2, T0, None,
    )  # fmt: skip
    gone = book_of(ONE, acknowledged(ONE), returned(ONE), raised(at=after(99)))
    assert (gone.alarms[ONE.alarm].occurrence, gone.alarms[ONE.alarm].since) == (2, after(99))


def test_shelved_it_is_kept_though_normal_and_back_in_sight_it_is_to_be_seen_once_more() -> None:
    book = book_of(ONE, acknowledged(ONE), shelved(ONE, for_s=60))
    assert book.alarms[ONE.alarm].is_shelved(after(59))
    assert not book.alarms[ONE.alarm].is_shelved(after(60))
    assert book.after(unshelved(ONE)).alarms[ONE.alarm].core == "unacknowledged"
    normal = book.after(returned(ONE))
    assert normal.alarms[ONE.alarm].core == "normal"
    assert normal.after(unshelved(ONE)).alarms == {}


def test_a_flood_begins_above_ten_in_ten_minutes_and_ends_below_five() -> None:
    book = book_of(*many(10))
    assert not book.is_flood(after(10))
    book = book.after(raised(subject="line:10", at=after(10)))
    assert (book.is_flood(after(10)), book.flood_since) == (True, after(10))
    assert book.is_flood(after(600 + 5))  # five of eleven are younger than ten minutes
    assert not book.is_flood(after(600 + 7))
    quiet = book.after(raised(subject="line:11", at=after(2000)))
    assert quiet.flood_since is None


def test_counts_are_kept_by_ten_minutes_and_days_and_forgotten_after_eight_days() -> None:
    book = book_of(ONE, raised("link_down", "broker", after(30), None), raised(at=after(700)))
    assert list(book.buckets.values()) == [(0, 0, 1, 1), (0, 0, 0, 1)]
    assert sum(sum(counts.values()) for counts in book.by_day.values()) == 3
    later = book.after(raised(subject="line:9", at=T0 + timedelta(days=9)))
    assert list(later.buckets.values()) == [(0, 0, 0, 1)]
    assert len(later.by_day) == 1
    assert later.occurrences.keys() == book.alarms.keys() | {id_of(subject="line:9")}


def test_three_times_within_ten_minutes_is_chattering() -> None:
    twice = book_of(ONE, raised(at=after(100)))
    assert twice.chattered == {}
    assert twice.after(raised(at=after(599))).chattered == {ONE.alarm: after(599)}
    assert twice.after(raised(at=after(601))).chattered == {}


def test_full_what_is_gone_gives_way_before_what_stands_or_is_shelved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_book, "MOST_ALARMS", 3)
    medium = raised("link_down", "broker", after(9), None)
    book = book_of(*many(3), returned(raised(subject="line:2")), medium)
    assert {one.raised.subject for one in book.alarms.values()} == {"line:0", "line:1", "broker"}
    first, gone = raised(subject="line:0"), returned(raised(subject="line:2"))
    book = book_of(*many(3), acknowledged(first), shelved(first), returned(first, after(5)), gone, medium)
    assert {one.raised.subject for one in book.alarms.values()} == {"line:0", "line:1", "broker"}
    high = book_of(*(raised("event_short", "", after(n), f"F{n}") for n in range(3)), ONE)
    assert ONE.alarm not in high.alarms


def test_a_shelf_is_for_what_was_shelved_not_for_what_it_becomes() -> None:
    book = book_of(ONE, shelved(ONE))
    assert book.after(raised(at=after(9))).alarms[ONE.alarm].shelved is not None
    worse = book.after(raised("overload_severe", at=after(9))).alarms[ONE.alarm]
    assert (worse.shelved, worse.core) == (None, "unacknowledged")
    meter = replace(raised("wrong_meter", ""), text="M1")
    other = book_of(meter, shelved(meter), replace(meter, text="M1; M2")).alarms[meter.alarm]
    assert other.shelved is None


def test_what_comes_while_it_is_shelved_is_not_counted_as_told() -> None:
    book = book_of(ONE, shelved(ONE))
    for n in range(1, 12):
        book = book.after(returned(ONE, after(n))).after(raised(at=after(n)))
    assert (sum(map(sum, book.buckets.values())), book.is_flood(after(20)), book.chattered) == (1, False, {})


def test_input_that_goes_on_being_refused_is_one_run() -> None:
    def refused(at_s: float, count: int = 2) -> ReadingsRefused:
        return ReadingsRefused(at=after(at_s), feeder="dorf", reason="too_old", count=count, sample=f"{at_s}")

    book = AlarmBook()
    for at_s in (0, 60, 120):
        book = book.after(refused(at_s))
    (run,) = book.refused_runs.values()
    assert (run.first_at, run.last_at, run.count) == (T0, after(120), 6)
    (run,) = book.after(refused(300)).refused_runs.values()
    assert (run.first_at, run.count) == (after(300), 2)


def test_what_is_said_of_an_alarm_that_nobody_knows_changes_nothing() -> None:
    for entry in (returned(ONE), acknowledged(ONE), shelved(ONE), unshelved(ONE)):
        assert book_of(entry) == AlarmBook()


SUBJECTS = st.sampled_from([raised(subject=f"line:{n}") for n in range(3)] + [raised("event_short", "")])


@st.composite
def stories(draw: st.DrawFn) -> list[Entry]:
    told: list[Entry] = []
    at_s = 0.0
    for _ in range(draw(st.integers(0, 25))):
        at_s += draw(st.sampled_from([0.0, 30.0, 400.0, 90_000.0]))
        one = draw(SUBJECTS)
        kind = draw(st.integers(0, 4))
        at = after(at_s)
        told.append(
            raised(one.kind, one.subject, at) if kind == 0
            else (returned, acknowledged, shelved, unshelved)[kind - 1](one, at=at)  # type: ignore[operator]
        )  # fmt: skip
    return told


@settings(max_examples=40, deadline=None)
@given(stories(), st.integers(0, 25))
def test_a_replay_gives_the_same_and_a_copy_of_the_books_is_its_own(told: list[Entry], cut: int) -> None:
    whole = books_of(*told)
    begun = books_of(*told[:cut])
    kept = begun.alarm_book
    copied = begun.fork()
    copied.apply_all(told[cut:])
    assert copied.alarm_book == whole.alarm_book
    assert begun.alarm_book == kept == books_of(*told[:cut]).alarm_book
    for record in whole.alarm_book.alarms.values():
        assert record.core != "normal" or record.shelved is not None
        assert (record.core in STANDING) == record.stands


def test_the_entries_of_alarms_are_all_folded() -> None:
    assert {
        type(one) for one in (ONE, returned(ONE), acknowledged(ONE), shelved(ONE), unshelved(ONE))
    } == set(
        AlarmEntry.__args__  # type: ignore[attr-defined]
    )
