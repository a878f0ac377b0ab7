"""Each published method on numbers small enough for paper; the reckoning stands in the comments."""

from dataclasses import replace

import numpy as np
import pytest

from controller.baselines.calculation import baseline
from controller.baselines.history import DayHistory, EventWindow
from controller.baselines.programmes import (
    CAISO_10_IN_10,
    HIGH_5_OF_10,
    METER_BEFORE,
    METER_BEFORE_AND_AFTER,
    MIDDLE_4_OF_6,
    NYISO_AVERAGE_DAY,
    PJM_HIGH_4_OF_5,
    TEN_OF_TEN,
    TEN_OF_TEN_ALL_DAYS,
)
from controller.baselines.results import BaselineResult
from controller.baselines.rules import AdjustmentKind, DayMatching, Programme, TooLittle
from tests.controller.baselines.day_builders import dates, day, evening, hourly, with_hours

# Two weeks before Monday 14: the weekdays 0-4 and 7-11 take 2, 4, 6, 8, 10 and 3, 5, 7, 9, 11 kW from 17 to
# 20 h, the weekend days 5, 6, 12, 13 take 20 kW. All other hours take 1 kW, on the event's day 14 as well.
_KW = (2, 4, 6, 8, 10, 20, 20, 3, 5, 7, 9, 11, 20, 20, 0.5)
EVENINGS = {n: float(kw) for n, kw in enumerate(_KW)}
HISTORY = hourly(EVENINGS)


def _flat(result: BaselineResult) -> float:
    """The one power of all three hours."""
    assert result.p_kw is not None
    assert result.p_kw.shape == (3,)
    assert np.ptp(result.p_kw) == pytest.approx(0.0)
    return float(result.p_kw[0])


def test_ten_of_ten() -> None:
    # (2 + 4 + 6 + 8 + 10 + 3 + 5 + 7 + 9 + 11) / 10 = 65 / 10 = 6.5 kW. Before the event 1 kW as ever:
    # shift 0.
    result = baseline(HISTORY, evening(14), TEN_OF_TEN)
    assert _flat(result) == pytest.approx(6.5)
    assert result.used_days == tuple(day(n) for n in (11, 10, 9, 8, 7, 4, 3, 2, 1, 0))
    assert result.adjustment is not None
    assert result.adjustment.applied == 0.0


def test_ten_of_ten_of_all_days() -> None:
    # The newest ten days are 13 to 4: 20 + 20 + 11 + 9 + 7 + 5 + 3 + 20 + 20 + 10 = 125, so 12.5 kW.
    assert _flat(baseline(HISTORY, evening(14), TEN_OF_TEN_ALL_DAYS)) == pytest.approx(12.5)


def test_ten_of_ten_adds_what_the_morning_shows_within_a_fifth() -> None:
    # 13 to 16 h take 2, 3, 4 kW: the mean is 3 kW against 1 kW, so + 2 kW. A fifth of 6.5 kW is 1.3 kW: 7.8
    # kW.
    result = baseline(with_hours(HISTORY, 14, {13: 2, 14: 3, 15: 4}), evening(14), TEN_OF_TEN)
    assert _flat(result) == pytest.approx(7.8)
    assert result.adjustment is not None
    assert result.adjustment.kind is AdjustmentKind.ADDITIVE
    assert (result.adjustment.measured_kw, result.adjustment.expected_kw) == (3.0, 1.0)
    assert result.adjustment.asked == pytest.approx(2.0)
    assert result.adjustment.applied == pytest.approx(1.3)
    assert result.adjustment.capped
    # 0.4 kW in these hours: - 0.6 kW is within the fifth, so 5.9 kW.
    lower = baseline(with_hours(HISTORY, 14, {13: 0.4, 14: 0.4, 15: 0.4}), evening(14), TEN_OF_TEN)
    assert _flat(lower) == pytest.approx(5.9)


def test_caiso_load_point_adjustment() -> None:
    # The second to the fourth hour before 17 h are 13, 14 and 15 h. They take 1.2, 1.1, 1.0 kW: 1.1 kW
    # against 1 kW, ratio 1.1, so 6.5 · 1.1 = 7.15 kW. The hour next to the event (16 h) may do what it
    # will.
    result = baseline(
        with_hours(HISTORY, 14, {13: 1.2, 14: 1.1, 15: 1.0, 16: 50.0}), evening(14), CAISO_10_IN_10
    )
    assert _flat(result) == pytest.approx(7.15)
    # 2 kW in each is a ratio of 2, capped at 1.2: 7.8 kW. 0.5 kW is capped at 0.8: 5.2 kW.
    high = baseline(with_hours(HISTORY, 14, {13: 2, 14: 2, 15: 2}), evening(14), CAISO_10_IN_10)
    low = baseline(with_hours(HISTORY, 14, {13: 0.5, 14: 0.5, 15: 0.5}), evening(14), CAISO_10_IN_10)
    assert _flat(high) == pytest.approx(7.8)
    assert _flat(low) == pytest.approx(5.2)


def test_caiso_weekend() -> None:
    # Saturday 19 is compared with 13, 12, 6 and 5, which take 20 kW each; four are enough.
    result = baseline(hourly({n: EVENINGS.get(n, 1.0) for n in range(20)}), evening(19), CAISO_10_IN_10)
    assert _flat(result) == pytest.approx(20.0)
    assert result.used_days == tuple(day(n) for n in (13, 12, 6, 5))


def test_high_5_of_10() -> None:
    # The five highest of the ten are 11, 10, 9, 8, 7 kW: mean 9 kW. Beside the event all is as ever: ratio 1.
    result = baseline(HISTORY, evening(14), HIGH_5_OF_10)
    assert _flat(result) == pytest.approx(9.0)
    assert result.used_days == tuple(day(n) for n in (11, 10, 9, 4, 3))


def test_high_5_of_10_with_hours_before_and_after() -> None:
    # Two hours' buffer: 13 and 14 h before, 22 and 23 h after. They take 1.5, 1.5, 1.0, 1.0 kW: 1.25 kW
    # against 1 kW, ratio 1.25, so 9 · 1.25 = 11.25 kW. 15, 16, 20 and 21 h do not matter.
    hours = {13: 1.5, 14: 1.5, 15: 9, 16: 9, 20: 9, 21: 9}
    assert _flat(baseline(with_hours(HISTORY, 14, hours), evening(14), HIGH_5_OF_10)) == pytest.approx(11.25)
    # 3 kW in all four is capped at 1.4: 12.6 kW; nothing at all is capped at 1 / 1.4: 6.4286 kW.
    high = baseline(with_hours(HISTORY, 14, dict.fromkeys((13, 14, 22, 23), 3.0)), evening(14), HIGH_5_OF_10)
    low = baseline(with_hours(HISTORY, 14, dict.fromkeys((13, 14, 22, 23), 0.0)), evening(14), HIGH_5_OF_10)
    assert _flat(high) == pytest.approx(12.6)
    assert _flat(low) == pytest.approx(9 / 1.4)


def test_high_3_of_5_on_the_weekend_is_weighted() -> None:
    # Sunday 20. The five weekend days before are 19, 13, 12, 6, 5 with 10, 8, 6, 4, 2 kW:
    # 0.5 · 10 + 0.3 · 8 + 0.2 · 6 = 5 + 2.4 + 1.2 = 8.6 kW.
    evenings = {**dict.fromkeys(range(21), 1.0), 19: 10.0, 13: 8.0, 12: 6.0, 6: 4.0, 5: 2.0}
    result = baseline(hourly(evenings), evening(20), HIGH_5_OF_10)
    assert _flat(result) == pytest.approx(8.6)
    assert [one.weight for one in result.days if one.used] == [0.5, 0.3, 0.2]


def test_the_hours_beside_the_event_have_the_weights_of_their_days() -> None:
    # As before, and day 19 takes 2 kW at 13, 14, 22 and 23 h: 0.5 · 2 + 0.3 · 1 + 0.2 · 1 = 1.5 kW are
    # expected there. The event's day takes 1.8 kW: ratio 1.2, so 8.6 · 1.2 = 10.32 kW.
    evenings = {**dict.fromkeys(range(21), 1.0), 19: 10.0, 13: 8.0, 12: 6.0, 6: 4.0, 5: 2.0}
    history = with_hours(hourly(evenings), 19, dict.fromkeys((13, 14, 22, 23), 2.0))
    history = with_hours(history, 20, dict.fromkeys((13, 14, 22, 23), 1.8))
    assert _flat(baseline(history, evening(20), HIGH_5_OF_10)) == pytest.approx(10.32)


def test_nyiso_average_day() -> None:
    # Two days before Monday 14 is Saturday 12, so the weekdays are the same ten. The highest hour is 20 kW,
    # a quarter 5 kW: day 11 with 11 kW counts, the level is 11 kW, a quarter 2.75 kW. Day 10 (9 kW): level
    # 10 kW. Day 9 (7): level 9, day 8 (5): level 8, a quarter 2 kW. Day 7 (3): level 7, a quarter 1.75 kW,
    # so 10, 8, 6, 4 count, and the level is (35 + 10 + 8 + 6 + 4) / 9 = 7 kW: a quarter is 1.75 kW, day 0
    # with 2 kW counts. The five highest of the ten: 9 kW.
    assert _flat(baseline(HISTORY, evening(14), NYISO_AVERAGE_DAY)) == pytest.approx(9.0)
    # With day 0 at 1.7 kW it is left out, and 9 similar days are found; the five highest are the same.
    fewer = baseline(with_hours(HISTORY, 0, dict.fromkeys((17, 18, 19), 1.7)), evening(14), NYISO_AVERAGE_DAY)
    assert "9 similar days of 10" in fewer.reasons[0]
    assert _flat(fewer) == pytest.approx(9.0)
    # The two hours that begin four hours before 17 h are 13 and 14 h: 1.1 kW against 1 kW, so 9.9 kW.
    warm = baseline(with_hours(HISTORY, 14, {13: 1.1, 14: 1.1, 15: 9}), evening(14), NYISO_AVERAGE_DAY)
    assert _flat(warm) == pytest.approx(9.9)


def test_nyiso_begins_two_days_before() -> None:
    # Wednesday 9: Tuesday 8 is not looked at. A quarter of the highest hour (20 kW) is 5 kW, so Monday 7
    # with 3 kW is left out; then 4, 3, 2, 1, 0 with 10, 8, 6, 4, 2 kW count: 30 / 5 = 6 kW. (The level
    # before day 0 is 28 / 4 = 7 kW, a quarter 1.75 kW.)
    result = baseline(HISTORY, evening(9), NYISO_AVERAGE_DAY)
    assert _flat(result) == pytest.approx(6.0)
    assert {one.day: one.why for one in result.days}[day(7)] == "low use: 3.00 kW, at most 25% of 20.00 kW"


def test_pjm_high_4_of_5() -> None:
    # Days 11 to 7 with 11, 9, 7, 5, 3 kW: the four highest make 32 / 4 = 8 kW. 13 to 15 h take 4 kW against
    # 1 kW: 3 kW more, without a cap: 11 kW.
    assert _flat(baseline(HISTORY, evening(14), PJM_HIGH_4_OF_5)) == pytest.approx(8.0)
    more = baseline(with_hours(HISTORY, 14, {13: 4, 14: 4, 15: 4}), evening(14), PJM_HIGH_4_OF_5)
    assert _flat(more) == pytest.approx(11.0)


def test_middle_4_of_6() -> None:
    # Days 11, 10, 9, 8, 7, 4 with 11, 9, 7, 5, 3, 10 kW: without 11 and 3 it is (10 + 9 + 7 + 5) / 4 = 7.75
    # kW.
    result = baseline(HISTORY, evening(14), MIDDLE_4_OF_6)
    assert _flat(result) == pytest.approx(7.75)
    assert result.used_days == tuple(day(n) for n in (10, 9, 8, 4))


def test_the_shape_over_the_event_is_kept() -> None:
    # Two days with 2, 4, 6 and 4, 8, 12 kW make 3, 6, 9 kW.
    history = with_hours(with_hours(HISTORY, 11, {17: 2, 18: 4, 19: 6}), 10, {17: 4, 18: 8, 19: 12})
    method = CAISO_10_IN_10.method
    assert isinstance(method, DayMatching)
    rule = replace(method.days[0], gather=2, use=2, at_least=2)
    result = baseline(history, evening(14), replace(CAISO_10_IN_10, method=replace(method, days=(rule,))))
    assert result.p_kw is not None
    assert result.p_kw.tolist() == pytest.approx([3.0, 6.0, 9.0])


def test_meter_before() -> None:
    # Quarter-hours: 16:45 takes 4 kW, so every quarter-hour of 17 to 18 h is 4 kW.
    table = np.ones((1, 96))
    table[0, 67] = 4.0
    window = EventWindow(day(0), begin_minute=17 * 60, end_minute=18 * 60)
    result = baseline(DayHistory((day(0),), table), window, METER_BEFORE)
    assert result.p_kw is not None
    assert result.p_kw.tolist() == [4.0] * 4
    assert result.method == "meter before"
    assert result.days == ()


def test_meter_before_and_after() -> None:
    # Before: 13, 14, 15 h with 3, 4, 5 kW. After: 21 and 22 h with 1.5 kW each. (12 + 3) / 5 = 3 kW.
    hours = {13: 3, 14: 4, 15: 5, 16: 99, 20: 99, 21: 1.5, 22: 1.5}
    result = baseline(with_hours(HISTORY, 14, hours), evening(14), METER_BEFORE_AND_AFTER)
    assert _flat(result) == pytest.approx(3.0)


def test_too_few_readings_beside_the_event_make_no_meter_baseline() -> None:
    hours = dict.fromkeys((13, 14, 15), np.nan)
    result = baseline(with_hours(HISTORY, 14, hours), evening(14), METER_BEFORE_AND_AFTER)
    assert result.p_kw is None
    assert result.method == "none"
    assert result.reasons == ("2 of 5 readings beside the event",)


# --- too little history: Thursday 3 has three similar days, which take 2, 4, 6 kW


def _with(programme: Programme, *too_little: TooLittle) -> Programme:
    assert isinstance(programme.method, DayMatching)
    return replace(programme, method=replace(programme.method, too_little=too_little))


def test_too_little_history_is_no_baseline_where_the_programme_says_nothing() -> None:
    result = baseline(HISTORY, evening(3), _with(TEN_OF_TEN))
    assert result.p_kw is None
    assert result.reasons == ("3 similar days of 10 in 45 days", "too little history: at least 5 are needed")
    assert {one.why for one in result.days if one.mean_kw is not None} == {"similar day, but too few of them"}
    assert not result.used_days


def test_fewer_days_where_the_programme_allows() -> None:
    # (2 + 4 + 6) / 3 = 4 kW.
    result = baseline(HISTORY, evening(3), _with(TEN_OF_TEN, TooLittle.FEWER_DAYS))
    assert _flat(result) == pytest.approx(4.0)
    assert "the programme allows fewer: 3" in result.reasons
    assert baseline(HISTORY, evening(0), _with(TEN_OF_TEN, TooLittle.FEWER_DAYS)).p_kw is None


def test_event_days_with_the_highest_use_fill_up() -> None:
    # Event days 7 to 11 leave 0 to 4; an outage on 0 and 1 leaves 6, 8, 10 kW. At least five days are
    # needed: of the event days (3, 5, 7, 9, 11 kW) the two highest, 11 and 9, come in. 44 / 5 = 8.8 kW.
    history = hourly(
        EVENINGS,
        event_days=dates([7, 8, 9, 10, 11]),
        outage_days=dates([0, 1]),
    )
    result = baseline(history, evening(14), CAISO_10_IN_10)
    assert _flat(result) == pytest.approx(8.8)
    assert result.used_days == tuple(day(n) for n in (11, 10, 4, 3, 2))
    why = {one.day: one.why for one in result.days}
    assert why[day(11)] == "event day, for want of other days, used"
    assert why[day(9)] == "event day"
    assert len(why) == len(result.days)
    assert "2 event days fill up" in result.reasons


def test_event_days_do_not_help_where_they_are_too_few() -> None:
    history = hourly({n: EVENINGS[n] for n in range(5)}, event_days=dates([1]))
    result = baseline(history, evening(4), CAISO_10_IN_10)
    assert result.p_kw is None
    assert "1 event days fill up" in result.reasons


def test_another_method_where_the_programme_names_one() -> None:
    # On day 3: 13 to 15 h 3 kW, 21 and 22 h 0.5 kW: (9 + 1) / 5 = 2 kW.
    hours = {13: 3, 14: 3, 15: 3, 21: 0.5, 22: 0.5}
    result = baseline(with_hours(HISTORY, 3, hours), evening(3), TEN_OF_TEN)
    assert _flat(result) == pytest.approx(2.0)
    assert result.method == "meter before and after"
    assert "10 of 10, additive is not possible, so meter before and after is taken" in result.reasons
    assert result.days


def test_a_kind_of_day_without_rule_has_no_baseline() -> None:
    assert isinstance(TEN_OF_TEN.method, DayMatching)
    weekdays = replace(
        TEN_OF_TEN, method=replace(TEN_OF_TEN.method, days=TEN_OF_TEN.method.days[:1]), fall_back=None
    )
    result = baseline(HISTORY, evening(12), weekdays)
    assert result.p_kw is None
    assert result.reasons == ("no rule for an event on this kind of day: Saturday",)


# --- adjustment at its limits


def test_no_adjustment_without_readings_beside_the_event() -> None:
    hours = dict.fromkeys((13, 14), np.nan)
    result = baseline(with_hours(HISTORY, 14, hours), evening(14), CAISO_10_IN_10)
    assert _flat(result) == pytest.approx(6.5)
    assert result.adjustment is None
    assert result.reasons == ("not adjusted: 1 of 3 intervals beside the event are known",)


def test_one_gap_beside_the_event_leaves_the_same_hours_out_on_both_sides() -> None:
    # 13 h is unknown on the event's day, so 14 and 15 h count alone: 1.1 kW against 1 kW.
    hours = {13: np.nan, 14: 1.1, 15: 1.1}
    history = with_hours(HISTORY, 14, hours)
    for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
        history = with_hours(history, n, {13: 40.0})
    assert _flat(baseline(history, evening(14), CAISO_10_IN_10)) == pytest.approx(7.15)


def test_a_gap_on_a_used_day_leaves_that_hour_out_on_both_sides_as_well() -> None:
    history = with_hours(with_hours(HISTORY, 14, {13: 40.0, 14: 1.1, 15: 1.1}), 7, {13: np.nan})
    assert _flat(baseline(history, evening(14), CAISO_10_IN_10)) == pytest.approx(7.15)


def test_a_home_that_feeds_in_is_not_scaled() -> None:
    # A ratio of two powers below zero means nothing; adding does: - 4 against - 3 kW is 1 kW less, capped
    # at a fifth of 2 kW: - 2.4 kW.
    sunny = hourly(dict.fromkeys(range(15), -2.0), rest_kw=-3.0)
    sunny = with_hours(sunny, 14, {13: -4, 14: -4, 15: -4})
    scaled = baseline(sunny, evening(14), CAISO_10_IN_10)
    assert _flat(scaled) == pytest.approx(-2.0)
    assert scaled.adjustment is None
    assert "below" in scaled.reasons[-1]
    assert _flat(baseline(sunny, evening(14), TEN_OF_TEN)) == pytest.approx(-2.4)


def test_hours_that_the_intervals_cannot_express_are_refused() -> None:
    with pytest.raises(ValueError, match="is not made of intervals of 60 minutes"):
        baseline(HISTORY, evening(14), METER_BEFORE)
