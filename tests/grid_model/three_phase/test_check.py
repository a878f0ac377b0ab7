"""One snapshot in one call, on a published balanced network whose customers are put on phases."""

import numpy as np
import pytest

from grid_model.three_phase.check import check_phases
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import load_three_phase_network
from grid_model.three_phase.violations import PhaseLimits
from tests.grid_model.three_phase.feeders import loaded, street

VILLAGE = "pandapower:create_kerber_landnetz_kabel_1"


def test_single_phase_customers_overload_what_balanced_ones_do_not() -> None:
    even = load_three_phase_network(VILLAGE, typical_zero_sequence=True)
    on_a = load_three_phase_network(
        VILLAGE, typical_zero_sequence=True, phases=dict.fromkeys(even.service_points, "a")
    )
    limits = PhaseLimits(min_v_pu=0.95)
    answers = []
    for network in (even, on_a):
        total_kw = 1.0 * network.default_p_kw.sum(axis=1)
        answers.append(
            check_phases(network, ThreePhaseLoadFlow(network), total_kw, 0.0 * total_kw, limits=limits)
        )
    balanced, single = answers
    assert not balanced.violations
    kinds = {violation.kind for violation in single.violations}
    assert {"undervoltage", "voltage_unbalance"} <= kinds
    lowest = min(single.violations, key=lambda one: one.value if one.kind == "undervoltage" else np.inf)
    assert lowest.phase == "a"
    parts = [one for one in single.contributions if one.violation == lowest]
    assert {one.phase for one in parts} == {"a"}
    assert sum(one.share_percent for one in parts) == pytest.approx(100)


def test_totals_are_spread_over_the_phases_of_a_customer() -> None:
    network = loaded(street(3), phases={"house 0": "abc"})
    load_flow = ThreePhaseLoadFlow(network)
    total = np.array([9.0, 6.0, 3.0])
    spread = np.array([[3.0, 3.0, 3.0], [0.0, 6.0, 0.0], [0.0, 0.0, 3.0]])
    limits = PhaseLimits(loading_percent=5.0)
    one = check_phases(network, load_flow, total, 0 * total, limits=limits, flexible_kw=total)
    other = check_phases(network, load_flow, spread, 0 * spread, limits=limits, flexible_kw=spread)
    assert one.violations == other.violations
    assert one.contributions == other.contributions
    assert one.contributions


def test_a_snapshot_without_a_solution_is_an_answer_too() -> None:
    network = loaded(street(3))
    found = check_phases(
        network, ThreePhaseLoadFlow(network), network.default_p_kw * 300, network.default_q_kvar
    )
    assert not found.result.converged
    assert found.violations == ()
    assert found.contributions == ()


def test_only_the_worst_of_each_kind_are_located() -> None:
    network = loaded(street(5))
    found = check_phases(
        network,
        ThreePhaseLoadFlow(network),
        network.default_p_kw,
        network.default_q_kvar,
        limits=PhaseLimits(loading_percent=1.0),
        located_of_a_kind=2,
    )
    of_lines = [one for one in found.violations if one.kind == "line_overload"]
    assert len(of_lines) > 2
    assert {one.violation for one in found.contributions if one.violation.kind == "line_overload"} == set(
        of_lines[:2]
    )
