"""The cut is spread among equals, who was cut is spared, turns are taken: each with a bound on its price."""

from collections.abc import Callable

import numpy as np
import pandapower as pp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_model.allocation import SPREAD, FlexibleDevice, Rules, allocate, fairness_weights, gini
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.violations import Limits
from tests.grid_model.small_networks import loaded, street

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]
EVEN = Rules(spread=SPREAD)
BURDENS = st.lists(st.floats(0.0, 1e4), min_size=1, max_size=30)


def neighbours(count: int) -> Network:
    """As many houses at the end of one cable: equal in all."""
    net = street(2)
    for number in range(count):
        pp.create_load(net, 3, p_mw=0.0, name=f"flat {number}")
    return loaded(net)


def flats(count: int, **changes: object) -> list[FlexibleDevice]:
    return [FlexibleDevice(f"ev{i}", 2 + i, 11.0, 4.2, **changes) for i in range(count)]  # type: ignore[arg-type]


def test_equals_give_the_same() -> None:
    network = neighbours(6)
    p_kw = np.array([5.0, 3.0, *[12.0] * 6])
    found = allocate(network, FactoredLoadFlow(network), p_kw, np.zeros(8), flats(6), Limits(), EVEN)
    assert found.cleared
    cuts = [cut.curtailed_kw for cut in found.curtailments]
    assert len(cuts) == 6
    assert max(cuts) - min(cuts) <= 0.0021


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0.001, 0.05))
def test_spreading_never_costs_more_than_it_may(solved_network: Get, seed: int, spread: float) -> None:
    network, load_flow = solved_network("simbench:1-LV-rural2--0-sw")
    rng = np.random.default_rng(seed)
    n_sp = len(network.service_points)
    p_kw, q_kvar = network.default_p_kw * 0.2, network.default_q_kvar * 0.2
    devices = [
        FlexibleDevice(f"d{i}", int(rng.integers(n_sp)), 11.0, 2.0, weight=float(rng.uniform(1.0, 1.2)))
        for i in range(30)
    ]
    for device in devices:
        p_kw[device.service_point] += device.p_kw
    corner, even = (
        allocate(network, load_flow, p_kw, q_kvar, devices, Limits(), Rules(spread=s)) for s in (0.0, spread)
    )
    assert corner.cleared == even.cleared
    if corner.cleared:
        weight = {device.device: device.weight for device in devices}
        least, cost = (
            sum(weight[cut.device] * cut.curtailed_kw for cut in found.curtailments)
            for found in (corner, even)
        )
        assert cost <= least * (1 + spread + 0.003) + 0.1
        assert len(even.curtailments) >= len(corner.curtailments)


def test_cuts_too_small_for_a_command_are_left_out() -> None:
    network = neighbours(6)
    p_kw = np.array([5.0, 3.0, *[12.0] * 6])
    devices = [*flats(5), FlexibleDevice("front", 0, 5.0, 0.0)]
    load_flow = FactoredLoadFlow(network)
    for least_kw in (0.0, 1.0, 2.5):
        rules = Rules(spread=0.01, least_cut_kw=least_kw)
        found = allocate(network, load_flow, p_kw, np.zeros(8), devices, Limits(), rules)
        assert found.cleared
        assert all(cut.curtailed_kw >= least_kw for cut in found.curtailments)


def test_turns_are_taken_among_equals_and_repeat() -> None:
    """On and off leaves no choice but whom: with every event another, and the same for the same number."""
    network = neighbours(6)
    p_kw = np.array([5.0, 3.0, *[12.0] * 6])
    load_flow = FactoredLoadFlow(network)

    def chosen(rotation: int) -> frozenset[str]:
        devices = flats(6, steps_kw=(4.2,))
        found = allocate(network, load_flow, p_kw, np.zeros(8), devices, Limits(), Rules(rotation=rotation))
        assert found.cleared
        assert found.gap <= 1e-3
        return frozenset(cut.device for cut in found.curtailments)

    turns = [chosen(rotation) for rotation in range(8)]
    assert len({len(turn) for turn in turns}) == 1
    assert len(set(turns)) > 2
    assert frozenset().union(*turns) == {f"ev{i}" for i in range(6)}
    assert chosen(3) == turns[3]


@given(kwh=BURDENS, strength=st.floats(0.0, 3.0))
def test_weights_are_bounded_and_never_fall_with_the_burden(kwh: list[float], strength: float) -> None:
    weights = fairness_weights(np.array(kwh), strength)
    assert (weights >= 1).all()
    assert (weights <= 1 + strength).all()
    order = np.argsort(kwh, kind="stable")
    assert (np.diff(weights[order]) >= -1e-12).all()


@given(kwh=BURDENS, more=st.floats(0.1, 1e3), place=st.integers(0, 29))
def test_who_gives_more_is_spared_more_and_the_others_no_more(
    kwh: list[float], more: float, place: int
) -> None:
    place %= len(kwh)
    before = fairness_weights(np.array(kwh))
    kwh[place] += more
    after = fairness_weights(np.array(kwh))
    assert after[place] >= before[place] - 1e-12
    others = np.arange(len(kwh)) != place
    if before.max() > 1:  # somebody was cut before
        assert (after[others] <= before[others] + 1e-12).all()


def test_weights_by_hand() -> None:
    assert fairness_weights(np.zeros(3)).tolist() == [1.0, 1.0, 1.0]
    assert fairness_weights(np.array([0.0, 2.0, 4.0]), 0.5) == pytest.approx([1.0, 1.25, 1 + 0.5 * 4 / 6])
    with pytest.raises(ValueError, match="kWh of 0 or more"):
        fairness_weights(np.array([-1.0]))


def test_gini_by_hand() -> None:
    assert gini(np.array([2.0, 2.0, 2.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 9.0])) == pytest.approx(2 / 3)
    assert gini(np.zeros(4)) == 0.0


def test_the_burden_of_a_month_moves_on() -> None:
    """The last house on the cable is worth most, and would give every day."""
    network = loaded(street(4))
    load_flow, p_kw = FactoredLoadFlow(network), np.full(4, 18.5)
    burden = {}
    for fair in (False, True):
        kwh = np.zeros(4)
        for _ in range(10):
            weights = fairness_weights(kwh) if fair else np.ones(4)
            devices = [FlexibleDevice(f"ev{i}", i, 11.0, 4.2, weight=float(weights[i])) for i in range(4)]
            found = allocate(network, load_flow, p_kw, np.zeros(4), devices, Limits(), EVEN)
            for cut in found.curtailments:
                kwh[int(cut.device[2:])] += cut.curtailed_kw
        burden[fair] = kwh
    assert gini(burden[True]) < gini(burden[False]) / 2
    assert burden[True].sum() <= 1.25 * burden[False].sum()
