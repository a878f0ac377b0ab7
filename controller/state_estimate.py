"""[2, 3] How sure a feeder's state is, and which meters nobody should believe. Pure.

Weighted least squares (`grid_model.estimation`) over what one cycle knows: the substation's reading, fresh
meters, older ones that are blunter the older they are, and the network's own values at the level of the
meters for those who say nothing. A reading that all others contradict is left out and named; it *stands* as
wrong once it was contradicted for as long as readings may be apart, for a charger that starts between two
meters' readings contradicts as well, for a moment.

The search is bounded: `MOST_SUSPECTS` wrong meters in a cycle. More of them are too few good data, which is
for `data_alarms`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from devices.messages import Reading
from grid_model.estimation.bad_data import Suspect
from grid_model.estimation.certainty import Certainty, certainties
from grid_model.estimation.estimate import Estimate, Estimator, NoEstimate
from grid_model.estimation.intervals import Uncertain
from grid_model.estimation.measurements import CORRELATION_TIME_S, VOLTAGE_ACCURACY_PU, Measurement
from grid_model.estimation.physics import houses
from grid_model.estimation.snapshot_estimate import Shown, estimate_snapshot
from grid_model.network import Floats
from grid_model.violations import Violation

MOST_SUSPECTS = 3
"""In one cycle: each costs one or two fits more."""
TIMING_SD_KW = 1.0
"""Substation and meters are not read at the same instant."""
_POWER_ACCURACY = 0.01
_REACTIVE_ACCURACY = 0.05
"""By the apparent power: many RTUs leave out what the transformer itself takes."""
_GIVING_KINDS = frozenset({"battery", "pv_inverter"})
_STANDS_AFTER_CYCLES = 2


@dataclass(frozen=True)
class Estimation:
    """What does not change from cycle to cycle: built once for a feeder by `build_estimation`."""

    estimator: Estimator
    meter_of: Mapping[int, str]
    """the meter at each service point's position"""


@dataclass(frozen=True, slots=True)
class Contradicted:
    """Since when a reading does not go with all others."""

    since: datetime
    cycles: int


@dataclass(frozen=True)
class EstimateState:
    """What one cycle leaves to the next."""

    at_s: Floats | None = None
    """(n_sp,) of the readings that were seen last"""
    p_kw: Floats | None = None
    unchanged: NDArray[np.int64] | None = None
    """(n_sp,) how many readings in a row, each newer than the one before, had exactly this P"""
    contradicted: Mapping[str, Contradicted] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SuspectReading:
    """A reading that was left out in this cycle."""

    source: str
    """the meter, or `substation`"""
    service_point: str | None
    """None for the substation"""
    position: int | None
    text: str
    """one sentence for people, with what all others say"""
    since: datetime
    stands: bool
    """contradicted for long enough to be told and acted on"""


@dataclass(frozen=True)
class StateEstimate:
    """The most likely state now, and how sure it is. Positions as in `Network`."""

    p_kw: Uncertain
    """(n_sp,)"""
    q_kvar: Uncertain
    slack_scale: float
    lines: Uncertain
    """(n_line,) percent"""
    transformers: Uncertain
    """(n_trafo,) percent"""
    voltages: Uncertain
    """(n_bus,) pu; NaN where not supplied"""
    possible: tuple[Certainty, ...]
    """elements that are outside their limits, or may well be, the surest first"""
    fullest: Certainty | None
    """the line or transformer with the highest share of its limit; None where there is neither"""
    suspects: tuple[SuspectReading, ...]
    surprising: tuple[str, ...]
    """service points without a reading that take far from what was expected"""
    consistent: bool
    """whether what was believed goes together (chi-square)"""
    estimate: Estimate
    """all of it"""

    def probability(self, violation: Violation) -> float:
        """That the element truly is outside its limit, 0 to 1."""
        for one in self.possible:
            if (one.element, one.kind) == (violation.element, violation.kind):
                return one.probability
        return 0.0


@dataclass(frozen=True, slots=True)
class NotEstimated:
    """No number can be given, and why."""

    reason: str


def build_estimation(control: FeederControl) -> Estimation:
    """Lay out the estimator of a feeder; takes as long as a few load flows."""
    house = houses(control.network, control.bound_kw)
    feed_in = house.feed_in_kw.copy()
    for device in control.registry.devices:
        if device.kind in _GIVING_KINDS:
            feed_in[control.device_position[device.device]] += device.rated_kw
    known = type(house)(bound_kw=house.bound_kw, feed_in_kw=feed_in)
    return Estimation(
        estimator=Estimator(control.network, control.load_flow, known),
        meter_of={position: meter for meter, position in control.meter_position.items()},
    )


def estimate_state(
    estimation: Estimation,
    control: FeederControl,
    state: FeederState,
    before: EstimateState,
    *,
    slack_scale: float,
    now: datetime,
) -> tuple[StateEstimate | NotEstimated, EstimateState]:
    """The state now. `slack_scale` is what the last check found of the voltage above the transformer."""
    unchanged = _unchanged(before, state)
    age_s = np.maximum(now.timestamp() - state.readings.at_s, 0.0)
    used = age_s <= CORRELATION_TIME_S  # false for NaN
    shown = Shown(
        p_kw=np.where(used, state.readings.p_kw, np.nan),
        q_kvar=np.where(used, state.readings.q_kvar, np.nan),
        age_s=np.where(used, age_s, 0.0),
        unchanged=unchanged,
        inside=substation_measurements(control, state.substation, now),
    )
    found = estimate_snapshot(
        estimation.estimator,
        control.network,
        shown,
        slack_scale=slack_scale,
        most_suspects=MOST_SUSPECTS,
    )
    contradicted = _contradicted(before.contradicted, estimation, found.suspects, now)
    after = EstimateState(state.readings.at_s, state.readings.p_kw, unchanged, contradicted)
    if isinstance(found, NoEstimate):
        return NotEstimated(found.reason), after
    return _described(estimation, control, found, contradicted, now), after


def substation_measurements(
    control: FeederControl, reading: Reading | None, now: datetime
) -> tuple[Measurement, ...]:
    """What the RTU shows while it is fresh: P and Q into the only transformer at its high-voltage side, and
    the voltage of its busbar. Of several transformers an RTU shows the sum, which says nothing of one.
    """
    network, busbar, nominal_v = control.network, control.busbar, control.nominal_v
    if reading is None or (now - reading.at).total_seconds() > control.site.cycle.fresh_s:
        return ()
    found: list[Measurement] = []
    if len(network.transformers.ids) == 1:
        trafo = network.transformers.ids[0]
        apparent = float(np.hypot(reading.p_kw, reading.q_kvar or 0.0))
        p_sd = float(np.hypot(_POWER_ACCURACY * apparent, TIMING_SD_KW))
        found.append(Measurement("p_kw", trafo, reading.p_kw, p_sd))
        if reading.q_kvar is not None:
            q_sd = float(np.hypot(_REACTIVE_ACCURACY * apparent, TIMING_SD_KW))
            found.append(Measurement("q_kvar", trafo, reading.q_kvar, q_sd))
    if reading.v_v and busbar is not None and nominal_v is not None:
        v_pu = sum(reading.v_v) / len(reading.v_v) / nominal_v
        found.append(Measurement("v_pu", network.buses.ids[busbar], v_pu, VOLTAGE_ACCURACY_PU))
    return tuple(found)


def _unchanged(before: EstimateState, state: FeederState) -> NDArray[np.int64]:
    """(n_sp,) counted by readings, not by cycles: a meter that is silent does not repeat itself."""
    readings = state.readings
    if before.at_s is None or before.p_kw is None or before.unchanged is None:
        return np.ones(len(readings.p_kw), dtype=np.int64)
    newer = readings.at_s > before.at_s  # false for NaN
    same = readings.p_kw == before.p_kw
    return np.where(newer, np.where(same, before.unchanged + 1, 1), before.unchanged)


def _source(estimation: Estimation, suspect: Suspect) -> str:
    """The meter's own name; the instrument's, inside the network."""
    if suspect.place is None:
        return f"{suspect.source}: {suspect.what}"
    return estimation.meter_of.get(suspect.place, suspect.source)


def _contradicted(
    before: Mapping[str, Contradicted], estimation: Estimation, suspects: Sequence[Suspect], now: datetime
) -> dict[str, Contradicted]:
    found = {}
    for suspect in suspects:
        source = _source(estimation, suspect)
        known = before.get(source)
        found[source] = Contradicted(known.since, known.cycles + 1) if known else Contradicted(now, 1)
    return found


def _described(
    estimation: Estimation,
    control: FeederControl,
    found: Estimate,
    contradicted: Mapping[str, Contradicted],
    now: datetime,
) -> StateEstimate:
    network = control.network
    elements = certainties(network, found, control.limits)
    branches = [one for one in elements if one.kind in {"line_overload", "transformer_overload"}]
    return StateEstimate(
        p_kw=found.p,
        q_kvar=found.q,
        slack_scale=found.slack_scale,
        lines=found.lines,
        transformers=found.transformers,
        voltages=found.voltages,
        possible=tuple(one for one in elements if one.possible),
        fullest=max(branches, key=lambda one: one.value / one.limit, default=None),
        suspects=tuple(_suspect(estimation, control, one, contradicted, now) for one in found.suspects),
        surprising=tuple(network.service_points[place] for place in found.unusual),
        consistent=found.consistency.consistent,
        estimate=found,
    )


def _suspect(
    estimation: Estimation,
    control: FeederControl,
    suspect: Suspect,
    contradicted: Mapping[str, Contradicted],
    now: datetime,
) -> SuspectReading:
    source = _source(estimation, suspect)
    known, place = contradicted[source], suspect.place
    point = None if place is None else control.network.service_points[place]
    long = (now - known.since).total_seconds() >= control.site.cycle.fresh_s
    return SuspectReading(
        source=source,
        service_point=point,
        position=place,
        text=suspect.reason if place is None else f"meter {source} at {point} {suspect.reason}",
        since=known.since,
        stands=known.cycles >= _STANDS_AFTER_CYCLES and long,
    )
