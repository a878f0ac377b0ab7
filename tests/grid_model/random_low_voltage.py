"""Random low-voltage networks for the sweep: trees and meshes under one or several transformers, by seed."""

import copy
from typing import Any

import numpy as np
import pandapower as pp

from grid_model.network import Network, network_of

_EMPTY = pp.create_empty_network()
"""Making one takes a third of a second."""


def random_low_voltage(seed: int) -> Network:
    """A medium-voltage bus, one to three substations below it, and cables from house to house."""
    rng = np.random.default_rng(seed)
    net = copy.deepcopy(_EMPTY)
    net.sn_mva = float(rng.choice([1.0, 100.0]))
    mv = pp.create_bus(net, 20.0)
    angle = float(rng.choice([0.0, 20.0]))
    pp.create_ext_grid(net, mv, vm_pu=float(rng.uniform(0.98, 1.04)), va_degree=angle)
    low = [int(bus) for bus in pp.create_buses(net, int(rng.integers(3, 30)), 0.4)]
    _substations(net, rng, mv, low)
    _cables(net, rng, low)
    _loads(net, rng, [mv, *low])
    _others(net, rng, low)
    return network_of(net, f"random {seed}")


def _substations(net: Any, rng: np.random.Generator, mv: int, low: list[int]) -> None:
    """In parallel, or apart so that a ring closes over both; taps and vector groups of all kinds."""
    shift = float(rng.choice([0.0, 150.0, 30.0]))
    for place in (low[0], *rng.choice(low, int(rng.integers(0, 3)))):
        tap = int(rng.integers(-2, 3))
        name = pp.create_transformer(net, mv, int(place), "0.4 MVA 20/0.4 kV", tap_pos=tap)
        net.trafo.loc[name, "shift_degree"] = shift
        net.trafo.loc[name, "parallel"] = int(rng.integers(1, 3))


def _cables(net: Any, rng: np.random.Generator, low: list[int]) -> None:
    """A tree, sometimes meshed; some parallel, one perhaps open at one end or out of service."""
    pairs = [(low[int(rng.integers(0, place))], low[place]) for place in range(1, len(low))]
    more = int(rng.integers(1, 4)) if rng.random() < 0.4 else 0
    pairs += [tuple(rng.choice(low, 2, replace=False)) for _ in range(more)]
    count = len(pairs)
    pp.create_lines_from_parameters(
        net,
        [int(one) for one, _ in pairs],
        [int(other) for _, other in pairs],
        length_km=rng.uniform(0.005, 0.12, count),
        r_ohm_per_km=rng.choice([0.125, 0.206, 0.32, 0.642], count),
        x_ohm_per_km=0.08,
        c_nf_per_km=rng.choice([0.0, 260.0, 5000.0], count),
        max_i_ka=rng.choice([0.142, 0.27], count),
        parallel=rng.choice([1, 1, 1, 2], count),
        df=rng.choice([1.0, 0.9], count),
    )
    if more and rng.random() < 0.5:
        pp.create_switch(net, int(pairs[-1][1]), count - 1, et="l", closed=False)
    elif more and rng.random() < 0.5:
        net.line.loc[count - 1, "in_service"] = False


def _loads(net: Any, rng: np.random.Generator, buses: list[int]) -> None:
    """Some buses without, some with several; in a third of the networks they depend on the voltage."""
    places = rng.choice(buses[1:], int(rng.integers(1, 2 * len(buses))))
    pp.create_loads(net, [int(bus) for bus in places], p_mw=rng.uniform(0.0, 0.006, len(places)))
    if rng.random() < 0.3:
        for column in ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent"):
            net.load[column] = float(rng.uniform(0.0, 50.0))
    elif rng.random() < 0.5:
        pp.create_load(net, buses[0], p_mw=0.3, q_mvar=0.1)  # on the external grid's own bus


def _others(net: Any, rng: np.random.Generator, low: list[int]) -> None:
    places = [int(place) for place in rng.choice(low, 4)]
    if rng.random() < 0.3:
        pp.create_shunt(net, places[0], q_mvar=-0.005, p_mw=0.0005)
    if rng.random() < 0.3:
        pp.create_sgen(net, places[1], p_mw=0.02, q_mvar=0.004)
    if rng.random() < 0.2:
        far = pp.create_bus(net, 0.4)
        pp.create_switch(net, places[2], far, et="b")
        pp.create_load(net, far, p_mw=0.003)
    if rng.random() < 0.2:
        pp.create_impedance(net, places[3], low[0], rft_pu=0.02, xft_pu=0.03, sn_mva=0.1)
