"""[3] The same load flow through pandapower's `runpp_3ph`: slow, independent, and believed when both
disagree.

Two things about `runpp_3ph` matter here. It stops at a mismatch of 3e-8 *per unit* whatever the tolerance:
at a base of 100 MVA that is 3 W. The private copy is calculated on a small base; results do not depend on
it, but for Yzn transformers, whose admittance pandapower multiplies by the base: networks with these stay
at 1 MVA. And it looks at the positive sequence only, and takes what is beyond collapse for converged: its
voltages are believed only after they were found to carry the demand of every bus.
"""

import copy
import threading
import warnings
from typing import Any

import numpy as np

from grid_model.network import Floats, Ints
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.network_checks import active
from grid_model.three_phase.phases import PHASES, Complexes
from grid_model.three_phase.results import ThreePhaseResult, not_converged

_BASE_MVA = 0.01
"""Good for about 1e-8 pu. On smaller ones the last bits of large networks are above the mismatch."""
_MISMATCH_PU = 1e-9
"""Of the positive sequence inside each round."""
_MAX_ROUNDS = 30
_POWER_TABLES = {
    "load": (1, ("p_mw",), ("q_mvar",)),
    "sgen": (-1, ("p_mw",), ("q_mvar",)),
    "asymmetric_load": (1, ("p_a_mw", "p_b_mw", "p_c_mw"), ("q_a_mvar", "q_b_mvar", "q_c_mvar")),
    "asymmetric_sgen": (-1, ("p_a_mw", "p_b_mw", "p_c_mw"), ("q_a_mvar", "q_b_mvar", "q_c_mvar")),
}
_UNBALANCED_MVA = 1e-6
"""Missing at a bus, per MVA of its demand where that is more than 1 MVA."""


class ThreePhaseReferee:
    """Solves one network with `runpp_3ph`. May be shared by threads; they take turns."""

    def __init__(self, network: ThreePhaseNetwork) -> None:
        self._network = network
        self._net = private_net(network)
        self._lock = threading.Lock()
        self._grid_v_pu = np.array(self._net.ext_grid.vm_pu, dtype=np.float64)

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> ThreePhaseResult:
        """As `ThreePhaseLoadFlow.solve`."""
        if not (np.isfinite(p_kw).all() and np.isfinite(q_kvar).all()):
            return not_converged(self._network, 0)
        with self._lock:
            table = self._net.asymmetric_load
            rows = table.index[: len(p_kw)]
            for column, phase in enumerate(PHASES):
                table.loc[rows, f"p_{phase}_mw"] = p_kw[:, column] / 1000
                table.loc[rows, f"q_{phase}_mvar"] = q_kvar[:, column] / 1000
            self._net.ext_grid["vm_pu"] = self._grid_v_pu * slack_scale
            return _read(self._net) if run(self._net) else not_converged(self._network, 0)


def private_net(network: ThreePhaseNetwork) -> Any:
    """A copy of the pandapower network with exactly the service points as its `asymmetric_load`, in order.

    Storages stand in its `load` table, because `runpp_3ph` knows none; and what says neither wye nor delta is
    wye, because it leaves those out.
    """
    import pandas as pd  # noqa: PLC0415

    net = copy.deepcopy(network.net)
    storage = active(net, "storage")
    net.load = pd.concat(
        [net.load.iloc[:0], storage[["name", "bus", "p_mw", "q_mvar", "scaling", "in_service"]]]
    )
    net.load["type"] = "wye"
    net.storage = net.storage.iloc[:0]
    for table in ("sgen", "asymmetric_sgen"):
        net[table]["type"] = np.where(net[table].type == "delta", "delta", "wye")
    net.asymmetric_load = pd.DataFrame(
        {
            "name": network.service_points,
            "bus": net.bus.index[network.service_point_bus],
            **{
                f"{quantity}_{phase}_{unit}": 0.0
                for quantity, unit in (("p", "mw"), ("q", "mvar"))
                for phase in PHASES
            },
            "sn_mva": np.nan,
            "scaling": 1.0,
            "in_service": True,
            "type": np.where(network.delta, "delta", "wye"),
        }
    )
    yzn = any(str(group).lower() == "yzn" for group in active(net, "trafo").vector_group)
    net.sn_mva = 1.0 if yzn else _BASE_MVA
    return net


def run(net: Any) -> bool:
    """Run `runpp_3ph`; whether it found voltages that carry the demand. It leaves its admittance matrices
    in the network."""
    from pandapower import LoadflowNotConverged, runpp_3ph  # noqa: PLC0415

    for sequence in range(3):
        net.pop(f"_ppc{sequence}", None)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            runpp_3ph(
                net,
                numba=False,
                tolerance_mva=_MISMATCH_PU * net.sn_mva,
                max_iteration=_MAX_ROUNDS,
                recycle={"bus_pq": False, "gen": False, "Ybus": True},
            )
        except (LoadflowNotConverged, np.linalg.LinAlgError):
            return False
        return _carries_demand(net)


def _carries_demand(net: Any) -> bool:
    """Whether the currents that the voltages make, times the voltages, are the demand of every bus.

    The sum over the phases, so that it does not matter what is connected in wye or delta.
    """
    from pandapower.pypower.idx_bus import VA, VM  # noqa: PLC0415

    held = net._ppc1["internal"]["ref"]
    n = len(net._ppc1["internal"]["bus"])
    power = np.zeros(n, dtype=np.complex128)
    for sequence in range(3):
        case = net[f"_ppc{sequence}"]
        v = case["bus"][:n, VM] * np.exp(1j * np.deg2rad(case["bus"][:n, VA]))
        power += 3 * v * np.conj(case["internal"]["Ybus"] @ v) * net.sn_mva
    demand = np.delete(_demand_mva(net, n), held)
    missing = np.abs(np.delete(power, held) + demand)
    return bool((missing <= _UNBALANCED_MVA * np.maximum(1.0, np.abs(demand))).all())  # false for NaN


def _demand_mva(net: Any, n: int) -> Complexes:
    """(n,) all that is taken at each internal bus."""
    demand = np.zeros(n, dtype=np.complex128)
    for table, (sign, p_columns, q_columns) in _POWER_TABLES.items():
        frame = active(net, table)
        bus = np.asarray(net._pd2ppc_lookups["bus"][frame.bus], dtype=np.int64)
        p, q = (frame[list(columns)].sum(axis=1).to_numpy() for columns in (p_columns, q_columns))
        supplied = (bus >= 0) & (bus < n)
        np.add.at(demand, bus[supplied], (sign * (p + 1j * q) * frame.scaling.to_numpy())[supplied])
    return demand


def _read(net: Any) -> ThreePhaseResult:
    line, trafo, bus = net.res_line_3ph, net.res_trafo_3ph, net.res_bus_3ph
    rating = np.array(net.line.max_i_ka * net.line.df * net.line.parallel, dtype=np.float64)
    losses = [line[f"pl_{phase}_mw"] for phase in PHASES] + [trafo[f"pl_{phase}_mw"] for phase in PHASES]
    return ThreePhaseResult(
        converged=True,
        iterations=int(net._ppc1["iterations"]),
        v_pu=_columns(bus, "vm_{}_pu"),
        unbalance_percent=np.array(bus.unbalance_percent, dtype=np.float64),
        line_loading_percent=_in_service(net.line, _columns(line, "loading_{}_percent")),
        neutral_loading_percent=_in_service(net.line, np.array(line.i_n_ka, dtype=np.float64) / rating * 100),
        transformer_loading_percent=_in_service(net.trafo, _columns(trafo, "loading_{}_percent")),
        transformer_p_kw=_in_service(net.trafo, _columns(trafo, "p_{}_hv_mw")) * 1000,
        losses_kw=float(sum(np.nansum(phase) for phase in losses)) * 1000,
    )


def _columns(frame: Any, name: str) -> Floats:
    return np.stack([np.array(frame[name.format(phase)], dtype=np.float64) for phase in PHASES], axis=-1)


def _in_service(frame: Any, values: Floats) -> Floats:
    """pandapower writes NaN or infinity for branches out of service; nothing flows there."""
    active_rows: Ints = np.array(frame.in_service, dtype=bool).reshape((-1,) + (1,) * (values.ndim - 1))
    return np.where(np.isfinite(values) & active_rows, values, 0.0)


def disagreement_pu(one: ThreePhaseResult, other: ThreePhaseResult) -> float:
    """The largest difference of a voltage; infinite when only one converged, or they differ in what is
    supplied; NaN when neither did."""
    if one.converged != other.converged:
        return np.inf
    if not np.array_equal(np.isnan(one.v_pu), np.isnan(other.v_pu)):
        return np.inf
    difference = np.abs(one.v_pu - other.v_pu)
    return float(np.nanmax(difference)) if np.isfinite(difference).any() else np.nan
