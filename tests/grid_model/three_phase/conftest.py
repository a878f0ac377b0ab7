"""The IEEE European low-voltage feeder, loaded once: pandapower takes a second for each load flow of it."""

import pytest

from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork, load_three_phase_network

Solved = tuple[ThreePhaseNetwork, ThreePhaseLoadFlow]


@pytest.fixture(scope="session")
def european() -> Solved:
    """Do not change it."""
    network = load_three_phase_network("pandapower:ieee_european_lv_asymmetric")
    return network, ThreePhaseLoadFlow(network)
