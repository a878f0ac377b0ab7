"""Parts that add up: who makes up a loading or a voltage, on random networks and in cases known by hand."""

from collections.abc import Callable

import numpy as np
import pandapower as pp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid_model.attribution import attribute
from grid_model.load_flow import FactoredLoadFlow
from grid_model.location import compose, locate
from grid_model.network import Network
from grid_model.sensitivities import sensitivities
from grid_model.violations import Limits, Violation, find_violations
from tests.grid_model.small_networks import loaded, street

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]
TIGHT = Limits(loading_percent=10.0, min_v_pu=0.99, max_v_pu=1.01)
STREET = loaded(street(4, kva=80.0))
STREET_LOAD_FLOW = FactoredLoadFlow(STREET)
KW = st.lists(st.floats(-40.0, 50.0), min_size=4, max_size=4)


@given(p=KW, q=st.lists(st.floats(-10.0, 15.0), min_size=4, max_size=4), scale=st.floats(0.9, 1.1))
@example(p=[0.0, 0.0, 0.0, 50.0], q=[3.0, 15.0, 15.0, 15.0], scale=0.9375)
@settings(max_examples=15, deadline=None)
def test_parts_add_up_to_what_runpp_says(p: list[float], q: list[float], scale: float) -> None:
    p_kw, q_kvar = np.array(p), np.array(q)
    elements = [*STREET.lines.ids, "trafo:0", *STREET.buses.ids[1:]]
    referee = STREET_LOAD_FLOW.referee.solve(p_kw, q_kvar, slack_scale=scale)
    found = attribute(STREET, STREET_LOAD_FLOW, p_kw, q_kvar, elements, slack_scale=scale)
    value = np.concatenate(
        [referee.line_loading_percent, referee.transformer_loading_percent, referee.v_pu[1:]]
    )
    np.testing.assert_allclose(found.value, value, atol=1e-5)
    total = found.without_load + found.direct.sum(axis=1) + found.losses.sum(axis=1)
    np.testing.assert_allclose(total, value, rtol=2e-6, atol=2e-5)  # a millionth, and what `runpp` is off by
    assert (np.abs(found.rest) <= 1e-6 * np.abs(found.value) + 1e-9).all()


@pytest.mark.parametrize(
    ("source", "scale"),
    [
        ("simbench:1-LV-semiurb4--0-sw", 1.7),
        ("simbench:1-LV-rural1--0-sw", -1.0),
        ("pandapower:create_kerber_dorfnetz", 2.5),
        ("pandapower:create_cigre_network_mv", 1.2),
    ],
)
def test_a_violation_is_the_sum_of_what_makes_it_up(solved_network: Get, source: str, scale: float) -> None:
    network, load_flow = solved_network(source)
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    violations = find_violations(network, load_flow.solve(p_kw, q_kvar), TIGHT)
    assert violations
    for composed in compose(network, load_flow, p_kw, q_kvar, violations, np.zeros(len(p_kw))):
        assert composed.value == pytest.approx(composed.violation.value, rel=1e-7)
        assert abs(composed.rest) < 2e-3 * abs(composed.violation.value)  # echoes too small to be named
        parts = sum(part.part for part in composed.causes)
        assert parts == pytest.approx(composed.caused + composed.losses)
        assert sum(part.share_percent for part in composed.causes) == pytest.approx(100.0 if parts else 0.0)


def test_near_collapse_nodes_are_added_until_it_adds_up() -> None:
    network = loaded(street(4, kva=400.0, span_km=0.2))
    load_flow = FactoredLoadFlow(network)
    p_kw, idle = np.full(4, 54.0), np.zeros(4)
    assert load_flow.solve(p_kw, idle).v_pu.min() < 0.7
    found = attribute(network, load_flow, p_kw, idle, ["line:0", "bus:5"])
    assert (np.abs(found.rest) <= 1e-6 * np.abs(found.value)).all()
    assert found.losses[0].sum() > 0.1 * found.direct[0].sum()


def test_losses_grow_with_the_distance() -> None:
    p_kw = np.full(4, 20.0)
    found = attribute(STREET, STREET_LOAD_FLOW, p_kw, np.zeros(4), ["line:0"])
    direct, losses = found.direct[0], found.losses[0]
    assert direct == pytest.approx(np.full(4, direct[0]), rel=1e-3)
    assert (np.diff(losses) > 0).all()
    assert (losses > 0).all()


def test_equal_customers_have_equal_parts() -> None:
    net = street(2)
    pp.create_load(net, 3, p_mw=0.005, name="twin")
    network = loaded(net)
    p_kw, idle = np.array([9.0, 12.0, 12.0]), np.zeros(3)
    found = attribute(network, FactoredLoadFlow(network), p_kw, idle, ["line:0", "bus:3"])
    np.testing.assert_allclose(found.parts[:, 1], found.parts[:, 2], rtol=1e-12)


def test_light_load_is_as_the_sensitivities_say() -> None:
    p_kw, q_kvar = np.array([0.2, 0.1, 0.3, 0.1]), np.full(4, 0.02)
    found = attribute(STREET, STREET_LOAD_FLOW, p_kw, q_kvar, ["bus:5"])
    slopes = sensitivities(STREET, STREET_LOAD_FLOW, p_kw, q_kvar, ["bus:5"])
    np.testing.assert_allclose(found.parts, slopes.per_kw * p_kw + slopes.per_kvar * q_kvar, rtol=2e-3)


def test_shares_sum_to_all_and_go_to_who_causes_it() -> None:
    p_kw, idle = np.array([60.0, 5.0, 40.0, -15.0]), np.zeros(4)
    violations = find_violations(STREET, STREET_LOAD_FLOW.solve(p_kw, idle), Limits())
    assert len(violations) >= 2
    parts = locate(STREET, STREET_LOAD_FLOW, p_kw, idle, violations, np.array([6.8, 0.0, 3.0, 0.0]))
    for violation in violations:
        own = [part for part in parts if part.violation == violation.element]
        assert sum(part.share_percent for part in own) == pytest.approx(100.0)
        shares = [part.share_percent for part in own]
        assert shares == sorted(shares, reverse=True)
        assert all(part.share_percent > part.losses_percent > 0 for part in own)
        assert "house 3" not in {part.service_point for part in own}
    first = next(part for part in parts if part.violation == "trafo:0")
    assert first.service_point == "house 0"
    assert (first.p_kw, first.flexible_kw) == (60.0, 6.8)


def test_who_feeds_in_relieves_what_is_overloaded() -> None:
    p_kw, idle = np.array([60.0, 5.0, 40.0, -15.0]), np.zeros(4)
    violations = find_violations(STREET, STREET_LOAD_FLOW.solve(p_kw, idle), Limits())
    for composed in compose(STREET, STREET_LOAD_FLOW, p_kw, idle, violations, idle):
        (relief,) = composed.relief
        assert relief.service_point == "house 3"
        assert relief.share_percent < 0
        assert relief.part == pytest.approx(composed.relieved)
        assert (relief.part < 0) == (composed.violation.kind != "undervoltage")


def test_reverse_overload_is_caused_by_who_feeds_in() -> None:
    p_kw, idle = np.array([10.0, -60.0, 10.0, -60.0]), np.zeros(4)
    violations = find_violations(STREET, STREET_LOAD_FLOW.solve(p_kw, idle), Limits())
    assert any(violation.reverse for violation in violations)
    parts = locate(STREET, STREET_LOAD_FLOW, p_kw, idle, violations, idle)
    assert {part.service_point for part in parts if part.violation == "trafo:0"} == {"house 1", "house 3"}


def test_on_the_measured_voltage() -> None:
    p_kw, idle = np.full(4, 24.0), np.zeros(4)
    result = STREET_LOAD_FLOW.solve(p_kw, idle, slack_scale=0.94)
    violation = Violation("line:0", "line_overload", float(result.line_loading_percent[0]), 100.0)
    (composed,) = compose(STREET, STREET_LOAD_FLOW, p_kw, idle, [violation], idle, slack_scale=0.94)
    assert composed.value == pytest.approx(violation.value, rel=1e-9)
    scaled = STREET_LOAD_FLOW.at_voltage(0.94)
    parts = locate(STREET, scaled, p_kw, idle, [violation], idle)
    assert [part.part for part in parts] == pytest.approx([part.part for part in composed.causes], rel=1e-9)


def test_first_order_where_only_runpp_can() -> None:
    net = street(4, kva=80.0)
    net["user_pf_options"] = {"trafo_loading": "power"}
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    assert load_flow.unfit_reason
    p_kw, idle = np.array([60.0, 5.0, 40.0, -15.0]), np.zeros(4)
    violations = find_violations(network, load_flow.solve(p_kw, idle), Limits())
    for composed in compose(network, load_flow, p_kw, idle, violations, idle):
        assert composed.value == pytest.approx(composed.violation.value, rel=1e-9)
        assert {part.service_point for part in composed.causes} <= {"house 0", "house 1", "house 2"}
        assert abs(composed.rest) < 0.15 * composed.violation.value


def test_no_violations_no_shares() -> None:
    assert locate(STREET, STREET_LOAD_FLOW, np.ones(4), np.zeros(4), (), np.zeros(4)) == ()


def test_a_voltage_that_nobody_here_causes_has_no_shares() -> None:
    network = loaded(street(v_grid_pu=1.15))
    load_flow = FactoredLoadFlow(network)
    idle = np.zeros(4)
    violations = find_violations(network, load_flow.solve(idle, idle), Limits())
    assert violations
    for composed in compose(network, load_flow, idle, idle, violations, idle):
        assert composed.causes == composed.relief == ()
        assert composed.without_load == pytest.approx(composed.violation.value)
