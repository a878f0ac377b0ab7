"""How much was taken away, and given back, lately: limits one after another, and what counts of them."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from controller import settings
from controller.entries import Ordered
from controller.reach import (
    below_orders_kw_since,
    given_back_kw_since,
    lapse_spread_s,
    limited_kw_since,
    lowest_kw_since,
    renewed_within,
    taken_away_kw,
)
from controller.requests import RequestRecord
from tests.builders import site
from tests.controller.record_builders import T0, after, ended, planned, with_limits

LONG_AGO = T0 - timedelta(days=1)


def limited(*limits: tuple[float, float]) -> RequestRecord:
    """An 11 kW charger whose limit was so many kW from so many seconds on, and is in force."""
    return replace(with_limits(ended(), *limits), state="active", ended_at=None)


@pytest.mark.parametrize(
    ("limits", "since_s", "now_s", "kw"),
    [
        ([(0, 4.2)], -1, 0, 6.8),
        ([(0, 4.2)], 0, 60, 0.0),
        ([(0, 9.0), (30, 5.0)], -1, 60, 6.0),
        ([(0, 9.0), (30, 5.0)], 0, 60, 4.0),
        ([(0, 5.0), (30, 9.0), (60, 6.0)], 0, 60, 3.0),
        ([(0, 5.0), (30, 13.0), (60, 6.0)], 0, 60, 5.0),  # above 11 kW it takes nothing away
        ([(0, 9.0), (300, 5.0)], -1, 60, 2.0),  # by a clock that was ahead
    ],
)
def test_what_limits_took_away_lately(
    limits: list[tuple[float, float]], since_s: float, now_s: float, kw: float
) -> None:
    told = limited_kw_since([limited(*limits)], after(since_s), after(now_s))
    assert told == pytest.approx(kw)


def test_of_what_was_ordered_only_what_went_below_it_was_the_automatics() -> None:
    ordered = Ordered(order="O-1", by="Ann", limit_kw=8.0, until=after(900))
    record = replace(limited((0, 8.0), (30, 5.0)), planned=planned(ordered=ordered), ordered=ordered)
    assert below_orders_kw_since([record], LONG_AGO, after(60)) == pytest.approx(3.0)
    assert limited_kw_since([record], LONG_AGO, after(60)) == pytest.approx(6.0), "by both together"
    lower = replace(record, ordered=msgspec.structs.replace(ordered, limit_kw=5.0))
    assert below_orders_kw_since([lower], LONG_AGO, after(60)) == 0.0, "a person lowered it"
    eased = replace(limited((0, 4.2), (30, 8.0)), planned=record.planned, ordered=ordered)
    assert below_orders_kw_since([eased], LONG_AGO, after(60)) == 0.0, "a person eased it"


def test_who_took_little_when_an_order_limited_them_may_have_been_taken_much_from_since() -> None:
    ordered = Ordered(order="O-1", by="Ann", limit_kw=8.0, until=after(900))
    idle = planned(ordered=ordered, p_before_kw=0.5)
    record = replace(limited((0, 8.0), (30, 5.0)), planned=idle, ordered=ordered)
    assert below_orders_kw_since([record], LONG_AGO, after(60)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("limits", "since_s", "now_s", "kw"),
    [
        ([(0, 4.2), (30, 7.2)], 0, 60, 3.0),
        ([(0, 4.2), (30, 7.2)], 30, 60, 0.0),
        ([(0, 4.2), (30, 13.0)], 0, 60, 6.8),  # more than the 11 kW of before nobody gives back
        ([(0, 4.2), (300, 7.2)], 0, 60, 0.0),  # by a clock that was ahead
        ([(0, 7.2), (30, 4.2)], -1, 60, 0.0),
    ],
)
def test_what_higher_limits_gave_back_lately(
    limits: list[tuple[float, float]], since_s: float, now_s: float, kw: float
) -> None:
    told = given_back_kw_since([limited(*limits)], after(since_s), after(now_s))
    assert told == pytest.approx(kw)


def test_a_request_that_ended_gave_back_all_that_was_left_of_it() -> None:
    record = with_limits(ended(), (0, 4.2), (30, 7.0))
    assert given_back_kw_since([record], after(840), after(900)) == pytest.approx(4.0)
    assert given_back_kw_since([record], after(900), after(960)) == 0.0
    assert given_back_kw_since([record], after(780), after(840)) == 0.0, "it is to come by this clock"
    assert taken_away_kw(record) == pytest.approx(6.8)


def test_the_lowest_limit_lately_is_also_one_that_began_before() -> None:
    record = limited((0, 4.2), (60, 7.0), (200, 9.0))
    assert lowest_kw_since(record, after(30)) == 4.2
    assert lowest_kw_since(record, after(60)) == 7.0
    assert lowest_kw_since(record, after(200)) == 9.0


def test_limits_are_renewed_two_looks_before_their_end_at_least() -> None:
    often = site(cycle=settings.Cycle(period_s=10.0), requests=settings.Requests(renew_before_s=120.0))
    assert renewed_within(often) == timedelta(seconds=120)
    seldom = site(cycle=settings.Cycle(period_s=300.0), requests=settings.Requests(renew_before_s=120.0))
    assert renewed_within(seldom) == timedelta(seconds=600)


@pytest.mark.parametrize(("share", "spread_s"), [(0.2, 300.0), (0.01, 900.0), (0.0, 0.0)])
def test_ends_are_spread_over_what_all_need_to_come_back_and_no_longer_than_a_limit(
    share: float, spread_s: float
) -> None:
    of = site(
        safety=settings.Safety(release_share_per_minute=share), requests=settings.Requests(duration_s=900.0)
    )
    assert lapse_spread_s(of) == spread_s
