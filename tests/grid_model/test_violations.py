"""What counts as outside the limits."""

from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow
from grid_model.results import not_converged
from grid_model.violations import Limits, find_violations
from tests.grid_model.small_networks import loaded, street


def test_line_transformer_and_voltage() -> None:
    network = loaded(street(4, kva=80.0, span_km=0.2))
    result = FactoredLoadFlow(network).solve(np.full(4, 25.0), np.zeros(4))
    found = {violation.element: violation for violation in find_violations(network, result, Limits())}
    assert found["line:0"].kind == "line_overload"
    assert found["line:0"].value == result.line_loading_percent[0]
    assert found["trafo:0"].kind == "transformer_overload"
    assert not found["trafo:0"].reverse
    assert found["bus:5"].kind == "undervoltage"
    assert found["bus:5"].limit == 0.9


def test_power_flowing_back() -> None:
    network = loaded(street(4, kva=80.0, span_km=0.2))
    result = FactoredLoadFlow(network).solve(np.full(4, -30.0), np.zeros(4))
    found = {violation.element: violation for violation in find_violations(network, result, Limits())}
    assert found["trafo:0"].reverse
    assert found["bus:5"].kind == "overvoltage"
    assert found["bus:5"].limit == 1.1


def test_the_worst_comes_first() -> None:
    network = loaded(street(4))
    solved = FactoredLoadFlow(network).solve(np.zeros(4), np.zeros(4))
    result = replace(
        solved,
        line_loading_percent=np.array([110.0, 130.0, 50.0, 100.0]),
        v_pu=np.array([1.0, 1.0, 1.0, 0.885, 1.12, 0.84]),
    )
    elements = [violation.element for violation in find_violations(network, result, Limits())]
    assert elements == ["bus:5", "line:1", "bus:4", "bus:3", "line:0"]


def test_the_stricter_limit_holds() -> None:
    net = street(2)
    net.line["max_loading_percent"] = [60.0, 150.0]
    net.bus["min_vm_pu"] = [np.nan, 0.95, 0.8, np.nan]
    network = loaded(net)
    solved = FactoredLoadFlow(network).solve(np.zeros(2), np.zeros(2))
    result = replace(solved, line_loading_percent=np.array([70.0, 98.0]), v_pu=np.full(4, 0.94))
    assert [v.element for v in find_violations(network, result, Limits())] == ["line:0", "bus:1"]
    strict = find_violations(network, result, Limits(loading_percent=90.0, min_v_pu=0.95))
    assert {v.element: v.limit for v in strict} == {
        "line:0": 60.0,
        "line:1": 90.0,
        "bus:0": 0.95,
        "bus:1": 0.95,
        "bus:2": 0.95,
        "bus:3": 0.95,
    }


def test_dark_buses_violate_nothing() -> None:
    net = street()
    pp.create_bus(net, 0.4)
    network = loaded(net)
    result = FactoredLoadFlow(network).solve(np.zeros(4), np.zeros(4))
    assert np.isnan(result.v_pu[-1])
    assert find_violations(network, result, Limits()) == ()


def test_nothing_is_said_of_what_did_not_converge() -> None:
    network = loaded(street())
    with pytest.raises(Diverged):
        find_violations(network, not_converged(network, 5), Limits())
