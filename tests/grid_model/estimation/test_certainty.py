"""Every element against its limit: interval, probability, and what is worth a word."""

import numpy as np
import pandapower as pp
import pytest

from grid_model.estimation.certainty import POSSIBLE, Certainty, certainties
from grid_model.estimation.estimate import Estimate, Estimator
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.violations import Limits, find_violations
from tests.grid_model.estimation.streets import Street, measured, read, ten_houses, usual
from tests.grid_model.estimation.test_estimate import P_KW, settled
from tests.grid_model.small_networks import loaded, street


@pytest.fixture(scope="module")
def estimated() -> tuple[Street, Estimate]:
    houses = ten_houses()
    truth = houses.state(P_KW * 2.2)
    measurements = measured(read(truth, missing=(3, 6)), houses.substation(truth))
    return houses, settled(houses.estimator.estimate(measurements, usual(houses, 6.0, 4.0)))


def by_element(network: Network, estimate: Estimate, limits: Limits) -> dict[tuple[str, str], Certainty]:
    return {(one.element, one.kind): one for one in certainties(network, estimate, limits)}


def test_every_violation_has_its_probability_and_interval(estimated: tuple[Street, Estimate]) -> None:
    houses, estimate = estimated
    limits = Limits(60.0, min_v_pu=0.96)
    known = by_element(houses.network, estimate, limits)
    violations = find_violations(houses.network, estimate.result, limits)
    assert {violation.kind for violation in violations} >= {"line_overload", "undervoltage"}
    for violation in violations:
        one = known[violation.element, violation.kind]
        assert one.outside
        assert (one.value, one.limit) == (pytest.approx(violation.value), violation.limit)
        assert one.probability == pytest.approx(estimate.probability(houses.network, violation))
        assert one.low < one.value < one.high
    assert sum(one.outside for one in known.values()) == len(violations)


def test_the_surest_come_first_then_the_fullest_branch(estimated: tuple[Street, Estimate]) -> None:
    houses, estimate = estimated
    worst = float(estimate.lines.value.max())
    found = certainties(houses.network, estimate, Limits(worst + float(estimate.lines.sd[0])))
    possible = [one for one in found if one.possible]
    assert possible == list(found[: len(possible)])
    assert possible[0].element == "line:0"
    assert not possible[0].outside
    assert POSSIBLE < possible[0].probability < 0.5
    rest = [one.value / one.limit for one in found[len(possible) :] if one.kind == "line_overload"]
    assert rest == sorted(rest, reverse=True)


def test_an_elements_own_limit_counts_and_what_is_not_supplied_does_not() -> None:
    net = street(4)
    net.line["max_loading_percent"] = 20.0
    lone = pp.create_bus(net, 0.4)
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    prior = usual(Street(network, load_flow, Estimator(network, load_flow)))
    nothing = measured(read(np.full(9, np.nan)))
    estimate = settled(Estimator(network, load_flow).estimate(nothing, prior))
    known = by_element(network, estimate, Limits())
    assert known["line:0", "line_overload"].limit == 20.0
    assert (f"bus:{lone}", "undervoltage") not in known
    assert all(one.low >= 0.0 for one in known.values())
