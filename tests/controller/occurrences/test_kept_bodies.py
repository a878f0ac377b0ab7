"""Answers that are kept: so many, and so much of them, however many feeders are looked at."""

import msgspec

from controller.occurrences.frames import Drawn
from controller.occurrences.kept_bodies import MOST_NUMBERS, KeptBodies
from controller.occurrences.replay import MOST_NUMBERS as MOST_IN_ONE
from controller.occurrences.replay import LimitsFrom, RecordedBody, recorded_body

DRAWN = Drawn("F", (), (), (), (), (), (), (), ())


def body(numbers: int) -> RecordedBody:
    """That holds so many figures of lines."""
    bare = recorded_body(DRAWN, [], 1.0, [], [], service_points=False)
    return msgspec.structs.replace(bare, line_percent=[[1.0] * numbers])


def test_the_latest_answer_of_a_feeder_is_found_for_the_same_question() -> None:
    kept, first, second = KeptBodies(), body(1), body(1)
    kept.put("F", "one", first)
    assert kept.get("F", "one") is first
    assert kept.get("F", "two") is None
    assert kept.get("G", "one") is None
    kept.put("F", "two", second)
    assert (kept.get("F", "one"), kept.get("F", "two")) == (None, second)


def test_who_was_asked_for_longest_ago_goes_when_there_are_too_many() -> None:
    kept = KeptBodies(most=3)
    for feeder in ("A", "B", "C"):
        kept.put(feeder, 1, body(1))
    assert kept.get("A", 1) is not None
    kept.put("D", 1, body(1))
    assert [feeder for feeder in ("A", "B", "C", "D") if kept.get(feeder, 1)] == ["A", "C", "D"]


def test_all_together_are_no_larger_than_what_is_allowed() -> None:
    kept = KeptBodies(most_numbers=100)
    for feeder in ("A", "B", "C"):
        kept.put(feeder, 1, body(40))
    assert [feeder for feeder in ("A", "B", "C") if kept.get(feeder, 1)] == ["B", "C"]
    kept.put("B", 2, body(70))
    assert [feeder for feeder in ("A", "B", "C") if kept.get(feeder, 2) or kept.get(feeder, 1)] == ["B"]
    kept.put("D", 1, body(101))
    assert kept.get("D", 1) is None
    assert kept.get("B", 2) is not None, "one that is too large takes no other's place"
    kept.put("B", 3, body(30))
    kept.put("C", 3, body(70))
    assert [kept.get(feeder, 3) is not None for feeder in ("B", "C")] == [True, True]


def test_limits_count_as_well_and_the_largest_answer_there_is_may_be_kept() -> None:
    kept, limits = KeptBodies(most_numbers=100), LimitsFrom(0, [100.0] * 60, [], [0.9] * 20, [1.1] * 21)
    kept.put("A", 1, msgspec.structs.replace(body(0), limits=[limits]))
    assert kept.get("A", 1) is None
    assert MOST_NUMBERS >= MOST_IN_ONE
