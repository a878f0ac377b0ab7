"""The way back: in order, paced, and never into a new overload, rebound included."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_model.allocation import Held, Pace, Rebound, Restoration, restore
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Limits, find_violations
from tests.grid_model.small_networks import loaded, street


@cache
def houses() -> tuple[Network, FactoredLoadFlow]:
    network = loaded(street())
    return network, FactoredLoadFlow(network)


@pytest.fixture(scope="module")
def network() -> Network:
    return houses()[0]


def run(network: Network, p_kw: Floats, held: list[Held], **pace: object) -> Restoration:
    load_flow = houses()[1]
    settled = Pace(**({"steps": 20} | pace))  # type: ignore[arg-type]
    return restore(network, load_flow, p_kw, np.zeros(4), held, limits=Limits(), pace=settled)


def overloaded(network: Network, p_kw: Floats) -> bool:
    result = houses()[1].solve(p_kw, np.zeros(4))
    return bool(find_violations(network, result, Limits()))


def test_the_longest_held_goes_first_and_one_at_a_time(network: Network) -> None:
    held = [Held(f"ev{i}", i, 4.2, 11.0, rank=float(i)) for i in range(3)]
    found = run(network, np.full(4, 6.0), held, most_kw_per_step=7.0)
    assert [(step.at_s, step.device, step.limit_kw) for step in found.steps] == [
        (0.0, "ev2", None),
        (60.0, "ev1", None),
        (120.0, "ev0", None),
    ]
    assert found.held == ()
    assert found.p_kw[-1] == pytest.approx([12.8, 12.8, 12.8, 6.0])


def test_a_rebound_is_waited_for(network: Network) -> None:
    """Both heat pumps together would overload the cable only while both catch up."""
    held = [Held(f"hp{i}", 3, 4.2, 10.0, Rebound(1.5, 300.0)) for i in range(2)]
    p_kw = np.array([13.5, 13.5, 13.5, 8.4])
    assert not overloaded(network, p_kw + np.array([0, 0, 0, 11.6]))
    assert not overloaded(network, p_kw + np.array([0, 0, 0, 16.6]))
    assert overloaded(network, p_kw + np.array([0, 0, 0, 21.6]))
    found = run(network, p_kw, held, shares=(1.0,))
    assert [(step.at_s, step.device) for step in found.steps] == [(0.0, "hp0"), (300.0, "hp1")]
    assert found.held == ()


def test_half_the_way_where_the_whole_does_not_hold(network: Network) -> None:
    p_kw = np.array([18.0, 18.0, 18.0, 5.0])
    assert overloaded(network, p_kw + np.array([0, 0, 0, 15.0]))
    found = run(network, p_kw, [Held("ev", 3, 5.0, 20.0)])
    assert [(step.device, step.limit_kw) for step in found.steps] == [("ev", 12.5)]
    assert found.held == ("ev",)


def test_a_forecast_peak_keeps_them_back(network: Network) -> None:
    low, peak = np.full(4, 6.0), np.array([18.0, 18.0, 18.0, 6.0])
    forecast = np.array([*[low] * 5, *[peak] * 5, low])
    found = run(network, forecast, [Held("ev", 3, 4.2, 20.0)], shares=(1.0,))
    assert [step.at_s for step in found.steps] == [600.0]


def test_feed_in_comes_back_too(network: Network) -> None:
    held = [Held(f"pv{i}", i, -5.0, -20.0) for i in range(4)]
    found = run(network, np.full(4, -5.0), held, shares=(1.0,))
    assert 0 < len(found.steps) < 4
    assert not overloaded(network, found.p_kw[-1])


def test_more_than_it_can_take_it_never_takes(network: Network) -> None:
    found = run(network, np.full(4, 4.2), [Held("hp", 0, 4.2, 10.0, Rebound(2.0, 120.0), most_kw=11.0)])
    assert found.p_kw[:4, 0] == pytest.approx([11.0, 11.0, 10.0, 10.0])


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_moment_of_the_way_is_overloaded(network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = [
        Held(
            f"d{i}",
            int(rng.integers(4)),
            4.2,
            float(rng.uniform(5.0, 22.0)),
            Rebound(float(rng.uniform(1.0, 1.5)), float(rng.choice([0.0, 120.0, 600.0]))),
            rank=float(rng.uniform()),
        )
        for i in range(6)
    ]
    p_kw = rng.uniform(1.0, 12.0, 4)
    for device in held:
        p_kw[device.service_point] += device.now_kw
    found = run(network, p_kw, held, most_kw_per_step=float(rng.uniform(5.0, 50.0)))
    first = min((step.at_s for step in found.steps), default=np.inf)
    seconds = np.arange(20) * 60.0
    assert not any(overloaded(network, row) for row in found.p_kw[seconds >= first])
    freed = [step.device for step in found.steps if step.limit_kw is None]
    assert sorted([*freed, *found.held]) == [f"d{i}" for i in range(6)]


def test_an_impossible_pace_is_an_error() -> None:
    with pytest.raises(ValueError, match="shares"):
        Pace(shares=(1.5,))
