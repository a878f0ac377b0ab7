"""The AC optimum of a case by other roads: sequential quadratic programming, and pandapower's own.

Nothing of the allocation is used: no linear programme, no rounding, no margins, no spreading. The first road
takes values and derivatives from the load flow, both tested against pandapower; it is started where
everything is moved as far as it may be, which clears if anything does, and once more from a given answer. The
second is pandapower's interior point with its own equations. Its branch limits are currents (OPF_FLOW_LIM 2),
so its optimum sits at a `loading_percent` of 100 exactly, as ours.
"""

import copy
from typing import Any

import numpy as np
import pandapower as pp
from scipy.optimize import minimize

from grid_model.allocation import FlexibleDevice
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats
from grid_model.sensitivities import sensitivities
from grid_model.violations import Limits, voltage_limits
from grid_model.watch import Row, Watch
from gridward.bench.allocation_cases import Case

_TOLERANCE = 1e-6
_STEPS = 60
_REPEATS = 4
_OPF_COST = 1000.0
"""Per MW: with 1 its tolerance on the cost ends the search early."""


class _Problem:
    """minimise the sum of what is moved, so that every watched element stays within its limit."""

    def __init__(self, case: Case) -> None:
        self.case, devices = case, case.devices
        self.point = np.array([device.service_point for device in devices])
        self.sign = np.array([-1.0 if device.p_kw > 0 else 1.0 for device in devices])
        end = [device.lowest_kw if device.p_kw > 0 else device.highest_kw for device in devices]
        self.most = np.abs(np.array(end) - [device.p_kw for device in devices])
        self._watch = Watch(case.network, Limits())
        for share in (0.0, 1.0):  # all that is near its limit at either end
            self._watch.rows(self._result(share * self.most))
        self._keys: list[tuple[str, int]] = []
        self.watch_all()
        self._last: tuple[bytes, list[Row], Floats] | None = None

    def watch_all(self) -> bool:
        """Take in what has come near its limit meanwhile; False when nothing has."""
        keys = [(row.element, row.direction) for row in self._watch.rows(self._result(self.most))]
        new, self._keys, self._last = len(keys) > len(self._keys), keys, None
        return new

    def within(self, x: Floats) -> bool:
        """Whether everything, watched or not, is within its limits at `x`."""
        rows = self._watch.rows(self._result(x))
        return all(row.direction * (row.limit - row.value) / row.scale >= -_TOLERANCE for row in rows)

    def after(self, x: Floats) -> Floats:
        """(n_sp,) kW"""
        moved = np.bincount(self.point, weights=self.sign * x, minlength=len(self.case.p_kw))
        return np.asarray(self.case.p_kw + moved)

    def room(self, x: Floats) -> Floats:
        """What is left to each limit, of a rating."""
        return np.array([row.direction * (row.limit - row.value) / row.scale for row in self._at(x)[0]])

    def slope(self, x: Floats) -> Floats:
        """Its derivatives."""
        return -self._at(x)[1]

    def _result(self, x: Floats) -> LoadFlowResult:
        return self.case.load_flow.solve(self.after(x), self.case.q_kvar)

    def _at(self, x: Floats) -> tuple[list[Row], Floats]:
        if self._last is not None and self._last[0] == x.tobytes():
            return self._last[1], self._last[2]
        by_key = {(row.element, row.direction): row for row in self._watch.rows(self._result(x))}
        rows, case = [by_key[key] for key in self._keys], self.case
        elements = [row.element for row in rows]
        found = sensitivities(case.network, case.load_flow, self.after(x), case.q_kvar, elements)
        scale = np.array([row.direction / row.scale for row in rows])
        matrix = found.per_kw[:, self.point] * self.sign * scale[:, None]
        self._last = x.tobytes(), rows, matrix
        return rows, matrix


def ac_optimum_kw(case: Case, answer_kw: Floats) -> float | None:
    """The least kW moved in all that clears the case; None when nothing clears it.

    `answer_kw` (n_device,) is an answer to improve on, besides the start from everything moved.
    """
    problem = _Problem(case)
    best: float | None = None
    if not any(problem.within(x) for x in (problem.most, answer_kw)):
        return None  # movements all go one way, so more of them than all there is helps nobody
    for _ in range(_REPEATS):
        answers = [_minimised(problem, start) for start in (problem.most, answer_kw)]
        within = [float(x.sum()) for x in (*answers, problem.most) if problem.within(x)]
        best = min(within, default=None)
        if not problem.watch_all():
            break
    return best


def _minimised(problem: _Problem, start: Floats) -> Floats:
    found = minimize(
        np.sum,
        start,
        jac=lambda x: np.ones(len(x)),
        bounds=[(0.0, most) for most in problem.most],
        constraints={"type": "ineq", "fun": problem.room, "jac": problem.slope},
        method="SLSQP",
        options={"maxiter": _STEPS, "ftol": 1e-7},
    )
    return np.asarray(np.clip(found.x, 0.0, problem.most), dtype=np.float64)


def runopp_kw(case: Case) -> float | None:
    """The same by pandapower's `runopp`; None where it finds nothing."""
    net = _opf_net(case)
    start = net.sgen.p_mw.to_numpy().copy()
    try:
        pp.runopp(net, verbose=False, init="pf", delta=1e-8)
    except pp.OPFNotConverged:
        return None
    return float(np.abs(net.res_sgen.p_mw.to_numpy() - start).sum() * 1000)


def _opf_net(case: Case) -> Any:
    """The case with each device as a controllable generator whose way from where it is has a price."""
    network, net = case.network, copy.deepcopy(case.network.net)
    for table in ("sgen", "storage", "poly_cost", "pwl_cost", "gen"):
        net[table] = net[table].iloc[:0]
    alone_kw = case.p_kw.copy()
    for device in case.devices:
        alone_kw[device.service_point] -= device.p_kw
    net.load = net.load[net.load.in_service.astype(bool)]
    net.load = net.load.assign(
        p_mw=alone_kw / 1000, q_mvar=case.q_kvar / 1000, scaling=1.0, controllable=False
    )
    net.ext_grid = net.ext_grid.assign(
        controllable=False, min_p_mw=-10.0, max_p_mw=10.0, min_q_mvar=-10.0, max_q_mvar=10.0
    )
    net.bus["min_vm_pu"], net.bus["max_vm_pu"] = voltage_limits(network, Limits())
    net.trafo["shift_degree"] = 0.0  # all the same below one transformer, and a bad start for the method
    for table in ("line", "trafo"):
        net[table]["max_loading_percent"] = 100.0
    for device in case.devices:
        _add(net, int(net.load.bus.iloc[device.service_point]), device)
    return net


def _add(net: Any, bus: int, device: FlexibleDevice) -> None:
    low, high = sorted((-device.lowest_kw / 1000, -device.highest_kw / 1000))
    index = pp.create_sgen(
        net,
        bus,
        p_mw=-device.p_kw / 1000,
        controllable=True,
        min_p_mw=low,
        max_p_mw=high,
        min_q_mvar=0.0,
        max_q_mvar=0.0,
    )
    pp.create_poly_cost(net, index, "sgen", cp1_eur_per_mw=_OPF_COST if device.p_kw > 0 else -_OPF_COST)
