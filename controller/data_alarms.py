"""[2, 3] Whether a feeder's data are good enough to act on. Pure.

While one of these is bad the automatic does not curtail: too few fresh meters, a silent substation RTU,
meters plus losses that do not add up to the substation's reading, a busbar voltage that the network cannot
have, a load flow that does not converge. A kind is told as an alarm when it was bad for as long as its rule
says, and cleared after some good cycles in a row, so that it does not flap; action stops at the first bad
cycle already.

Only an RTU that is configured may not be silent; what any RTU shows is held against the meters.

An estimated state fits the substation's reading by itself, right or wrong. Once houses that nobody reads must
take for it what was not expected of them, the sums as read count.

Voltages at many houses that do not go with the network (`voltage_witness.py`) show that it is not as the file
says, or that meters are wrong. Where it carries more than believed (they are lower than the load flow has
them, or where feed-in lifts them, higher), cuts that the load flow asks for go on, for less is never worse
there, but nobody is released or raised on its word. Where it carries less everywhere, nobody is asked.
That nobody can tell any more (the substation or the meters show no voltage) is no proof of the contrary: for
`UNTOLD_FOR` it counts as it was.

A state near voltage collapse is told in the same way but stops nobody: the data are good, and every cut leads
away from it. It has no severity of its own either: the voltages there are so low that they are violations
which open an event at once. Nor does a meter that all others contradict: it is left out of the state
(`feeder_check.py`), and what is left is judged. Nor do devices that do not show their failsafe
(`failsafes.py`, which tells that alarm): they are left out as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from msgspec import structs

from controller import voltage_witness
from controller.entries import DataAlarm
from controller.feeder_check import MAX_BUSBAR_DIFFERENCE_PU, Check, busbar_v_pu, feeder_sum_off_kw
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from controller.silence_alarms import FAILSAFE_ALARMS
from controller.state_estimate import SuspectReading
from grid_model.load_flow import LoadFlowResult
from grid_model.snapshot import Quality

CONTROLLER_FAULT = "controller_fault"
"""Raised by the shell when our own pass over a feeder fails repeatedly; only an operator clears it."""
UNTOLD_FOR = timedelta(hours=1)
"""So long voltages that contradicted the network count, when nobody can tell any more."""
GOOD_CYCLES_TO_CLEAR = 2
WRONG_METER_GOOD_CYCLES = 30
"""A wrong sign does not show while its house takes next to nothing."""
CLEAR_SHARE_MARGIN = 0.05
"""The share of fresh meters must be this much above the least one to clear the alarm."""
MOST_NAMED = 20
"""Wrong meters in one alarm; there may be thousands."""
_OTHERS = "; and others"
_VOLTAGES = "network_voltages"


@dataclass(frozen=True, slots=True)
class _Run:
    """How one kind did lately."""

    bad_cycles: int = 0
    bad_since: datetime | None = None
    good_cycles: int = 0
    untold_since: datetime | None = None
    """since when nobody can tell"""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What the alarms remember from cycle to cycle; which are raised is told by the journal."""

    started_at: datetime | None = None
    runs: Mapping[str, _Run] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One cycle's judgement."""

    state: AlarmState
    entries: tuple[DataAlarm, ...]
    alarm: str | None
    """the text of what is bad now or still raised, for people; None when all is good"""
    good: bool
    """whether the automatic may act"""
    proves: bool
    """whether a load flow proves that somebody may be released: the voltages go with the network"""


def judge(
    before: AlarmState,
    control: FeederControl,
    state: FeederState,
    check: Check,
    *,
    raised: Mapping[str, DataAlarm],
    now: datetime,
) -> Judged:
    """Judge this cycle's data; `raised` are the alarms that the journal has open, by kind."""
    started_at = before.started_at or now
    off = voltage_witness.off_pu(control, state, check, now)
    against = None if off is None else voltage_witness.contradicted(control, check, off, _VOLTAGES in raised)
    bad = _bad_now(control, state, check, "too_few_meters" in raised, now)
    if against is not None:
        bad[_VOLTAGES] = against.text
    runs = {
        kind: _next_run(before.runs.get(kind, _Run()), kind in bad, now)
        for kind in (*before.runs, *bad, *raised)
    }
    if off is None and _VOLTAGES in runs:
        runs[_VOLTAGES] = _untold(before.runs.get(_VOLTAGES, _Run()), now)
    entries = []
    for kind, run in runs.items():
        if kind not in raised and kind in bad and _persists(kind, run, control, started_at, now):
            entries.append(DataAlarm(at=now, feeder=control.feeder, kind=kind, raised=True, text=bad[kind]))
        elif kind in raised and kind in _KINDS and run.good_cycles >= _good_cycles_to_clear(kind):
            entries.append(
                DataAlarm(at=now, feeder=control.feeder, kind=kind, raised=False, text="good again")
            )
    if "wrong_meter" in raised:
        entries += _more_wrong_meters(raised["wrong_meter"], check, now)
    cleared = {entry.kind for entry in entries if not entry.raised}
    still = {kind: alarm.text for kind, alarm in raised.items() if kind not in cleared} | bad
    proves = _VOLTAGES not in still
    if against is None or against.heavier:
        still.pop(_VOLTAGES, None)
    still = {kind: text for kind, text in still.items() if kind not in _TOLD_ONLY}
    return Judged(
        AlarmState(started_at, runs),
        tuple(entries),
        "; ".join(still.values()) or None,
        good=not still,
        proves=proves,
    )


_KINDS = (
    "too_few_meters",
    "substation_silent",
    "feeder_sum",
    "busbar_voltage",
    _VOLTAGES,
    "diverged",
    "near_collapse",
    "wrong_meter",
)
_TOLD_ONLY = frozenset({"near_collapse", "wrong_meter", *FAILSAFE_ALARMS})


def _good_cycles_to_clear(kind: str) -> int:
    return WRONG_METER_GOOD_CYCLES if kind == "wrong_meter" else GOOD_CYCLES_TO_CLEAR


def _wrong_meters(check: Check) -> list[SuspectReading]:
    return [] if check.estimate is None else [s for s in check.estimate.suspects if s.stands]


def _more_wrong_meters(known: DataAlarm, check: Check, now: datetime) -> list[DataAlarm]:
    """The raised alarm again when it does not name all, with those it names: two that take turns are told
    once.
    """
    if known.text.endswith(_OTHERS):
        return []
    more = [s.text for s in _wrong_meters(check) if s.name not in known.text]
    return [structs.replace(known, at=now, text=_some([*known.text.split("; "), *more]))] if more else []


def _some(texts: list[str]) -> str:
    """As many as people read."""
    return "; ".join(texts[:MOST_NAMED]) + (_OTHERS if len(texts) > MOST_NAMED else "")


def _next_run(run: _Run, bad: bool, now: datetime) -> _Run:
    if bad:
        return _Run(run.bad_cycles + 1, run.bad_since or now, 0)
    return _Run(0, None, run.good_cycles + 1)


def _untold(run: _Run, now: datetime) -> _Run:
    """As it was: silence is neither good nor bad, but no alarm stands on it for ever."""
    since = run.untold_since or now
    if timedelta(0) <= now - since < UNTOLD_FOR:
        return replace(run, untold_since=since)
    return replace(_next_run(run, False, now), untold_since=since)


def _persists(kind: str, run: _Run, control: FeederControl, started_at: datetime, now: datetime) -> bool:
    """Whether what is bad is told. Silence is normal until the field had time to speak after our start."""
    fresh_s = control.site.cycle.fresh_s
    match kind:
        case "too_few_meters" | "substation_silent":
            return (now - started_at).total_seconds() >= fresh_s
        case "feeder_sum" | "busbar_voltage" | "network_voltages":
            # Readings of up to `fresh_s` ago count as of now: a younger difference may be a matter of timing.
            since = run.bad_since or now
            return run.bad_cycles >= 2 and (now - since).total_seconds() >= fresh_s
        case _:
            return True


def _bad_now(
    control: FeederControl, state: FeederState, check: Check, few_before: bool, now: datetime
) -> dict[str, str]:
    """What is bad in this cycle, with its text."""
    cycle, bad = control.site.cycle, {}
    metered = int(np.count_nonzero(control.metered))
    fresh = int(np.count_nonzero(check.snapshot.quality[control.metered] == Quality.MEASURED))
    least = min(cycle.min_fresh_share + (CLEAR_SHARE_MARGIN if few_before else 0.0), 1.0)
    if metered == 0 or fresh < least * metered:
        bad["too_few_meters"] = f"{fresh} of {metered} meters are fresh, {least:.0%} are needed"
    result = _judged_result(check)
    if not (check.result.converged and result.converged):
        bad["diverged"] = "the load flow does not converge"
    elif check.result.near_collapse:
        share = _share_of_largest_load(check.result.collapse_index)
        bad["near_collapse"] = f"the load is at {share:.0%} of that at which the voltage collapses"
    if wrong := _wrong_meters(check):
        bad["wrong_meter"] = _some([s.text for s in wrong])
    reading = state.substation
    if reading is None or (now - reading.at).total_seconds() > cycle.fresh_s:
        if not control.settings.has_rtu:
            return bad
        since = "was never heard" if reading is None else f"is silent since {reading.at:%H:%M:%S}"
        bad["substation_silent"] = f"the substation's RTU {since}"
        return bad
    if "too_few_meters" not in bad:
        off_kw = feeder_sum_off_kw(control, state, result, now)
        if off_kw is not None and off_kw[0] > off_kw[1]:
            bad["feeder_sum"] = (
                f"the substation shows {reading.p_kw:.1f} kW, "
                f"meters and losses add up to {control.substation_p_kw(result):.1f} kW"
            )
    voltages = busbar_v_pu(control, state, check.result, now)
    if voltages is not None and abs(voltages[0] - voltages[1]) > MAX_BUSBAR_DIFFERENCE_PU:
        bad["busbar_voltage"] = (
            f"the substation shows {voltages[0]:.3f} pu at its busbar, "
            f"the network allows {voltages[1]:.3f} pu"
        )
    return bad


def _judged_result(check: Check) -> LoadFlowResult:
    """As read, where the estimate fits only because houses that nobody reads are not as expected."""
    unexplained = check.estimate is not None and check.estimate.unexplained
    return check.as_read if unexplained and check.as_read is not None else check.result


def _share_of_largest_load(collapse_index: float) -> float:
    """4λ/(1 + λ)², exact for two buses (`grid_model/collapse.py`)."""
    return 4 * collapse_index / (1 + collapse_index) ** 2
