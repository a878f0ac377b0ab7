"""With a reserve the plan holds as often as it says when devices refuse; without one it does not."""

from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest

from grid_model.allocation import Allocation, FlexibleDevice, Reserve, Rules, allocate
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.violations import Limits
from grid_model.watch import Watch
from tests.grid_model.small_networks import loaded, street

P_KW = np.array([5.0, 3.0, *[12.0] * 6])


@pytest.fixture(scope="module")
def flats() -> tuple[Network, FactoredLoadFlow]:
    net = street(2)
    for number in range(6):
        pp.create_load(net, 3, p_mw=0.0, name=f"flat {number}")
    network = loaded(net)
    return network, FactoredLoadFlow(network)


def devices(comply: float) -> list[FlexibleDevice]:
    return [FlexibleDevice(f"ev{i}", 2 + i, 11.0, 0.0, comply=comply) for i in range(6)]


def holds(network: Network, load_flow: FactoredLoadFlow, found: Allocation, comply: float) -> float:
    """Share of 4,000 draws within limits, counted here."""
    rng, watch = np.random.default_rng(99), Watch(network, Limits())
    cut = np.zeros(6)
    for curtailment in found.curtailments:
        cut[int(curtailment.device[2:])] = curtailment.curtailed_kw
    p_kw = np.tile(P_KW, (4000, 1))
    p_kw[:, 2:] -= cut * (rng.random((4000, 6)) < comply)
    return float(np.mean([watch.holds(r) for r in load_flow.solve_batch(p_kw, np.zeros_like(p_kw))]))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_as_sure_as_asked(flats: tuple[Network, FactoredLoadFlow], confidence: float) -> None:
    network, load_flow = flats
    plain = allocate(network, load_flow, P_KW, np.zeros(8), devices(0.85), Limits())
    rules = Rules(reserve=Reserve(confidence))
    sure = allocate(network, load_flow, P_KW, np.zeros(8), devices(0.85), Limits(), rules)
    assert plain.cleared
    assert sure.cleared
    assert plain.assured is None
    assert sure.assured is not None
    assert sure.assured >= confidence
    assert holds(network, load_flow, sure, 0.85) == pytest.approx(sure.assured, abs=0.05)
    assert holds(network, load_flow, plain, 0.85) < confidence
    assert sure.curtailed_kw > plain.curtailed_kw


def test_nothing_more_is_asked_of_those_who_always_comply(flats: tuple[Network, FactoredLoadFlow]) -> None:
    network, load_flow = flats
    plain = allocate(network, load_flow, P_KW, np.zeros(8), devices(1.0), Limits())
    sure = allocate(network, load_flow, P_KW, np.zeros(8), devices(1.0), Limits(), Rules(reserve=Reserve()))
    assert sure.assured == 1.0
    assert sure.curtailed_kw == pytest.approx(plain.curtailed_kw, rel=0.005)


def test_who_keeps_his_word_is_asked_before_who_does_not(flats: tuple[Network, FactoredLoadFlow]) -> None:
    network, load_flow = flats
    mixed = [replace(device, comply=0.99 if i < 3 else 0.4) for i, device in enumerate(devices(1.0))]
    found = allocate(network, load_flow, P_KW, np.zeros(8), mixed, Limits(), Rules(reserve=Reserve(0.9)))
    cut = {c.device: c.curtailed_kw for c in found.curtailments}
    reliable = sum(cut.get(f"ev{i}", 0.0) for i in range(3))
    assert found.cleared
    assert reliable > 2 * sum(cut.get(f"ev{i}", 0.0) for i in range(3, 6))


def test_when_nobody_can_be_relied_on_the_surest_answer_is_given(
    flats: tuple[Network, FactoredLoadFlow],
) -> None:
    network, load_flow = flats
    rules = Rules(reserve=Reserve(0.99))
    found = allocate(network, load_flow, P_KW, np.zeros(8), devices(0.3), Limits(), rules)
    assert found.cleared  # if all comply
    assert found.assured is not None
    assert found.assured < 0.99


def test_steps_and_reserve_together(flats: tuple[Network, FactoredLoadFlow]) -> None:
    network, load_flow = flats
    stepped = [replace(device, steps_kw=(0.0, 6.0)) for device in devices(0.9)]
    found = allocate(network, load_flow, P_KW, np.zeros(8), stepped, Limits(), Rules(reserve=Reserve(0.9)))
    assert found.cleared
    assert found.assured is not None
    assert found.assured >= 0.9
    assert {cut.limit_kw for cut in found.curtailments} <= {0.0, 6.0}


def test_an_impossible_reserve_is_an_error() -> None:
    with pytest.raises(ValueError, match="confidence"):
        Reserve(confidence=1.0)
