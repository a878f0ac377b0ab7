"""Three-winding transformers: solved, loaded, limited, located as those with two."""

from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.connection import connection_limits_kw
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.sensitivities import sensitivities
from grid_model.topology import SetService, SetSwitch, SetTap
from grid_model.violations import Limits, find_violations
from tests.grid_model.agreement import faults
from tests.grid_model.random_networks import apply, solve
from tests.grid_model.small_networks import loaded, street


def substation(*, limit: float | None = None) -> Any:
    """A street behind a 20 kV network behind 110/20/10 kV, with a load on the third winding."""
    net = street()
    high, low = pp.create_bus(net, 110.0), pp.create_bus(net, 10.0)
    net.ext_grid.loc[0, "bus"] = high
    pp.create_transformer3w(net, high, 0, low, "63/25/38 MVA 110/20/10 kV", tap_pos=2, name="three")
    pp.create_load(net, low, p_mw=8.0, q_mvar=2.0, name="works")
    pp.create_switch(net, low, 0, et="t3", closed=True)
    if limit is not None:
        net.trafo3w["max_loading_percent"] = limit
    return net


def with_works(p_mw: float) -> tuple[Network, FactoredLoadFlow, Any]:
    net = substation()
    net.load.loc[4, "p_mw"] = p_mw
    network = loaded(net)
    return network, FactoredLoadFlow(network), net


@pytest.mark.parametrize("p_mw", [-10.0, 8.0, 45.0])
def test_loading_as_runpp(p_mw: float) -> None:
    network, load_flow, net = with_works(p_mw)
    result = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    assert faults(result, solve(net)) == []
    assert network.transformers.ids == ("trafo:0", "trafo3w:0")
    assert network.transformers.names[1] == "three"
    assert result.transformer_loading_percent[1] == pytest.approx(net.res_trafo3w.loading_percent[0])
    assert result.transformer_p_kw[1] == pytest.approx(1000 * net.res_trafo3w.p_hv_mw[0], rel=1e-6)
    by_referee = load_flow.referee.solve(network.default_p_kw, network.default_q_kvar)
    np.testing.assert_allclose(by_referee.transformer_p_kw, result.transformer_p_kw, rtol=1e-6)
    compiled = FactoredLoadFlow(network, compiled=True).solve(network.default_p_kw, network.default_q_kvar)
    np.testing.assert_allclose(compiled.transformer_loading_percent, result.transformer_loading_percent)
    assert compiled.losses_kw == pytest.approx(by_referee.losses_kw, abs=1e-3)


def test_an_overload_is_found_and_told() -> None:
    network, load_flow, _ = with_works(45.0)
    result = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    found = {violation.element: violation for violation in find_violations(network, result, Limits())}
    assert found["trafo3w:0"].kind == "transformer_overload"
    assert found["trafo3w:0"].value == result.transformer_loading_percent[1]
    assert not found["trafo3w:0"].reverse


def test_its_own_limit_holds() -> None:
    network = loaded(substation(limit=15.0))
    result = FactoredLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar)
    found = find_violations(network, result, Limits())
    assert [(violation.element, violation.limit) for violation in found] == [("trafo3w:0", 15.0)]


def test_sensitivities_are_the_differences() -> None:
    network, load_flow, _ = with_works(45.0)
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    found = sensitivities(network, load_flow, p_kw, q_kvar, ["trafo3w:0"])
    for point in (0, 4):
        step = np.zeros(5)
        step[point] = 1.0
        more, less = load_flow.solve(p_kw + step, q_kvar), load_flow.solve(p_kw - step, q_kvar)
        change = (more.transformer_loading_percent[1] - less.transformer_loading_percent[1]) / 2
        assert found.per_kw[0, point] == pytest.approx(change, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(
    "change", [SetSwitch("switch:0", False), SetTap("trafo3w:0", -3), SetService("trafo3w:0", False)]
)
def test_switched_as_runpp(change: Any) -> None:
    network, load_flow, net = with_works(8.0)
    apply(net, change)
    result = load_flow.switched(change).solve(network.default_p_kw, network.default_q_kvar)
    assert faults(result, solve(net)) == []


def test_a_connection_behind_it_carries_at_most_its_winding() -> None:
    assert connection_limits_kw(loaded(substation()))[4] == pytest.approx(1.2 * 38_000)
