"""Feed-in, batteries, reactive power and steps: each moved within its own range, and clear by load flow."""

import copy
from functools import cache
from itertools import product

import numpy as np
import pandapower as pp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_model.allocation import Allocation, FlexibleDevice, Rules, allocate
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Limits, find_violations
from tests.grid_model.small_networks import loaded, street

LEAST = Rules(spread=0.0)


@cache
def sturdy(v_grid_pu: float) -> tuple[Network, FactoredLoadFlow]:
    """A street whose cables carry anything: only voltages are in the way."""
    net = street(v_grid_pu=v_grid_pu)
    net.line["max_i_ka"] = 1.0
    network = loaded(net)
    return network, FactoredLoadFlow(network)


@cache
def three_houses() -> tuple[Network, FactoredLoadFlow]:
    network = loaded(street(3, kva=63.0))
    return network, FactoredLoadFlow(network)


def moved(
    p_kw: Floats, q_kvar: Floats, devices: list[FlexibleDevice], found: Allocation
) -> tuple[Floats, Floats]:
    """What the service points take when all do what they are asked."""
    by_name = {device.device: device for device in devices}
    p_kw, q_kvar = p_kw.copy(), q_kvar.copy()
    for cut in found.curtailments:
        device = by_name[cut.device]
        p_kw[device.service_point] += cut.moved_kw
        if cut.q_kvar is not None:
            q_kvar[device.service_point] += cut.q_kvar - device.q_kvar
    return p_kw, q_kvar


def clear_by_runpp(
    network: Network, p_kw: Floats, q_kvar: Floats, devices: list[FlexibleDevice], found: Allocation
) -> bool:
    result = FactoredLoadFlow(network).referee.solve(*moved(p_kw, q_kvar, devices, found))
    return find_violations(network, result, Limits(loading_percent=100.0001)) == ()


def inverters(p_kw: float, max_kw: float, **changes: object) -> list[FlexibleDevice]:
    return [FlexibleDevice(f"pv{point}", point, p_kw, p_kw, max_kw=max_kw, **changes) for point in range(4)]  # type: ignore[arg-type]


def test_feed_in_is_held_back_down_to_what_is_guaranteed() -> None:
    network = loaded(street())
    p_kw, q_kvar = np.full(4, -21.0), np.zeros(4)
    devices = inverters(-22.0, -10.0)
    found = allocate(network, FactoredLoadFlow(network), p_kw, q_kvar, devices, Limits())
    assert found.cleared
    assert found.curtailments
    for cut in found.curtailments:
        assert (cut.sense, cut.q_kvar) == ("at_least", None)
        assert -22.0 < cut.limit_kw <= -10.0
        assert cut.curtailed_kw == pytest.approx(cut.limit_kw + 22.0, abs=1e-6)
    assert clear_by_runpp(network, p_kw, q_kvar, devices, found)


def test_overvoltage_is_cleared_by_reactive_power_before_any_kw() -> None:
    network, load_flow = sturdy(1.09)
    p_kw, q_kvar = np.full(4, -9.0), np.zeros(4)
    assert {v.kind for v in find_violations(network, load_flow.solve(p_kw, q_kvar), Limits())} == {
        "overvoltage"
    }
    with_q = inverters(-10.0, 0.0, min_q_kvar=-8.0, max_q_kvar=8.0, s_kva=13.0)
    found = allocate(network, load_flow, p_kw, q_kvar, with_q, Limits())
    assert found.cleared
    assert found.curtailed_kw == 0
    assert all(cut.q_kvar is not None and cut.q_kvar > 0 for cut in found.curtailments)
    assert clear_by_runpp(network, p_kw, q_kvar, with_q, found)
    without = allocate(network, load_flow, p_kw, q_kvar, inverters(-10.0, 0.0), Limits())
    assert without.cleared
    assert without.curtailed_kw > 1


@settings(deadline=None, max_examples=30)
@given(
    feed_in=st.floats(6.0, 12.0),
    s_kva=st.floats(10.0, 14.0),
    v_grid_pu=st.sampled_from([1.07, 1.09]),
    q_weight=st.floats(0.01, 2.0),
)
def test_an_inverter_never_exceeds_its_apparent_power(
    feed_in: float, s_kva: float, v_grid_pu: float, q_weight: float
) -> None:
    network, load_flow = sturdy(v_grid_pu)
    devices = inverters(-feed_in, 0.0, min_q_kvar=-14.0, max_q_kvar=14.0, s_kva=s_kva, q_weight=q_weight)
    p_kw, q_kvar = np.full(4, 1.0 - feed_in), np.zeros(4)
    found = allocate(network, load_flow, p_kw, q_kvar, devices, Limits())
    for cut in found.curtailments:
        allowed = max(s_kva, feed_in)
        assert np.hypot(cut.limit_kw, cut.q_kvar or 0.0) <= allowed + 0.003
    if found.cleared:
        result = load_flow.solve(*moved(p_kw, q_kvar, devices, found))
        assert find_violations(network, result, Limits()) == ()


@pytest.mark.parametrize(("power", "sense", "wanted"), [(19.0, "at_most", -1), (-21.0, "at_least", 1)])
def test_a_battery_helps_either_way(power: float, sense: str, wanted: int) -> None:
    """An overload is answered by discharging, a feed-in by charging, within its range."""
    network = loaded(street())
    p_kw, q_kvar = np.full(4, power), np.zeros(4)
    battery = [FlexibleDevice("battery", 3, 2.0, -10.0, max_kw=25.0)]
    found = allocate(network, FactoredLoadFlow(network), p_kw, q_kvar, battery, Limits())
    assert found.cleared
    (cut,) = found.curtailments
    assert cut.sense == sense
    assert np.sign(cut.moved_kw) == wanted
    assert -10.0 <= cut.limit_kw <= 25.0
    assert clear_by_runpp(network, p_kw, q_kvar, battery, found)


def test_against_runopp() -> None:
    """pandapower's interior point on the same limits, with feed-in and chargers on one cable."""
    network = loaded(street(4, kva=63.0))
    p_kw, q_kvar = np.array([22.0, 25.0, -4.0, 24.0]), np.full(4, 1.0)
    devices = [
        FlexibleDevice("a", 0, 11.0, 4.2, weight=1.02),
        FlexibleDevice("b", 1, 11.0, 4.2),
        FlexibleDevice("battery", 2, 0.0, -3.0, weight=1.05, max_kw=3.0),
        FlexibleDevice("c", 3, 22.0, 4.2, weight=1.1),
    ]
    found = allocate(network, FactoredLoadFlow(network), p_kw, q_kvar, devices, Limits(), LEAST)
    assert found.cleared
    weight = {device.device: device.weight for device in devices}
    cost = sum(weight[cut.device] * cut.curtailed_kw for cut in found.curtailments)
    assert cost == pytest.approx(opf_cost(network, p_kw, q_kvar, devices), rel=0.002)


def opf_cost(network: Network, p_kw: Floats, q_kvar: Floats, devices: list[FlexibleDevice]) -> float:
    """The least weighted kW moved downwards, by `runopp`."""
    net = copy.deepcopy(network.net)
    net.load = net.load.assign(p_mw=p_kw / 1000, q_mvar=q_kvar / 1000, scaling=1.0, controllable=False)
    net.ext_grid = net.ext_grid.assign(
        controllable=False, min_p_mw=-1.0, max_p_mw=1.0, min_q_mvar=-1.0, max_q_mvar=1.0
    )
    net.bus["min_vm_pu"], net.bus["max_vm_pu"] = 0.9, 1.1
    net.line["max_loading_percent"] = net.trafo["max_loading_percent"] = 100.0
    for device in devices:
        bus = int(net.load.bus.iloc[device.service_point])
        most = (device.p_kw - device.lowest_kw) / 1000
        index = pp.create_sgen(
            net, bus, 0.0, min_p_mw=0.0, max_p_mw=most, min_q_mvar=0.0, max_q_mvar=0.0, controllable=True
        )
        pp.create_poly_cost(net, index, "sgen", cp1_eur_per_mw=1000 * device.weight)
    pp.runopp(net, init="pf", delta=1e-8, numba=False)
    return float(net.res_sgen.p_mw @ [device.weight for device in devices]) * 1000


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_steps_are_kept_and_the_best_of_all_combinations_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, load_flow = three_houses()
    steps = [(0.0,), (0.0, 3.7, 7.4), (6.0, 8.0)]
    power = [float(rng.uniform(5.0, 12.0)), 11.0, float(rng.uniform(8.5, 15.0))]
    devices = [
        FlexibleDevice(f"d{i}", i, power[i], 0.0, weight=float(rng.uniform(0.8, 1.5)), steps_kw=steps[i])
        for i in range(3)
    ]
    p_kw, q_kvar = np.array(power) + rng.uniform(4.0, 12.0, 3), np.full(3, 0.5)
    found = allocate(network, load_flow, p_kw, q_kvar, devices, Limits())
    for cut in found.curtailments:
        assert cut.limit_kw in steps[int(cut.device[1:])]
    best = np.inf
    for choice in product(*[(p, *s) for p, s in zip(power, steps, strict=True)]):
        result = load_flow.solve(p_kw - np.array(power) + np.array(choice), q_kvar)
        if not find_violations(network, result, Limits()):
            cost = sum(d.weight * (d.p_kw - c) for d, c in zip(devices, choice, strict=True))
            best = min(best, cost)
    assert found.cleared == np.isfinite(best)
    if found.cleared:
        weight = {device.device: device.weight for device in devices}
        assert sum(weight[c.device] * c.curtailed_kw for c in found.curtailments) <= best * 1.01 + 1e-6
        result = load_flow.solve(*moved(p_kw, q_kvar, devices, found))
        assert find_violations(network, result, Limits()) == ()


def test_steps_below_the_floor_are_no_choice() -> None:
    network = loaded(street())
    devices = [FlexibleDevice("boiler", 3, 20.0, 6.0, steps_kw=(0.0, 5.0, 7.0))]
    found = allocate(network, FactoredLoadFlow(network), np.full(4, 24.0), np.zeros(4), devices, Limits())
    assert [cut.limit_kw for cut in found.curtailments] == [7.0]


@pytest.mark.parametrize(
    "change",
    [
        {"max_kw": 3.0},
        {"comply": 0.0},
        {"comply": 1.1},
        {"s_kva": 0.0},
        {"min_q_kvar": 1.0},
        {"min_q_kvar": 1.0, "max_q_kvar": 0.0},
        {"steps_kw": (float("nan"),)},
    ],
)
def test_impossible_devices_are_an_error(change: dict[str, object]) -> None:
    network = loaded(street())
    device = FlexibleDevice(**({"device": "ev0", "service_point": 0, "p_kw": 11.0, "min_kw": 4.2} | change))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ev0"):
        allocate(network, FactoredLoadFlow(network), np.full(4, 25.0), np.zeros(4), [device], Limits())
