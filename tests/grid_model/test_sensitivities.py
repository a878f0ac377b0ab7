"""Analytic sensitivities against finite differences of `runpp`, and the shares made of them."""

from collections.abc import Callable

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import Diverged, UnknownElement
from grid_model.load_flow import FactoredLoadFlow
from grid_model.location import locate
from grid_model.network import Network
from grid_model.results import LoadFlowResult
from grid_model.sensitivities import sensitivities
from grid_model.violations import Limits, find_violations
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
    for point in range(0, len(p_kw), max(1, len(p_kw) // 4)):
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


def test_as_runpp_where_only_runpp_can() -> None:
    net = street()
    pp.create_gen(net, 2, p_mw=0.01, vm_pu=1.0)
    network = loaded(net)
    assert_as_runpp(network, FactoredLoadFlow(network), ["line:3", "bus:5"], 2.0)


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


def test_shares_sum_to_all_and_go_to_who_causes_it() -> None:
    network = loaded(street(4, kva=80.0))
    load_flow = FactoredLoadFlow(network)
    p_kw = np.array([60.0, 5.0, 40.0, -15.0])
    violations = find_violations(network, load_flow.solve(p_kw, np.zeros(4)), Limits())
    assert len(violations) >= 2
    parts = locate(network, load_flow, p_kw, np.zeros(4), violations, np.array([6.8, 0.0, 3.0, 0.0]))
    for violation in violations:
        own = [part for part in parts if part.violation == violation.element]
        assert sum(part.share_percent for part in own) == pytest.approx(100.0)
        shares = [part.share_percent for part in own]
        assert shares == sorted(shares, reverse=True)
        assert all(share > 0 for share in shares)
        assert "house 3" not in {part.service_point for part in own}
    first = next(part for part in parts if part.violation == "trafo:0")
    assert first.service_point == "house 0"
    assert (first.p_kw, first.flexible_kw) == (60.0, 6.8)


def test_reverse_overload_is_caused_by_who_feeds_in() -> None:
    network = loaded(street(4, kva=80.0))
    load_flow = FactoredLoadFlow(network)
    p_kw = np.array([10.0, -60.0, 10.0, -60.0])
    violations = find_violations(network, load_flow.solve(p_kw, np.zeros(4)), Limits())
    assert any(violation.reverse for violation in violations)
    parts = locate(network, load_flow, p_kw, np.zeros(4), violations, np.zeros(4))
    assert {part.service_point for part in parts if part.violation == "trafo:0"} == {"house 1", "house 3"}


def test_no_violations_no_shares() -> None:
    network = loaded(street())
    assert locate(network, FactoredLoadFlow(network), np.ones(4), np.zeros(4), (), np.zeros(4)) == ()


def test_a_voltage_that_nobody_here_causes_has_no_shares() -> None:
    network = loaded(street(v_grid_pu=1.15))
    load_flow = FactoredLoadFlow(network)
    idle = np.zeros(4)
    violations = find_violations(network, load_flow.solve(idle, idle), Limits())
    assert violations
    assert locate(network, load_flow, idle, idle, violations, idle) == ()
