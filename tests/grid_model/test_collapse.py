"""Near collapse: found before, told, and no lower branch taken for a solution."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model import referee
from grid_model.collapse import CollapseWatch, load_share
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.referee import disagreement
from grid_model.results import NEAR_COLLAPSE
from tests.grid_model.small_networks import loaded, street

Get = Callable[[str], tuple[Network, FactoredLoadFlow]]
LV = ("rural1", "rural2", "rural3", "semiurb4", "semiurb5", "urban6")


def ring() -> Any:
    net = street(6)
    pp.create_line(net, 1, 7, 0.4, "NAYY 4x50 SE")
    return net


def nose(network: Network, load_flow: FactoredLoadFlow, patch: pytest.MonkeyPatch) -> float:
    """The largest multiple of the network's own loads that `runpp` solves, given one try each."""
    patch.setattr(referee, "_TOLERANCES_MVA", (1e-9,))
    patch.setattr(referee, "_STARTS", ("flat",))
    low, high = 1.0, 2.0
    while load_flow.referee.solve(network.default_p_kw * high, network.default_q_kvar * high).converged:
        low, high = high, 2 * high
    for _ in range(10):
        middle = (low + high) / 2
        by_runpp = load_flow.referee.solve(network.default_p_kw * middle, network.default_q_kvar * middle)
        low, high = (middle, high) if by_runpp.converged else (low, middle)
    return low


@pytest.mark.parametrize("net", [street(3), ring()])
def test_along_the_nose_curve(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = loaded(net)
    load_flow = FactoredLoadFlow(network)
    with monkeypatch.context() as patch:
        largest = nose(network, load_flow, patch)
    for share in (0.3, 0.6, 0.8, 0.92, 0.97, 0.995):
        p_kw, q_kvar = network.default_p_kw * largest * share, network.default_q_kvar * largest * share
        ours, by_runpp = load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar)
        difference = disagreement(ours, by_runpp)
        assert difference is not None
        assert difference.v_pu < 1e-7
        assert ours.near_collapse == (share > 0.9)
        assert load_share(ours.collapse_index) == pytest.approx(share, abs=0.08)
        if ours.near_collapse:
            assert load_share(ours.collapse_index) == pytest.approx(share, abs=0.01)
        batch = load_flow.solve_batch(p_kw[None], q_kvar[None])[0]
        assert batch.collapse_index == pytest.approx(ours.collapse_index, abs=1e-6)
    beyond = load_flow.solve(network.default_p_kw * largest * 1.02, network.default_q_kvar * largest * 1.02)
    assert not beyond.converged
    assert np.isnan(beyond.collapse_index)
    assert not beyond.near_collapse


@pytest.mark.parametrize("name", LV)
def test_no_alarm_at_half_more_than_all_loads(solved_network: Get, name: str) -> None:
    network, load_flow = solved_network(f"simbench:1-LV-{name}--0-sw")
    for scale in (1.5, -1.5):
        result = load_flow.solve(network.default_p_kw * scale, network.default_q_kvar * scale)
        assert 0 < result.collapse_index < NEAR_COLLAPSE / 2


def test_two_buses_by_hand() -> None:
    """V = (1 + √(1 − 4s)) / 2 for a resistive load behind a resistance, with s = R P / W²."""
    net = pp.create_empty_network()
    pp.create_buses(net, 2, 0.4)
    pp.create_ext_grid(net, 0)
    pp.create_line_from_parameters(net, 0, 1, 1.0, 0.16, 0.0, 0.0, 0.2)
    pp.create_load(net, 1, p_mw=0.2)  # 0.16 Ω are 1 pu on 1 MVA
    load_flow = FactoredLoadFlow(loaded(net))
    for s in (0.05, 0.15, 0.24):
        v = (1 + np.sqrt(1 - 4 * s)) / 2
        result = load_flow.solve(np.array([1000 * s]), np.zeros(1))
        assert result.v_pu[1] == pytest.approx(v)
        assert result.collapse_index == pytest.approx((1 - v) / v)
        assert load_share(result.collapse_index) == pytest.approx(4 * s)
    assert not load_flow.solve(np.array([251.0]), np.zeros(1)).converged


@pytest.mark.parametrize("dependent", [False, True])
def test_a_low_voltage_solution_is_refused(monkeypatch: pytest.MonkeyPatch, dependent: bool) -> None:
    """`runpp` itself finds one when it starts low; here it is made to, and the fixed point is taken away."""
    net = street(3)
    net.load[["p_mw", "q_mvar"]] = [0.03, 0.006]
    if dependent:
        net.load["const_z_p_percent"] = 5.0
    network = loaded(net)
    pp.runpp(
        net,
        numba=False,
        init_vm_pu=np.array([1.0, 1.0, 0.8, 0.6, 0.2]),
        init_va_degree=np.array([0, 0, -5.0, -10.0, -30.0]),
        max_iteration=50,
    )
    assert net.res_bus.vm_pu.min() < 0.1
    load_flow = FactoredLoadFlow(network)
    good = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    assert good.v_pu.min() > 0.9
    low = np.array(net.res_bus.vm_pu) * np.exp(1j * np.deg2rad(np.array(net.res_bus.va_degree)))
    monkeypatch.setattr("grid_model.fixed_point.MAX_ITERATIONS", 1)
    monkeypatch.setattr("grid_model.fixed_point.TOLERANCE_PU", 0.0)
    by_runpp = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    difference = disagreement(by_runpp, good)
    assert difference is not None
    assert difference.v_pu < 1e-8
    monkeypatch.setattr(load_flow.referee, "solve_with_voltages", lambda *_, **__: (good, low))
    refused = load_flow.solve(network.default_p_kw, network.default_q_kvar)
    assert not refused.converged
    assert np.isnan(refused.v_pu).all()


def test_the_eigenvalue_is_the_same_however_it_is_computed(solved_network: Get) -> None:
    """Dense for few buses, iterated for many: against the derivative itself, by differences."""
    network, load_flow = solved_network("simbench:1-LV-semiurb4--0-sw")
    factored = load_flow.factored
    assert factored is not None
    p_kw, q_kvar = network.default_p_kw * 5, network.default_q_kvar * 5
    v, demand = factored.voltages(p_kw, q_kvar), factored.demand(p_kw, q_kvar)
    assert v is not None
    taking = factored.fixed_point.taking
    admittance = factored.admittance
    z = np.linalg.inv(admittance.y_bus[: admittance.n_free, : admittance.n_free].toarray())
    k = -z[np.ix_(taking, taking)] * (-demand / v[taking].conj() ** 2)  # of conj(dV)
    matrix = np.block([[k.real, k.imag], [k.imag, -k.real]])
    largest = np.linalg.eigvals(matrix).real.max()
    assert CollapseWatch(admittance, taking, factored.fixed_point.factors).eigenvalue(
        v, demand
    ) == pytest.approx(largest, rel=1e-5)
    assert load_flow.solve(p_kw, q_kvar).collapse_index >= largest - 1e-6


def test_generators_count_as_sources() -> None:
    net = street(4)
    alone = FactoredLoadFlow(loaded(net))
    pp.create_gen(net, 5, p_mw=0.0, vm_pu=0.98)
    held = FactoredLoadFlow(loaded(net))
    p_kw = np.full(4, 20.0)
    assert held.solve(p_kw, 0 * p_kw).collapse_index < alone.solve(p_kw, 0 * p_kw).collapse_index / 2
