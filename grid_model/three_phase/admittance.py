"""[3] The sequence admittance matrices of one topology, as `runpp_3ph` builds them, cut to what the
factored load flow needs.

One `runpp_3ph` without load makes pandapower lay out its three matrices; lines, vector groups, neutrals,
switches and the external grid are pandapower's own. All base quantities are per phase: S = base_kva, V =
V_n/√3, so a current of 1 pu is √3 base_kva / V_n. In the positive sequence the external grid holds the
voltage; in the other two it is an admittance to earth, so its bus moves there. Knows nothing of solving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from grid_model.network import Floats, Ints
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.network_checks import active
from grid_model.three_phase.phases import PHASES, Complexes
from grid_model.three_phase.referee import private_net, run

SEQUENCES = (0, 1, 2)
POSITIVE = 1


@dataclass(frozen=True)
class BranchEnds:
    """Both ends of every branch in service; the current into the branch there is `y_near V[near] + y_far
    V[far]`, sequence by sequence.

    Order: lines from, lines to, transformers high, transformers low, all others.
    """

    near: Ints
    far: Ints
    y_near: Complexes
    """(3, n_end)"""
    y_far: Complexes
    percent: Floats
    """(2 n_line + 2 n_trafo,) loading in percent of a current of 1 pu at these ends"""
    line: Ints
    """(n_line in service,) position in `ThreePhaseNetwork.lines`"""
    trafo: Ints


@dataclass(frozen=True)
class Demands:
    """Where power is taken: pairs of a bus and one of the six connections of `phases.CONNECTIONS`, each
    once."""

    bus: Ints
    """(k,) internal position"""
    connection: Ints
    """(k,) 0 to 5"""
    fixed: Complexes
    """(k,) what all but the service points take there, S = P + jQ in pu"""
    service_point: Ints
    """(n_sp, 3) which of the k each part of a service point is; k where it is not connected"""


@dataclass(frozen=True)
class SequenceAdmittance:
    """One topology in per unit of one phase."""

    base_kva: float
    y_bus: tuple[Any, Any, Any]
    """(n, n) complex csc each: zero, positive, negative"""
    free: Ints
    """internal positions whose positive-sequence voltage is sought"""
    held: Ints
    """those where an external grid holds it"""
    v_held: Complexes
    ends: BranchEnds
    demands: Demands
    bus: Ints
    """(n_bus,) internal position of each bus of the network; n where it is not supplied"""

    @property
    def n(self) -> int:
        """How many internal buses there are."""
        return int(self.y_bus[0].shape[0])


@dataclass(frozen=True, slots=True)
class Unfit:
    """A network that the factored form cannot express."""

    reason: str


def build(network: ThreePhaseNetwork) -> SequenceAdmittance | Unfit:
    """Lay out the matrices, or say why the factored load flow does not hold for this network."""
    net = private_net(network)
    fixed = {table: net[table] for table in ("load", "sgen", "asymmetric_sgen")}
    for table in fixed:
        net[table] = net[table].iloc[:0]
    if not run(net):
        return Unfit("its unbalanced load flow without load does not converge")
    cases = [net[f"_ppc{sequence}"] for sequence in SEQUENCES]
    parts = [case["internal"] for case in cases]
    if not np.array_equal(_branch_buses(cases[0]), _branch_buses(cases[POSITIVE])):
        return Unfit("its zero sequence is laid out in another order")
    return _read(network, net, parts, fixed)


def _branch_buses(case: Any) -> Ints:
    from pandapower.pypower.idx_brch import BR_STATUS, F_BUS, T_BUS  # noqa: PLC0415

    return np.asarray(case["branch"][:, [F_BUS, T_BUS, BR_STATUS]].real, dtype=np.int64)


def _read(
    network: ThreePhaseNetwork, net: Any, parts: list[Any], fixed: dict[str, Any]
) -> SequenceAdmittance:
    from pandapower.pypower.idx_bus import BASE_KV  # noqa: PLC0415

    positive = parts[POSITIVE]
    n, held = len(positive["bus"]), np.asarray(positive["ref"], dtype=np.int64)
    base_mva = float(positive["baseMVA"])
    found = np.asarray(net._pd2ppc_lookups["bus"][net.bus.index], dtype=np.int64)
    internal = np.where((found < 0) | (found >= n), n, found)
    return SequenceAdmittance(
        base_kva=base_mva * 1000,
        y_bus=(_csc(parts[0]["Ybus"]), _csc(positive["Ybus"]), _csc(parts[2]["Ybus"])),
        free=np.setdiff1d(np.arange(n), held),
        held=held,
        v_held=np.asarray(positive["V"], dtype=np.complex128)[held],
        ends=_ends(net, parts, base_mva * np.sqrt(3) / positive["bus"][:, BASE_KV].real),
        demands=_demands(network, net, internal, fixed, base_mva),
        bus=internal,
    )


def _csc(matrix: Any) -> Any:
    return sparse.csc_matrix(matrix, dtype=np.complex128)


def _demands(
    network: ThreePhaseNetwork, net: Any, internal: Ints, fixed: dict[str, Any], base_mva: float
) -> Demands:
    connection = np.arange(3) + 3 * network.delta[:, None]
    key = internal[network.service_point_bus][:, None] * 6 + connection
    parts = [_fixed_demand(net, internal, name, active(fixed, name)) for name in fixed]
    fixed_key, power = (np.concatenate(part) for part in zip(*parts, strict=True))
    present = (power != 0) & (fixed_key < 6 * internal.max(initial=0) + 6)
    used, slot = np.unique(np.concatenate([key[network.connected], fixed_key[present]]), return_inverse=True)
    amount = np.zeros(len(used), dtype=np.complex128)
    np.add.at(amount, slot[network.connected.sum() :], power[present] / base_mva)
    service_point = np.full(key.shape, len(used), dtype=np.int64)
    service_point[network.connected] = slot[: network.connected.sum()]
    return Demands(used // 6, used % 6, amount, service_point)


def _fixed_demand(net: Any, internal: Ints, table: str, rows: Any) -> tuple[Ints, Complexes]:
    """Keys (bus * 6 + connection) and MVA that the rows take, three each."""
    bus = internal[net.bus.index.get_indexer(rows.bus)]
    connection = np.arange(3) + 3 * (rows.type == "delta").to_numpy()[:, None]
    if table.startswith("asymmetric"):
        power = np.stack([rows[f"p_{phase}_mw"] + 1j * rows[f"q_{phase}_mvar"] for phase in PHASES], axis=-1)
    else:
        power = np.repeat((rows.p_mw + 1j * rows.q_mvar).to_numpy()[:, None] / 3, 3, axis=1)
    power = power * rows.scaling.to_numpy()[:, None] * (-1 if table.endswith("sgen") else 1)
    return (bus[:, None] * 6 + connection).ravel(), np.asarray(power, dtype=np.complex128).ravel()


def _ends(net: Any, parts: list[Any], base_ka: Floats) -> BranchEnds:
    """`base_ka` is (n,) the current of 1 pu at each bus."""
    from pandapower.pypower.idx_brch import F_BUS, T_BUS  # noqa: PLC0415

    branch = parts[POSITIVE]["branch"]
    ends = {
        side: branch[:, column].real.astype(np.int64) for side, column in (("from", F_BUS), ("to", T_BUS))
    }
    other = {"from": "to", "to": "from"}
    line, line_row = _table_rows(net, parts[POSITIVE], "line")
    trafo, trafo_row = _table_rows(net, parts[POSITIVE], "trafo")
    rest = np.setdiff1d(np.arange(len(branch)), np.concatenate([line_row, trafo_row]))
    rows = [(side, part) for part in (line_row, trafo_row, rest) for side in ("from", "to")]

    def gather(pick: Callable[[str, Ints], Any]) -> Any:
        return np.concatenate([pick(side, part) for side, part in rows])

    def entries(sequence: int, at: Callable[[str, Ints], Ints]) -> Any:
        flows = {"from": parts[sequence]["Yf"].tocsr(), "to": parts[sequence]["Yt"].tocsr()}
        return gather(lambda side, part: _entries(flows[side], part, at(side, part)))

    def near(side: str, part: Ints) -> Ints:
        return np.asarray(ends[side][part])

    def far(side: str, part: Ints) -> Ints:
        return np.asarray(ends[other[side]][part])

    loop = gather(near) == gather(far)  # both ends on one bus: all of it is in y_near
    rating = [_line_percent(net, line)] * 2
    rating += [_trafo_percent(net, trafo, side) for side in ("vn_hv_kv", "vn_lv_kv")]
    return BranchEnds(
        near=gather(near),
        far=gather(far),
        y_near=np.stack([entries(sequence, near) for sequence in SEQUENCES]),
        y_far=np.where(loop, 0.0, np.stack([entries(sequence, far) for sequence in SEQUENCES])),
        percent=np.concatenate(
            [base_ka[near(*row)] * percent for row, percent in zip(rows[:4], rating, strict=True)]
        ),
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
    """Loading per kA of one phase: of max_i_ka * df * parallel."""
    line = net.line.iloc[position]
    return np.asarray(100 / (line.max_i_ka * line.df * line.parallel), dtype=np.float64)


def _trafo_percent(net: Any, position: Ints, voltage: str) -> Floats:
    """Loading per kA of one phase at one side: of the rated current of that side."""
    trafo = net.trafo.iloc[position]
    rated = trafo.sn_mva * trafo.parallel * trafo.df
    return np.asarray(100 * np.sqrt(3) * trafo[voltage] / rated, dtype=np.float64)
