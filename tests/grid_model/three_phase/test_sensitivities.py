"""Sensitivities against finite differences, and the shares made of them."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_model.errors import Diverged, UnknownElement
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.location import locate_phases
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.sensitivities import phase_sensitivities, value_at
from grid_model.three_phase.violations import PhaseLimits, Place, find_phase_violations
from tests.grid_model.three_phase.feeders import loaded, random_feeder, street

STEP_KW = 0.01


def places_of(
    network: ThreePhaseNetwork, load_flow: ThreePhaseLoadFlow, p_kw: Any, q_kvar: Any
) -> list[Place]:
    """One value of every sort, where it is large enough to have a derivative."""
    result = load_flow.solve(p_kw, q_kvar)
    line, column = np.unravel_index(int(np.argmax(result.line_loading_percent)), (len(network.lines.ids), 3))
    bus = network.buses.ids[int(np.nanargmax(result.unbalance_percent))]
    return [
        Place(network.lines.ids[line], ("a", "b", "c")[column]),
        Place(network.lines.ids[int(np.argmax(result.neutral_loading_percent))], "n"),
        Place(network.transformers.ids[0], "b"),
        Place(bus, "a"),
        Place(bus, "c"),
        Place(bus, None),
    ]


def finite_differences(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    demand: Any,
    at: tuple[int, int, int],
    places: list[Place],
) -> Any:
    """Of all values by P (0) or Q (1) of one part of one service point."""
    ends = []
    for step in (STEP_KW, -STEP_KW):
        moved = demand.copy()
        moved[at] += step
        result = load_flow.solve(*moved)
        ends.append(np.array([value_at(network, result, place) for place in places]))
    return (ends[0] - ends[1]) / (2 * STEP_KW)


@settings(deadline=None, max_examples=8, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_as_finite_differences(seed: int) -> None:
    network, load_flow, p_kw, q_kvar = random_feeder(seed)
    places = places_of(network, load_flow, p_kw, q_kvar)
    found = phase_sensitivities(network, load_flow, p_kw, q_kvar, places)
    largest = np.abs(found.per_kw).max(axis=(1, 2))
    for point, part in np.argwhere(network.connected)[::3]:
        for quantity, analytic in enumerate((found.per_kw, found.per_kvar)):
            numeric = finite_differences(
                network, load_flow, np.stack([p_kw, q_kvar]), (quantity, point, part), places
            )
            assert np.abs(analytic[:, point, part] - numeric) == pytest.approx(
                0, abs=float(3e-4 * largest.max())
            )
            assert (np.abs(analytic[:, point, part] - numeric) <= 1e-3 * largest + 1e-9).all()


def test_where_only_runpp_3ph_can() -> None:
    network = loaded(street(2))
    load_flow, slow = ThreePhaseLoadFlow(network), ThreePhaseLoadFlow(network)
    slow.factored = None
    demand = network.default_p_kw, network.default_q_kvar
    places = [Place("line:0", "a"), Place("line:0", "n"), Place("bus:3", "b"), Place("bus:3", None)]
    exact, perturbed = (phase_sensitivities(network, one, *demand, places) for one in (load_flow, slow))
    np.testing.assert_allclose(perturbed.per_kw, exact.per_kw, atol=2e-3, rtol=2e-2)
    np.testing.assert_allclose(perturbed.per_kvar, exact.per_kvar, atol=2e-3, rtol=2e-2)
    assert np.abs(exact.per_kw[:, 0, 0]).min() > 0
    assert exact.per_kw[~np.broadcast_to(network.connected, exact.per_kw.shape)].max() == 0


def test_the_same_by_sparse_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loaded(street(4), phases={"house 1": "abc"})
    demand = 3 * network.default_p_kw, network.default_q_kvar
    places = [Place("line:0", "a"), Place("trafo:0", "b"), Place("bus:4", None)]
    dense = phase_sensitivities(network, ThreePhaseLoadFlow(network), *demand, places)
    monkeypatch.setattr("grid_model.three_phase.fixed_point._DENSE_ENTRIES", 0)
    sparse = phase_sensitivities(network, ThreePhaseLoadFlow(network), *demand, places)
    np.testing.assert_allclose(sparse.per_kw, dense.per_kw, atol=1e-9)
    np.testing.assert_allclose(sparse.per_kvar, dense.per_kvar, atol=1e-9)


@pytest.mark.parametrize(
    "place", [Place("line:9", "a"), Place("trafo:0", "n"), Place("line:0", None), Place("gen:0", "a")]
)
def test_unknown_places(place: Place) -> None:
    network = loaded(street(1))
    with pytest.raises(UnknownElement, match="has no conductor"):
        phase_sensitivities(
            network, ThreePhaseLoadFlow(network), network.default_p_kw, network.default_q_kvar, [place]
        )


def test_nothing_is_said_without_a_solution() -> None:
    network = loaded(street(1))
    p_kw = network.default_p_kw * 300
    with pytest.raises(Diverged):
        phase_sensitivities(network, ThreePhaseLoadFlow(network), p_kw, p_kw, [Place("line:0", "a")])


def test_shares_of_each_violation_total_100(european: Any) -> None:
    network, load_flow = european
    p_kw, q_kvar = network.default_p_kw * 4, network.default_q_kvar * 4
    limits = PhaseLimits(neutral_percent=40.0)
    violations = find_phase_violations(network, load_flow.solve(p_kw, q_kvar), limits)
    some = violations[:: max(1, len(violations) // 25)]
    assert {violation.kind for violation in violations} >= {
        "undervoltage",
        "line_overload",
        "neutral_overload",
    }
    shares: dict[Place, float] = defaultdict(float)
    flexible = 0.5 * p_kw
    for one in locate_phases(network, load_flow, p_kw, q_kvar, some, flexible_kw=flexible):
        assert one.share_percent > 0
        assert one.flexible_kw == pytest.approx(0.5 * one.p_kw)
        shares[one.violation.place] += one.share_percent
    assert set(shares) == {violation.place for violation in some}
    assert list(shares.values()) == pytest.approx([100.0] * len(shares))


def test_who_is_on_the_phase_causes_its_overload() -> None:
    network = loaded(street(4))
    p_kw = network.default_p_kw * np.array([[5.0], [1.0], [1.0], [2.0]])
    load_flow = ThreePhaseLoadFlow(network)
    violations = find_phase_violations(network, load_flow.solve(p_kw, 0 * p_kw), PhaseLimits())
    (overload,) = (one for one in violations if one.place == ("line:0", "a"))
    found = locate_phases(network, load_flow, p_kw, 0 * p_kw, [overload])
    assert [(one.service_point, one.phase) for one in found[:2]] == [("house 0", "a"), ("house 3", "a")]
    assert found[0].share_percent == pytest.approx(100 * 30 / 42, abs=3)
    assert locate_phases(network, load_flow, p_kw, 0 * p_kw, []) == ()
