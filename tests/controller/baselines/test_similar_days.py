"""Which days count, and that each other one has its reason."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.baselines.calculation import baseline
from controller.baselines.history import DayHistory, EventWindow
from controller.baselines.programmes import PROGRAMMES
from controller.baselines.results import DayVerdict
from controller.baselines.rules import WEEKDAYS, WEEKEND, DayMatching, DayRule, Pick, Programme
from controller.baselines.similar_days import gather, picked
from tests.controller.baselines.day_builders import (
    always,
    dates,
    day,
    evening,
    hourly,
    random_days,
    with_hours,
)

RULE = DayRule(WEEKDAYS, gather=3, use=3, look_back_days=14, at_least=1)
DAYS = {n: 2.0 + n for n in range(15)}


def _found(history: DayHistory, rule: DayRule = RULE, event: int = 14) -> tuple[list[date], dict[date, str]]:
    found = gather(history, evening(event), rule)
    return [one.day for one in found.candidates], {one.day: one.why for one in found.left_out}


def test_the_newest_similar_days_count_and_the_weekend_is_named() -> None:
    # Day 14 is a Monday: 13 and 12 are the weekend; 11, 10, 9 are Friday to Wednesday.
    days, why = _found(hourly(DAYS))
    assert days == [day(11), day(10), day(9)]
    assert why == {
        day(13): "another kind of day: Sunday or holiday",
        day(12): "another kind of day: Saturday",
    }


def test_holidays_events_outages_and_gaps_are_left_out_with_their_reason() -> None:
    history = hourly(DAYS, holidays=dates([11]), event_days=dates([10, 14]), outage_days=dates([9]))
    history = with_hours(history, 8, {18: np.nan})
    days, why = _found(history)
    assert days == [day(7), day(4), day(3)]
    assert why[day(11)] == "holiday"
    assert why[day(10)] == "event day"
    assert why[day(9)] == "outage"
    assert why[day(8)] == "1 of 3 readings missing"


def test_a_gap_outside_the_event_does_not_matter() -> None:
    days, _ = _found(with_hours(hourly(DAYS), 11, {3: np.nan}))
    assert days[0] == day(11)


def test_nothing_older_than_the_look_back() -> None:
    days, _ = _found(hourly(DAYS), replace(RULE, look_back_days=4))
    assert days == [day(11), day(10)]


def test_the_day_before_does_not_count_where_the_rule_begins_earlier() -> None:
    days, _ = _found(hourly(DAYS), replace(RULE, begins_days_before=2), event=11)
    assert days == [day(9), day(8), day(7)]


def test_a_holiday_is_compared_with_the_weekend() -> None:
    rule = DayRule(WEEKEND, gather=2, use=2, look_back_days=14, at_least=1)
    days, why = _found(hourly(DAYS, holidays=dates([14])), rule)
    assert days == [day(13), day(12)]
    assert why == {}


def test_an_event_past_midnight_asks_both_days() -> None:
    # 22 to 2 h on Thursday 10: Wednesday 9 runs into the event's own day, which is asked only later that day.
    window = EventWindow(day(10), begin_minute=22 * 60, end_minute=26 * 60)
    history = hourly(dict.fromkeys(range(12), 2.0), event_days=dates([10]), outage_days=dates([9]))
    found = gather(history, window, RULE)
    why = {one.day: one.why for one in found.left_out}
    assert why[day(9)] == "outage"
    assert why[day(8)] == "outage"
    assert next(one.day for one in found.candidates) == day(7)
    history = replace(history, outage_days=frozenset())
    assert next(one.day for one in gather(history, window, RULE).candidates) == day(9)


def test_days_of_low_use_do_not_count() -> None:
    # Seed: the highest hour of the event in 30 days, 8 kW; a quarter is 2 kW. Day 11 with 2 kW is out, day
    # 10 with 6 kW counts and makes the level 6 kW; a quarter is 1.5 kW, so day 9 with 1.6 kW counts: level
    # 3.8 kW, a quarter 0.95 kW, and day 8 with 0.9 kW is out.
    use = {**dict.fromkeys(range(15), 6.0), 11: 2.0, 10: 6.0, 9: 1.6, 8: 0.9, 7: 8.0}
    rule = replace(RULE, low_usage_share=0.25)
    days, why = _found(hourly(use), rule)
    assert days == [day(10), day(9), day(7)]
    assert why[day(11)] == "low use: 2.00 kW, at most 25% of 8.00 kW"
    assert why[day(8)] == "low use: 0.90 kW, at most 25% of 3.80 kW"


def test_the_usual_use_begins_with_an_hour_and_not_with_a_spike() -> None:
    # Quarter-hours of 1 kW and one of 9 kW: its hour is 3 kW, a quarter of which is 0.75 kW, so the days of
    # 1 kW count. A quarter of the spike would have left all of them out.
    history = always(1.0, 15)
    table = history.p_kw.copy()
    table[2, 70] = 9.0
    found = gather(
        DayHistory(history.dates, table), evening(14), replace(RULE, gather=5, use=5, low_usage_share=0.25)
    )
    assert [one.day for one in found.candidates] == [day(n) for n in (11, 10, 9, 8, 7)]


def _verdicts(*kw: float) -> list[DayVerdict]:
    return [DayVerdict(day(20 - n), used=False, why="", mean_kw=value) for n, value in enumerate(kw)]


def test_the_highest_are_picked_and_of_equal_ones_the_newer() -> None:
    rule = DayRule(WEEKDAYS, gather=4, use=2, look_back_days=14, at_least=1, pick=Pick.HIGHEST)
    verdicts = picked(_verdicts(3.0, 1.0, 3.0, 3.0), rule)
    assert [one.used for one in verdicts] == [True, False, True, False]
    assert [one.weight for one in verdicts] == [0.5, 0.0, 0.5, 0.0]
    assert verdicts[3].why == "similar day; 3. highest use, below the 2 that count"


def test_the_middle_leaves_out_both_ends() -> None:
    rule = DayRule(WEEKDAYS, gather=6, use=4, look_back_days=14, at_least=3, pick=Pick.MIDDLE)
    verdicts = picked(_verdicts(1.0, 6.0, 2.0, 5.0, 3.0, 4.0), rule)
    assert [one.mean_kw for one in verdicts if one.used] == [2.0, 5.0, 3.0, 4.0]
    assert "highest left out" in verdicts[1].why
    # One day fewer: still one at either end.
    fewer = picked(_verdicts(1.0, 6.0, 2.0, 5.0, 3.0), rule)
    assert [one.mean_kw for one in fewer if one.used] == [2.0, 5.0, 3.0]


def test_weights_go_by_rank_and_are_shared_anew_with_fewer_days() -> None:
    rule = DayRule(
        WEEKEND, gather=5, use=3, look_back_days=45, at_least=2, pick=Pick.HIGHEST, weights=(0.5, 0.3, 0.2)
    )
    assert [one.weight for one in picked(_verdicts(1.0, 3.0, 2.0, 0.5), rule)] == [0.2, 0.5, 0.3, 0.0]
    assert [one.weight for one in picked(_verdicts(1.0, 3.0), rule)] == pytest.approx([0.375, 0.625])


@pytest.mark.parametrize(
    "broken",
    [
        {"at_least": 11},
        {"use": 11},
        {"use": 9},
        {"pick": Pick.MIDDLE, "use": 7},
        {"pick": Pick.MIDDLE, "use": 4, "at_least": 6},
        {"weights": (0.5, 0.5)},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(broken: dict[str, object]) -> None:
    rule = DayRule(WEEKDAYS, gather=10, use=10, look_back_days=45, at_least=5)
    with pytest.raises(ValueError, match=r"days"):
        replace(rule, **broken)  # type: ignore[arg-type]


_MATCHING = [one for one in PROGRAMMES if isinstance(one.method, DayMatching)]


@given(
    seed=st.integers(0, 2**32 - 1),
    programme=st.sampled_from(_MATCHING),
    event=st.integers(40, 59),
    special=st.lists(st.integers(0, 59), max_size=25),
    missing=st.sampled_from([0.0, 0.02]),
)
def test_whatever_the_history_the_account_of_the_days_holds(
    seed: int, programme: Programme, event: int, special: list[int], missing: float
) -> None:
    history = DayHistory(
        tuple(day(n) for n in range(60)),
        random_days(np.random.default_rng(seed), 60, missing=missing),
        holidays=dates(special[::3]),
        event_days=dates(special[1::3]),
        outage_days=dates(special[2::3]),
    )
    result = baseline(history, evening(event), programme)
    days = [one.day for one in result.days]
    assert days == sorted(set(days), reverse=True)
    assert all(one.why for one in result.days)
    assert max(days) < day(event)
    assert not set(result.used_days) & history.outage_days
    if result.adjustment is not None and result.method == programme.name:
        assert sum(one.weight for one in result.days) == pytest.approx(1.0)
    filled = any("fill up" in reason for reason in result.reasons)
    assert filled or not set(result.used_days) & history.event_days
    assert (result.p_kw is None) == (result.method == "none")


@given(seed=st.integers(0, 2**32 - 1), programme=st.sampled_from(PROGRAMMES), factor=st.floats(0, 10))
def test_what_happens_within_the_event_and_later_days_is_never_read(
    seed: int, programme: Programme, factor: float
) -> None:
    table = random_days(np.random.default_rng(seed), 60, intervals=96)
    seen = table.copy()
    seen[50, 17 * 4 : 20 * 4] *= factor
    seen[51:] *= factor
    days = tuple(day(n) for n in range(60))
    one = baseline(DayHistory(days, table), evening(50), programme)
    other = baseline(DayHistory(days, seen), evening(50), programme)
    told, again = (None if result.p_kw is None else result.p_kw.tolist() for result in (one, other))
    assert told == again
    assert one.days == other.days
