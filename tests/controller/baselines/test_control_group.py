"""The control group: its level by hand, and that a group that does not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest

from controller.baselines.calculation import baseline
from controller.baselines.history import DayHistory
from controller.baselines.programmes import CONTROL_GROUP
from controller.baselines.results import BaselineResult
from controller.baselines.rules import WEEKDAYS, ControlGroup, DayRule, PreperiodAdjustment, Programme
from tests.controller.baselines.day_builders import always, dates, day, evening, hourly, with_hours

assert isinstance(CONTROL_GROUP.method, ControlGroup)
METHOD = replace(
    CONTROL_GROUP.method,
    days=(DayRule(WEEKDAYS, gather=4, use=4, look_back_days=14, at_least=4),),
    customers_at_least=2,
)
SMALL = replace(CONTROL_GROUP, method=METHOD, fall_back=None)
"""Two customers and four days are enough: days 11, 10, 9 and 8 before Monday 14."""

OWN = hourly(dict.fromkeys(range(14), 6.0) | {14: 1.0})
"""6 kW from 17 to 20 h, 1 kW on the event's day"""


def _group(kw: float, last: float) -> DayHistory:
    return hourly(dict.fromkeys(range(14), kw) | {14: last})


def _told(history: DayHistory, programme: Programme, *controls: DayHistory) -> BaselineResult:
    return baseline(history, evening(14), programme, controls)


def test_by_hand_with_ratio_and_difference() -> None:
    # The group's customers take 1 and 3 kW before, 2 kW in the mean, and 2 and 4 kW in the event: 3 kW.
    # Ratio: 6 / 2 = 3 times, so 9 kW. Difference: 4 kW more, so 7 kW.
    controls = (_group(1.0, 2.0), _group(3.0, 4.0))
    result = _told(OWN, SMALL, *controls)
    assert result.p_kw is not None
    assert result.p_kw.tolist() == pytest.approx([9.0] * 3)
    assert result.used_days == tuple(day(n) for n in (11, 10, 9, 8))
    difference = replace(SMALL, method=replace(METHOD, preperiod=PreperiodAdjustment.DIFFERENCE))
    other = _told(OWN, difference, *controls)
    assert other.p_kw is not None
    assert other.p_kw.tolist() == pytest.approx([7.0] * 3)


def test_validity_by_hand() -> None:
    # Older days 9 and 8: own 6 and 6, group 2 and 2: ratio 3. Newer days 11 and 10: own 6.6 and 6, group 2
    # and 2, told 6 and 6. Bias: (12 - 12.6) / 12.6 = - 4.762 %. Errors - 0.6 and 0: the root of 0.18 is
    # 0.42426, of the mean 6.3 it is 6.734 %. Slope: (6 · 6.6 + 6 · 6) / 72 = 1.05. The level over all four
    # is 24.6 / 8 = 3.075.
    own = with_hours(OWN, 11, dict.fromkeys((17, 18, 19), 6.6))
    result = _told(own, SMALL, _group(2.0, 2.0), _group(2.0, 2.0))
    validity = result.validity
    assert validity is not None
    assert (validity.customers, validity.days) == (2, 4)
    assert validity.bias_percent == pytest.approx(-100 * 0.6 / 12.6)
    assert validity.cvrmse_percent == pytest.approx(6.7343, abs=1e-4)
    assert validity.slope == pytest.approx(1.05)
    assert result.p_kw is not None
    assert result.p_kw.tolist() == pytest.approx([6.15] * 3)


def test_a_group_that_is_off_is_refused() -> None:
    # Older half 6 kW, newer half 9 kW: told 6, a third too low.
    own = hourly({n: 9.0 if n in (10, 11) else 6.0 for n in range(15)})
    result = _told(own, SMALL, _group(2.0, 2.0), _group(2.0, 2.0))
    assert result.p_kw is None
    assert result.reasons == (
        "control group off by -33.3 %, 5.0 % allowed",
        "control group scatters by 33.3 %, 10.0 % allowed",
    )
    assert result.validity is not None


def test_a_group_that_scatters_is_refused_though_it_is_right_in_the_mean() -> None:
    own = hourly({n: {11: 4.0, 10: 8.0}.get(n, 6.0) for n in range(15)})
    result = _told(own, SMALL, _group(2.0, 2.0), _group(2.0, 2.0))
    assert result.reasons == ("control group scatters by 33.3 %, 10.0 % allowed",)


def test_too_small_a_group_falls_back_to_the_meter() -> None:
    result = _told(OWN, replace(SMALL, fall_back=CONTROL_GROUP.fall_back), _group(2.0, 2.0))
    assert result.method == "meter before and after"
    assert "control group of 1 customers, 2 needed" in result.reasons
    assert result.p_kw is not None
    assert result.p_kw.tolist() == [1.0] * 3


def test_without_a_group_there_is_no_day_to_compare_on() -> None:
    assert _told(OWN, SMALL).reasons == ("0 days to compare the groups on, 4 needed",)


def test_customers_who_were_asked_themselves_do_not_count() -> None:
    asked = replace(_group(50.0, 50.0), event_days=dates(range(15)))
    result = _told(OWN, SMALL, _group(1.0, 2.0), _group(3.0, 4.0), asked)
    assert result.p_kw is not None
    assert result.p_kw.tolist() == pytest.approx([9.0] * 3)


def test_a_group_without_readings_in_the_event_says_nothing() -> None:
    blind = [with_hours(_group(2.0, 2.0), 14, {18: np.nan}) for _ in range(2)]
    result = _told(OWN, SMALL, *blind)
    assert result.p_kw is None
    assert "too few readings of the group in the event" in result.reasons


def test_days_without_readings_of_the_group_are_told() -> None:
    blind = [with_hours(_group(2.0, 2.0), 10, {18: np.nan}) for _ in range(2)]
    result = _told(OWN, SMALL, *blind)
    assert {one.day: one.why for one in result.days}[day(10)] == "too few readings of the group"
    assert result.reasons == ("3 days to compare the groups on, 4 needed",)


def test_homes_that_take_nothing_have_no_validity() -> None:
    nothing = always(0.0, 105)
    method = replace(METHOD, days=(replace(METHOD.days[0], at_least=4),))
    result = baseline(nothing, evening(98), replace(SMALL, method=method), [nothing, nothing])
    assert result.p_kw is None
    assert "off by nan" in result.reasons[0]
