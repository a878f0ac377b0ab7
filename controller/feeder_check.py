"""[3] One check of a feeder: the load flow over a snapshot, on the busbar voltage that the RTU measures.
Pure.

The voltage above the transformer is not measured, so the external grid's voltage is scaled until the model's
low-voltage busbar shows what the RTU shows, within ±10 %. Every N checks pandapower's `runpp` solves the same
snapshot: where both disagree it is believed, and the caller is told. A network that only `runpp` can solve is
not compared with itself.

Where nobody measured, a limit is broken or the sums do not fit, the state is estimated (`state_estimate.py`)
and solved again: estimated powers stand where no fresh reading is and in place of meters that all others
contradict, whose readings count as measured no longer.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from controller.device_witness import understated
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState, snapshot
from controller.state_estimate import EstimateState, StateEstimate, estimate_state, watched
from grid_model.estimation.certainty import Certainty
from grid_model.load_flow import LoadFlowResult
from grid_model.referee import disagreement
from grid_model.snapshot import Quality, Snapshot
from grid_model.violations import Violation, find_violations

MAX_SLACK_CHANGE = 0.1
AGREED_V_PU = 1e-6
"""Two load flows of one snapshot agree within this."""
_MATCHED_V_PU = 1e-4
MIN_SUM_DIFFERENCE_KW = 3.0
"""A feeder sum is never called wrong for less: meters and RTU are not read at the same instant."""
MAX_BUSBAR_DIFFERENCE_PU = 0.02
"""The model's busbar misses the measured voltage by more only where `MAX_SLACK_CHANGE` forbids to follow."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """What one check leaves to the next."""

    slack_scale: float = 1.0
    checks: int = 0
    estimate: EstimateState = field(default_factory=EstimateState)


@dataclass(frozen=True)
class Check:
    """A solved snapshot and what is outside its limits."""

    snapshot: Snapshot
    result: LoadFlowResult
    violations: tuple[Violation, ...]
    """empty when the load flow did not converge: nothing is known then"""
    worst_ratio: float
    """`ElementLimits.worst_ratio`; infinite when not converged"""
    slack_scale: float
    referee_difference: float | None = None
    """largest difference in pu when `runpp` was asked in this check"""
    estimate: StateEstimate | None = None
    """how sure all of it is; None where nothing had to be estimated"""
    as_read: LoadFlowResult | None = None
    """the load flow before the estimate, where there is one: its sums were not made to fit the RTU's"""

    def certainty(self, violation: Violation) -> Certainty | None:
        """How sure a violation is; None where nothing was estimated, or the estimate does not see it."""
        return None if self.estimate is None else self.estimate.certainty(violation)


def check(
    control: FeederControl, state: FeederState, before: CheckState, now: datetime
) -> tuple[Check, CheckState]:
    """Solve the best known injections of now."""
    found = _solved(control, state, snapshot(state, control, now), before.slack_scale, now)
    estimate, estimated = _estimate(control, state, found, before.estimate, now)
    if estimate is not None:
        known = _completed(found.snapshot, estimate)
        solved = _solved(control, state, known, found.slack_scale, now)
        found = replace(solved, estimate=estimate, as_read=found.result)
    if before.checks % control.site.cycle.referee_every == 0 and control.load_flow.unfit_reason is None:
        result, difference = _refereed(control, found.snapshot, found.result, found.slack_scale)
        found = replace(_judged(control, found, result), referee_difference=difference)
    return found, CheckState(found.slack_scale, before.checks + 1, estimated)


def _solved(
    control: FeederControl, state: FeederState, known: Snapshot, slack_scale: float, now: datetime
) -> Check:
    """On the voltage that the busbar shows."""
    result = control.load_flow.solve(known.p_kw, known.q_kvar, slack_scale=slack_scale)
    matched = _matched_slack(control, state, result, slack_scale, now)
    if matched != slack_scale:
        slack_scale = matched
        result = control.load_flow.solve(known.p_kw, known.q_kvar, slack_scale=slack_scale)
    return _judged(control, Check(known, result, (), np.inf, slack_scale), result)


def _judged(control: FeederControl, found: Check, result: LoadFlowResult) -> Check:
    return replace(
        found,
        result=result,
        violations=find_violations(control.network, result, control.limits) if result.converged else (),
        worst_ratio=control.element_limits.worst_ratio(result),
    )


def _estimate(
    control: FeederControl, state: FeederState, found: Check, before: EstimateState, now: datetime
) -> tuple[StateEstimate | None, EstimateState]:
    """None where all is measured, within its limits and fits, where the site wants no estimate, and where
    none can be given.
    """
    quiet = found.worst_ratio <= 1 and bool((found.snapshot.quality == Quality.MEASURED).all())
    missing_kw = _missing_kw(control, state, found, now)
    doubted = understated(control, state, missing_kw, now, before.doubted)
    fits = doubted is None and _fits(control, state, found, now)
    if not control.site.cycle.estimate or (quiet and fits):
        return None, watched(control, before, state)
    estimate, after = estimate_state(
        control, state, before, slack_scale=found.slack_scale, now=now, doubted=doubted
    )
    return (estimate if isinstance(estimate, StateEstimate) else None), after


def _fits(control: FeederControl, state: FeederState, found: Check, now: datetime) -> bool:
    """Whether meters and losses add up to half of what may be off before an alarm is raised."""
    difference_kw = feeder_sum_off_kw(control, state, found.result, now)
    return difference_kw is None or difference_kw[0] <= difference_kw[1] / 2


def _missing_kw(control: FeederControl, state: FeederState, found: Check, now: datetime) -> float:
    """What the substation shows beyond meters and losses; 0 where nobody knows."""
    reading = state.fresh_substation(now, control.site.cycle.fresh_s)
    if reading is None or not found.result.converged:
        return 0.0
    return reading.p_kw - control.substation_p_kw(found.result)


def feeder_sum_off_kw(
    control: FeederControl, state: FeederState, result: LoadFlowResult, now: datetime
) -> tuple[float, float] | None:
    """By how much meters and losses miss the substation's reading, and what is allowed; None without a fresh
    one.
    """
    reading = state.fresh_substation(now, control.site.cycle.fresh_s)
    if reading is None or not result.converged:
        return None
    allowed = max(control.site.cycle.feeder_sum_tolerance * abs(reading.p_kw), MIN_SUM_DIFFERENCE_KW)
    return abs(reading.p_kw - control.substation_p_kw(result)), allowed


def _completed(known: Snapshot, estimate: StateEstimate) -> Snapshot:
    wrong = [s.position for s in estimate.suspects if s.stands and s.position is not None]
    quality = known.quality.copy()
    quality[wrong] = Quality.ESTIMATED
    measured = quality == Quality.MEASURED
    return Snapshot(
        p_kw=np.where(measured, known.p_kw, estimate.p_kw.value),
        q_kvar=np.where(measured, known.q_kvar, estimate.q_kvar.value),
        quality=quality,
    )


def busbar_v_pu(
    control: FeederControl, state: FeederState, result: LoadFlowResult, now: datetime
) -> tuple[float, float] | None:
    """The busbar's voltage as measured and in the model; None without a fresh measurement or a solution."""
    reading = state.fresh_substation(now, control.site.cycle.fresh_s)
    nominal_v, busbar = control.nominal_v, control.busbar
    if reading is None or not reading.v_v or nominal_v is None or busbar is None or not result.converged:
        return None
    modelled = float(result.v_pu[busbar])
    return (sum(reading.v_v) / len(reading.v_v) / nominal_v, modelled) if np.isfinite(modelled) else None


def _matched_slack(
    control: FeederControl, state: FeederState, result: LoadFlowResult, slack_scale: float, now: datetime
) -> float:
    """The scale at which the model's busbar shows the measured voltage; as it was when nothing fresh is
    measured, or what cannot be.
    """
    voltages = busbar_v_pu(control, state, result, now)
    if voltages is None or abs(voltages[0] - voltages[1]) <= _MATCHED_V_PU:
        return slack_scale
    scale = slack_scale * voltages[0] / voltages[1]
    within = float(np.clip(scale, 1 - MAX_SLACK_CHANGE, 1 + MAX_SLACK_CHANGE))
    return within if abs(within - scale) <= MAX_BUSBAR_DIFFERENCE_PU else slack_scale


def _refereed(
    control: FeederControl, known: Snapshot, result: LoadFlowResult, slack_scale: float
) -> tuple[LoadFlowResult, float | None]:
    """Both load flows of one snapshot; the referee's result where they disagree."""
    referee = control.load_flow.by_runpp(known.p_kw, known.q_kvar, slack_scale)
    differ = disagreement(result, referee)
    if differ is None:
        return result, None
    return (referee if differ.v_pu > AGREED_V_PU else result), differ.v_pu
