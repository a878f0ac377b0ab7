"""One customer and one element: parts plus losses are the flow that pandapower sees, and the words say it."""

import copy
import warnings
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import Diverged, UnknownElement
from grid_model.explanation import FlowExplanation, VoltageExplanation, explain
from grid_model.explanation_words import sentence
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from tests.grid_model.small_networks import loaded, street

P_KW = np.array([8.0, 14.0, 30.0, 25.0])
Q_KVAR = np.array([1.0, 2.0, 3.0, 1.0])


def ring() -> Any:
    """The street with its last house connected back to the busbar."""
    net = street()
    pp.create_line_from_parameters(net, 1, 5, 0.2, 0.32, 0.08, 200.0, 0.1, name="back")
    return net


def solved(net: Any, p_kw: Floats, q_kvar: Floats) -> Any:
    """pandapower's own load flow of it."""
    net = copy.deepcopy(net)
    net.load["p_mw"], net.load["q_mvar"] = p_kw / 1000, q_kvar / 1000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pp.runpp(net, numba=False, tolerance_mva=1e-9)
    return net


def flow(net: Any, p_kw: Floats, point: str, element: str) -> FlowExplanation:
    network = loaded(net)
    told = explain(network, FactoredLoadFlow(network), p_kw, Q_KVAR, point, element)
    assert isinstance(told, FlowExplanation)
    return told


@pytest.mark.parametrize("net", [street(), ring()])
@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_parts_and_losses_are_the_flow(net: Any, row: int, sign: float) -> None:
    told = flow(net, sign * P_KW, "house 1", f"line:{row}")
    referee = solved(net, sign * P_KW, Q_KVAR).res_line.iloc[row]
    assert told.flow_kw == pytest.approx(1000 * max(referee.p_from_mw, referee.p_to_mw), abs=1e-4)
    assert told.current_a == pytest.approx(1000 * referee.i_ka, abs=1e-4)
    assert told.loading_percent == pytest.approx(referee.loading_percent, abs=1e-4)
    total = told.own_kw + told.others_pushing_kw + told.others_relieving_kw
    assert total + told.without_load_kw + told.losses_kw == pytest.approx(told.flow_kw, abs=1e-6)


@pytest.mark.parametrize("row", range(4))
def test_in_a_radial_network_parts_are_powers_and_losses_those_behind(row: int) -> None:
    told = flow(street(), P_KW, "house 3", f"line:{row}")
    lost_kw = 1000 * solved(street(), P_KW, Q_KVAR).res_line.pl_mw.iloc[row:].sum()
    assert told.own_kw == pytest.approx(25.0, abs=5e-3)
    assert told.own_kw + told.others_pushing_kw == pytest.approx(P_KW[row:].sum(), abs=0.02)
    assert told.losses_kw + told.without_load_kw == pytest.approx(lost_kw, abs=0.02)
    assert told.customers_behind == 4 - row
    assert not told.backwards
    assert 0 < told.own_losses_kw < told.losses_kw
    assert 0 < told.own_current_a < told.current_a


def test_the_way_to_the_grid() -> None:
    told = flow(street(), P_KW, "house 2", "line:1")
    assert [step.element for step in told.path] == ["line:2", "line:1", "line:0", "trafo:0"]
    assert [step.through for step in told.path] == pytest.approx([1.0] * 4, abs=2e-3)
    assert told.on_path
    referee = solved(street(), P_KW, Q_KVAR)
    flows = 1000 * np.append(referee.res_line.p_from_mw[[2, 1, 0]], referee.res_trafo.p_hv_mw)
    assert [step.flow_kw for step in told.path] == pytest.approx(list(flows), abs=1e-4)
    loadings = np.append(referee.res_line.loading_percent[[2, 1, 0]], referee.res_trafo.loading_percent)
    assert [step.loading_percent for step in told.path] == pytest.approx(list(loadings), abs=1e-3)


def test_the_way_does_not_lead_to_a_neighbours_generator() -> None:
    told = flow(street(), np.array([5.0, 20.0, 5.0, -60.0]), "house 1", "line:1")
    assert [step.element for step in told.path] == ["line:1", "line:0", "trafo:0"]
    assert told.backwards
    assert told.own_kw == pytest.approx(-20.0, abs=0.02)


def test_in_a_ring_the_main_way_is_told_with_its_part() -> None:
    told = flow(ring(), P_KW, "house 3", "line:0")
    assert [step.element for step in told.path] == ["line:4", "trafo:0"]
    # 0.2 km against 4 x 0.08 km of the same cable
    assert told.path[0].through == pytest.approx(0.32 / 0.52, abs=5e-3)
    assert told.own_kw == pytest.approx(25.0 * 0.2 / 0.52, rel=0.01)
    assert told.customers_behind == 4
    assert "not supplied over cable 'cable 0'" in sentence(told, "now")


def test_on_another_cable_nothing_is_ones_own() -> None:
    told = flow(street(), P_KW, "house 0", "line:2")
    assert told.own_kw == pytest.approx(0.0, abs=1e-6)
    assert not told.on_path
    said = sentence(told, "at 18:40")
    assert "You are not supplied over cable 'cable 2'." in said
    assert "makes no difference" in said


def test_the_words_on_the_phone() -> None:
    told = flow(street(), P_KW, "house 1", "line:0")
    assert sentence(told, "at 18:40") == (
        "You are supplied over cable 'cable 0'. It carried 116 % of its rating at 18:40 (116 A): 80 kW for 4 "
        "customers. Your home took 14.0 of these 79.5 kW (18 %), and 0.4 kW of losses."
    )
    relieving = flow(street(), np.array([8.0, -6.0, 30.0, 25.0]), "house 1", "line:0")
    assert "Your home fed in 6.0 kW, which took 6.0 kW off it." in sentence(relieving, "at 18:40")
    feeding = flow(street(), -P_KW, "house 1", "line:0")
    assert "flowed back from 4 customers" in sentence(feeding, "at 12:10")
    assert "Your home fed in 14.0 of these" in sentence(feeding, "at 12:10")


def test_a_voltage_is_the_sum_of_its_parts() -> None:
    network = loaded(street())
    told = explain(network, FactoredLoadFlow(network), P_KW, Q_KVAR, "house 3", "bus:5")
    assert isinstance(told, VoltageExplanation)
    v_pu = solved(street(), P_KW, Q_KVAR).res_bus.vm_pu[5]
    assert told.v_pu == pytest.approx(v_pu, abs=1e-8)
    assert told.v_v == pytest.approx(v_pu * 400 / np.sqrt(3), abs=1e-5)
    idle_v_pu = solved(street(), np.zeros(4), np.zeros(4)).res_bus.vm_pu[5]
    assert told.without_load_pu == pytest.approx(idle_v_pu, abs=1e-7)
    assert told.without_load_pu + told.own_pu + told.others_pu == pytest.approx(told.v_pu, abs=1e-7)
    assert told.own_pu < 0
    assert "Your home took 25.0 kW and lowered it by" in sentence(told, "at 18:40")


def test_what_cannot_be_explained_says_why() -> None:
    net = street()
    net.line.loc[3, "in_service"] = False
    net.load.loc[3, "in_service"] = False
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    three = P_KW[:3]
    for point, element, error in (
        ("house 9", "line:0", UnknownElement),
        ("house 0", "line:9", UnknownElement),
        ("house 0", "line:3", UnknownElement),
    ):
        with pytest.raises(error):
            explain(network, load_flow, three, three, point, element)
    with pytest.raises(Diverged):
        explain(network, load_flow, three * 1e3, three, "house 0", "line:0")
