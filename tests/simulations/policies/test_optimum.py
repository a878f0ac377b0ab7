"""The optimum: nothing less would do, floors and refusals hold, and the exact load flow agrees."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from grid_model.network import Floats
from simulations.policies.optimum import Optimum
from simulations.policies.port import Feeder, worst_share
from tests.builders import registry
from tests.simulations.policies.worlds import CHARGERS, feeder, look

FULL = np.full(CHARGERS, 11.0)


def cut_kw(limit_kw: Floats) -> Floats:
    return FULL - np.minimum(limit_kw, FULL)


def by_another_way(a_feeder: Feeder, house_kw: float) -> float:
    """kW that a general solver (SLSQP, on the load flow itself) takes at the least, from the last two houses
    of each cable: what is cut at the end also saves the losses on the way.
    """
    seen, ends = look(house_kw, FULL), [8, 9, 14, 15]

    def limits(cut: Floats) -> Floats:
        limit_kw = FULL.copy()
        limit_kw[ends] -= cut
        return limit_kw

    found = minimize(
        lambda cut: float(cut.sum()),
        np.full(len(ends), 3.0),
        bounds=[(0.0, 6.8)] * len(ends),
        constraints={"type": "ineq", "fun": lambda cut: 1 - worst_share(a_feeder, seen, limits(cut))},
        method="SLSQP",
    )
    assert found.success
    return float(found.fun)


def test_no_cut_is_smaller_and_it_ends_at_the_limit() -> None:
    a_feeder, seen = feeder(), look(3.7, FULL)
    optimum = Optimum(a_feeder, registry())
    best = optimum.best(seen.p_kw, seen.q_kvar, FULL)
    assert best.cleared
    assert worst_share(a_feeder, seen, best.limit_kw) == pytest.approx(1.0, abs=1e-4)
    assert cut_kw(best.limit_kw).sum() == pytest.approx(by_another_way(a_feeder, 3.7), rel=2e-3)
    assert 0 < optimum.referee_difference_percent < 1e-5


def test_roofs_feed_in_less_where_feed_in_is_too_much() -> None:
    a_feeder = replace(
        feeder(),
        feeds_in=np.ones(CHARGERS, dtype=bool),
        floor_kw=np.full(CHARGERS, 2.0),
        may_be_limited=np.arange(CHARGERS) != 1,
    )
    wanted_kw = np.full(CHARGERS, -20.0)
    seen = look(0.5, wanted_kw)
    best = Optimum(a_feeder, registry()).best(seen.p_kw, seen.q_kvar, wanted_kw)
    given_kw = np.minimum(best.limit_kw, 20.0)
    assert best.cleared
    assert np.all(given_kw >= 2.0)
    assert given_kw[1] == 20.0
    assert 0 < (20.0 - given_kw).sum() < 16 * 18.0
    assert best.result.transformer_loading_percent.max() == pytest.approx(100.0, abs=0.1)


def test_who_refuses_or_is_critical_is_not_counted_on_and_nobody_goes_below_his_floor() -> None:
    even = np.arange(CHARGERS) % 2 == 0
    a_feeder = replace(feeder(), refuses=even, may_be_limited=np.arange(CHARGERS) != 1)
    seen = look(7.0, FULL)
    best = Optimum(a_feeder, registry()).best(seen.p_kw, seen.q_kvar, FULL)
    assert not best.cleared
    assert np.isinf(best.limit_kw[even | (np.arange(CHARGERS) == 1)]).all()
    assert best.limit_kw[3::2] == pytest.approx(4.2, abs=0.05)  # as far as possible


def test_with_a_margin_it_aims_lower_once_something_is_over() -> None:
    a_feeder = feeder()
    optimum = Optimum(a_feeder, registry())
    over, near = look(4.2, FULL), look(3.2, FULL)
    assert 0.95 < worst_share(a_feeder, near, FULL) < 1
    found = optimum.best(over.p_kw, over.q_kvar, FULL, margin=True)
    assert worst_share(a_feeder, over, found.limit_kw) == pytest.approx(0.95, abs=1e-3)
    assert np.isinf(optimum.best(near.p_kw, near.q_kvar, FULL, margin=True).limit_kw).all()
