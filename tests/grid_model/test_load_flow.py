"""The factored load flow against `runpp`, on published networks and on what they lack."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.referee import disagreement
from grid_model.sensitivities import sensitivities
from tests.grid_model.small_networks import loaded, street

LV = ("rural1", "rural2", "rural3", "semiurb4", "semiurb5", "urban6")
NETWORKS = (
    *(f"simbench:1-LV-{name}--0-sw" for name in LV),
    "simbench:1-MV-rural--0-sw",
    "simbench:1-MV-semiurb--0-sw",
    "simbench:1-MV-urban--0-sw",
    "simbench:1-MVLV-rural-1.108-0-sw",
    "pandapower:create_kerber_dorfnetz",
    "pandapower:create_kerber_landnetz_freileitung_1",
    "pandapower:create_kerber_landnetz_freileitung_2",
    "pandapower:create_kerber_landnetz_kabel_1",
    "pandapower:create_kerber_landnetz_kabel_2",
    "pandapower:create_kerber_vorstadtnetz_kabel_1",
    "pandapower:create_kerber_vorstadtnetz_kabel_2",
    "pandapower:kb_extrem_landnetz_freileitung",
    "pandapower:kb_extrem_landnetz_freileitung_trafo",
    "pandapower:kb_extrem_landnetz_kabel",
    "pandapower:kb_extrem_landnetz_kabel_trafo",
    "pandapower:kb_extrem_dorfnetz",
    "pandapower:kb_extrem_vorstadtnetz_1",
    "pandapower:create_synthetic_voltage_control_lv_network",
    "pandapower:create_dickert_lv_network",
    "pandapower:create_cigre_network_lv",
    "pandapower:create_cigre_network_mv",
    "pandapower:case33bw",
    "pandapower:mv_oberrhein",
    "pandapower:panda_four_load_branch",
    "pandapower:four_loads_with_branches_out",
    "pandapower:simple_mv_open_ring_net",
)
LATER = (
    *(f"simbench:1-LV-{name}--2-sw" for name in LV),
    *(f"simbench:1-LV-{name}--1-no_sw" for name in ("rural1", "rural3", "semiurb5")),
)
"""The same grids with what SimBench foresees for them, which is a hundred megabytes each time"""
Get = Callable[[str], tuple[Network, FactoredLoadFlow]]
WITHIN_PU = 1e-8
WITHIN_PERCENT = 1e-5


def injections(network: Network, rng: np.random.Generator) -> tuple[Any, Any]:
    """Between feeding in a third of the network's own loads and taking 120 % of them."""
    scale = rng.uniform(-0.3, 1.2, (2, len(network.service_points)))
    return network.default_p_kw * scale[0], network.default_q_kvar * scale[1]


@pytest.mark.parametrize(
    "source", [*NETWORKS, *(pytest.param(source, marks=pytest.mark.soak) for source in LATER)]
)
def test_equals_runpp(solved_network: Get, source: str) -> None:
    network, load_flow = solved_network(source)
    assert load_flow.unfit_reason is None
    rng = np.random.default_rng(len(network.buses.ids))
    for slack_scale in (1.0, 0.98):
        p_kw, q_kvar = injections(network, rng)
        fast = load_flow.solve(p_kw, q_kvar, slack_scale=slack_scale)
        slow = load_flow.referee.solve(p_kw, q_kvar, slack_scale=slack_scale)
        difference = disagreement(fast, slow)
        assert difference is not None
        assert difference.v_pu < WITHIN_PU
        assert difference.loading_percent < WITHIN_PERCENT
        np.testing.assert_allclose(fast.transformer_p_kw, slow.transformer_p_kw, atol=1e-2, rtol=1e-6)
        assert fast.losses_kw == pytest.approx(slow.losses_kw, abs=1e-3, rel=1e-5)
        assert fast.supply_kw == pytest.approx(slow.supply_kw, abs=1e-2, rel=1e-6)


def test_networks_are_many() -> None:
    assert len(NETWORKS) >= 30


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(-2.0, 3.0), lean=st.floats(-1.0, 1.0))
def test_equals_runpp_at_any_scale(solved_network: Get, seed: int, scale: float, lean: float) -> None:
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    share = np.random.default_rng(seed).uniform(0.0, 1.0, len(network.service_points))
    p_kw = network.default_p_kw * share * scale
    q_kvar = np.abs(p_kw) * lean
    difference = disagreement(load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar))
    assert difference is None or difference.v_pu < WITHIN_PU


@pytest.mark.parametrize(
    "source", ["simbench:1-LV-semiurb4--0-sw", "pandapower:create_kerber_vorstadtnetz_kabel_1"]
)
def test_batch_equals_singles(solved_network: Get, source: str) -> None:
    network, load_flow = solved_network(source)
    rng = np.random.default_rng(5)
    many = [injections(network, rng) for _ in range(300)]
    batch = load_flow.solve_batch(np.stack([p for p, _ in many]), np.stack([q for _, q in many]))
    assert len(batch) == 300
    for place in (0, 1, 255, 256, 299):
        single = load_flow.solve(*many[place])
        difference = disagreement(batch[place], single)
        assert difference is not None
        assert difference.v_pu < 1e-10
        assert batch[place].supply_kw == pytest.approx(single.supply_kw, abs=1e-6)


def test_batch_gives_what_diverges_to_the_referee(solved_network: Get) -> None:
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    p_kw = np.stack([network.default_p_kw, network.default_p_kw * 1000])
    good, bad = load_flow.solve_batch(p_kw, np.zeros_like(p_kw))
    assert good.converged
    assert not bad.converged


@pytest.mark.parametrize("wrong", [1e6, np.nan, np.inf])
def test_what_does_not_converge_has_no_numbers(solved_network: Get, wrong: float) -> None:
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    p_kw = network.default_p_kw.copy()
    p_kw[3] = wrong
    result = load_flow.solve(p_kw, network.default_q_kvar)
    assert not result.converged
    assert np.isnan(result.v_pu).all()
    assert np.isnan(result.line_loading_percent).all()
    assert np.isnan(result.transformer_loading_percent).all()
    assert np.isnan(result.transformer_p_kw).all()
    assert np.isnan([result.losses_kw, result.supply_kw]).all()


def test_near_collapse_it_is_right_or_silent() -> None:
    """Up to the nose of the voltage curve and beyond: equal to runpp, or not converged."""
    network = loaded(street(3))
    load_flow = FactoredLoadFlow(network)
    found = set()
    for p_kw in np.linspace(20.0, 600.0, 20):
        demand = np.array([0.0, 0.0, p_kw])
        fast, slow = load_flow.solve(demand, demand * 0.1), load_flow.referee.solve(demand, demand * 0.1)
        found.add(fast.converged)
        difference = disagreement(fast, slow)
        assert difference is None or difference.v_pu < 1e-6
    assert found == {True, False}


def test_wrong_shape_is_an_error(solved_network: Get) -> None:
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    with pytest.raises(ValueError, match="service points"):
        load_flow.solve(network.default_p_kw[:-1], network.default_q_kvar)
    with pytest.raises(ValueError, match="service points"):
        load_flow.solve_batch(network.default_p_kw, network.default_q_kvar)


def with_everything(net: Any) -> None:
    """Elements that inject beside the loads, and branches of other kinds."""
    pp.create_sgen(net, 3, p_mw=0.012, q_mvar=-0.002)
    pp.create_storage(net, 4, p_mw=0.003, max_e_mwh=0.01)
    pp.create_shunt(net, 2, q_mvar=-0.004, p_mw=0.001)
    pp.create_motor(net, 4, pn_mech_mw=0.002, cos_phi=0.85, efficiency_percent=90.0)
    pp.create_ward(net, 5, ps_mw=0.001, qs_mvar=0.0005, pz_mw=0.001, qz_mvar=0.0)
    pp.create_asymmetric_load(net, 3, p_a_mw=0.001, p_b_mw=0.002)
    twin = pp.create_bus(net, 0.4)
    pp.create_switch(net, 5, twin, et="b")
    pp.create_load(net, twin, p_mw=0.002, scaling=1.5, name="behind a switch")
    pp.create_load(net, 3, p_mw=0.004, name="second on its bus")
    pp.create_load(net, 3, p_mw=0.004, name="off", in_service=False)
    pp.create_load(net, 0, p_mw=0.05, q_mvar=0.01, name="at the external grid")


def with_parallel_transformer_and_open_ends(net: Any) -> None:
    pp.create_transformer(net, 0, 1, "0.25 MVA 20/0.4 kV", parallel=2, tap_pos=1)
    net.trafo["shift_degree"] = 150.0  # on both: otherwise they short-circuit each other
    spare = pp.create_bus(net, 0.4)
    line = pp.create_line(net, 4, spare, 0.1, "NAYY 4x50 SE")
    pp.create_switch(net, spare, line, et="l", closed=False)
    off = pp.create_line(net, 3, 5, 0.1, "NAYY 4x50 SE")
    net.line.loc[off, "in_service"] = False
    ring = pp.create_line(net, 1, 5, 0.2, "NAYY 4x150 SE")
    pp.create_switch(net, 5, ring, et="l", closed=True)
    pp.create_impedance(net, 2, 4, rft_pu=0.5, xft_pu=0.5, sn_mva=1.0)


def with_voltage_dependent_loads(net: Any) -> None:
    net.load["const_z_p_percent"] = 40.0
    net.load["const_i_p_percent"] = 30.0
    net.load["const_z_q_percent"] = 10.0
    net.load["const_i_q_percent"] = 60.0


def with_two_grids(net: Any) -> None:
    far = pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, far, vm_pu=1.01, va_degree=0.5)
    pp.create_transformer(net, far, 5, "0.25 MVA 20/0.4 kV")
    net.trafo["shift_degree"] = 150.0


@pytest.mark.parametrize(
    "change",
    [
        with_everything,
        with_parallel_transformer_and_open_ends,
        with_voltage_dependent_loads,
        with_two_grids,
        lambda net: [with_everything(net), with_parallel_transformer_and_open_ends(net)],
    ],
)
def test_elements_of_all_kinds(change: Callable[[Any], object]) -> None:
    net = street()
    change(net)
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    assert load_flow.unfit_reason is None
    for scale in (0.2, 1.0, 2.0):
        p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
        fast, slow = load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar)
        difference = disagreement(fast, slow)
        assert difference is not None
        assert difference.v_pu < 1e-9
        assert difference.loading_percent < 1e-5
        assert fast.supply_kw == pytest.approx(slow.supply_kw, abs=1e-4)
        batch = load_flow.solve_batch(p_kw[None], q_kvar[None])[0]
        assert batch.supply_kw == pytest.approx(slow.supply_kw, abs=1e-4)


def test_the_referee_is_pandapower_itself() -> None:
    """With the network's own loads the referee says what a plain runpp on the file says."""
    net = street()
    with_everything(net)
    pp.runpp(net, numba=False, tolerance_mva=1e-9)
    network = loaded(net)
    result = FactoredLoadFlow(network).referee.solve(network.default_p_kw, network.default_q_kvar)
    np.testing.assert_allclose(result.v_pu, net.res_bus.vm_pu, atol=1e-10)
    np.testing.assert_allclose(result.line_loading_percent, net.res_line.loading_percent, atol=1e-6)
    np.testing.assert_allclose(result.transformer_p_kw, net.res_trafo.p_hv_mw * 1000, atol=1e-5)


def test_metered_generation_is_switched_off() -> None:
    net = street()
    pp.create_sgen(net, 5, p_mw=0.05)
    pp.create_storage(net, 5, p_mw=0.01, max_e_mwh=0.1)
    apart, metered = loaded(net), loaded(net, metered_generation=True)
    nothing = np.zeros(4)
    assert FactoredLoadFlow(apart).solve(nothing, nothing).supply_kw < -30.0
    assert FactoredLoadFlow(metered).solve(nothing, nothing).supply_kw == pytest.approx(0.5, abs=0.1)


def test_at_the_measured_voltage_everything_is(solved_network: Get) -> None:
    """Voltages, batches, sensitivities and the referee alike, and a scale on top of it."""
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    scaled, expected = load_flow.at_voltage(0.96), load_flow.solve(p_kw, q_kvar, slack_scale=0.96)
    for result in (
        scaled.solve(p_kw, q_kvar),
        scaled.referee.solve(p_kw, q_kvar),
        scaled.solve_batch(p_kw[None], q_kvar[None])[0],
        scaled.at_voltage(0.5).solve(p_kw, q_kvar, slack_scale=2.0),
        scaled.by_runpp(p_kw, q_kvar, 1.0),
    ):
        difference = disagreement(result, expected)
        assert difference is not None
        assert difference.v_pu < 1e-8
    factored = scaled.factored
    assert factored is not None
    v = factored.voltages(p_kw, q_kvar)
    assert v is not None
    np.testing.assert_allclose(np.abs(v[factored.admittance.bus]), expected.v_pu, atol=1e-9)
    step = np.zeros(len(p_kw))
    step[3] = 1.0
    found = sensitivities(network, scaled, p_kw, q_kvar, ["trafo:0", "line:3"])
    more, less = scaled.solve(p_kw + step, q_kvar), scaled.solve(p_kw - step, q_kvar)
    change = (more.transformer_loading_percent[0] - less.transformer_loading_percent[0]) / 2
    assert found.per_kw[0, 3] == pytest.approx(change, rel=1e-4)
    assert load_flow.at_voltage(1.0) is load_flow
