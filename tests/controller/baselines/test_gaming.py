"""Gaming of the hours before an event: an example by hand, and rates over simulated customers."""

from dataclasses import replace
from datetime import date, timedelta
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.baselines.gaming import GamingRule, GamingVerdict, detect_gaming
from controller.baselines.history import DayHistory, EventWindow, Floats
from controller.baselines.rank_test import p_value

FIRST = date(2026, 1, 5)
DAYS = 120
DATES = tuple(FIRST + timedelta(days=n) for n in range(DAYS))
RULE = GamingRule()
WEEKDAYS = [n for n in range(DAYS) if DATES[n].weekday() < 5]
BEFORE = slice(13, 16)
"""Hours 13 to 16 are the second to the fourth before 17 h."""


def _event(n: int, begin_hour: int = 17) -> EventWindow:
    return EventWindow(DATES[n], begin_minute=begin_hour * 60, end_minute=begin_hour * 60 + 180)


def _weather(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """How cold each day is, and what that does to everybody's use, season included."""
    cold = np.convolve(rng.normal(size=DAYS + 6), np.ones(7) / np.sqrt(7), "valid")
    season = 1 + 0.4 * np.cos(2 * np.pi * np.arange(DAYS) / 365)
    return cold, season * np.exp(0.3 * cold)


def _homes(rng: np.random.Generator, everybody: Floats, count: int) -> Floats:
    """(count, day, hour): no two days of a home are the same, and no two hours."""
    day_level = np.exp(rng.normal(0, 0.25, (count, DAYS, 1)))
    return (
        rng.lognormal(0, 0.5, (count, 1, 1))
        * everybody[:, np.newaxis]
        * day_level
        * rng.lognormal(0, 0.5, (count, DAYS, 24))
    )


def _coldest(cold: Floats, count: int) -> list[int]:
    """Events come when it is cold: an honest home takes more on their days, too."""
    return sorted(sorted(WEEKDAYS, key=lambda n: -cold[n])[:count])


def _tested(
    table: Floats, events: list[int], rule: GamingRule = RULE, peers: Floats | None = None
) -> GamingVerdict:
    history = DayHistory(DATES, table, event_days=frozenset(DATES[n] for n in events))
    others = None if peers is None else DayHistory(DATES, peers)
    return detect_gaming(history, [_event(n) for n in events], rule, others)


def _share_suspected(raised: float, events: int, *, peers: bool, rule: GamingRule, seeds: int) -> float:
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        cold, everybody = _weather(rng)
        asked = _coldest(cold, events)
        homes, others = _homes(rng, everybody, 5), _homes(rng, everybody, 60).mean(axis=0)
        homes[:, asked, BEFORE] *= 1 + raised
        found += [_tested(home, asked, rule, others if peers else None).suspected for home in homes]
    return float(np.mean(found))


def test_by_hand() -> None:
    # 20 weekdays of 1 kW, each a little more than the one before. Three events among them take 2 kW from 13
    # to 16 h, all others about 1: they stand highest of 20, which is one way of C(20, 3) = 1140.
    table = np.ones((DAYS, 24)) * (1 + 1e-6 * np.arange(DAYS)[:, np.newaxis])
    asked = [WEEKDAYS[n] for n in (4, 9, 14)]
    table[asked, BEFORE] *= 2
    history = DayHistory(DATES[:26], table[:26], event_days=frozenset(DATES[n] for n in asked))
    verdict = detect_gaming(history, [_event(n) for n in asked])
    assert verdict.p_value == pytest.approx(1 / comb(20, 3))
    assert verdict.suspected
    assert verdict.raise_share == pytest.approx(1.0, abs=1e-4)
    assert [one.window.day for one in verdict.events] == [DATES[n] for n in asked]
    first = verdict.events[0]
    assert (first.measured_kw, first.usual_kw) == pytest.approx((2.0, 1.0), abs=1e-4)
    assert (first.days_as_high, first.days) == (0, 17)
    assert "+100% in the hours before 3 events" in verdict.reason


@pytest.mark.parametrize("peers", [True, False])
@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_honest_homes_are_suspected_no_more_often_than_stated(rate: float, peers: bool) -> None:
    """250 homes, events on the eight coldest weekdays; the bound is the rate and three standard errors."""
    rule = GamingRule(false_alarm_rate=rate, least_raise_share=0.0)
    share = _share_suspected(0.0, 8, peers=peers, rule=rule, seeds=50)
    assert share <= rate + 3 * np.sqrt(rate * (1 - rate) / 250)


@pytest.mark.parametrize(
    ("raised", "events", "at_least"), [(1.0, 10, 0.95), (1.0, 5, 0.75), (0.5, 10, 0.6), (0.3, 15, 0.35)]
)
def test_homes_that_raise_their_use_ahead_of_events_are_found(
    raised: float, events: int, at_least: float
) -> None:
    share = _share_suspected(raised, events, peers=True, rule=GamingRule(), seeds=20)
    assert share >= at_least


def test_where_any_day_may_be_an_event_the_stated_rate_is_exact() -> None:
    """2,000 draws of 5 of 40: at a rate that the ranks can meet, the share below it is that rate."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(2000):
        values = rng.lognormal(0, 1, 40)
        found.append(p_value([(values[:5], values[5:])]))
    for rate in (0.01, 0.05, 0.2):
        share = np.mean(np.array(found) <= rate)
        assert abs(share - rate) <= 3.5 * np.sqrt(rate * (1 - rate) / 2000)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), lower=st.floats(0, 2), more=st.floats(0, 2))
def test_who_raises_more_is_never_less_suspected(seed: int, lower: float, more: float) -> None:
    rng = np.random.default_rng(seed)
    cold, everybody = _weather(rng)
    asked, home = _coldest(cold, 6), _homes(rng, everybody, 1)[0]
    verdicts = []
    for raised in (lower, lower + more):
        games = home.copy()
        games[asked, BEFORE] *= 1 + raised
        verdicts.append(_tested(games, asked))
    assert verdicts[0].p_value is not None
    assert verdicts[1].p_value is not None
    assert verdicts[1].p_value <= verdicts[0].p_value + 1e-12
    assert verdicts[1].raise_share >= verdicts[0].raise_share - 1e-12


def test_a_change_of_habits_is_no_gaming() -> None:
    """A home whose afternoons grow all the time, with its events in the second half of the history."""
    rng = np.random.default_rng(8)
    table = rng.lognormal(0, 0.15, (DAYS, 24))
    table[:, BEFORE] *= np.linspace(1, 3, DAYS)[:, np.newaxis]
    late = WEEKDAYS[44::5]
    blocks = GamingRule(least_raise_share=0.0, block_days=30, days_at_least=10)
    assert not _tested(table, late, blocks).suspected
    # In one block of the whole history the same home would stand out.
    assert _tested(table, late, replace(blocks, block_days=120)).suspected


def test_a_raise_too_small_to_matter_is_not_shown() -> None:
    table = np.ones((DAYS, 24)) * (1 + 1e-6 * np.arange(DAYS)[:, np.newaxis])
    asked = [WEEKDAYS[n] for n in (4, 9, 14, 50, 60)]
    table[asked, BEFORE] *= 1.05
    verdict = _tested(table, asked)
    assert verdict.p_value is not None
    assert verdict.p_value < 0.001
    assert not verdict.suspected
    assert _tested(table, asked, GamingRule(least_raise_share=0.04)).suspected


def test_too_little_to_say_is_said() -> None:
    table = np.ones((DAYS, 24))
    few = _tested(table, WEEKDAYS[:2])
    assert (few.suspected, few.p_value) == (False, None)
    assert few.reason == "2 events with enough days beside them, 3 needed"
    short = DayHistory(DATES[:16], table[:16])
    assert detect_gaming(short, [_event(n) for n in WEEKDAYS[2:7]]).p_value is None
    assert _tested(np.zeros((DAYS, 24)), WEEKDAYS[4:10]).p_value is None


def test_days_that_cannot_be_judged_do_not_count() -> None:
    """An event day with a gap in the hours before, and one with an outage, are no evidence."""
    table = np.ones((DAYS, 24)) * (1 + 1e-6 * np.arange(DAYS)[:, np.newaxis])
    asked = [WEEKDAYS[n] for n in (4, 9, 14, 19, 24)]
    table[asked, BEFORE] *= 2
    table[asked[0], 14] = np.nan
    history = DayHistory(DATES, table, outage_days=frozenset({DATES[asked[1]]}))
    verdict = detect_gaming(history, [_event(n) for n in asked])
    assert [one.window.day for one in verdict.events] == [DATES[n] for n in asked[2:]]


def test_events_at_other_hours_and_on_other_days_are_judged_among_their_like() -> None:
    table = np.ones((DAYS, 24)) * (1 + 1e-6 * np.arange(DAYS)[:, np.newaxis])
    saturday = next(n for n in range(10, DAYS) if DATES[n].weekday() == 5)
    windows = [_event(WEEKDAYS[20]), _event(WEEKDAYS[30], begin_hour=19), _event(saturday)]
    days = frozenset(window.day for window in windows)
    for n, begin in ((WEEKDAYS[20], 13), (WEEKDAYS[30], 15), (saturday, 13)):
        table[n, begin : begin + 3] *= 2
    verdict = detect_gaming(DayHistory(DATES, table, event_days=days), windows, GamingRule(block_days=120))
    assert {one.window for one in verdict.events} == set(windows)
    weekdays, saturdays = len(WEEKDAYS) - 2, sum(day.weekday() == 5 for day in DATES) - 1
    assert {one.days for one in verdict.events} == {weekdays, saturdays}
    # The highest of its group, three times.
    assert verdict.p_value == pytest.approx(1 / (weekdays + 1) ** 2 / (saturdays + 1))


def test_rare_kinds_of_days_have_longer_blocks() -> None:
    # 26 Saturdays in half a year: one block, though 60 days hold nine of them. Three stand highest of 26.
    dates = tuple(FIRST + timedelta(days=n) for n in range(182))
    saturdays = [n for n in range(182) if dates[n].weekday() == 5]
    table = np.ones((182, 24)) * (1 + 1e-6 * np.arange(182)[:, np.newaxis])
    asked = [saturdays[n] for n in (3, 12, 20)]
    table[asked, BEFORE] *= 2
    windows = [EventWindow(dates[n], begin_minute=17 * 60, end_minute=20 * 60) for n in asked]
    assert detect_gaming(DayHistory(dates, table), windows).p_value == pytest.approx(1 / comb(26, 3))


def test_peers_that_take_nothing_are_no_yardstick() -> None:
    table = np.ones((DAYS, 24))
    verdict = _tested(table, WEEKDAYS[4:10], peers=np.zeros((DAYS, 24)))
    assert verdict.p_value is None
    assert _tested(table, WEEKDAYS[4:10], replace(RULE, events_at_least=1)).p_value == pytest.approx(1.0)
