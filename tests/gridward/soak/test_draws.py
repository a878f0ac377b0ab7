"""What is tried is drawn from the seed alone: here the shares are certain, whatever the machine then hits."""

from collections import Counter
from itertools import pairwise

import pytest

from gridward.soak.draws import (
    AIM_S,
    AIMED_AT,
    AIMED_AT_POSTGRES,
    LONG_TICKS,
    LONGEST_POSTGRES_S,
    LONGEST_S,
    SHORT_TICKS,
    SHORTEST_S,
    Kill,
    draw,
)
from gridward.soak.writer import PHASES

LIVES = 2000


@pytest.fixture(scope="module")
def kills() -> list[Kill]:
    return [draw(7, life) for life in range(1, LIVES + 1)]


def test_the_same_seed_tries_the_same_and_each_life_another(kills: list[Kill]) -> None:
    assert [draw(7, life) for life in range(1, 21)] == kills[:20]
    assert [draw(8, life) for life in range(1, 21)] != kills[:20]
    assert all(one != other for one, other in pairwise(kills[:20]))


def test_a_quarter_waits_for_a_phase_and_each_phase_has_its_share(kills: list[Kill]) -> None:
    aims = Counter(kill.aimed for kill in kills if kill.aimed is not None)
    assert 0.22 < aims.total() / LIVES < 0.28
    assert set(aims) == set(AIMED_AT) <= set(PHASES)
    assert all(0.7 < count * len(AIMED_AT) / aims.total() < 1.3 for count in aims.values())
    assert all(0.0 <= kill.after_s <= AIM_S for kill in kills if kill.aimed is not None)


def test_the_instants_reach_from_the_first_step_to_the_longest(kills: list[Kill]) -> None:
    instants_s = [kill.after_s for kill in kills if kill.aimed is None]
    assert all(SHORTEST_S <= instant_s <= LONGEST_S for instant_s in instants_s)
    shares = [
        sum(low <= one < high for one in instants_s) / len(instants_s)
        for low, high in ((0.0, 0.003), (0.003, 0.03), (0.03, 0.3), (0.3, 0.81))
    ]
    assert shares == pytest.approx([0.15, 0.16, 0.31, 0.38], abs=0.04)


def test_who_is_killed_while_closing_gets_there_and_some_others_do_by_chance(kills: list[Kill]) -> None:
    assert all(kill.ticks <= SHORT_TICKS for kill in kills if kill.aimed == "closing")
    others = [kill.ticks for kill in kills if kill.aimed != "closing"]
    assert set(others) == {*range(1, SHORT_TICKS + 1), LONG_TICKS}
    assert 0.16 < sum(ticks != LONG_TICKS for ticks in others) / len(others) < 0.24


def test_the_server_makes_its_checkpoints_by_itself_and_is_slower() -> None:
    kills = [draw(7, life, AIMED_AT_POSTGRES, LONGEST_POSTGRES_S) for life in range(1, 501)]
    assert {kill.aimed for kill in kills} == {None, *AIMED_AT} - {"checkpointing"}
    assert LONGEST_S < max(kill.after_s for kill in kills) <= LONGEST_POSTGRES_S
