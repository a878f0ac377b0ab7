"""Unbalanced networks written out, and random ones for properties."""

import copy
from functools import cache
from typing import Any

import numpy as np
import pandapower as pp
from hypothesis import assume

from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork, three_phase_network

GROUPS = ("Dyn", "YNyn", "Yzn")
_SHIFT = {"Dyn": 150.0, "YNyn": 0.0, "Yzn": 150.0}


@cache
def _empty() -> Any:
    """pandapower takes half a second to make one."""
    return pp.create_empty_network(sn_mva=1.0)


def substation(group: str = "Dyn", *, kva: float = 250.0, transformers: int = 1) -> Any:
    """A 20/0.4 kV substation: bus 0 at its external grid, bus 1 its busbar."""
    net = copy.deepcopy(_empty())
    medium, busbar = pp.create_bus(net, 20.0, name="MV"), pp.create_bus(net, 0.4, name="busbar")
    pp.create_ext_grid(
        net, medium, s_sc_max_mva=400.0, s_sc_min_mva=300.0, rx_max=0.2, rx_min=0.2, r0x0_max=0.3, x0x_max=1.5
    )
    for _ in range(transformers):
        transformer(net, medium, busbar, group=group, kva=kva)
    return net


def transformer(net: Any, high: int, low: int, *, group: str, kva: float) -> None:
    pp.create_transformer_from_parameters(
        net,
        high,
        low,
        sn_mva=kva / 1000,
        vn_hv_kv=20.0,
        vn_lv_kv=0.4,
        vk_percent=4.0,
        vkr_percent=1.2,
        pfe_kw=0.5,
        i0_percent=0.3,
        shift_degree=_SHIFT[group],
        vector_group=group,
        vk0_percent=3.8,
        vkr0_percent=1.1,
        mag0_percent=100.0,
        mag0_rx=0.3,
        si0_hv_partial=0.9,
    )


def cable(net: Any, near: int, far: int, *, km: float = 0.08, ka: float = 0.1) -> int:
    return int(
        pp.create_line_from_parameters(
            net,
            near,
            far,
            length_km=km,
            r_ohm_per_km=0.32,
            x_ohm_per_km=0.08,
            c_nf_per_km=200.0,
            max_i_ka=ka,
            r0_ohm_per_km=1.28,
            x0_ohm_per_km=0.3,
            c0_nf_per_km=150.0,
        )
    )


def customer(net: Any, bus: int, kw: tuple[float, float, float], **options: Any) -> None:
    """Takes `kw` on a, b, c (in delta ab, bc, ca) at a power factor of about 0.98."""
    parts = {f"p_{phase}_mw": p / 1000 for phase, p in zip("abc", kw, strict=True)}
    parts |= {f"q_{phase}_mvar": p / 5000 for phase, p in zip("abc", kw, strict=True)}
    pp.create_asymmetric_load(net, bus, **parts, **options)


def street(houses: int = 3, group: str = "Dyn") -> Any:
    """One cable from house to house: 6 kW on a, then on b, then on c, and so on."""
    net = substation(group)
    before = 1
    for house in range(houses):
        bus = pp.create_bus(net, 0.4)
        cable(net, before, bus)
        customer(net, bus, tuple(6.0 * (house % 3 == phase) for phase in range(3)), name=f"house {house}")
        before = bus
    return net


def loaded(net: Any, **options: Any) -> ThreePhaseNetwork:
    """The network of a copy of `net`."""
    return three_phase_network(copy.deepcopy(net), "small", **options)


def random_network(rng: np.random.Generator) -> Any:
    """A random meshed feeder: every vector group, open and closed switches, wye and delta, generation."""
    net = substation(
        str(rng.choice(GROUPS)), kva=float(rng.uniform(200, 600)), transformers=rng.integers(1, 3)
    )
    buses = [1]
    for _ in range(int(rng.integers(3, 12))):
        bus = int(pp.create_bus(net, 0.4))
        cable(net, int(rng.choice(buses[-4:])), bus, km=float(rng.uniform(0.01, 0.1)), ka=0.27)
        buses.append(bus)
    _switches(net, buses, rng)
    for bus in rng.choice(buses[1:], size=int(rng.integers(1, len(buses)))):
        kw = tuple(float(part) for part in rng.uniform(-2, 8, 3) * (rng.random(3) < 0.6))
        customer(net, int(bus), kw, type=str(rng.choice(["wye", "wye", "delta"])))
    bus = int(rng.choice(buses))
    pp.create_load(net, bus, p_mw=0.009, q_mvar=0.002)
    pp.create_load(net, 0, p_mw=0.05, q_mvar=0.01, type="delta")
    pp.create_sgen(net, bus, p_mw=float(rng.uniform(0, 0.01)), type="PV")
    pp.create_storage(net, int(rng.choice(buses)), p_mw=0.003, max_e_mwh=0.01)
    pp.create_asymmetric_sgen(net, int(rng.choice(buses)), p_a_mw=0.004, q_c_mvar=0.001)
    return net


def _switches(net: Any, buses: list[int], rng: np.random.Generator) -> None:
    """A second feed that may be open at one end, a closed coupler, and a dead cable."""
    near, far = (int(bus) for bus in rng.choice(buses, 2, replace=False))
    tie = cable(net, near, far, km=0.12, ka=0.27)
    pp.create_switch(net, near, tie, et="l", closed=bool(rng.random() < 0.5))
    beside = int(pp.create_bus(net, 0.4))
    pp.create_switch(net, int(buses[-1]), beside, et="b", closed=True)
    customer(net, beside, (1.0, 0.0, 2.5))
    stub = cable(net, 1, int(pp.create_bus(net, 0.4)))
    net.line.loc[stub, "in_service"] = False


def random_feeder(seed: int) -> tuple[ThreePhaseNetwork, ThreePhaseLoadFlow, Any, Any]:
    """A random network, its load flow, and random P and Q on the connected phases."""
    rng = np.random.default_rng(seed)
    network = loaded(random_network(rng))
    load_flow = ThreePhaseLoadFlow(network)
    assume(load_flow.unfit_reason is None)
    shape = network.connected.shape
    p_kw = rng.uniform(-3, 9, shape) * network.connected
    return network, load_flow, p_kw, p_kw * rng.uniform(-0.2, 0.4, shape)
