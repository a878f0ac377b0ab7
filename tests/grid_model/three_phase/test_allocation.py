"""The least curtailment over phases: cleared as `runpp_3ph` sees it, least, and on the right phase."""

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.allocation import FlexibleDevice
from grid_model.three_phase.allocation import PhaseAllocation, PhaseDevice, allocate_phases
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.violations import PhaseLimits, find_phase_violations, phase_severity
from tests.grid_model.three_phase.feeders import cable, customer, loaded, street, substation


def device(point: int, p_kw: float, least_kw: float, *share: float, **options: Any) -> PhaseDevice:
    one = FlexibleDevice(f"device {point}", point, p_kw, least_kw, **options)
    return PhaseDevice(one, (share[0], share[1], share[2]))


def cut_kw(devices: list[PhaseDevice], found: PhaseAllocation) -> np.ndarray:
    """(n_device,)"""
    by_name = {cut.device: cut.curtailed_kw for cut in found.curtailments}
    return np.array([by_name.get(one.device.device, 0.0) for one in devices])


def demand_after(p_kw: np.ndarray, devices: list[PhaseDevice], found: PhaseAllocation) -> np.ndarray:
    after = p_kw.copy()
    for one, cut in zip(devices, cut_kw(devices, found), strict=True):
        after[one.device.service_point] -= cut * np.array(one.share)
    return after


def random_case(seed: int) -> tuple[ThreePhaseNetwork, np.ndarray, list[PhaseDevice]]:
    """Two cables with six customers on random phases, and chargers that make most of an overload."""
    rng = np.random.default_rng(seed)
    net = substation(kva=160.0)
    for first in (2, 5):
        for house in range(3):
            bus = int(pp.create_bus(net, 0.4))
            cable(net, 1 if house == 0 else bus - 1, bus, km=float(rng.uniform(0.02, 0.08)))
            on = rng.permutation([True, bool(rng.random() < 0.3), False])
            kw = tuple(float(4 * phase) for phase in on)
            customer(net, bus, (kw[0], kw[1], kw[2]), name=f"house {first + house}")
    network = loaded(net)
    connected = network.connected
    p_kw = rng.uniform(2, 6, connected.shape) * connected
    devices = []
    for point, on in enumerate(connected):
        share = on / on.sum()
        power = float(rng.uniform(4, 11))
        p_kw[point] += power * share
        devices.append(device(point, power, float(rng.uniform(0, 2)), *map(float, share)))
    return network, p_kw, devices


@pytest.mark.parametrize("seed", range(6))
def test_what_is_cleared_is_cleared_by_runpp_3ph_too_and_least(seed: int) -> None:
    network, p_kw, devices = random_case(seed)
    load_flow, limits = ThreePhaseLoadFlow(network), PhaseLimits(loading_percent=70.0)
    before = find_phase_violations(network, load_flow.solve(p_kw, 0.2 * p_kw), limits)
    found = allocate_phases(network, load_flow, p_kw, 0.2 * p_kw, devices, limits=limits)
    cuts = cut_kw(devices, found)
    room = np.array([one.device.p_kw - one.device.lowest_kw for one in devices])
    assert (cuts >= 0).all()
    assert (cuts <= room + 1e-6).all()
    after = demand_after(p_kw, devices, found)
    second = load_flow.referee.solve(after, 0.2 * p_kw)
    remaining = find_phase_violations(network, second, PhaseLimits(loading_percent=70.0 + 1e-4))
    assert found.cleared == (not remaining)
    assert bool(found.curtailments) <= bool(before)
    if found.cleared and cuts.sum() > 0.05:
        for place in np.flatnonzero(cuts > 0.02):  # any cut given back by a little breaks a limit
            given_back = after.copy()
            given_back[devices[place].device.service_point] += 0.02 * np.array(devices[place].share)
            assert find_phase_violations(network, load_flow.solve(given_back, 0.2 * p_kw), limits)
    if not found.cleared:  # the best effort is no worse than doing nothing
        assert sum(map(phase_severity, found.remaining)) <= sum(map(phase_severity, before)) + 1e-6


def test_only_the_full_phase_is_cut_and_no_more_than_it_needs() -> None:
    network = loaded(street(3))
    load_flow = ThreePhaseLoadFlow(network)
    p_kw = np.array([[30.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]])
    devices = [device(0, 11, 0, 1, 0, 0), device(1, 9, 0, 0, 1, 0), device(2, 9, 0, 0, 0, 1)]
    found = allocate_phases(network, load_flow, p_kw, 0 * p_kw, devices)
    (cut,) = found.curtailments
    assert cut.device == "device 0"
    assert found.cleared
    assert found.after.line_loading_percent[0, 0] == pytest.approx(100.0, abs=0.02)


def test_an_overloaded_neutral_is_cleared_where_it_comes_from() -> None:
    """All phases are within limits; two of them push the neutral of half section, the third relieves it."""
    network = loaded(street(3))
    load_flow, limits = ThreePhaseLoadFlow(network), PhaseLimits(neutral_percent=50.0)
    p_kw = np.array([[18.0, 0, 0], [0, 17.0, 0], [0, 0, 2.0]])
    devices = [device(0, 12, 0, 1, 0, 0), device(1, 12, 0, 0, 1, 0), device(2, 2, 0, 0, 0, 1)]
    before = find_phase_violations(network, load_flow.solve(p_kw, 0 * p_kw), limits)
    assert {one.kind for one in before} == {"neutral_overload"}
    found = allocate_phases(network, load_flow, p_kw, 0 * p_kw, devices, limits=limits)
    assert found.cleared
    assert "device 2" not in {cut.device for cut in found.curtailments}
    second = load_flow.referee.solve(demand_after(p_kw, devices, found), 0 * p_kw)
    assert second.neutral_loading_percent.max() == pytest.approx(50.0, abs=0.02)


def test_feed_in_that_raises_one_phase_is_turned_down() -> None:
    long = street(3)
    long.line["length_km"], long.line["max_i_ka"] = 0.25, 0.4
    long.ext_grid["vm_pu"] = 1.06
    network = loaded(long)
    load_flow = ThreePhaseLoadFlow(network)
    p_kw = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, -14.0]])
    inverter = FlexibleDevice("device 2", 2, -14.0, -14.0, max_kw=0.0)
    devices = [PhaseDevice(inverter, (0.0, 0.0, 1.0))]
    before = find_phase_violations(network, load_flow.solve(p_kw, 0 * p_kw), PhaseLimits())
    assert {(one.kind, one.phase) for one in before} >= {("overvoltage", "c")}
    found = allocate_phases(network, load_flow, p_kw, 0 * p_kw, devices)
    (cut,) = found.curtailments
    assert found.cleared
    assert -14.0 < cut.limit_kw < 0.0
    assert cut.sense == "at_least"


def test_what_cannot_be_cleared_leaves_the_least_and_critical_ones_alone() -> None:
    network = loaded(street(2))
    load_flow = ThreePhaseLoadFlow(network)
    p_kw = np.array([[40.0, 0, 0], [0, 5.0, 0]])
    critical = device(0, 11, 0, 1, 0, 0, critical=True)
    none = allocate_phases(network, load_flow, p_kw, 0 * p_kw, [critical])
    assert (none.cleared, none.curtailments) == (False, ())
    some = allocate_phases(network, load_flow, p_kw, 0 * p_kw, [device(0, 11, 4, 1, 0, 0)])
    assert not some.cleared
    assert some.curtailments[0].limit_kw == pytest.approx(4.0, abs=0.02)
    assert some.after.line_loading_percent[0, 0] < none.after.line_loading_percent[0, 0]
    assert {one.element for one in some.remaining} == {"line:0"}


def test_nothing_to_do() -> None:
    network = loaded(street(2))
    p_kw = copy.copy(network.default_p_kw)
    found = allocate_phases(network, ThreePhaseLoadFlow(network), p_kw, 0 * p_kw, [device(0, 6, 0, 1, 0, 0)])
    assert (found.cleared, found.curtailments, found.remaining) == (True, (), ())


@pytest.mark.parametrize("share", [(0.5, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, -1.0, 0.0), (0.5, 0.5, 0.0)])
def test_a_share_where_the_customer_is_not(share: tuple[float, float, float]) -> None:
    network = loaded(street(1))
    p_kw = network.default_p_kw
    with pytest.raises(ValueError, match="shares that sum to 1 on the phases of 'house 0'"):
        allocate_phases(network, ThreePhaseLoadFlow(network), p_kw, 0 * p_kw, [device(0, 6, 0, *share)])
