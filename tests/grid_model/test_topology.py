"""Switching: without pandapower, the same as with it; and the network that was loaded stays as it was."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import UnknownElement
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Network
from grid_model.topology import SetService, SetSwitch, SetTap, topology_of
from tests.grid_model.agreement import Trial, faults
from tests.grid_model.random_networks import solve
from tests.grid_model.small_networks import loaded, street

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]


def ring() -> Any:
    """A street whose far end can be fed from the busbar too, and two bus sections of the last house."""
    net = street(4)
    net.trafo[["tap_side", "tap_neutral", "tap_min", "tap_max", "tap_step_percent", "tap_pos"]] = [
        "hv",
        0,
        -2,
        2,
        2.5,
        0,
    ]
    net.trafo["tap_changer_type"] = "Ratio"
    back = pp.create_line(net, 1, 5, 0.3, "NAYY 4x150 SE")
    pp.create_switch(net, 5, back, et="l", closed=False)
    pp.create_switch(net, 3, 2, et="l", closed=True)
    section = pp.create_bus(net, 0.4)
    pp.create_switch(net, 5, section, et="b", closed=True)
    pp.create_load(net, section, p_mw=0.003)
    return net


def solved(load_flow: FactoredLoadFlow) -> LoadFlowResult:
    network = load_flow.network
    return load_flow.solve(network.default_p_kw, network.default_q_kvar)


def same(one: LoadFlowResult, other: LoadFlowResult) -> bool:
    return bool(
        np.array_equal(one.v_pu, other.v_pu, equal_nan=True)
        and np.array_equal(one.line_loading_percent, other.line_loading_percent)
        and one.supply_kw == other.supply_kw
    )


def test_from_radial_to_meshed_and_back() -> None:
    first = FactoredLoadFlow(loaded(ring()))
    meshed = first.switched(SetSwitch("switch:0", True))
    assert solved(meshed).v_pu[4] > solved(first).v_pu[4] + 1e-3
    assert solved(meshed).line_loading_percent[-1] > 1.0
    assert same(solved(meshed.switched(SetSwitch("switch:0", False))), solved(first))


def test_what_loses_supply_has_no_voltage_and_takes_nothing() -> None:
    first = FactoredLoadFlow(loaded(ring()))
    cut = first.switched(SetSwitch("switch:1", False))
    result = solved(cut)
    assert np.isnan(result.v_pu).tolist() == [False, False, False, False, True, True, True]
    assert result.supply_kw == pytest.approx(solved(cut).losses_kw + 10.0, abs=1e-6)
    assert result.line_loading_percent[3] == 0.0
    fed_from_behind = solved(cut.switched(SetSwitch("switch:0", True)))
    assert np.isfinite(fed_from_behind.v_pu).all()
    assert same(solved(cut.switched(SetSwitch("switch:1", True))), solved(first))


def test_bus_sections_part_and_join() -> None:
    first = FactoredLoadFlow(loaded(ring()))
    assert solved(first).v_pu[6] == solved(first).v_pu[5]
    parted = solved(first.switched(SetSwitch("switch:2", False)))
    assert np.isnan(parted.v_pu[6])
    assert parted.v_pu[5] > solved(first).v_pu[5]


def test_taps_move_the_voltage_as_in_pandapower() -> None:
    net = ring()
    first = FactoredLoadFlow(loaded(net))
    net.trafo.loc[0, "tap_pos"] = -2
    assert faults(solved(first.switched(SetTap("trafo:0", -2))), solve(net)) == []
    assert same(solved(first.switched(SetTap("trafo:0", -2), SetTap("trafo:0", 0))), solved(first))


def test_all_out_of_service_is_dark() -> None:
    dark = FactoredLoadFlow(loaded(ring())).switched(SetService("trafo:0", False))
    assert dark.unfit_reason == "it has no bus beside those of the external grids"
    result = solved(dark)
    assert result.converged
    assert np.isnan(result.v_pu).tolist() == [False] + 6 * [True]
    assert result.supply_kw == pytest.approx(0.0)


def test_grids_of_different_voltage_cannot_be_joined() -> None:
    net = ring()
    other = pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, other, vm_pu=1.02)
    pp.create_switch(net, 0, other, et="b", closed=False)
    first = FactoredLoadFlow(loaded(net))
    assert solved(first).converged
    joined = first.switched(SetSwitch("switch:3", True))
    assert "different voltages" in (joined.unfit_reason or "")
    assert not solved(joined).converged


def test_the_network_that_was_loaded_stays_as_it_was() -> None:
    network = loaded(ring())
    before = copy.deepcopy(network.net)
    first = FactoredLoadFlow(network)
    changes = SetSwitch("switch:0", True), SetService("line:1", False), SetTap("trafo:0", 1)
    switched = first.switched(*changes)
    assert not same(solved(switched), solved(first))
    assert switched.referee.solve(network.default_p_kw, network.default_q_kvar).converged
    for table in ("switch", "line", "trafo", "load", "bus"):
        assert before[table].equals(network.net[table])
    assert switched.network.net.switch.closed.tolist() == [True, True, True]
    assert switched.network.net.line.in_service.tolist() == [True, False, True, True, True]
    assert switched.network.net.trafo.tap_pos.tolist() == [1]
    assert switched.network.net.line.index is not None
    assert topology_of(first.network).closed.tolist() == [False, True, True]


def test_a_rebuilt_load_flow_says_the_same() -> None:
    switched = FactoredLoadFlow(loaded(ring())).switched(SetSwitch("switch:0", True), SetTap("trafo:0", 2))
    assert same(solved(FactoredLoadFlow(switched.network)), solved(switched))


def test_undoing_a_random_sequence_gives_the_first_result() -> None:
    trial = Trial(11)
    first, load_flow = trial.result(), trial.load_flow
    now = topology_of(trial.network)
    for _ in range(4):
        trial.switch()
    back = trial.load_flow.switched(
        *(SetSwitch(f"switch:{index}", bool(closed)) for index, closed in enumerate(now.closed)),
        *(
            SetService(f"{table}:{index}", bool(on))
            for table, flags in now.in_service.items()
            for index, on in enumerate(flags)
        ),
        *(
            SetTap(f"{table}:{index}", int(tap))
            for table, taps in now.tap.items()
            for index, tap in enumerate(taps)
        ),
    )
    assert same(back.solve(trial.p_kw, trial.q_kvar), first)
    assert same(load_flow.solve(trial.p_kw, trial.q_kvar), first)


def test_batches_of_a_switched_network(solved_network: Get) -> None:
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    switched = load_flow.switched(SetService("line:5", False))
    p_kw = network.default_p_kw * np.linspace(0.1, 1.2, 5)[:, None]
    q_kvar = network.default_q_kvar * np.linspace(0.1, 1.2, 5)[:, None]
    batch = switched.solve_batch(p_kw, q_kvar)
    assert np.isnan(batch[2].v_pu).any()
    for place in range(5):
        single = switched.solve(p_kw[place], q_kvar[place])
        np.testing.assert_allclose(batch[place].v_pu, single.v_pu, atol=1e-10)
        assert batch[place].supply_kw == pytest.approx(single.supply_kw, abs=1e-6)


def test_unknown_elements_are_told_all_at_once() -> None:
    load_flow = FactoredLoadFlow(loaded(ring()))
    with pytest.raises(UnknownElement) as raised:
        load_flow.switched(
            SetSwitch("switch:9", True),
            SetSwitch("line:0", True),
            SetService("bus:0", False),
            SetService("line:x", False),
            SetTap("trafo:0", 3),
            SetTap("trafo3w:0", 0),
        )
    for said in (
        "'switch:9'",
        "'line:0'",
        "'bus:0'",
        "'line:x'",
        "tap position 3; expected -2 to 2",
        "'trafo3w:0'",
    ):
        assert said in str(raised.value)


def test_without_a_tap_changer_there_is_nothing_to_move() -> None:
    with pytest.raises(UnknownElement, match="trafo:0 has no tap changer"):
        FactoredLoadFlow(loaded(street())).switched(SetTap("trafo:0", 0))


def test_a_line_without_impedance_cannot_be_put_into_service() -> None:
    net = street()
    spare = pp.create_line_from_parameters(net, 4, 5, 0.1, 0.0, 0.0, 0.0, max_i_ka=0.1)
    net.line.loc[spare, "in_service"] = False
    switched = FactoredLoadFlow(loaded(net)).switched(SetService(f"line:{spare}", True))
    assert "no impedance" in (switched.unfit_reason or "")
