"""[5] The least curtailment that brings every phase, neutral and bus of an unbalanced network within limits.

The successive linear programme of `grid_model/allocation/`, with what phases change: a device's power lies on
the phases of its customer, a row is the loading of one conductor, and cutting the wrong phase raises the
neutral. The loading of a conductor |Σ I| is convex in what is cut, so all tangents of all rounds are kept
(cutting planes; J. E. Kelley, J. SIAM 8(4), 1960). Knows nothing of reserves, fairness and reactive power of
devices, which stays as it is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grid_model.allocation.columns import Columns, columns_of
from grid_model.allocation.devices import FlexibleDevice, check_device
from grid_model.allocation.outcome import Curtailment
from grid_model.allocation.tangents import Tangents, planes, room_of, rounding
from grid_model.linear_programme import Programme, Solution, solve
from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.three_phase.sensitivities import phase_sensitivities, value_at
from grid_model.three_phase.violations import (
    PhaseLimits,
    PhaseViolation,
    Place,
    find_phase_violations,
    phase_severity,
)
from grid_model.violations import VOLTAGE_BAND_PU
from grid_model.watch import Row

_MAX_ROUNDS = 25
_SETTLED = 1e-3
"""Relative change of the cost at which the search ends."""
_WIDEST_MARGIN = 64.0
"""In multiples of what rounding one limit can undo."""
_NEW_AT_ONCE = 5
"""Of each kind and conductor, in each round: along a feeder a hundred buses share one cause."""
_EXCESS_DIGITS = 6


@dataclass(frozen=True, slots=True)
class PhaseDevice:
    """A device, and on which phases of its customer its power lies."""

    device: FlexibleDevice
    share: tuple[float, float, float]
    """of its power on a, b, c (of a customer in delta: ab, bc, ca); sums to 1"""


@dataclass(frozen=True)
class PhaseAllocation:
    """The answer: the cuts, and what a load flow over the cut snapshot says."""

    curtailments: tuple[Curtailment, ...]
    cleared: bool
    after: ThreePhaseResult
    remaining: tuple[PhaseViolation, ...]
    """violations left over when not cleared"""
    rounds: int


def allocate_phases(
    network: ThreePhaseNetwork,
    load_flow: ThreePhaseLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    devices: Sequence[PhaseDevice],
    *,
    limits: PhaseLimits | None = None,
) -> PhaseAllocation:
    """The least curtailed power that brings everything within `limits`; the best effort, never worse than
    nothing, where it cannot be cleared. Every answer was looked at with the load flow.

    `p_kw`, `q_kvar` are (n_sp, 3). Critical devices are never touched, none goes beyond its range. Raises
    Diverged when the load flow before any cut does not converge, or sensitivities say nothing; ValueError for
    an impossible device or share.
    """
    limits = limits or PhaseLimits()
    shares = np.array([_checked_share(network, one) for one in devices]).reshape(-1, 3)
    columns = columns_of([_active_only(one.device) for one in devices])
    before = load_flow.solve(p_kw, q_kvar)
    remaining = find_phase_violations(network, before, limits)
    idle = _Trial(np.zeros(len(columns.most)), before, remaining)
    best = idle
    if remaining and len(columns.most):
        search = _Search(network, load_flow, p_kw, q_kvar, columns=columns, shares=shares, limits=limits)
        best = search.run(idle)
    return PhaseAllocation(
        curtailments=_curtailments(network, columns, best.x),
        cleared=not best.remaining,
        after=best.result,
        remaining=best.remaining,
        rounds=best.rounds,
    )


def _active_only(device: FlexibleDevice) -> FlexibleDevice:
    return replace(check_device(device), min_q_kvar=None, max_q_kvar=None)


def _checked_share(network: ThreePhaseNetwork, one: PhaseDevice) -> tuple[float, float, float]:
    share, connected = np.array(one.share), network.connected[one.device.service_point]
    if not np.isclose(share.sum(), 1.0) or (share < 0).any() or (share[~connected] != 0).any():
        name = network.service_points[one.device.service_point]
        raise ValueError(
            f"device {one.device.device!r} needs shares that sum to 1 on the phases of {name!r}: {one.share}"
        )
    return one.share


@dataclass(frozen=True)
class _Trial:
    """One cut that was looked at with the load flow."""

    x: Floats
    """(n,) the movements, rounded"""
    result: ThreePhaseResult
    remaining: tuple[PhaseViolation, ...]
    rounds: int = 0

    @property
    def excess(self) -> float:
        """How far everything together is outside."""
        return round(sum(map(phase_severity, self.remaining)), _EXCESS_DIGITS)


@dataclass(frozen=True, slots=True)
class _Constraint:
    """One value that was outside once, and is kept in mind from then on."""

    place: Place
    direction: int
    """1: must not rise above the limit; -1: not fall below"""
    limit: float
    scale: float

    def row(self, value: float) -> Row:
        """As the planes of `grid_model/allocation/tangents.py` take it."""
        name = f"{self.place.element} {self.place.conductor}"
        return Row(name, self.direction, value, self.limit, self.scale)


def _constraint(violation: PhaseViolation) -> _Constraint:
    voltage = violation.kind in {"undervoltage", "overvoltage"}
    direction = -1 if violation.kind == "undervoltage" else 1
    return _Constraint(
        violation.place, direction, violation.limit, VOLTAGE_BAND_PU if voltage else violation.limit
    )


class _Search:
    """The successive linear programme over one snapshot."""

    def __init__(
        self,
        network: ThreePhaseNetwork,
        load_flow: ThreePhaseLoadFlow,
        p_kw: Floats,
        q_kvar: Floats,
        *,
        columns: Columns,
        shares: Floats,
        limits: PhaseLimits,
    ) -> None:
        self._network, self._load_flow, self._limits = network, load_flow, limits
        self._p_kw, self._q_kvar = p_kw, q_kvar
        self._columns = columns
        self._share = shares[columns.owner]
        self._constraints: dict[_Constraint, None] = {}
        self._tangents: list[Tangents] = []

    def run(self, idle: _Trial) -> _Trial:
        """The best cut found."""
        best = last = idle
        cost, margin = 0.0, 1.0
        self._watch(idle)
        for rounds in range(1, _MAX_ROUNDS + 1):
            solution = self._solved(last, margin)
            trial = self._look(self._columns.rounded(solution.x), rounds)
            if trial is None:
                break
            best = min(best, trial, key=self._rank)
            news = self._watch(trial)
            cost_now = float(self._columns.cost @ trial.x)
            settled = not news and abs(cost_now - cost) <= _SETTLED * max(cost, 1.0)
            if settled and (not trial.remaining or not solution.feasible or margin >= _WIDEST_MARGIN):
                break
            cost, last = cost_now, trial
            margin = 2 * margin if trial.remaining and not news and margin < _WIDEST_MARGIN else margin
        return best

    def _rank(self, trial: _Trial) -> tuple[bool, float, float]:
        """Cleared comes first, then the least excess left, then the cheaper one."""
        return bool(trial.remaining), trial.excess, float(self._columns.cost @ trial.x)

    def _watch(self, trial: _Trial) -> bool:
        """Keep the worst of what is outside in mind; whether any of it is new."""
        before, taken = len(self._constraints), Counter[tuple[str, str | None]]()
        for violation in trial.remaining:
            taken[violation.kind, violation.phase] += 1
            if taken[violation.kind, violation.phase] <= _NEW_AT_ONCE:
                self._constraints[_constraint(violation)] = None
        return len(self._constraints) > before

    def _look(self, x: Floats, rounds: int) -> _Trial | None:
        """The load flow over the cut `x`; None where it does not converge."""
        result = self._load_flow.solve(self._after(x), self._q_kvar)
        if not result.converged:
            return None
        return _Trial(x, result, find_phase_violations(self._network, result, self._limits), rounds)

    def _after(self, x: Floats) -> Floats:
        p_kw = self._p_kw.copy()
        np.add.at(p_kw, self._columns.point, (self._columns.sign * x)[:, None] * self._share)
        return p_kw

    def _solved(self, last: _Trial, margin: float) -> Solution:
        """The programme, linearised at all cuts so far, where the load flow says what it said at `last`."""
        columns = self._columns
        rows = [one.row(value_at(self._network, last.result, one.place)) for one in self._constraints]
        self._tangents.append(self._derived(rows, last.x))
        found = planes(self._tangents, rows, last.x)
        hard, hard_bound = columns.one_step_each()
        return solve(
            Programme(
                cost=columns.cost,
                most=columns.most,
                matrix=found.matrix,
                bound=found.bound - rounding(columns, found.matrix, last.x, margin),
                hard=hard,
                hard_bound=hard_bound,
                whole=columns.whole,
            )
        )

    def _derived(self, rows: Sequence[Row], x: Floats) -> Tangents:
        places = [one.place for one in self._constraints]
        found = phase_sensitivities(self._network, self._load_flow, self._after(x), self._q_kvar, places)
        rise = (found.per_kw[:, self._columns.point] * self._share).sum(axis=-1) * self._columns.sign
        scale = np.array([row.direction / row.scale for row in rows])
        room = np.array([room_of(row) for row in rows])
        keys = tuple((row.element, row.direction) for row in rows)
        return Tangents(keys, x, rise * scale[:, None], room)


def _curtailments(network: ThreePhaseNetwork, columns: Columns, x: Floats) -> tuple[Curtailment, ...]:
    moved = np.bincount(columns.owner, weights=columns.sign * x, minlength=len(columns.devices))
    return tuple(
        _curtailment(network, device, float(p_kw))
        for device, p_kw in zip(columns.devices, moved, strict=True)
        if p_kw
    )


def _curtailment(network: ThreePhaseNetwork, device: FlexibleDevice, p_kw: float) -> Curtailment:
    """What a device is told that is to take `p_kw` more."""
    limit_kw = min(max(round(device.p_kw + p_kw, 6), device.lowest_kw), device.highest_kw)
    return Curtailment(
        device=device.device,
        service_point=network.service_points[device.service_point],
        p_kw=device.p_kw,
        limit_kw=limit_kw,
        curtailed_kw=round(abs(device.p_kw - limit_kw), 6),
        sense="at_least" if limit_kw > device.p_kw else "at_most",
    )
