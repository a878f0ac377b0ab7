"""Who is limited under each simple rule, and that it suffices."""

import numpy as np
import pytest

from simulations.policies.blanket import Blanket
from simulations.policies.discipline import next_limits, stands_for_s
from simulations.policies.first_come import FirstCome
from simulations.policies.largest_first import LargestFirst
from simulations.policies.port import Rule, worst_share
from simulations.policies.pro_rata import ProRata
from tests.simulations.policies.worlds import CHARGERS, feeder, look

FULL = np.full(CHARGERS, 11.0)
FREE = np.full(CHARGERS, np.inf)
RULES = [Blanket(), FirstCome(), LargestFirst(), ProRata()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_each_rule_brings_the_feeder_to_the_aim_and_nobody_below_his_floor(rule: Rule) -> None:
    a_feeder, seen = feeder(), look(4.2, FULL)
    assert worst_share(a_feeder, seen, FREE) > 1
    limit_kw = rule.limits(a_feeder, seen, 0.95)
    assert worst_share(a_feeder, seen, limit_kw) <= 0.95
    assert (limit_kw >= 4.2).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_nobody_is_limited_while_all_fit(rule: Rule) -> None:
    assert np.isinf(rule.limits(feeder(), look(1.0, np.full(CHARGERS, 5.0)), 0.95)).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_who_may_not_be_limited_never_is(rule: Rule) -> None:
    open_to = np.arange(CHARGERS) % 2 == 0
    limit_kw = rule.limits(feeder(), look(6.0, FULL, open_to=open_to), 0.95)
    assert np.isinf(limit_kw[~open_to]).all()
    assert np.isfinite(limit_kw[open_to]).any()


def test_first_come_limits_the_latest_and_no_more_of_them_than_it_takes() -> None:
    a_feeder, seen = feeder(), look(4.2, FULL)
    limited = np.flatnonzero(np.isfinite(FirstCome().limits(a_feeder, seen, 0.95)))
    assert limited.tolist() == list(range(len(limited)))  # the longer the higher their number
    assert 0 < len(limited) < CHARGERS
    one_fewer = np.full(CHARGERS, np.inf)
    one_fewer[limited[:-1]] = 4.2
    assert worst_share(a_feeder, seen, one_fewer) > 0.95


def test_largest_first_limits_the_largest() -> None:
    device_kw = np.linspace(8.0, 15.0, CHARGERS)
    limited = np.isfinite(LargestFirst().limits(feeder(), look(3.4, device_kw), 0.95))
    assert 0 < limited.sum() < CHARGERS
    assert device_kw[limited].min() > device_kw[~limited].max()


def test_pro_rata_takes_the_same_share_of_all() -> None:
    device_kw = np.linspace(8.0, 15.0, CHARGERS)
    limit_kw = ProRata().limits(feeder(), look(3.4, device_kw), 0.95)
    shares = (device_kw - limit_kw) / (device_kw - 4.2)
    assert np.ptp(shares) < 1e-9
    assert 0 < shares[0] < 1


def test_one_look_over_the_limit_is_enough_and_below_it_nothing_begins() -> None:
    a_feeder, never = feeder(), np.full(CHARGERS, np.inf)
    over, below = look(4.2, FULL), look(3.2, FULL)
    assert 0.95 < worst_share(a_feeder, below, FREE) < 1
    assert np.isfinite(next_limits(Blanket(), a_feeder, over, FREE, never)).all()
    assert np.isinf(next_limits(Blanket(), a_feeder, below, FREE, never)).all()


def test_a_limit_stands_for_a_while_before_it_is_loosened() -> None:
    a_feeder = feeder()
    held_kw = np.full(CHARGERS, 4.2)
    quiet = look(1.0, held_kw, free_kw=np.full(CHARGERS, 8.0))
    stands_s = stands_for_s(a_feeder.requests)
    assert stands_s == 720.0
    young, old = np.full(CHARGERS, stands_s - 1), np.full(CHARGERS, stands_s)
    assert (next_limits(FirstCome(), a_feeder, quiet, held_kw, young) == 4.2).all()
    assert np.isinf(next_limits(FirstCome(), a_feeder, quiet, held_kw, old)).all()
