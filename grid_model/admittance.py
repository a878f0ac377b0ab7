"""[3] The admittance matrix of one topology, as pandapower builds it, cut to what the factored load flow
needs.

One `runpp` without load makes pandapower lay out its matrices; everything here is read from them, so
switches, taps, shunts, line capacitances and transformer models are pandapower's own. Knows nothing of
solving.

Internal order of buses: those whose voltage is sought first, those held by an external grid after them.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from grid_model.network import Floats, Ints, Network
from grid_model.referee import load_rows, private_net

Complexes = NDArray[np.complex128]


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


@dataclass(frozen=True)
class BranchEnds:
    """Both ends of every branch in service; the current into the branch there is `y_near V[near] + y_far
    V[far]`.

    Order: lines from, lines to, transformers high, transformers low, all others.
    """

    near: Ints
    far: Ints
    y_near: Complexes
    y_far: Complexes
    percent: Floats
    """(2 n_line + 2 n_trafo,) loading in percent of a current of 1 pu at these ends"""
    line: Ints
    """(n_line in service,) position in `Network.lines`"""
    trafo: Ints
    """(n_trafo in service,) position in `Network.transformers`"""


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
    """(n,) what all but the service points take, S = P + jQ"""
    dependence: VoltageDependence | None
    """(n,) each; None where all demand is constant power"""
    ends: BranchEnds
    bus: Ints
    """(n_bus,) internal position of each bus of the network; n where it is not supplied"""
    service_point: Ints
    """(n_sp,) internal position of each service point's bus"""


@dataclass(frozen=True, slots=True)
class Unfit:
    """A network that the factored form cannot express."""

    reason: str


def build(network: Network) -> Admittance | Unfit:
    """Lay out the matrices, or say why the factored load flow does not hold for this network."""
    net = private_net(network)
    net.load.loc[:, ["p_mw", "q_mvar"]] = 0.0
    if reason := _lay_out(net):
        return Unfit(reason)
    parts = net._ppc["internal"]
    if not parts["Ybus"].size:
        return Unfit("it has no bus beside those of the external grids")
    if len(parts["pv"]):
        return Unfit("it has generators that hold a voltage")
    if any(len(parts[table]) for table in ("svc", "tcsc", "ssc", "vsc")):
        return Unfit("it has power-electronic controllers")
    admittance = _read(network, net, parts)
    if admittance.dependence is not None and admittance.dependence.at(slice(admittance.n_free, None)).present:
        return Unfit("it has voltage-dependent loads on an external grid's own bus")
    return admittance


def _lay_out(net: Any) -> str:
    """Let pandapower build its matrices; the reason when it does not get there."""
    from pandapower import LoadflowNotConverged, runpp  # noqa: PLC0415

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            runpp(net, numba=False)
        except (LoadflowNotConverged, np.linalg.LinAlgError):
            return "its load flow without load does not converge"
    return ""


def _read(network: Network, net: Any, parts: dict[str, Any]) -> Admittance:
    from pandapower.pypower.idx_bus import BASE_KV, CID_P, CID_Q, CZD_P, CZD_Q, PD, QD  # noqa: PLC0415

    bus = parts["bus"].real
    n, held = len(bus), np.asarray(parts["ref"], dtype=np.int64)
    order = np.concatenate([np.setdiff1d(np.arange(n), held), held])
    place = np.full(n + 1, n, dtype=np.int64)  # the last: not supplied
    place[order] = np.arange(n)
    lookup = net._pd2ppc_lookups["bus"]
    found = np.asarray(lookup[net.bus.index], dtype=np.int64)
    internal = place[np.where((found < 0) | (found >= n), n, found)]
    dependence = VoltageDependence(*(bus[order, column] for column in (CID_P, CZD_P, CID_Q, CZD_Q)))
    base_mva = float(parts["baseMVA"])
    return Admittance(
        base_kva=base_mva * 1000,
        n_free=n - len(held),
        y_bus=sparse.csr_matrix(parts["Ybus"])[order][:, order].tocsr(),
        v_held=np.asarray(parts["V"], dtype=np.complex128)[held],
        fixed_demand=(bus[order, PD] + 1j * bus[order, QD]) / base_mva,
        dependence=dependence if dependence.present else None,
        ends=_ends(net, parts, place, base_mva / (np.sqrt(3) * bus[:, BASE_KV])),
        bus=internal,
        service_point=internal[_bus_rows(network, net)],
    )


def _bus_rows(network: Network, net: Any) -> Ints:
    buses = net.load.bus.to_numpy()[load_rows(network)]
    return np.asarray(net.bus.index.get_indexer(buses), dtype=np.int64)


def _ends(net: Any, parts: dict[str, Any], place: Ints, base_ka: Floats) -> BranchEnds:
    """`base_ka` is (n,) the current of 1 pu at each bus, in pandapower's order."""
    from pandapower.pypower.idx_brch import F_BUS, T_BUS  # noqa: PLC0415

    branch = parts["branch"]
    from_bus, to_bus = (branch[:, column].real.astype(np.int64) for column in (F_BUS, T_BUS))
    line, line_row = _table_rows(net, parts, "line")
    trafo, trafo_row = _table_rows(net, parts, "trafo")
    rest = np.setdiff1d(np.arange(len(branch)), np.concatenate([line_row, trafo_row]))
    current = {"from": sparse.csr_matrix(parts["Yf"]), "to": sparse.csr_matrix(parts["Yt"])}
    near, far = {"from": from_bus, "to": to_bus}, {"from": to_bus, "to": from_bus}
    rows = [(side, part) for part in (line_row, trafo_row, rest) for side in ("from", "to")]

    def gather(pick: Any) -> Any:
        return np.concatenate([pick(side, part) for side, part in rows])

    def y_far(side: str, part: Ints) -> Complexes:
        loop = near[side][part] == far[side][part]  # both ends on one bus: all of it is in y_near
        return np.where(loop, 0.0, _entries(current[side], part, far[side][part]))

    rating = [
        _line_percent(net, line),
        _line_percent(net, line),
        _trafo_percent(net, trafo, "vn_hv_kv"),
        _trafo_percent(net, trafo, "vn_lv_kv"),
    ]
    ka = [base_ka[near[side][part]] for side, part in rows[:4]]
    return BranchEnds(
        near=place[gather(lambda side, part: near[side][part])],
        far=place[gather(lambda side, part: far[side][part])],
        y_near=gather(lambda side, part: _entries(current[side], part, near[side][part])),
        y_far=gather(y_far),
        percent=np.concatenate([one * other for one, other in zip(ka, rating, strict=True)]),
        line=line,
        trafo=trafo,
    )


def _entries(matrix: Any, rows: Ints, columns: Ints) -> Complexes:
    if not len(rows):
        return np.zeros(0, dtype=np.complex128)
    return np.asarray(matrix[rows, columns], dtype=np.complex128).ravel()


def _table_rows(net: Any, parts: dict[str, Any], table: str) -> tuple[Ints, Ints]:
    """Positions in the frame of the branches in service, and their rows among pandapower's branches in
    service."""
    span = net._pd2ppc_lookups["branch"].get(table)
    if span is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    in_service = np.asarray(parts["branch_is"], dtype=bool)
    position = np.flatnonzero(in_service[span[0] : span[1]])
    return position, (np.cumsum(in_service) - 1)[position + span[0]]


def _line_percent(net: Any, position: Ints) -> Floats:
    """Loading per kA, as pandapower: of max_i_ka * df * parallel."""
    line = net.line.iloc[position]
    return np.asarray(100 / (line.max_i_ka * line.df * line.parallel), dtype=np.float64)


def _trafo_percent(net: Any, position: Ints, voltage: str) -> Floats:
    """Loading per kA at one side, as pandapower's trafo_loading="current": of the rated current of that
    side."""
    trafo = net.trafo.iloc[position]
    rated = trafo.sn_mva * trafo.parallel * trafo.df
    return np.asarray(100 * np.sqrt(3) * trafo[voltage] / rated, dtype=np.float64)
