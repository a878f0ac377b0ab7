"""The factored unbalanced load flow against `runpp_3ph`, the balanced one, and what physics says."""

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as collection
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import network_of
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork, three_phase_network
from grid_model.three_phase.referee import disagreement_pu
from grid_model.three_phase.results import ThreePhaseResult
from tests.grid_model.three_phase.conftest import Solved
from tests.grid_model.three_phase.feeders import cable, customer, loaded, random_feeder, street, substation

WITHIN_PU = 1e-7
"""The issue asks for 1e-6. Better than 1e-8 is reached, but where `runpp_3ph` itself stops at 2e-8 (Yzn)."""
WITHIN_PERCENT = 1e-4


def assert_same(fast: ThreePhaseResult, slow: ThreePhaseResult) -> None:
    assert fast.converged
    assert slow.converged
    assert disagreement_pu(fast, slow) < WITHIN_PU
    for name in (
        "unbalance_percent",
        "line_loading_percent",
        "neutral_loading_percent",
        "transformer_loading_percent",
    ):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=WITHIN_PERCENT, rtol=0)
    np.testing.assert_allclose(fast.transformer_p_kw, slow.transformer_p_kw, atol=1e-3, rtol=1e-6)
    assert fast.losses_kw == pytest.approx(slow.losses_kw, abs=1e-3)


def test_european_feeder_at_its_own_time_of_peak(european: Solved) -> None:
    network, load_flow = european
    assert load_flow.unfit_reason is None
    other = three_phase_network(collection.ieee_european_lv_asymmetric("on_peak_566"), "peak")
    assert other.service_points == network.service_points
    p_kw = other.default_p_kw * network.connected
    q_kvar = other.default_q_kvar * network.connected
    assert_same(load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar))


def test_european_feeder_with_random_injections(european: Solved) -> None:
    network, load_flow = european
    rng = np.random.default_rng(3)
    p_kw = rng.uniform(-2, 4, network.connected.shape) * network.connected
    q_kvar = rng.uniform(-1, 1, network.connected.shape) * network.connected
    fast = load_flow.solve(p_kw, q_kvar, slack_scale=0.98)
    assert_same(fast, load_flow.referee.solve(p_kw, q_kvar, slack_scale=0.98))
    assert float(np.nanmax(fast.unbalance_percent)) > 0.1


@settings(deadline=None, max_examples=7, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_runpp_3ph_on_random_networks(seed: int) -> None:
    _, load_flow, p_kw, q_kvar = random_feeder(seed)
    assert_same(load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar))


def test_equals_runpp_3ph_called_by_its_user() -> None:
    """The referee rewrites the network (its base, its loads): here nothing is rewritten."""
    net = street(5)
    pp.create_load(net, 3, p_mw=0.006, q_mvar=0.001)
    pp.create_sgen(net, 4, p_mw=0.004, type="wye")
    customer(net, 3, (3.0, 1.0, 0.0), type="delta")
    network = loaded(net)
    result = ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    pp.runpp_3ph(net, numba=False)
    for column, phase in enumerate("abc"):
        np.testing.assert_allclose(result.v_pu[:, column], net.res_bus_3ph[f"vm_{phase}_pu"], atol=1e-6)
        np.testing.assert_allclose(
            result.line_loading_percent[:, column], net.res_line_3ph[f"loading_{phase}_percent"], atol=1e-3
        )
        np.testing.assert_allclose(
            result.transformer_loading_percent[:, column],
            net.res_trafo_3ph[f"loading_{phase}_percent"],
            atol=1e-3,
        )


def test_equal_phases_are_the_balanced_load_flow() -> None:
    net = substation()
    for bus, near in ((2, 1), (3, 2)):
        pp.create_bus(net, 0.4)
        cable(net, near, bus)
        pp.create_load(net, bus, p_mw=0.012, q_mvar=0.003)
    balanced = network_of(copy.deepcopy(net), "small")
    one = FactoredLoadFlow(balanced).solve(balanced.default_p_kw, balanced.default_q_kvar)
    network = loaded(net)
    three = ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    for column in range(3):
        np.testing.assert_allclose(three.v_pu[:, column], one.v_pu, atol=1e-7)
        np.testing.assert_allclose(three.line_loading_percent[:, column], one.line_loading_percent, atol=1e-4)
        np.testing.assert_allclose(
            three.transformer_loading_percent[:, column], one.transformer_loading_percent, atol=1e-4
        )
    np.testing.assert_allclose(three.transformer_p_kw.sum(axis=1), one.transformer_p_kw, atol=1e-4)
    assert three.losses_kw == pytest.approx(one.losses_kw, abs=1e-4)
    np.testing.assert_allclose(three.unbalance_percent, 0.0, atol=1e-6)
    np.testing.assert_allclose(three.neutral_loading_percent, 0.0, atol=1e-5)


def test_phases_are_alike() -> None:
    """Who moves every customer one phase on, moves every result one phase on."""
    network = loaded(street(4), phases={f"house {house}": "abc" for house in range(4)})
    load_flow = ThreePhaseLoadFlow(network)
    p_kw = np.random.default_rng(5).uniform(0, 6, network.connected.shape)
    result, turned = (load_flow.solve(p, 0.2 * p) for p in (p_kw, np.roll(p_kw, 1, axis=1)))
    np.testing.assert_allclose(turned.v_pu, np.roll(result.v_pu, 1, axis=1), atol=1e-9)
    np.testing.assert_allclose(
        turned.line_loading_percent, np.roll(result.line_loading_percent, 1, axis=1), atol=1e-6
    )
    np.testing.assert_allclose(turned.neutral_loading_percent, result.neutral_loading_percent, atol=1e-6)
    np.testing.assert_allclose(turned.unbalance_percent, result.unbalance_percent, atol=1e-7)


def test_the_neutral_carries_what_one_phase_does_not_share() -> None:
    network = loaded(street(1))
    result = ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    assert result.neutral_loading_percent[0] == pytest.approx(result.line_loading_percent[0, 0], rel=0.01)
    assert result.neutral_loading_percent[0] > 20
    np.testing.assert_allclose(result.line_loading_percent[0, 1:], 0.0, atol=0.5)
    assert result.v_pu[2, 0] < result.v_pu[2, 1:].min()


def test_no_neutral_current_in_delta() -> None:
    net = substation()
    pp.create_bus(net, 0.4)
    cable(net, 1, 2)
    customer(net, 2, (9.0, 0.0, 0.0), type="delta")
    network = loaded(net)
    assert network.phase_name(0, 0) == "ab"
    result = ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    assert result.line_loading_percent[0, 0] == pytest.approx(result.line_loading_percent[0, 1], rel=0.02)
    assert result.line_loading_percent[0, 2] < 0.1
    assert result.neutral_loading_percent[0] < 0.1


@pytest.mark.parametrize("dense", [True, False])
def test_a_batch_is_its_snapshots(monkeypatch: pytest.MonkeyPatch, dense: bool) -> None:
    monkeypatch.setattr("grid_model.three_phase.fixed_point._DENSE_ENTRIES", 10**6 if dense else 0)
    network = loaded(street(4))
    load_flow = ThreePhaseLoadFlow(network)
    factored = load_flow.factored
    assert factored is not None
    assert (factored.fixed_point.dense) is dense
    scale = np.random.default_rng(1).uniform(-1, 2, (7, *network.connected.shape))
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    for p, q, result in zip(p_kw, q_kvar, load_flow.solve_batch(p_kw, q_kvar), strict=True):
        assert_same(result, load_flow.solve(p, q))
    assert_same(load_flow.solve(p_kw[0], q_kvar[0]), load_flow.referee.solve(p_kw[0], q_kvar[0]))
    assert load_flow.solve_batch(p_kw[:0], q_kvar[:0]) == []


def assert_unusable(network: ThreePhaseNetwork, result: ThreePhaseResult) -> None:
    assert not result.converged
    for value in (result.v_pu, result.line_loading_percent, result.neutral_loading_percent):
        assert np.isnan(value).all()
    assert result.v_pu.shape == (len(network.buses.ids), 3)
    assert np.isnan(result.transformer_loading_percent).all()
    assert np.isnan(result.losses_kw)


@pytest.mark.parametrize("factor", [50.0, np.nan])
def test_without_a_solution_there_is_no_number(factor: float) -> None:
    """At 50 times the load `runpp_3ph` says that it converged, at voltages that carry nothing."""
    network = loaded(street(1))
    load_flow = ThreePhaseLoadFlow(network)
    p_kw = np.where(network.connected, network.default_p_kw * factor, 0.0)
    good, bad = load_flow.solve_batch(
        np.stack([network.default_p_kw, p_kw]), np.stack([network.default_q_kvar, 0.2 * p_kw])
    )
    assert good.converged
    assert_unusable(network, bad)


def test_what_is_not_supplied_has_no_voltage() -> None:
    net = street(2)
    dark = int(pp.create_bus(net, 0.4))
    open_line = cable(net, 3, dark)
    pp.create_switch(net, 3, open_line, et="l", closed=False)
    network = loaded(net)
    result = ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    assert np.isnan(result.v_pu[dark]).all()
    assert np.isnan(result.unbalance_percent[dark])
    assert np.isfinite(result.v_pu[:dark]).all()
    assert result.line_loading_percent[open_line].max() < 1e-3


@pytest.mark.parametrize(
    ("demand", "told"),
    [
        (np.zeros((2, 3)), "must both end in"),
        (np.zeros(3), "must both end in"),
        (np.ones((3, 3)), "service point 'house 0' is not connected to phase b"),
    ],
)
def test_refuses_power_where_there_is_no_connection(demand: Any, told: str) -> None:
    load_flow = ThreePhaseLoadFlow(loaded(street(3)))
    with pytest.raises(ValueError, match=told):
        load_flow.solve(demand, demand)


def test_storages_and_unnamed_kinds_are_not_forgotten() -> None:
    """`runpp_3ph` would leave out both in silence."""
    net = street(2)
    pp.create_storage(net, 3, p_mw=0.006, max_e_mwh=0.01)
    pp.create_sgen(net, 2, p_mw=0.003, type="PV")
    same = street(2)
    pp.create_load(same, 3, p_mw=0.006)
    pp.create_sgen(same, 2, p_mw=0.003, type="wye")
    results = []
    for one in (net, same):
        network = loaded(one)
        load_flow = ThreePhaseLoadFlow(network)
        results.append(load_flow.solve(network.default_p_kw, network.default_q_kvar))
        assert_same(results[-1], load_flow.referee.solve(network.default_p_kw, network.default_q_kvar))
    assert_same(*results)
