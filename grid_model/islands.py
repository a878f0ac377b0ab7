"""[3] Which buses closed switches make one, and what an external grid reaches: the islands of a topology.

Knows the layout's nodes and branches, and nothing of admittances.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from grid_model.branch_models import Flags
from grid_model.layout import Layout
from grid_model.network import Ints
from grid_model.topology import Topology


@dataclass(frozen=True)
class Connected:
    """Which nodes and branches of a layout are live, and how they hang together."""

    place: Ints
    """(n_node,) internal position; n where it is not supplied"""
    n: int
    n_free: int
    full: Flags
    """(n_branch,) supplied and connected at both ends"""
    near_only: Flags
    """(n_branch,) supplied, open at the far end"""
    far_only: Flags


def merged_nodes(layout: Layout, topology: Topology) -> Ints:
    """(n_node,) the first node of those that closed bus-bus switches make one; itself for all others."""
    n = len(layout.nodes.in_service)
    pairs = layout.switches.couples[topology.closed]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    pairs = pairs[layout.nodes.in_service[pairs].all(axis=1)]
    if not len(pairs):
        return np.arange(n)
    group = _groups(pairs[:, 0], pairs[:, 1], n)
    return np.unique(group, return_index=True)[1][group]


def _groups(near: Ints, far: Ints, n: int) -> Ints:
    """(n,) a number for all nodes that hang together."""
    links = sparse.coo_matrix((np.ones(len(near), dtype=np.int8), (near, far)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def connect(layout: Layout, topology: Topology, merged: Ints) -> Connected:
    """What is supplied, and by which branches; `merged` is that of `merged_nodes`."""
    ports, nodes = layout.ports, layout.nodes
    n_line = layout.n_line
    service, whole, opened = _states(layout, topology)
    alive = [nodes.in_service[ports.near], nodes.in_service[ports.far]]
    for end in (0, 1):  # a line that ends at a dead bus hangs open there, a transformer is dead with it
        opened[end][:n_line] |= ~alive[end][:n_line]
        whole &= alive[end] | opened[end]
    service &= whole
    full = service & ~opened[0] & ~opened[1]
    near_only, far_only = service & ~opened[0] & opened[1], service & opened[0] & ~opened[1]
    near, far = merged[ports.near], merged[ports.far]
    group = _groups(near[full], far[full], len(merged))
    held = np.unique(merged[layout.sources.slack[nodes.in_service[layout.sources.slack]]])
    supplied = nodes.in_service & np.isin(group[merged], group[held])
    inner = supplied & (merged == np.arange(len(merged)))
    inner[held] = False
    order = np.concatenate([np.flatnonzero(inner), held])
    place = np.full(len(merged), len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    place = np.where(supplied, place[merged], len(order))
    live_near, live_far = place[ports.near] < len(order), place[ports.far] < len(order)
    return Connected(
        place,
        len(order),
        len(order) - len(held),
        full & live_near,
        near_only & live_near,
        far_only & live_far,
    )


def _states(layout: Layout, topology: Topology) -> tuple[Flags, Flags, tuple[Flags, Flags]]:
    """(n_branch,) each: in service, ready to be narrowed, and open at the near and the far end."""
    n_branch = len(layout.ports.near)
    told = [
        topology.in_service["line"],
        topology.in_service["trafo"],
        *[topology.in_service["trafo3w"]] * 3,
    ]
    service = layout.ports.on.copy()
    windings = np.concatenate(told)
    service[: len(windings)] = windings
    switches = layout.switches
    opened = np.zeros((3, n_branch), dtype=bool)
    off = ~topology.closed & (switches.branch >= 0)
    opened[switches.side[off], switches.branch[off]] = True
    service &= ~opened[2]
    return service, np.ones(n_branch, dtype=bool), (opened[0], opened[1])
