"""[5] The least curtailment that clears all violations, within floors: a linear programme on load-flow
sensitivities, repeated with load flow until clear."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.linear_programme import Programme, solve
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.sensitivities import sensitivities
from grid_model.violations import Limits, Violation, find_violations, severity
from grid_model.watch import Watch

_MAX_ROUNDS = 12
_STEP_KW = 0.001
"""Limits are given in whole watts."""
_SETTLED = 1e-3
"""Relative change of the cost between two rounds below which the search ends."""
_WIDEST_MARGIN = 64.0
"""In multiples of what rounding one limit can undo. A vertex of the programme has few devices between their
bounds, so it begins with one; when this many do not clear, more will not."""


@dataclass(frozen=True, slots=True)
class FlexibleDevice:
    """A device as the allocation sees it: what it takes now and the least it must be left with."""

    device: str
    service_point: int
    """position in `Network.service_points`"""
    p_kw: float
    min_kw: float
    critical: bool = False
    weight: float = 1.0
    """cost of one kW curtailed here, relative to the others"""


@dataclass(frozen=True, slots=True)
class Curtailment:
    """What one device is to be limited to. `limit_kw` is never below the device's `min_kw`."""

    device: str
    service_point: str
    p_kw: float
    limit_kw: float
    curtailed_kw: float


@dataclass(frozen=True)
class Allocation:
    """The answer: the cuts, and what a load flow over the cut snapshot says."""

    curtailments: tuple[Curtailment, ...]
    cleared: bool
    after: LoadFlowResult
    remaining: tuple[Violation, ...]
    """violations left over when not cleared"""
    rounds: int


def allocate(  # noqa: PLR0917  the contract with the controller
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    devices: Sequence[FlexibleDevice],
    limits: Limits,
) -> Allocation:
    """The least curtailed power that brings every element within `limits`; best effort when it cannot be
    cleared.

    `p_kw`, `q_kvar` are (n_sp,). Devices that are critical, or take no more than their `min_kw`, are never
    touched. A device's cut is active power only: its reactive power is not known, and a charger or heat pump
    has little. Raises Diverged when the load flow before any cut does not converge, or the programme has no
    answer.
    """
    before = load_flow.solve(p_kw, q_kvar)
    violations = find_violations(network, before, limits)
    usable = [device for device in devices if _check(device).p_kw > device.min_kw and not device.critical]
    uncut = Allocation((), not violations, before, violations, rounds=0)
    if not violations or not usable:
        return uncut
    search = _Search(
        network=network, load_flow=load_flow, p_kw=p_kw, q_kvar=q_kvar, devices=usable, limits=limits
    )
    return search.run(before, uncut)


def _check(device: FlexibleDevice) -> FlexibleDevice:
    numbers = (device.p_kw, device.min_kw, device.weight)
    if not all(math.isfinite(number) for number in numbers) or device.min_kw < 0 or device.weight <= 0:
        raise ValueError(
            f"device {device.device!r} needs a finite p_kw, min_kw of 0 or more and weight above 0"
        )
    return device


class _Search:
    """One allocation: linearise at the cut found so far, solve, round, look with the load flow, again."""

    def __init__(
        self,
        *,
        network: Network,
        load_flow: FactoredLoadFlow,
        p_kw: Floats,
        q_kvar: Floats,
        devices: Sequence[FlexibleDevice],
        limits: Limits,
    ) -> None:
        self._network, self._load_flow, self._limits = network, load_flow, limits
        self._p_kw, self._q_kvar = p_kw, q_kvar
        self._devices = devices
        self._point = np.array([device.service_point for device in devices], dtype=np.int64)
        self._device_kw = np.array([device.p_kw for device in devices])
        self._min_kw = np.array([device.min_kw for device in devices])
        self._cost = np.array([device.weight for device in devices])
        self._watch = Watch(network, limits)

    def run(self, before: LoadFlowResult, uncut: Allocation) -> Allocation:
        best, result = uncut, before
        cut, cost, margin = np.zeros(len(self._devices)), 0.0, 1.0
        for rounds in range(1, _MAX_ROUNDS + 1):
            cut = self._rounded(self._next(cut, result, margin))
            result = self._load_flow.solve(self._after(cut), self._q_kvar)
            if not result.converged:
                break
            found = self._allocation(cut, result, rounds)
            best = min(best, found, key=self._rank)
            settled = abs(self._cost @ cut - cost) <= _SETTLED * max(cost, 1.0)
            if settled and (found.cleared or margin >= _WIDEST_MARGIN):
                break
            cost = float(self._cost @ cut)
            margin = margin if found.cleared else 2 * margin
        return best

    def _rank(self, allocation: Allocation) -> tuple[bool, float, float]:
        """Cleared comes first, then the least excess left, then the cheaper one."""
        weight = {device.device: device.weight for device in self._devices}
        excess = sum(severity(violation) for violation in allocation.remaining)
        cost = sum(weight[cut.device] * cut.curtailed_kw for cut in allocation.curtailments)
        return not allocation.cleared, round(excess, 6), cost

    def _after(self, cut: Floats) -> Floats:
        return self._p_kw - np.bincount(self._point, weights=cut, minlength=len(self._p_kw))

    def _next(self, cut: Floats, result: LoadFlowResult, margin: float) -> Floats:
        """The programme, linearised at `cut`, where the load flow says `result`."""
        rows = self._watch.rows(result)
        elements = [row.element for row in rows]
        found = sensitivities(self._network, self._load_flow, self._after(cut), self._q_kvar, elements)
        scale = np.array([row.direction / row.scale for row in rows])
        matrix = -found.per_kw[:, self._point] * scale[:, None]
        room = np.array([row.limit - row.value for row in rows]) * scale
        rounding = np.abs(matrix).max(axis=1) * _STEP_KW * margin
        return solve(
            Programme(self._cost, self._device_kw - self._min_kw, matrix, room + matrix @ cut - rounding)
        )

    def _rounded(self, cut: Floats) -> Floats:
        """Limits go up to the next watt, never down: rounding takes nothing from a device."""
        limit = np.ceil((self._device_kw - cut) / _STEP_KW - 1e-6) * _STEP_KW
        limit = np.clip(limit, self._min_kw, self._device_kw)
        return np.where(self._device_kw - limit < _STEP_KW / 2, 0.0, self._device_kw - limit)

    def _allocation(self, cut: Floats, result: LoadFlowResult, rounds: int) -> Allocation:
        remaining = find_violations(self._network, result, self._limits)
        curtailments = tuple(
            self._curtailment(device, float(device_cut))
            for device, device_cut in zip(self._devices, cut, strict=True)
            if device_cut > 0
        )
        return Allocation(curtailments, not remaining, result, remaining, rounds)

    def _curtailment(self, device: FlexibleDevice, cut: float) -> Curtailment:
        limit_kw = max(round(device.p_kw - cut, 6), device.min_kw)
        return Curtailment(
            device=device.device,
            service_point=self._network.service_points[device.service_point],
            p_kw=device.p_kw,
            limit_kw=limit_kw,
            curtailed_kw=round(device.p_kw - limit_kw, 6),
        )
