"""Phases, neutrals and buses outside their limits, worst first."""

import dataclasses

import numpy as np
import pytest

from grid_model.errors import Diverged
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.results import ThreePhaseResult, not_converged
from grid_model.three_phase.violations import (
    PhaseLimits,
    PhaseViolation,
    find_phase_violations,
    phase_severity,
    worst_of_each_kind,
)
from tests.grid_model.three_phase.feeders import loaded, street


@pytest.fixture(scope="module")
def network() -> ThreePhaseNetwork:
    net = street(2)
    net.bus.loc[3, "min_vm_pu"] = 0.95
    net.line.loc[1, "max_loading_percent"] = 80.0
    return loaded(net)


@pytest.fixture
def quiet(network: ThreePhaseNetwork) -> ThreePhaseResult:
    """Nothing is outside; buses 0 to 3, lines 0 and 1, one transformer."""
    return ThreePhaseResult(
        converged=True,
        iterations=1,
        v_pu=np.ones((4, 3)),
        unbalance_percent=np.zeros(4),
        line_loading_percent=np.full((2, 3), 50.0),
        neutral_loading_percent=np.full(2, 50.0),
        transformer_loading_percent=np.full((1, 3), 50.0),
        transformer_p_kw=np.full((1, 3), 10.0),
        losses_kw=1.0,
    )


def test_nothing_outside(network: ThreePhaseNetwork, quiet: ThreePhaseResult) -> None:
    assert find_phase_violations(network, quiet, PhaseLimits()) == ()


def test_every_kind_worst_first(network: ThreePhaseNetwork, quiet: ThreePhaseResult) -> None:
    v_pu = np.ones((4, 3))
    v_pu[2, 1], v_pu[3, 0], v_pu[1] = 1.13, 0.94, np.nan
    result = dataclasses.replace(
        quiet,
        v_pu=v_pu,
        unbalance_percent=np.array([0.0, np.nan, 2.1, 0.0]),
        line_loading_percent=np.array([[50, 50, 140.0], [88.0, 50, 50]]),
        neutral_loading_percent=np.array([50, 120.0]),
        transformer_loading_percent=np.array([[50, 115.0, 50]]),
        transformer_p_kw=np.array([[5.0, -20.0, 5.0]]),
    )
    assert find_phase_violations(network, result, PhaseLimits()) == (
        PhaseViolation("line:0", "c", "line_overload", 140.0, 100.0),
        PhaseViolation("bus:2", "b", "overvoltage", 1.13, 1.1),
        PhaseViolation("line:1", "n", "neutral_overload", 120.0, 100.0),
        PhaseViolation("trafo:0", "b", "transformer_overload", 115.0, 100.0, reverse=True),
        PhaseViolation("line:1", "a", "line_overload", 88.0, 80.0),
        PhaseViolation("bus:3", "a", "undervoltage", 0.94, 0.95),
        PhaseViolation("bus:2", None, "voltage_unbalance", 2.1, 2.0),
    )


def test_a_thin_neutral(network: ThreePhaseNetwork, quiet: ThreePhaseResult) -> None:
    result = dataclasses.replace(quiet, neutral_loading_percent=np.array([49.0, 60.0]))
    (found,) = find_phase_violations(network, result, PhaseLimits(neutral_percent=50.0))
    assert found == PhaseViolation("line:1", "n", "neutral_overload", 60.0, 50.0)
    assert phase_severity(found) == pytest.approx(0.2)


def test_no_opinion_without_a_solution(network: ThreePhaseNetwork) -> None:
    with pytest.raises(Diverged):
        find_phase_violations(network, not_converged(network, 3), PhaseLimits())


def test_the_worst_of_each_kind(network: ThreePhaseNetwork, quiet: ThreePhaseResult) -> None:
    result = dataclasses.replace(
        quiet,
        unbalance_percent=np.array([9.0, 8.0, 7.0, 6.0]),
        transformer_loading_percent=np.array([[101.0, 50, 50]]),
    )
    found = find_phase_violations(network, result, PhaseLimits())
    kept = worst_of_each_kind(found, 2)
    assert [(one.kind, one.value) for one in kept] == [
        ("voltage_unbalance", 9.0),
        ("voltage_unbalance", 8.0),
        ("transformer_overload", 101.0),
    ]
