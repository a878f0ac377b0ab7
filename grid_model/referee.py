"""[3] The same load flow through pandapower's `runpp`: slow, independent, and believed when both disagree.

Works on a copy of the network, under a lock: `runpp` writes into the network it solves.
"""

import copy
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats, Network
from grid_model.results import LoadFlowResult, not_converged

_TOLERANCES_MVA = (1e-9, 1e-9, 1e-8)
"""pandapower's own 1e-8 MVA leaves 1e-8 pu at the end of a long cable; large networks may not get below
it."""
_STARTS = ("auto", "flat", "flat")
"""pandapower's own start may be a direct-current load flow, which divides by the reactance of each branch."""
_MAX_ITERATIONS = 30
"""pandapower's own 10 are too few for loads that depend on the voltage."""


class Referee:
    """Solves one network with `runpp`. May be shared by threads; they take turns."""

    def __init__(self, network: Network, *, slack_scale: float = 1.0) -> None:
        """`slack_scale` multiplies the external grids' voltage in all that is asked."""
        self._network = network
        self._net = private_net(network)
        self._lock = threading.Lock()
        self._slack_scale = slack_scale
        self._grid_v_pu = np.array(self._net.ext_grid.vm_pu, dtype=np.float64)
        self._generator_v_pu = np.array(self._net.gen.vm_pu, dtype=np.float64)
        gen = self._net.gen  # one at an external grid has that grid's voltage
        self._follows_grid = np.array(gen.slack.astype(bool) | gen.bus.isin(self._net.ext_grid.bus))
        self._loads = load_rows(network)

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> LoadFlowResult:
        """As `FactoredLoadFlow.solve`, by Newton-Raphson."""
        return self.solve_with_voltages(p_kw, q_kvar, slack_scale=slack_scale)[0]

    def solve_with_voltages(
        self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0
    ) -> tuple[LoadFlowResult, NDArray[np.complex128]]:
        """As `solve`, and the complex voltages of the nodes of `layout.py`; none where it diverged."""
        with self._lock:
            self._inject(p_kw, q_kvar, slack_scale * self._slack_scale)
            if not np.isfinite(p_kw).all() or not np.isfinite(q_kvar).all() or not _run(self._net):
                return not_converged(self._network, 0), np.zeros(0, dtype=np.complex128)
            return _read(self._net), _node_voltages(self._net)

    def _inject(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> None:
        net = self._net
        p_mw, q_mvar = np.zeros(len(net.load)), np.zeros(len(net.load))
        p_mw[self._loads] = np.asarray(p_kw) / 1000
        q_mvar[self._loads] = np.asarray(q_kvar) / 1000
        net.load["p_mw"], net.load["q_mvar"] = p_mw, q_mvar
        net.ext_grid["vm_pu"] = self._grid_v_pu * slack_scale
        net.gen["vm_pu"] = np.where(self._follows_grid, slack_scale, 1.0) * self._generator_v_pu


def private_net(network: Network) -> Any:
    """A copy of the pandapower network whose loads take p_mw and q_mvar as they are, scaling is 1, and whose
    direct-current lines are the two generators that pandapower makes of each."""
    from pandapower.auxiliary import _add_dcline_gens  # noqa: PLC0415

    net = copy.deepcopy(network.net)
    _add_dcline_gens(net)
    net.dcline = net.dcline.iloc[:0]
    net.load["scaling"] = 1.0
    for table in ("p_mw", "q_mvar"):
        net.load[table] = net.load[table].astype(np.float64)
    return net


def load_rows(network: Network) -> list[int]:
    """(n_sp,) row of each service point in pandapower's load frame."""
    row = {f"load:{index}": place for place, index in enumerate(network.net.load.index)}
    return [row[load_id] for load_id in network.load_ids]


def _run(net: Any) -> bool:
    from pandapower import LoadflowNotConverged, runpp  # noqa: PLC0415

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for tolerance_mva, init in zip(_TOLERANCES_MVA, _STARTS, strict=True):
            try:
                runpp(net, numba=False, tolerance_mva=tolerance_mva, max_iteration=_MAX_ITERATIONS, init=init)
            except (LoadflowNotConverged, np.linalg.LinAlgError, FloatingPointError):
                continue
            except UserWarning:
                return False  # such as external grids of different voltages that a switch has joined
            on = net.ext_grid.in_service & net.ext_grid.bus.map(net.bus.in_service)
            return bool(np.isfinite(net.res_ext_grid.p_mw[on.astype(bool)]).all())
    return False


def _read(net: Any) -> LoadFlowResult:
    losses_mw = sum(
        float(np.nansum(net[table].pl_mw))
        for table in ("res_line", "res_trafo", "res_trafo3w", "res_impedance")
    )
    supply_mw = float(np.nansum(net.res_ext_grid.p_mw))
    if len(net.gen):
        supply_mw += float(np.nansum(net.res_gen.p_mw[net.gen.slack]))
    return LoadFlowResult(
        converged=True,
        iterations=int(net._ppc["iterations"]),
        v_pu=np.array(net.res_bus.vm_pu, dtype=np.float64),
        line_loading_percent=_loading(net, "line"),
        transformer_loading_percent=np.concatenate([_loading(net, "trafo"), _loading(net, "trafo3w")]),
        transformer_p_kw=1000 * np.concatenate([_high_p_mw(net, "trafo"), _high_p_mw(net, "trafo3w")]),
        losses_kw=losses_mw * 1000,
        supply_kw=supply_mw * 1000,
    )


def _node_voltages(net: Any) -> NDArray[np.complex128]:
    tables = (
        (net.res_bus, "vm_pu", "va_degree"),
        (net.res_xward, "vm_internal_pu", "va_internal_degree"),
        (net.res_trafo3w, "vm_internal_pu", "va_internal_degree"),
    )
    parts = [
        np.array(table[vm], dtype=np.float64) * np.exp(1j * np.deg2rad(np.array(table[va], dtype=np.float64)))
        for table, vm, va in tables
        if len(table)
    ]
    return np.concatenate(parts)


def _high_p_mw(net: Any, table: str) -> Floats:
    return np.nan_to_num(np.array(net[f"res_{table}"].p_hv_mw, dtype=np.float64))


def _loading(net: Any, table: str) -> Floats:
    """pandapower writes NaN or infinity for branches out of service; nothing flows there."""
    loading = np.array(net[f"res_{table}"].loading_percent, dtype=np.float64)
    return np.where(np.isfinite(loading) & np.array(net[table].in_service, dtype=bool), loading, 0.0)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The largest differences of two results for one snapshot."""

    v_pu: float
    loading_percent: float


def disagreement(one: LoadFlowResult, other: LoadFlowResult) -> Disagreement | None:
    """How far two results are apart; None when both did not converge, infinite when one did not."""
    if not one.converged and not other.converged:
        return None
    if one.converged != other.converged:
        return Disagreement(np.inf, np.inf)
    return Disagreement(
        v_pu=_largest(one.v_pu, other.v_pu),
        loading_percent=max(
            _largest(one.line_loading_percent, other.line_loading_percent),
            _largest(one.transformer_loading_percent, other.transformer_loading_percent),
        ),
    )


def _largest(one: Floats, other: Floats) -> float:
    if not np.array_equal(np.isnan(one), np.isnan(other)):
        return np.inf
    difference = np.abs(one - other)
    return float(np.nanmax(difference)) if difference.size and not np.isnan(difference).all() else 0.0
