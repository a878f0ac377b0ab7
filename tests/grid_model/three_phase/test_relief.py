"""The rows of the programme, by what a load flow says of the cut."""

import numpy as np
import pytest

from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.relief import relief_rows
from grid_model.three_phase.sensitivities import value_at
from grid_model.three_phase.violations import PhaseLimits, find_phase_violations
from tests.grid_model.three_phase.feeders import loaded, street


def test_a_cut_relieves_as_the_rows_say() -> None:
    network = loaded(street(4), phases={"house 1": "abc"})
    load_flow = ThreePhaseLoadFlow(network)
    p_kw, q_kvar = network.default_p_kw * 3, network.default_q_kvar * 3
    limits = PhaseLimits(loading_percent=60, min_v_pu=0.97, unbalance_percent=0.1)
    violations = find_phase_violations(network, load_flow.solve(p_kw, q_kvar), limits)
    assert {violation.kind for violation in violations} >= {
        "line_overload",
        "undervoltage",
        "voltage_unbalance",
    }
    point = np.array([0, 1, 3])
    share = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]])
    rows = relief_rows(network, load_flow, p_kw, q_kvar, violations, service_point=point, share=share)
    cut = np.array([0.02, 0.01, 0.03])
    less = p_kw.copy()
    less[point] -= cut[:, None] * share
    after = load_flow.solve(less, q_kvar)
    for violation, relief, needed in zip(violations, rows.relief @ cut, rows.needed, strict=True):
        left = abs(value_at(network, after, violation.place) - violation.limit)
        assert needed - left == pytest.approx(relief, rel=0.02, abs=1e-5)
    assert (rows.relief[:, 0] > 0).any()


def test_a_share_on_a_phase_that_is_not_there() -> None:
    network = loaded(street(1))
    with pytest.raises(ValueError, match="not connected"):
        relief_rows(
            network,
            ThreePhaseLoadFlow(network),
            network.default_p_kw,
            network.default_q_kvar,
            [],
            service_point=np.array([0]),
            share=np.array([[0.0, 1.0, 0.0]]),
        )
