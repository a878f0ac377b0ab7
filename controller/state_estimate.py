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
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from controller.device_witness import Understated, below_devices, doubted_next
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from devices.messages import Reading
from grid_model.estimation.bad_data import Suspect
from grid_model.estimation.certainty import Certainty, certainties
from grid_model.estimation.estimate import Estimate, NoEstimate
from grid_model.estimation.intervals import Uncertain
from grid_model.estimation.measurements import CORRELATION_TIME_S, VOLTAGE_ACCURACY_PU, Measurement
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
_STANDS_AFTER_CYCLES = 2
_CONTRADICTED_SD = 2.0
"""A reading nearer than this to what all others say does not contradict them."""
REPEATS_AFTER_S = 900.0
"""A car charges with the same power for minutes, but no house takes the same watts a quarter of an hour
later, again and again.
"""


@dataclass(frozen=True, slots=True)
class Contradicted:
    """Since when a reading does not go with all others."""

    since: datetime
    cycles: int


@dataclass(frozen=True)
class Repeated:
    """How long each meter has shown exactly the same P."""

    at_s: Floats
    """(n_sp,) of the reading that was counted last"""
    p_kw: Floats
    count: NDArray[np.int64]
    """(n_sp,) readings in a row, each `REPEATS_AFTER_S` newer than the one before"""


@dataclass(frozen=True)
class EstimateState:
    """What one cycle leaves to the next."""

    repeated: Repeated | None = None
    contradicted: Mapping[str, Contradicted] = field(default_factory=dict)
    doubted: Mapping[int, int] = field(default_factory=dict)
    """meters that were below their own devices, by position: for how many checks yet they are not believed"""


@dataclass(frozen=True, slots=True)
class SuspectReading:
    """A reading that was left out in this cycle."""

    source: str
    """the meter, or `substation`"""
    service_point: str | None
    """None for the substation"""
    position: int | None
    name: str
    """how `text` begins"""
    text: str
    """one sentence for people, with what all others say"""
    since: datetime
    stands: bool
    """contradicted for long enough, and surely enough, to be told and acted on"""


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

    @property
    def unexplained(self) -> bool:
        """Whether houses that nobody reads take what was not expected of them: an error of the substation's
        reading looks the same.
        """
        left_out = {suspect.service_point for suspect in self.suspects if suspect.stands}
        return not left_out.issuperset(self.surprising)

    def certainty(self, violation: Violation) -> Certainty | None:
        """How sure it is that the element truly is outside its limit; None where the estimate sees none."""
        same = (o for o in self.possible if (o.element, o.kind) == (violation.element, violation.kind))
        return next(same, None)


@dataclass(frozen=True, slots=True)
class NotEstimated:
    """No number can be given, and why."""

    reason: str


def estimate_state(
    control: FeederControl,
    state: FeederState,
    before: EstimateState,
    *,
    slack_scale: float,
    now: datetime,
    doubted: Understated | None = None,
) -> tuple[StateEstimate | NotEstimated, EstimateState]:
    """The state now. `slack_scale` is what the last check found of the voltage above the transformer,
    `doubted` the meters that show less than their devices take.
    """
    repeated = _repeated(before.repeated, state)
    age_s = np.maximum(now.timestamp() - state.readings.at_s, 0.0)
    used = age_s <= CORRELATION_TIME_S  # false for NaN
    if doubted is not None:
        used[doubted.places] = False
    shown = Shown(
        p_kw=np.where(used, state.readings.p_kw, np.nan),
        q_kvar=np.where(used, state.readings.q_kvar, np.nan),
        age_s=np.where(used, age_s, 0.0),
        unchanged=repeated.count,
        inside=substation_measurements(control, state.substation, now),
        devices_kw=None if doubted is None else doubted.devices_kw,
    )
    found = estimate_snapshot(
        control.estimator,
        control.network,
        shown,
        slack_scale=slack_scale,
        most_suspects=MOST_SUSPECTS,
    )
    if doubted is not None:
        found = replace(found, suspects=(*below_devices(control, state, doubted), *found.suspects))
    contradicted = _contradicted(before.contradicted, control, found.suspects, now)
    period_s, lasting = control.site.cycle.period_s, _lasting(control, contradicted)
    after = EstimateState(repeated, contradicted, doubted_next(doubted, before.doubted, period_s, lasting))
    if isinstance(found, NoEstimate):
        return NotEstimated(found.reason), after
    summed = _is_summed(shown.inside, found.suspects)
    return _described(control, found, contradicted, summed=summed, now=now), after


def _lasting(control: FeederControl, contradicted: Mapping[str, Contradicted]) -> frozenset[int]:
    """Positions of the meters that are contradicted for more than a moment."""
    positions = control.meter_position
    lasting = (s for s, known in contradicted.items() if known.cycles >= _STANDS_AFTER_CYCLES)
    return frozenset(positions[source] for source in lasting if source in positions)


def watched(control: FeederControl, before: EstimateState, state: FeederState) -> EstimateState:
    """What is remembered of a cycle in which nothing had to be estimated: nothing is contradicted."""
    doubted = doubted_next(None, before.doubted, control.site.cycle.period_s)
    return EstimateState(_repeated(before.repeated, state), doubted=doubted)


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


def _repeated(before: Repeated | None, state: FeederState) -> Repeated:
    """Counted by readings, not by cycles: a meter that is silent does not repeat itself."""
    at_s, p_kw = state.readings.at_s, state.readings.p_kw
    if before is None:
        return Repeated(at_s, p_kw, np.ones(len(p_kw), dtype=np.int64))
    changed = ~(p_kw == before.p_kw)  # true for NaN
    due = ~changed & (at_s - before.at_s >= REPEATS_AFTER_S)
    return Repeated(
        at_s=np.where(changed | due, at_s, before.at_s),
        p_kw=p_kw,
        count=np.where(changed, 1, before.count + due),
    )


def _source(control: FeederControl, suspect: Suspect) -> str:
    """The meter's own name; the instrument's, inside the network."""
    if suspect.place is None:
        return f"{suspect.source}: {suspect.what}"
    return control.meter_at.get(suspect.place, suspect.source)


def _contradicted(
    before: Mapping[str, Contradicted], control: FeederControl, suspects: Sequence[Suspect], now: datetime
) -> dict[str, Contradicted]:
    found = {}
    for suspect in suspects:
        source = _source(control, suspect)
        known = before.get(source)
        found[source] = Contradicted(known.since, known.cycles + 1) if known else Contradicted(now, 1)
    return found


def _described(
    control: FeederControl,
    found: Estimate,
    contradicted: Mapping[str, Contradicted],
    *,
    summed: bool,
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
        suspects=tuple(
            _suspect(control, one, contradicted, summed=summed, now=now) for one in found.suspects
        ),
        surprising=tuple(network.service_points[place] for place in found.unusual),
        consistent=found.consistency.consistent,
        estimate=found,
    )


def _suspect(
    control: FeederControl,
    suspect: Suspect,
    contradicted: Mapping[str, Contradicted],
    *,
    summed: bool,
    now: datetime,
) -> SuspectReading:
    source = _source(control, suspect)
    known, place = contradicted[source], suspect.place
    point = None if place is None else control.network.service_points[place]
    name = f"{suspect.subject} reads " if place is None else f"meter {source} at {point} "
    long = (now - known.since).total_seconds() >= control.site.cycle.fresh_s
    return SuspectReading(
        source=source,
        service_point=point,
        position=place,
        name=name,
        text=_of_network_in_words(suspect) if place is None else name + suspect.reason,
        since=known.since,
        stands=known.cycles >= _STANDS_AFTER_CYCLES and long and _is_sure(control, suspect, summed),
    )


def _of_network_in_words(suspect: Suspect) -> str:
    """The one reading of the sum stands against many meters, but those may have one cause: one concentrator,
    one attacker. Their number is no proof.
    """
    is_sum = any(reading.quantity == "p_kw" for reading in suspect.readings)
    return suspect.reason + ("; either it is wrong, or several meters are" if is_sum else "")


def _is_summed(inside: Sequence[Measurement], suspects: Sequence[Suspect]) -> bool:
    """Whether the substation's power is read, and believed."""
    out = {reading for suspect in suspects for reading in suspect.readings}
    return any(reading.quantity == "p_kw" and reading not in out for reading in inside)


def _is_sure(control: FeederControl, suspect: Suspect, summed: bool) -> bool:
    """A meter is surely wrong only where the feeder's sum says so (`summed`): else it is merely unusual, as a
    house with a generator that nobody wrote down is. Nor where a wrong reading of the substation would
    explain it as well, nor for repeating itself alone: a meter that shows tenths of kW, or a lamp, does that
    too.
    """
    if suspect.place is None or suspect.fault == "impossible":
        return True
    contradicts = abs(suspect.normalised_residual) >= _CONTRADICTED_SD
    return summed and contradicts and set(suspect.instead) <= set(control.network.service_points)
