"""[3] One check of a feeder: the load flow over a snapshot, on the busbar voltage that the RTU measures.
Pure.

The voltage above the transformer is not measured, so the external grid's voltage is scaled until the model's
low-voltage busbar shows what the RTU shows, within ±10 %. Every N checks pandapower's `runpp` solves the same
snapshot: where both disagree it is believed, and the caller is told. A network that only `runpp` can solve is
not compared with itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState, snapshot
from grid_model.load_flow import LoadFlowResult
from grid_model.referee import disagreement
from grid_model.snapshot import Snapshot
from grid_model.violations import Violation, find_violations

MAX_SLACK_CHANGE = 0.1
AGREED_V_PU = 1e-6
"""Two load flows of one snapshot agree within this."""
_MATCHED_V_PU = 1e-4


@dataclass(frozen=True, slots=True)
class CheckState:
    """What one check leaves to the next."""

    slack_scale: float = 1.0
    checks: int = 0


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
    referee_difference: float | None
    """largest difference in pu when `runpp` was asked in this check"""


def check(
    control: FeederControl, state: FeederState, before: CheckState, now: datetime
) -> tuple[Check, CheckState]:
    """Solve the best known injections of now."""
    known = snapshot(state, control, now)
    slack_scale = before.slack_scale
    result = control.load_flow.solve(known.p_kw, known.q_kvar, slack_scale=slack_scale)
    matched = _matched_slack(control, state, result, slack_scale, now)
    if matched != slack_scale:
        slack_scale = matched
        result = control.load_flow.solve(known.p_kw, known.q_kvar, slack_scale=slack_scale)
    difference = None
    if before.checks % control.site.cycle.referee_every == 0 and control.load_flow.unfit_reason is None:
        result, difference = _refereed(control, known, result, slack_scale)
    found = Check(
        snapshot=known,
        result=result,
        violations=find_violations(control.network, result, control.limits) if result.converged else (),
        worst_ratio=control.element_limits.worst_ratio(result),
        slack_scale=slack_scale,
        referee_difference=difference,
    )
    return found, replace(before, slack_scale=slack_scale, checks=before.checks + 1)


def _matched_slack(
    control: FeederControl, state: FeederState, result: LoadFlowResult, slack_scale: float, now: datetime
) -> float:
    """The scale at which the model's busbar shows the measured voltage; as it was when nothing fresh is
    measured.
    """
    reading, nominal_v, busbar = state.substation, control.nominal_v, control.busbar
    if reading is None or not reading.v_v or nominal_v is None or busbar is None or not result.converged:
        return slack_scale
    if (now - reading.at).total_seconds() > control.site.cycle.fresh_s:
        return slack_scale
    measured, modelled = sum(reading.v_v) / len(reading.v_v) / nominal_v, float(result.v_pu[busbar])
    if not np.isfinite(modelled) or abs(measured - modelled) <= _MATCHED_V_PU:
        return slack_scale
    scale = slack_scale * measured / modelled
    return float(np.clip(scale, 1 - MAX_SLACK_CHANGE, 1 + MAX_SLACK_CHANGE))


def _refereed(
    control: FeederControl, known: Snapshot, result: LoadFlowResult, slack_scale: float
) -> tuple[LoadFlowResult, float | None]:
    """Both load flows of one snapshot; the referee's result where they disagree."""
    referee = control.load_flow.by_runpp(known.p_kw, known.q_kvar, slack_scale)
    differ = disagreement(result, referee)
    if differ is None:
        return result, None
    return (referee if differ.v_pu > AGREED_V_PU else result), differ.v_pu
