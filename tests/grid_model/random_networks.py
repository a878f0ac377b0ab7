"""Random networks of all kinds that pandapower solves, plain `runpp` on them, and changes of their topology.

Of grid_model it knows only the words for such changes.
"""

import copy
import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.topology import unsupplied_buses

from grid_model.topology import Change, SetService, SetSwitch, SetTap

Floats = NDArray[np.float64]

MAX_LV_BUSES = 18


def random_net(rng: np.random.Generator, *, generators: bool = False) -> Any:
    """2 to about 60 buses on one to three voltage levels; trees and meshes, with nearly every element."""
    net = copy.deepcopy(_empty())
    medium = _top(net, rng)
    _cables(net, rng, medium, "NA2XS2Y 1x95 RM/25 12/20 kV", (0.2, 3.0))
    houses = list(medium) if rng.random() < 0.3 else []
    for _ in range(int(rng.integers(1, 4))):
        houses += _low_voltage(net, rng, int(rng.choice(medium)))
    _couple(net, rng, houses)
    _customers(net, rng, houses)
    _others(net, rng, houses)
    if generators:
        _generators(net, rng, houses)
    _switches(net, rng)
    dark = unsupplied_buses(net) | set(net.bus.index[~net.bus.in_service])
    net.load.loc[net.load.bus.isin(dark), "in_service"] = False
    if not net.load.in_service.any():
        pp.create_load(net, int(net.ext_grid.bus.iloc[0]), p_mw=0.01)
    return net


@functools.cache
def _empty() -> Any:
    return pp.create_empty_network()  # slower than to copy it


def _top(net: Any, rng: np.random.Generator) -> list[int]:
    """External grids, perhaps behind a transformer of two or three windings; the medium-voltage buses."""
    medium: list[int] = pp.create_buses(net, int(rng.integers(1, 12)), 20.0).tolist()
    v_pu = float(rng.uniform(0.98, 1.03))
    kind = rng.random()
    if kind < 0.5:
        pp.create_ext_grid(net, medium[0], vm_pu=v_pu, va_degree=float(rng.choice([0.0, 10.0])))
        if len(medium) > 3 and rng.random() < 0.4:
            pp.create_ext_grid(
                net, medium[-1], vm_pu=v_pu * 1.002, va_degree=net.ext_grid.va_degree[0] + 0.05
            )
        return medium
    high = pp.create_bus(net, 110.0)
    pp.create_ext_grid(net, high, vm_pu=v_pu)
    tap = int(rng.integers(-4, 5))
    if kind < 0.75:
        pp.create_transformer(net, high, medium[0], "25 MVA 110/20 kV", tap_pos=tap)
    else:
        third = pp.create_bus(net, 10.0)
        pp.create_transformer3w(net, high, medium[0], third, "63/25/38 MVA 110/20/10 kV", tap_pos=tap)
        pp.create_load(net, third, p_mw=float(rng.uniform(0, 5)), q_mvar=0.5)
        if rng.random() < 0.3:
            pp.create_switch(net, third, 0, et="t3", closed=bool(rng.random() < 0.5))
    return medium


def _cables(net: Any, rng: np.random.Generator, buses: list[int], kind: str, km: tuple[float, float]) -> None:
    """A random tree over `buses`, and now and then a mesh."""
    pairs = [(buses[int(rng.integers(0, place))], buses[place]) for place in range(1, len(buses))]
    if len(buses) > 2:
        extra = int(rng.integers(0, 1 + len(buses) // 3))
        pairs += [tuple(rng.choice(buses, 2, replace=False).tolist()) for _ in range(extra)]
    if not pairs:
        return
    from_buses, to_buses = zip(*pairs, strict=True)
    pp.create_lines(
        net,
        from_buses,
        to_buses,
        rng.uniform(*km, len(pairs)),
        kind,
        parallel=rng.choice([1, 1, 1, 2], len(pairs)),
        df=rng.choice([1.0, 0.8], len(pairs)),
    )


def _low_voltage(net: Any, rng: np.random.Generator, feeding: int) -> list[int]:
    buses: list[int] = pp.create_buses(net, int(rng.integers(2, MAX_LV_BUSES)), 0.4).tolist()
    kind = str(rng.choice(["0.25 MVA 20/0.4 kV", "0.4 MVA 20/0.4 kV", "0.63 MVA 20/0.4 kV"]))
    tap = int(rng.integers(-2, 3))
    for _ in range(int(rng.choice([1, 1, 2]))):
        pp.create_transformer(net, feeding, buses[0], kind, tap_pos=tap, parallel=int(rng.choice([1, 1, 2])))
    net.trafo.loc[net.trafo.lv_bus == buses[0], "shift_degree"] = 150.0
    _cables(net, rng, buses, str(rng.choice(["NAYY 4x150 SE", "NAYY 4x50 SE"])), (0.02, 0.15))
    return buses


def _couple(net: Any, rng: np.random.Generator, buses: list[int]) -> None:
    """Buses behind bus-bus switches, with impedance or without, and couplers between buses of one level."""
    for bus in rng.choice(buses, min(3, len(buses)), replace=False).tolist():
        twin = pp.create_bus(net, net.bus.vn_kv[bus])
        z_ohm = 0.01 if rng.random() < 0.3 else 0.0
        pp.create_switch(net, bus, twin, et="b", closed=bool(rng.random() < 0.8), z_ohm=z_ohm)
        buses.append(twin)
    level = [bus for bus in buses if net.bus.vn_kv[bus] < 1]
    if len(level) > 4:
        one, other = rng.choice(level, 2, replace=False).tolist()
        pp.create_switch(net, one, other, et="b", closed=bool(rng.random() < 0.2))


def _customers(net: Any, rng: np.random.Generator, buses: list[int]) -> None:
    each_mw = float(rng.uniform(0.1, 1.0)) * net.trafo.sn_mva.min() / len(buses)
    shares = rng.random() < 0.3
    at = rng.choice(buses, max(1, int(len(buses) * 0.8)), replace=False)
    p_mw = rng.uniform(-0.5, 2.0, len(at)) * each_mw
    q_mvar = p_mw * rng.uniform(-0.2, 0.5, len(at))
    pp.create_loads(net, at, p_mw, q_mvar, scaling=rng.choice([1.0, 0.7], len(at)))
    if shares:
        for kind in "zi":
            for power in "pq":
                net.load[f"const_{kind}_{power}_percent"] = rng.integers(0, 50, len(net.load)).astype(
                    np.float64
                )


def _others(net: Any, rng: np.random.Generator, buses: list[int]) -> None:
    def somewhere() -> int:
        return int(rng.choice(buses))

    makers: tuple[Callable[[], object], ...] = (
        lambda: pp.create_sgen(net, somewhere(), p_mw=0.02, q_mvar=-0.003, scaling=0.9),
        lambda: pp.create_storage(net, somewhere(), p_mw=0.005, max_e_mwh=0.1, q_mvar=0.001),
        lambda: pp.create_shunt(net, somewhere(), q_mvar=-0.01, p_mw=0.001, step=2),
        lambda: pp.create_motor(net, somewhere(), 0.004, 0.85, efficiency_percent=92.0),
        lambda: pp.create_ward(net, somewhere(), 0.003, 0.001, 0.002, -0.001),
        lambda: pp.create_asymmetric_load(net, somewhere(), p_a_mw=0.002, p_b_mw=0.001, q_c_mvar=0.001),
        lambda: pp.create_impedance(net, *_pair(net, rng), rft_pu=0.3, xft_pu=0.5, sn_mva=1.0, rtf_pu=0.4),
    )
    for make in makers:
        if rng.random() < 0.4:
            make()


def _pair(net: Any, rng: np.random.Generator) -> tuple[int, int]:
    low = net.bus.index[net.bus.vn_kv < 1]
    one, other = rng.choice(low, 2, replace=False).tolist()
    return one, other


def _generators(net: Any, rng: np.random.Generator, buses: list[int]) -> None:
    """Voltage set-points near what is there, as anybody would choose them."""
    before = copy.deepcopy(net)
    if not solve(before):
        return
    # one per bus-bus group: two set-points on one bus are refused
    free = [bus for bus in buses if np.isfinite(before.res_bus.vm_pu[bus]) and bus not in set(net.switch.bus)]
    taken = {*net.switch.element[net.switch.et == "b"], *net.ext_grid.bus}
    free = [bus for bus in free if bus not in taken]
    for bus in rng.choice(free, min(2, len(free)), replace=False).tolist():
        v_pu = float(before.res_bus.vm_pu[bus]) + float(rng.uniform(-0.01, 0.01))
        if rng.random() < 0.3:
            pp.create_xward(net, bus, 0.001, 0.0, 0.001, 0.0, r_ohm=0.05, x_ohm=0.1, vm_pu=v_pu)
        else:
            pp.create_gen(net, bus, p_mw=float(rng.uniform(0.0, 0.05)), vm_pu=v_pu)


def _switches(net: Any, rng: np.random.Generator) -> None:
    ends = [
        (net[table][end][index], index, letter)
        for table, letter, sides in (
            ("line", "l", ("from_bus", "to_bus")),
            ("trafo", "t", ("hv_bus", "lv_bus")),
        )
        for index in net[table].index
        for end in sides
        if rng.random() < 0.3
    ]
    if ends:
        buses, elements, kinds = zip(*ends, strict=True)
        closed = rng.random(len(ends)) < 0.85
        pp.create_switches(net, buses, elements, kinds, closed=closed)
    if len(net.line) > 3 and rng.random() < 0.5:
        net.line.loc[int(rng.choice(net.line.index)), "in_service"] = False
    if len(net.bus) > 10 and rng.random() < 0.3:
        net.bus.loc[int(net.bus.index[-1]), "in_service"] = False


@dataclass(frozen=True)
class Solved:
    """What plain `runpp` says."""

    v_pu: Floats
    line_percent: Floats
    transformer_percent: Floats


def solve(net: Any, p_kw: Floats | None = None, q_kvar: Floats | None = None) -> Solved | None:
    """`runpp` on `net`, whose loads in service get these powers; None when it does not converge."""
    if p_kw is not None and q_kvar is not None:
        active = net.load.in_service.astype(bool)
        net.load["scaling"] = 1.0
        net.load.loc[active, "p_mw"], net.load.loc[active, "q_mvar"] = p_kw / 1000, q_kvar / 1000
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            pp.runpp(net, numba=False, tolerance_mva=1e-10, max_iteration=20)
        except pp.LoadflowNotConverged:
            return None
    return Solved(
        np.array(net.res_bus.vm_pu),
        _percent(net.res_line),
        np.concatenate([_percent(net.res_trafo), _percent(net.res_trafo3w)]),
    )


def _percent(results: Any) -> Floats:
    percent = np.array(results.loading_percent, dtype=np.float64)
    return np.where(np.isfinite(percent), percent, 0.0)


def random_change(net: Any, rng: np.random.Generator) -> Change:
    """Of a switch, a branch or a tap changer of `net`."""
    kind = rng.random()
    if kind < 0.55 and len(net.switch):
        switch = int(rng.choice(net.switch.index))
        return SetSwitch(f"switch:{switch}", not bool(net.switch.closed[switch]))
    if kind < 0.8:
        table = str(rng.choice([table for table in ("line", "trafo", "trafo3w") if len(net[table])]))
        index = int(rng.choice(net[table].index))
        return SetService(f"{table}:{index}", not bool(net[table].in_service[index]))
    table = "trafo3w" if len(net.trafo3w) and rng.random() < 0.5 else "trafo"
    index = int(rng.choice(net[table].index))
    low, high = net[table].tap_min[index], net[table].tap_max[index]
    return SetTap(f"{table}:{index}", int(rng.integers(low, high + 1)))


def apply(net: Any, change: Change) -> None:
    """The change, written into pandapower's own tables."""
    match change:
        case SetSwitch(element, value):
            column: str = "closed"
        case SetService(element, value):
            column = "in_service"
        case SetTap(element, value):
            column = "tap_pos"
    table, index = element.split(":")
    net[table].loc[int(index), column] = value
