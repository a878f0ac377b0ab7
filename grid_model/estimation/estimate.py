"""[2] The state of a feeder now, how sure it is, and which readings were left out.

Joins the parts: physics first, then least squares, the most suspect reading out, least squares again, until
none is convincing; then the loadings and voltages with their standard deviations. Pure: an `Estimator` holds
what does not change with the readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from grid_model.errors import Diverged
from grid_model.estimation.bad_data import Suspect, Unusual, most_suspect
from grid_model.estimation.belief import Belief
from grid_model.estimation.feeder_model import FeederModel
from grid_model.estimation.hypotheses import House
from grid_model.estimation.intervals import Uncertain
from grid_model.estimation.least_squares import Fit, arrange, fit
from grid_model.estimation.measurements import Measurement, Measurements
from grid_model.estimation.physics import houses, impossible
from grid_model.estimation.residuals import Consistency, Others, consistency, others_of_meters
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Ints, Network
from grid_model.results import LoadFlowResult
from grid_model.violations import Violation

MOST_SUSPECTS = 10
"""More wrong readings at once are no longer a matter of single readings."""
_NO_START = "the load flow does not converge at the expected loads"
_NOT_SETTLED = "no state explains the readings: least squares does not settle"


@dataclass(frozen=True)
class Estimate:
    """A settled state."""

    result: LoadFlowResult
    """the load flow at the most likely state"""
    p: Uncertain
    """(n_sp,) kW"""
    q: Uncertain
    """(n_sp,) kvar"""
    slack_scale: float
    slack_sd: float
    lines: Uncertain
    """(n_line,) percent; 0 ± 0 where out of service"""
    transformers: Uncertain
    """(n_trafo,) percent"""
    voltages: Uncertain
    """(n_bus,) pu; NaN where not supplied"""
    consistency: Consistency
    """after the suspects were left out"""
    suspects: tuple[Suspect, ...]
    """in the order in which they were left out"""
    unusual: tuple[int, ...]
    """positions of service points without a reading that take what their prior hardly knows"""
    ignored: tuple[Measurement, ...]
    """readings of elements that are out of service in the model"""
    steps: int

    def probability(self, network: Network, violation: Violation) -> float:
        """How sure a violation is: the probability that the element truly is outside its limit."""
        match violation.kind:
            case "line_overload":
                return _above(self.lines, network.lines.ids, violation)
            case "transformer_overload":
                return _above(self.transformers, network.transformers.ids, violation)
            case "overvoltage":
                return _above(self.voltages, network.buses.ids, violation)
            case "undervoltage":
                return 1.0 - _above(self.voltages, network.buses.ids, violation)


@dataclass(frozen=True, slots=True)
class NoEstimate:
    """No number can be given, and why."""

    reason: str
    suspects: tuple[Suspect, ...] = ()


class Estimator:
    """Estimates one topology, again and again. Immutable after building."""

    def __init__(self, network: Network, load_flow: FactoredLoadFlow, house: House | None = None) -> None:
        self._network, self._load_flow = network, load_flow
        self._house = house or houses(network)
        factored = load_flow.factored
        self._model = None if factored is None else FeederModel(network, factored)

    def estimate(
        self,
        measurements: Measurements,
        prior: Belief,
        *,
        exclude_bad: bool = True,
        most_suspects: int = MOST_SUSPECTS,
    ) -> Estimate | NoEstimate:
        """The most likely state, without the readings that all others contradict.

        With `exclude_bad` false every reading is believed. Whoever has little time looks for no more than
        `most_suspects`: each costs another fit or two. Raises UnknownElement for a measurement of an
        element that the network does not have.
        """
        if self._model is None:
            reason = self._load_flow.unfit_reason or "generators hold voltages"
            return NoEstimate(f"the network cannot be linearised: {reason}")
        sorted_out = _Sorted(measurements, prior, most_suspects)
        if exclude_bad:
            for suspect in impossible(measurements, self._house, self._network.service_points):
                sorted_out = sorted_out.after(suspect, self._house)
        found = self._fit(self._model, sorted_out)
        if exclude_bad and found is not None and self._worst(found, sorted_out) is not None:
            powers = replace(sorted_out, measurements=_without_doubled_currents(sorted_out.measurements))
            searched, _ = self._search(self._model, powers)
            # and again with the currents, which may themselves be wrong
            sorted_out, found = self._search(self._model, searched.with_network_of(sorted_out))
        if found is not None and not found.settled:
            found = self._fit(
                self._model,
                replace(sorted_out, measurements=_without_doubled_currents(sorted_out.measurements)),
            )
        if found is None:
            return NoEstimate(_NO_START, sorted_out.suspects)
        if not found.settled:
            return NoEstimate(_NOT_SETTLED, sorted_out.suspects)
        return self._described(self._model, found, sorted_out)

    def _search(self, model: FeederModel, sorted_out: "_Sorted") -> tuple["_Sorted", Fit | None]:
        """Leave out the most suspect, fit again, until nothing is suspect."""
        while True:
            found = self._fit(model, sorted_out)
            worst = None if found is None else self._worst(found, sorted_out)
            if worst is None:
                return sorted_out, found
            sorted_out = sorted_out.after(worst, self._house)

    def _fit(self, model: FeederModel, sorted_out: "_Sorted") -> Fit | None:
        asked = arrange(model, sorted_out.measurements.network)
        return fit(model, sorted_out.prior, sorted_out.measurements.meters, asked)

    def _worst(self, found: Fit, sorted_out: "_Sorted") -> Suspect | Unusual | None:
        if len(sorted_out.suspects) + len(sorted_out.unusual) >= sorted_out.most:
            return None
        meters = sorted_out.measurements.meters
        return most_suspect(found, meters, self._house, self._network.service_points)

    def cross_check(self, measurements: Measurements, prior: Belief) -> Others | None:
        """(n_sp,) what all others say of each meter's P, and how sharply: an error below three of these
        standard deviations cannot be seen. None where there is no load flow."""
        if self._model is None:
            return None
        found = fit(self._model, prior, measurements.meters, arrange(self._model, measurements.network))
        return None if found is None else others_of_meters(found, measurements.meters)

    def readings_at(self, state: Floats, readings: Sequence[Measurement]) -> Floats:
        """What ideal instruments at these places show at a state (2 n_sp + 1,); NaN out of service.

        The values of `readings` do not matter. Raises Diverged where there is no load flow, or no factored
        form.
        """
        point = None if self._model is None else self._model.solve(state)
        if self._model is None or point is None:
            raise Diverged("no load flow at this state")
        shown = dict.fromkeys(readings, np.nan)
        asked = arrange(self._model, readings)
        shown |= dict(zip(asked.readings, self._model.values(point, asked.outputs).tolist(), strict=True))
        return np.array([shown[reading] for reading in readings])

    def _described(self, model: FeederModel, found: Fit, sorted_out: "_Sorted") -> Estimate | NoEstimate:
        state = found.point.state
        result = self._load_flow.solve(state[:-1:2], state[1:-1:2], slack_scale=float(state[-1]))
        if not result.converged:
            return NoEstimate("the load flow does not converge at the estimated state", sorted_out.suspects)
        loadings, (buses, supplied) = model.loadings(found.point), model.all_voltages()
        rows = model.derivatives(found.point, buses, loadings)
        sd = posterior_sd(found, rows)
        line, trafo = model.branch_places()
        n_bus, n_line = len(buses.bus), len(line)
        state_sd = _state_sd(found)
        return Estimate(
            result=result,
            p=Uncertain(state[:-1:2], state_sd[:-1:2]),
            q=Uncertain(state[1:-1:2], state_sd[1:-1:2]),
            slack_scale=float(state[-1]),
            slack_sd=float(state_sd[-1]),
            lines=_placed(result.line_loading_percent, line, sd[n_bus : n_bus + n_line], 0.0),
            transformers=_placed(result.transformer_loading_percent, trafo, sd[n_bus + n_line :], 0.0),
            voltages=_placed(result.v_pu, np.flatnonzero(supplied), sd[:n_bus], np.nan),
            consistency=consistency(found),
            suspects=sorted_out.suspects,
            unusual=sorted_out.unusual,
            ignored=found.asked.ignored,
            steps=found.steps,
        )


def posterior_sd(found: Fit, rows: Floats) -> Floats:
    """(m,) standard deviations of linear functions of the state, `rows` (m, 2 n_sp + 1), after all
    readings."""
    before = found.joined.belief.variance_of(rows)
    learned = (found.whitened(found.gain @ rows.T) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(np.maximum(before - learned, 0.0)))


def _state_sd(found: Fit) -> Floats:
    """(2 n_sp + 1,)"""
    belief = found.joined.belief
    before = np.append(belief.variance.ravel(), belief.slack_var)
    learned = (found.whitened(found.gain) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(np.maximum(before - learned, 0.0)))


def _placed(value: Floats, places: Ints, sd: Floats, otherwise: float) -> Uncertain:
    spread = np.full(len(value), otherwise)
    spread[places] = sd
    return Uncertain(value, spread)


def _above(values: Uncertain, ids: tuple[str, ...], violation: Violation) -> float:
    return float(values.probability_above(violation.limit)[ids.index(violation.element)])


@dataclass(frozen=True)
class _Sorted:
    """What is left to be believed, and what was sorted out so far."""

    measurements: Measurements
    prior: Belief
    most: int
    """suspects and unusual houses in all, then the search ends"""
    suspects: tuple[Suspect, ...] = ()
    unusual: tuple[int, ...] = ()

    def with_network_of(self, before: "_Sorted") -> "_Sorted":
        """With all readings inside the network that were there before and are no suspects, and no current of
        a branch end whose power is one: alone it does not tell which way it flows."""
        out = {reading for suspect in self.suspects for reading in suspect.readings}
        ends = {(reading.element, reading.side) for reading in out}
        kept = tuple(
            reading
            for reading in before.measurements.network
            if reading not in out
            and (reading.quantity != "i_a" or (reading.element, reading.side) not in ends)
        )
        return replace(self, measurements=replace(self.measurements, network=kept))

    def after(self, worst: Suspect | Unusual, house: House) -> "_Sorted":
        """Without a suspect, or less sure of a house."""
        match worst:
            case Suspect():
                kept = _without(self.measurements, worst)
                return replace(self, measurements=kept, suspects=(*self.suspects, worst))
            case Unusual():
                prior = self.prior.widened(worst.place, house.surprise[worst.place])
                return replace(self, prior=prior, unusual=(*self.unusual, worst.place))
            case _:
                assert_never(worst)


def _without_doubled_currents(measurements: Measurements) -> Measurements:
    """Without the currents of branch ends that show P as well: a current does not tell which way it flows, so
    beside a wrong state it speaks for that state, as linear as it is taken there.
    """
    shown = {
        (reading.element, reading.side) for reading in measurements.network if reading.quantity == "p_kw"
    }
    kept = tuple(
        reading
        for reading in measurements.network
        if reading.quantity != "i_a" or (reading.element, reading.side) not in shown
    )
    return replace(measurements, network=kept)


def _without(measurements: Measurements, suspect: Suspect) -> Measurements:
    """A suspect meter is not read at all; of the network's readings only those of the suspect are dropped."""
    if suspect.place is not None:
        return replace(measurements, meters=measurements.meters.without([suspect.place]))
    kept = tuple(reading for reading in measurements.network if reading not in suspect.readings)
    return replace(measurements, network=kept)
