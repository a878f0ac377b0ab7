"""[3] The admittance matrix of one topology, cut to what the factored load flow needs.

Put together from the table that pandapower laid out once (`layout.py`) and from the switches, services and
taps of a topology: closed bus-bus switches merge buses, a branch with one open end is what that end sees of
it, and what no external grid reaches is left out. So another topology needs no pandapower. Knows nothing of
solving.

Internal order of buses: those whose voltage is sought first, those held by an external grid after them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from grid_model.branch_models import Complexes
from grid_model.islands import Connected, connect, merged_nodes
from grid_model.layout import Layout, Unfit, lay_out
from grid_model.network import Floats, Ints, Network
from grid_model.topology import Topology, topology_of

__all__ = ["Admittance", "BranchEnds", "Complexes", "Unfit", "VoltageDependence", "assemble", "build"]


@dataclass(frozen=True)
class VoltageDependence:
    """Shares of constant current and constant impedance of the demand at each bus, as pandapower's
    `makeSbus`."""

    current_p: Floats
    impedance_p: Floats
    current_q: Floats
    impedance_q: Floats

    def at(self, positions: Any) -> "VoltageDependence":
        """The shares of some buses only."""
        return VoltageDependence(
            self.current_p[positions],
            self.impedance_p[positions],
            self.current_q[positions],
            self.impedance_q[positions],
        )

    def factors(self, vm: Floats) -> tuple[Floats, Floats]:
        """By how much P and Q at the voltages `vm` (..., n) differ from those at nominal voltage."""
        return (
            1 + self.current_p * (vm - 1) + self.impedance_p * (vm**2 - 1),
            1 + self.current_q * (vm - 1) + self.impedance_q * (vm**2 - 1),
        )

    def slopes(self, vm: Floats) -> tuple[Floats, Floats]:
        """The derivatives of `factors` by `vm`."""
        return (
            self.current_p + 2 * self.impedance_p * vm,
            self.current_q + 2 * self.impedance_q * vm,
        )

    @property
    def present(self) -> bool:
        """Whether any bus has such demand."""
        return any(
            bool(share.any())
            for share in (self.current_p, self.impedance_p, self.current_q, self.impedance_q)
        )


_SAME_PU = 1e-8
"""pandapower takes set-points for the same within about this."""


@dataclass(frozen=True)
class BranchEnds:
    """Both ends of every branch in service; the current into the branch there is `y_near V[near] + y_far
    V[far]`.

    Order: lines from, lines to, transformers high, transformers low, three-winding transformers high, medium,
    low, all others.
    """

    near: Ints
    far: Ints
    y_near: Complexes
    y_far: Complexes
    percent: Floats
    """(2 n_line + 2 n_trafo + 3 n_trafo3w,) loading in percent of a current of 1 pu at these ends"""
    line: Ints
    """(n_line in service,) position in `Network.lines`"""
    trafo: Ints
    """(n_trafo in service,) position in `Network.transformers`"""
    trafo3w: Ints
    """(n_trafo3w in service,) position in `Network.transformers`, where they follow the others"""

    def rows(self, table: str, position: int) -> Ints:
        """The ends whose loadings are the element's (the largest is what counts); none when it is out of
        service. `table` is "line", or anything else for a position in `Network.transformers`."""
        first = 0
        for positions, sides, is_line in (
            (self.line, 2, True),
            (self.trafo, 2, False),
            (self.trafo3w, 3, False),
        ):
            found = np.flatnonzero(positions == position)
            if is_line == (table == "line") and len(found):
                return first + int(found[0]) + len(positions) * np.arange(sides)
            first += sides * len(positions)
        return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Admittance:
    """One topology in per unit."""

    base_kva: float
    n_free: int
    """Internal buses whose voltage is sought: 0 to n_free - 1."""
    y_bus: Any
    """(n, n) complex csr"""
    v_held: Complexes
    """(n - n_free,) voltages of the external grids"""
    fixed_demand: Complexes
    """(n,) what all but the service points take, S = P + jQ; what generators that hold a voltage feed in is
    negative P here"""
    dependence: VoltageDependence | None
    """(n,) each; None where all demand is constant power"""
    ends: BranchEnds
    bus: Ints
    """(n_bus,) internal position of each bus of the network; n where it is not supplied"""
    node: Ints
    """(n_node,) the same for the layout's nodes, which begin with the buses"""
    service_point: Ints
    """(n_sp,) internal position of each service point's bus; n where it is not supplied"""
    generator: Ints
    """(n_generator,) internal positions, below n_free, of the buses whose voltage's magnitude is held"""
    generator_v_pu: Floats
    """(n_generator,)"""


def build(network: Network) -> Admittance | Unfit:
    """The matrices of the network as it stands, or why the factored load flow does not hold for it."""
    layout = lay_out(network)
    return layout if isinstance(layout, Unfit) else assemble(layout, topology_of(network))


def assemble(layout: Layout, topology: Topology) -> Admittance | Unfit:
    """The matrices of one topology, or why the factored load flow does not hold for it."""
    merged = merged_nodes(layout, topology)
    if conflict := _conflict(layout, merged):
        return Unfit(conflict)
    connected = connect(layout, topology, merged)
    if connected.n_free == 0:
        return Unfit("it has no bus beside those of the external grids")
    y = _two_ports(layout, topology, connected)
    if not np.isfinite(y[:, connected.full | connected.near_only | connected.far_only]).all():
        return Unfit("a line or transformer in service has no impedance")
    return _admittance(layout, connected, y)


def _conflict(layout: Layout, merged: Ints) -> str:
    """Two sources on one bus that want different voltages: pandapower refuses them."""
    sources = layout.sources
    wanted: dict[int, complex] = {}
    for node, v in zip(merged[sources.slack].tolist(), sources.slack_v.tolist(), strict=True):
        if abs(wanted.setdefault(node, v) - v) > _SAME_PU:
            return "two external grids on one bus hold different voltages"
    held = {node: abs(v) for node, v in wanted.items()}
    for node, v_pu in zip(merged[sources.generator].tolist(), sources.generator_v_pu.tolist(), strict=True):
        if abs(held.setdefault(node, v_pu) - v_pu) > _SAME_PU:
            return "two generators on one bus hold different voltages"
    return ""


def _two_ports(layout: Layout, topology: Topology, connected: Connected) -> Complexes:
    """(4, n_branch) at the topology's taps; a branch that is open at one end is what the other end sees."""
    y = layout.ports.y.copy()
    first = layout.n_line
    for table, laid_out, windings in (("trafo", layout.trafo_tap, 1), ("trafo3w", layout.trafo3w_tap, 3)):
        taps = topology.tap[table]
        for row in np.flatnonzero((taps != laid_out) & ~np.isnan(taps)):
            columns = first + int(row) + len(taps) * np.arange(windings)
            y[:, columns] = layout.taps[table, int(row), int(taps[row])].reshape(4, windings)
        first += windings * len(taps)
    with np.errstate(all="ignore"):
        through = y[1] * y[2]
        near, far = y[0] - through / y[3], y[3] - through / y[0]
    for open_end, seen, kept in ((connected.near_only, near, 0), (connected.far_only, far, 3)):
        y[:, open_end] = 0
        y[kept, open_end] = seen[open_end]
    return y


def _admittance(layout: Layout, connected: Connected, y: Complexes) -> Admittance | Unfit:
    place, n, n_free = connected.place, connected.n, connected.n_free
    nodes, sources = layout.nodes, layout.sources
    live = np.flatnonzero(place < n)
    demand = _sum_at(place[live], nodes.demand[live], n)
    dependence = _dependence(layout, connected)
    if dependence is not None and dependence.at(slice(n_free, None)).present:
        return Unfit("it has voltage-dependent loads on an external grid's own bus")
    generator = place[sources.generator]
    feeds = np.flatnonzero(generator < n)
    p = sources.generator_p[feeds]
    if dependence is not None:  # what generators feed in does not depend on the voltage: made up for
        p = p / dependence.at(generator[feeds]).factors(sources.generator_v_pu[feeds])[0]
    demand -= _sum_at(generator[feeds], p.astype(np.complex128), n)
    regulated, first = np.unique(generator[generator < n_free], return_index=True)
    slack = place[sources.slack]
    v_held = np.empty(n - n_free, dtype=np.complex128)
    v_held[slack[slack < n] - n_free] = sources.slack_v[slack < n]
    return Admittance(
        base_kva=layout.base_kva,
        n_free=n_free,
        y_bus=_y_bus(layout, connected, y),
        v_held=v_held,
        fixed_demand=demand,
        dependence=dependence,
        ends=_ends(layout, connected, y),
        bus=place[: layout.n_bus],
        node=place,
        service_point=place[layout.service_point],
        generator=regulated,
        generator_v_pu=sources.generator_v_pu[generator < n_free][first],
    )


def _sum_at(position: Ints, values: Complexes, n: int) -> Complexes:
    real = np.bincount(position, weights=values.real, minlength=n)
    return np.asarray(real + 1j * np.bincount(position, weights=values.imag, minlength=n))


def _dependence(layout: Layout, connected: Connected) -> VoltageDependence | None:
    """Where buses are merged, the shares of one of them hold for all, as pandapower has it."""
    if not layout.nodes.shares.any():
        return None
    last = np.argsort(layout.nodes.rank, kind="stable")
    shares = np.zeros((4, connected.n + 1))
    for node in last[layout.nodes.rank[last] >= 0]:  # one after the other: the last one stays
        shares[:, connected.place[node]] = layout.nodes.shares[:, node]
    dependence = VoltageDependence(*shares[:, : connected.n])
    return dependence if dependence.present else None


def _y_bus(layout: Layout, connected: Connected, y: Complexes) -> Any:
    n, place, ports = connected.n, connected.place, layout.ports
    near, far = place[ports.near], place[ports.far]
    full, one, other = connected.full, connected.near_only, connected.far_only
    live = place < n
    row = np.concatenate([near[full], near[full], far[full], far[full], near[one], far[other], place[live]])
    column = np.concatenate(
        [near[full], far[full], near[full], far[full], near[one], far[other], place[live]]
    )
    entries = np.concatenate([*y[:, full], y[0, one], y[3, other], layout.nodes.shunt[live]])
    matrix = sparse.coo_matrix((entries, (row, column)), shape=(n, n)).tocsr()
    matrix.eliminate_zeros()
    return matrix


def _ends(layout: Layout, connected: Connected, y: Complexes) -> BranchEnds:
    ports, place = layout.ports, connected.place
    live = connected.full | connected.near_only | connected.far_only
    near, far = place[ports.near], place[ports.far]
    near, far = np.where(connected.far_only, far, near), np.where(connected.near_only, near, far)
    n_line, n_trafo, n_three = layout.n_line, layout.n_trafo, layout.n_trafo3w
    first_three = n_line + n_trafo
    rated = first_three + 3 * n_three
    line = np.flatnonzero(live[:n_line])
    trafo = n_line + np.flatnonzero(live[n_line:first_three])
    windings = live[first_three:rated].reshape(3, n_three)
    high, medium, low = (
        first_three + side * n_three + np.flatnonzero(windings.any(axis=0)) for side in range(3)
    )
    rest = rated + np.flatnonzero((live & ports.lossy)[rated:])
    rows = np.concatenate([line, line, trafo, trafo, high, medium, low, high, medium, low, rest, rest])
    at_far = np.repeat(
        [0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1],
        [len(part) for part in (line, line, trafo, trafo, high, medium, low, high, medium, low, rest, rest)],
    ).astype(bool)
    dead = ~live[rows]  # a winding without supply
    y_near = np.where(at_far, y[3, rows], y[0, rows])
    y_far = np.where(at_far, y[2, rows], y[1, rows])
    percent = np.where(at_far, ports.far_percent[rows], ports.near_percent[rows])
    n_rated = 2 * len(line) + 2 * len(trafo) + 3 * len(high)
    return BranchEnds(
        near=np.where(dead, 0, np.where(at_far, far[rows], near[rows])),
        far=np.where(dead, 0, np.where(at_far, near[rows], far[rows])),
        y_near=np.where(dead, 0, y_near),
        y_far=np.where(dead, 0, y_far),
        percent=percent[:n_rated],
        line=line,
        trafo=trafo - n_line,
        trafo3w=high - first_three + n_trafo,
    )
