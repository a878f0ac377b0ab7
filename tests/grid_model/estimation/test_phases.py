"""Meters on the wrong phase, on a feeder solved phase by phase with unbalanced load flow."""

import numpy as np
import pandapower as pp
import pytest

from grid_model.estimation.phases import THREE_PHASE, swapped_phases
from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork, three_phase_network
from tests.grid_model.three_phase.feeders import cable, substation

PHASE = np.array([0, 1, 2] * 6)
SNAPSHOTS = 16


@pytest.fixture(scope="module")
def feeder() -> tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]:
    """Eighteen single-phase houses on one cable."""
    net, before = substation(), 1
    for house, phase in enumerate("abc"[one] for one in PHASE):
        bus = pp.create_bus(net, 0.4)
        cable(net, before, bus, km=0.02, ka=0.3)
        pp.create_asymmetric_load(net, bus, name=f"house {house}", **{f"p_{phase}_mw": 0.002})
        before = bus
    network = three_phase_network(net, "eighteen houses")
    return network, ThreePhaseLoadFlow(network)


def readings(
    feeder: tuple[ThreePhaseNetwork, ThreePhaseLoadFlow], seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """P and Q of the houses, and the substation's phase voltages and currents with 0.5 % noise."""
    _, load_flow = feeder
    rng = np.random.default_rng(seed)
    p = rng.gamma(1.2, 1.2, (SNAPSHOTS, len(PHASE))) + 0.1
    q = 0.2 * p
    on = np.eye(3)[PHASE]
    results = load_flow.solve_batch(p[:, :, None] * on, q[:, :, None] * on)
    v_v = np.stack([result.v_pu[1] for result in results]) * 400 / 3**0.5
    i_a = np.stack([result.line_loading_percent[0] for result in results]) * 3.0  # of 300 A
    return p, q, v_v * rng.normal(1, 0.005, v_v.shape), i_a * rng.normal(1, 0.005, i_a.shape)


def test_a_right_register_is_left_alone(feeder: tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]) -> None:
    for seed in range(5):
        p, q, v_v, i_a = readings(feeder, seed)
        assert swapped_phases(PHASE, p, q, 0.01 * p, v_v=v_v, i_a=i_a) == ()


def test_every_wrong_phase_is_found(feeder: tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]) -> None:
    p, q, v_v, i_a = readings(feeder, 7)
    for place in range(len(PHASE)):
        registered = PHASE.copy()
        registered[place] = (PHASE[place] + 1) % 3
        found = swapped_phases(registered, p, q, 0.01 * p, v_v=v_v, i_a=i_a)
        assert [(one.place, one.registered, one.likely) for one in found] == [
            (place, registered[place], PHASE[place])
        ]


def test_two_wrong_phases(feeder: tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]) -> None:
    p, q, v_v, i_a = readings(feeder, 9)
    registered = PHASE.copy()
    registered[[3, 7]] = 2
    found = swapped_phases(registered, p, q, 0.01 * p, v_v=v_v, i_a=i_a)
    assert {(one.place, one.likely) for one in found} == {(3, PHASE[3]), (7, PHASE[7])}


def test_three_phase_meters_are_no_suspects(feeder: tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]) -> None:
    p, q, v_v, i_a = readings(feeder, 7)
    nobody = np.full(len(PHASE), THREE_PHASE)
    assert swapped_phases(nobody, p, q, 0.01 * p, v_v=v_v, i_a=i_a) == ()
