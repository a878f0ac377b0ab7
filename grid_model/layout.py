"""[3] All that pandapower knows of a network's elements, in per unit, whatever is switched on or off.

pandapower lays out its matrices once, with every bus-bus switch open (each bus keeps what hangs on it) and
every switch at a branch closed (each branch keeps both ends); models of lines, transformers, taps, shunts and
loads are its own. `admittance.py` puts a topology together from this table, without pandapower. Knows nothing
of which switch is closed, and nothing of solving.

Nodes are the buses of the network, in its order, and after them the inner points of three-winding
transformers and extended wards. Branches are lines, transformers, three-winding transformers (all
high-voltage windings, then all medium, then all low, each between its bus and the inner point), and others.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from grid_model.branch_models import (
    Complexes,
    Flags,
    Ports,
    Switches,
    branch_ports,
    run_empty,
    switches_of,
    tap_ports,
)
from grid_model.network import Floats, Ints, Network
from grid_model.referee import private_net

_FACTS = ("svc", "tcsc", "ssc", "vsc", "vsc_stacked", "vsc_bipolar")


@dataclass(frozen=True, slots=True)
class Unfit:
    """A network that the factored form cannot express."""

    reason: str


@dataclass(frozen=True)
class Nodes:
    """What hangs on each node, (n_node,)."""

    in_service: Flags
    demand: Complexes
    """S = P + jQ in pu of all but the service points and the generators"""
    shunt: Complexes
    """admittance to earth in pu"""
    shares: Floats
    """(4, n_node) shares of constant current and constant impedance of P, then of Q"""
    rank: Ints
    """whose shares hold where buses are merged: pandapower keeps those of the last it looked at; -1 where
    there are no loads"""


@dataclass(frozen=True)
class Sources:
    """What holds a voltage."""

    slack: Ints
    """(n_slack,) node of each external grid or slack generator"""
    slack_v: Complexes
    """(n_slack,) pu"""
    generator: Ints
    """(n_generator,) node of each generator that holds only the magnitude, and of each extended ward"""
    generator_v_pu: Floats
    generator_p: Floats
    """(n_generator,) pu fed in"""


@dataclass(frozen=True)
class Layout:
    """One network, all topologies."""

    base_kva: float
    n_bus: int
    n_line: int
    n_trafo: int
    n_trafo3w: int
    nodes: Nodes
    sources: Sources
    ports: Ports
    switches: Switches
    service_point: Ints
    """(n_sp,) node"""
    trafo_tap: Floats
    """(n_trafo,) the tap positions that `ports` holds; NaN where there is no tap changer"""
    trafo3w_tap: Floats
    _net: Any
    """pandapower's network as laid out, for the models of other taps"""

    @cached_property
    def taps(self) -> dict[tuple[str, int, int], Complexes]:
        """(4,) of each transformer, or (4, 3) of each three-winding transformer, at each position of its tap
        changer: by table, row and position."""
        return tap_ports(self._net, "trafo") | tap_ports(self._net, "trafo3w")


def lay_out(network: Network) -> Layout | Unfit:
    """Ask pandapower for everything, or say why the factored load flow does not hold for this network."""
    net = private_net(network)
    if reason := _unfit(net) or run_empty(_all_connected(net)):
        return Unfit(reason)
    if reason := _unfit_options(net):
        return Unfit(reason)
    return _read(network, net)


def _unfit(net: Any) -> str:
    for table in _FACTS:
        if table in net and len(net[table]) and net[table].in_service.any():
            return f"it has power-electronic controllers ({table})"
    return ""


def _unfit_options(net: Any) -> str:
    """What a network's own options for `runpp` (`user_pf_options`) can ask for."""
    options = net._options
    asked = {
        "a slack shared between generators": options["distributed_slack"],
        "lines whose temperature follows the load": options["tdpf"],
        "reactive power limits of generators": options["enforce_q_lims"] and len(net.gen),
        "transformer loading by power": options["trafo_loading"] != "current",
        "open branches neglected": options["neglect_open_switch_branches"],
    }
    return next((f"its options ask for {what}" for what, on in asked.items() if on), "")


def _all_connected(net: Any) -> Any:
    """`net`, with loads of no power and its switches set."""
    net.load.loc[:, ["p_mw", "q_mvar"]] = 0.0
    net.switch["closed"] = (net.switch.et != "b") | (net.switch.z_ohm > 0)
    net.bus["in_service"] = True
    return net


def _read(network: Network, net: Any) -> Layout:
    ppc, row = net._ppc, _node_rows(net)
    node = np.empty(len(ppc["bus"]), dtype=np.int64)
    node[row] = np.arange(len(row))
    ports = branch_ports(net, node)
    return Layout(
        base_kva=float(ppc["baseMVA"]) * 1000,
        n_bus=len(net.bus),
        n_line=len(net.line),
        n_trafo=len(net.trafo),
        n_trafo3w=len(net.trafo3w),
        nodes=_nodes(network, net, row),
        sources=_sources(net),
        ports=ports,
        switches=switches_of(net, len(ports.near)),
        service_point=network.service_point_bus,
        trafo_tap=_taps_of(net.trafo),
        trafo3w_tap=_taps_of(net.trafo3w),
        _net=net,
    )


def _taps_of(frame: Any) -> Floats:
    return np.array(frame["tap_pos"], dtype=np.float64)


def _node_rows(net: Any) -> Ints:
    """(n_node,) row of each node in pandapower's matrix of buses."""
    lookup, inner = net._pd2ppc_lookups["bus"], net._pd2ppc_lookups["aux"]
    buses = [lookup[net.bus.index]] + [
        lookup[inner[table]] for table in ("xward", "trafo3w") if table in inner
    ]
    return np.concatenate(buses).astype(np.int64)


def _nodes(network: Network, net: Any, row: Ints) -> Nodes:
    from pandapower.pypower.idx_bus import BS, CID_P, CID_Q, CZD_P, CZD_Q, GS, PD, QD  # noqa: PLC0415

    bus, base_mva = net._ppc["bus"].real[row], float(net._ppc["baseMVA"])
    inner = [np.array(net[table].in_service, dtype=bool) for table in ("xward", "trafo3w")]
    rank = np.full(len(row), -1, dtype=np.int64)
    place = {index: position for position, index in enumerate(net.bus.index)}
    loaded = set(net.load.bus[net.load.in_service.astype(bool)])
    for order, index in enumerate(set(net.load.bus)):  # the very order in which pandapower writes them
        if index in loaded:
            rank[place[index]] = order
    return Nodes(
        in_service=np.concatenate([np.array(network.net.bus.in_service, dtype=bool), *inner]),
        demand=(bus[:, PD] + 1j * bus[:, QD]) / base_mva,
        shunt=(bus[:, GS] + 1j * bus[:, BS]) / base_mva,
        shares=np.ascontiguousarray(bus[:, [CID_P, CZD_P, CID_Q, CZD_Q]].T),
        rank=rank,
    )


def _sources(net: Any) -> Sources:
    grid, gen = net.ext_grid[net.ext_grid.in_service.astype(bool)], net.gen[net.gen.in_service.astype(bool)]
    slack = np.array(gen.slack, dtype=bool)
    ward = np.flatnonzero(net.xward.in_service)
    degree = np.array(grid.va_degree, dtype=np.float64) * bool(net._options["calculate_voltage_angles"])
    place = net.bus.index.get_indexer
    p_mw = np.array(gen.p_mw * gen.scaling, dtype=np.float64)
    if net._options["enforce_p_lims"]:
        low, high = (
            np.array(gen.get(column, np.nan), dtype=np.float64) for column in ("min_p_mw", "max_p_mw")
        )
        p_mw = np.fmin(np.fmax(p_mw, low * gen.scaling), high * gen.scaling).astype(np.float64)
    v_pu = np.array(gen.vm_pu, dtype=np.float64)
    return Sources(
        slack=np.concatenate([place(grid.bus), place(gen.bus[slack])]).astype(np.int64),
        slack_v=np.concatenate(
            [np.array(grid.vm_pu, dtype=np.float64) * np.exp(1j * np.deg2rad(degree)), v_pu[slack]]
        ),
        generator=np.concatenate([place(gen.bus[~slack]), len(net.bus) + ward]).astype(np.int64),
        generator_v_pu=np.concatenate([v_pu[~slack], np.array(net.xward.vm_pu, dtype=np.float64)[ward]]),
        generator_p=np.concatenate([p_mw[~slack], np.zeros(len(ward))]) / float(net._ppc["baseMVA"]),
    )
