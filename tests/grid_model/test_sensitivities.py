"""Analytic sensitivities against finite differences of `runpp`."""

from collections.abc import Callable

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import Diverged, UnknownElement
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.results import LoadFlowResult
from grid_model.sensitivities import sensitivities
from grid_model.topology import SetService
from tests.grid_model.small_networks import loaded, street

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]
STEP_KW = 0.05


def value(network: Network, result: LoadFlowResult, element: str) -> float:
    for ids, values in (
        (network.lines.ids, result.line_loading_percent),
        (network.transformers.ids, result.transformer_loading_percent),
        (network.buses.ids, result.v_pu),
    ):
        if element in ids:
            return float(values[ids.index(element)])
    raise AssertionError(element)


def assert_as_runpp(network: Network, load_flow: FactoredLoadFlow, elements: list[str], scale: float) -> None:
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    found = sensitivities(network, load_flow, p_kw, q_kvar, elements)
    for point in range(0, len(p_kw), max(1, len(p_kw) // 2)):
        step = np.zeros(len(p_kw))
        step[point] = STEP_KW
        for analytic, up, down in (
            (found.per_kw, (p_kw + step, q_kvar), (p_kw - step, q_kvar)),
            (found.per_kvar, (p_kw, q_kvar + step), (p_kw, q_kvar - step)),
        ):
            more, less = load_flow.referee.solve(*up), load_flow.referee.solve(*down)
            for row, element in enumerate(elements):
                numeric = (value(network, more, element) - value(network, less, element)) / (2 * STEP_KW)
                largest = np.abs(found.per_kw[row]).max()
                assert analytic[row, point] == pytest.approx(numeric, rel=1e-3, abs=2e-3 * largest)


@pytest.mark.parametrize(
    ("source", "scale"),
    [
        ("simbench:1-LV-semiurb4--0-sw", 1.5),
        ("simbench:1-LV-rural1--0-sw", -1.0),
        ("pandapower:create_kerber_dorfnetz", 1.0),
        ("pandapower:create_cigre_network_mv", 0.8),
    ],
)
def test_as_runpp(solved_network: Get, source: str, scale: float) -> None:
    network, load_flow = solved_network(source)
    result = load_flow.solve(network.default_p_kw * scale, network.default_q_kvar * scale)
    busiest = network.lines.ids[int(np.argmax(result.line_loading_percent))]
    lowest = network.buses.ids[int(np.nanargmin(result.v_pu))]
    assert_as_runpp(network, load_flow, [busiest, network.transformers.ids[0], lowest], scale)


def test_as_runpp_with_voltage_dependent_loads() -> None:
    net = street()
    net.load["const_z_p_percent"] = 40.0
    net.load["const_i_p_percent"] = 30.0
    net.load["const_z_q_percent"] = 50.0
    network = loaded(net)
    assert_as_runpp(network, FactoredLoadFlow(network), ["line:0", "trafo:0", "bus:5"], 3.0)


def test_as_runpp_where_a_generator_holds_a_voltage() -> None:
    net = street()
    pp.create_gen(net, 2, p_mw=0.01, vm_pu=1.0)
    network = loaded(net)
    assert_as_runpp(network, FactoredLoadFlow(network), ["line:3", "bus:5"], 2.0)


def test_as_runpp_where_only_runpp_can() -> None:
    net = street()
    net["user_pf_options"] = {"trafo_loading": "power"}
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    assert load_flow.unfit_reason
    assert_as_runpp(network, load_flow, ["trafo:0"], 2.0)


def three_windings() -> Network:
    net = pp.create_empty_network()
    high, medium, low = (pp.create_bus(net, kv) for kv in (110.0, 20.0, 10.0))
    pp.create_ext_grid(net, high)
    pp.create_transformer3w(net, high, medium, low, "63/25/38 MVA 110/20/10 kV")
    for start, kv, mw in ((medium, 20.0, 18.0), (low, 10.0, 25.0)):
        end = pp.create_bus(net, kv)
        pp.create_line(net, start, end, 3.0, "NA2XS2Y 1x240 RM/25 12/20 kV")
        pp.create_load(net, end, p_mw=mw, q_mvar=0.3 * mw)
    return loaded(net)


def test_as_runpp_with_three_windings() -> None:
    network = three_windings()
    load_flow = FactoredLoadFlow(network)
    assert load_flow.factored is not None
    assert_as_runpp(network, load_flow, ["trafo3w:0", "line:0", "bus:4"], 1.0)


def test_at_another_voltage_of_the_external_grid() -> None:
    network = loaded(street())
    load_flow, p_kw, q_kvar = FactoredLoadFlow(network), np.full(4, 15.0), np.full(4, 4.0)
    scaled = sensitivities(network, load_flow, p_kw, q_kvar, ["line:0", "bus:5"], slack_scale=0.93)
    built = sensitivities(network, load_flow.at_voltage(0.93), p_kw, q_kvar, ["line:0", "bus:5"])
    plain = sensitivities(network, load_flow, p_kw, q_kvar, ["line:0", "bus:5"])
    np.testing.assert_allclose(scaled.per_kw, built.per_kw, rtol=1e-9)
    assert (np.abs(scaled.per_kw) > 1.05 * np.abs(plain.per_kw)).all()


def test_service_points_without_supply_move_nothing() -> None:
    net = street()
    network = loaded(net)
    last_cable_open = FactoredLoadFlow(network).switched(SetService("line:3", in_service=False))
    found = sensitivities(network, last_cable_open, np.full(4, 5.0), np.zeros(4), ["line:0", "bus:2"])
    assert found.per_kw[:, 3].tolist() == [0.0, 0.0]
    assert (found.per_kw[0, :3] > 0).all()


def test_a_load_at_the_external_grid_moves_nothing() -> None:
    net = street()
    pp.create_load(net, 0, p_mw=0.1)
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    found = sensitivities(
        network, load_flow, network.default_p_kw, network.default_q_kvar, ["line:0", "bus:5"]
    )
    assert found.per_kw[:, 4].tolist() == [0.0, 0.0]
    assert (found.per_kw[0, :4] > 0).all()
    assert (found.per_kw[1, :4] < 0).all()


def test_idle_and_absent_elements_have_no_sensitivity() -> None:
    net = street()
    off = pp.create_line(net, 3, 5, 0.1, "NAYY 4x50 SE")
    net.line.loc[off, "in_service"] = False
    dark = pp.create_bus(net, 0.4)
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    elements = [f"line:{off}", f"bus:{dark}"]
    found = sensitivities(network, load_flow, network.default_p_kw, network.default_q_kvar, elements)
    assert not found.per_kw.any()


def test_unknown_element() -> None:
    network = loaded(street())
    for wrong in ("line:77", "pump:1", "line"):
        with pytest.raises(UnknownElement, match=wrong):
            sensitivities(network, FactoredLoadFlow(network), np.ones(4), np.ones(4), [wrong])


def test_no_sensitivity_where_nothing_converges() -> None:
    network = loaded(street())
    with pytest.raises(Diverged):
        sensitivities(network, FactoredLoadFlow(network), np.full(4, 1e5), np.zeros(4), ["line:0"])
