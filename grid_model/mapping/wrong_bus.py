"""[4] Customers who hang on another bus than the plan says, by the voltages that their meters measure.

A voltmeter in the wrong place does not follow the model: it shows the drops of its true neighbours and none
of those where it is thought to be. A customer is moved to each bus in turn, with power and voltmeter, and all
measurements are compared with the load flow: to first order for everybody, then exactly for whoever is
suspicious. Before the measurements a customer is wrong with a small probability, and then on any bus alike;
who is found wrong is put right and the search goes on. (Model against measured voltages for the same end:
Short, "Advanced metering for phase identification, transformer identification, and secondary modeling", IEEE
Trans. Smart Grid 4(2), 2013.)"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.admittance import Complexes
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.evidence import credible, probabilities
from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy, Observations
from grid_model.mapping.unmetered import Candidate
from grid_model.network import Floats, Ints, Network

_CREDIBLE = 0.95
_SUSPICIOUS = 12.0
"""Gain in misfit, by the linear form, from which a customer is looked at exactly."""
_MOST_LOOKED_AT = 4
"""Customers in one round, and the worst first: who is wrong makes neighbours suspicious."""
_PLACES_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class WrongBus:
    """A customer who is not where the plan says."""

    service_point: str
    recorded: str
    """the bus of the plan"""
    confidence: float
    """that it is another one"""
    candidates: tuple[Candidate, ...]
    """the fewest buses that hold 95 % of what is left, likeliest first"""


def find_wrong_buses(
    network: Network,
    load_flow: FactoredLoadFlow,
    seen: Observations,
    accuracy: Accuracy,
    *,
    wrong_before: float = 0.005,
    confidence: float = 0.99,
) -> tuple[WrongBus, ...]:
    """Every customer with a voltmeter who is elsewhere with this `confidence`, the most certain first.

    `wrong_before` is how many of the customers are expected to be wrong. Raises Diverged when a snapshot does
    not converge.
    """
    search = _Search(Fit(network, load_flow, seen, accuracy), seen, wrong_before)
    rows: list[int] = []
    while moves := search.moves():
        move = min(moves, key=lambda move: float(move.misfits.min()))
        if search.doubt(move) < confidence:
            break
        rows.append(move.row)
        search.accept(move)
    # Who was found first was looked at while the others were still in the wrong place: all once more.
    for row in rows:
        search.accept(search.everywhere(row))
    moves = [search.everywhere(row) for row in rows]
    found = [_finding(network, search, move) for move in moves if search.doubt(move) >= confidence]
    return tuple(sorted(found, key=lambda one: -one.confidence))


@dataclass(frozen=True)
class _Move:
    """One customer tried on several buses other than the plan's."""

    row: int
    """among the voltmeters"""
    places: tuple[int, ...]
    """among the candidate buses"""
    misfits: Floats
    """(n_place,) of each"""
    recorded: float
    """misfit where the plan has the customer"""


def _finding(network: Network, search: "_Search", move: _Move) -> WrongBus:
    probability = probabilities(move.misfits / search.ratio(move))
    chosen = credible(probability, _CREDIBLE)
    names, point = search.fit.any_bus.names, search.point[move.row]
    return WrongBus(
        service_point=network.service_points[point],
        recorded=network.buses.ids[network.service_point_bus[point]],
        confidence=search.doubt(move),
        candidates=tuple(Candidate(names[move.places[k]], float(probability[k])) for k in chosen),
    )


class _Search:
    """The mapping as it is believed so far."""

    def __init__(self, fit: Fit, seen: Observations, wrong_before: float) -> None:
        self.fit = fit
        self._odds = wrong_before / (1 - wrong_before) / len(fit.any_bus.candidates)
        """of one other bus against the recorded one, before any measurement"""
        self.point: Ints = fit.used.voltage
        """(n_v,) service points with a voltmeter"""
        self._bus = fit.used.voltage_bus.copy()
        self._demand_conj = fit.demand_conj.copy()
        kva = fit.any_bus.admittance.base_kva
        self._own = (seen.p_kw[:, self.point] - 1j * seen.q_kvar[:, self.point]) / kva
        self._row = fit.used.size - len(self.point) + np.arange(len(self.point))
        self._settled: set[int] = set()
        self._look()

    def _look(self) -> None:
        """The load flow of the mapping, and what it leaves."""
        self._v = self.fit.voltages(self._demand_conj)
        self._residual = self.fit.residual(self._v, self._bus)

    def ratio(self, move: _Move) -> float:
        """How much worse the model fits than the instruments promise, at best: then all is less certain."""
        return max(1.0, float(move.misfits.min()) / self._residual.size)

    def doubt(self, move: _Move) -> float:
        """How probable it is that the customer is elsewhere."""
        better = 0.5 * (move.recorded - move.misfits) / self.ratio(move)
        odds = self._odds * float(np.exp(np.minimum(better, 500.0)).sum())
        return odds / (1 + odds)

    def accept(self, move: _Move) -> None:
        """Put the customer on the likeliest bus."""
        place = move.places[int(np.argmin(move.misfits))]
        self._demand_conj, self._bus = self._moved(move.row, int(self.fit.any_bus.candidates[place]))
        self._settled.add(move.row)
        self._look()

    def moves(self) -> list[_Move]:
        """The most suspicious customers, tried exactly on the buses that suit them best."""
        gain = self._gains()
        gain[list(self._settled)] = 0.0
        worst = np.argsort(-gain.max(axis=1), kind="stable")[:_MOST_LOOKED_AT]
        return [
            self._tried(int(row), np.argsort(-gain[row], kind="stable")[:_PLACES_LOOKED_AT])
            for row in worst
            if gain[row].max() > _SUSPICIOUS
        ]

    def everywhere(self, row: int) -> _Move:
        """One customer tried on all buses, all others where they are believed to be."""
        return self._tried(row, range(len(self.fit.any_bus.candidates)))

    def _tried(self, row: int, places: Sequence[int] | Ints) -> _Move:
        at, recorded = self.fit.any_bus.candidates, int(self.fit.used.voltage_bus[row])
        elsewhere = tuple(int(place) for place in places if at[place] != recorded)
        misfits = np.array([self._misfit_at(row, int(at[place])) for place in elsewhere])
        return _Move(row, elsewhere, misfits, self._misfit_at(row, recorded))

    def _misfit_at(self, row: int, bus: int) -> float:
        demand_conj, buses = self._moved(row, bus)
        residual = self.fit.residual(self.fit.voltages(demand_conj), buses)
        return self.fit.evidence.misfit(self.fit.evidence.split(residual))

    def _moved(self, row: int, bus: int) -> tuple[Complexes, Ints]:
        """Demand and voltmeters with one customer on another bus."""
        demand_conj, buses = self._demand_conj.copy(), self._bus.copy()
        demand_conj[:, buses[row]] -= self._own[:, row]
        demand_conj[:, bus] += self._own[:, row]
        buses[row] = bus
        return demand_conj, buses

    def _gains(self) -> Floats:
        """(n_v, n_candidate) how much better all measurements fit with each customer elsewhere, to first
        order."""
        evidence, fit, at = self.fit.evidence, self.fit, self.fit.any_bus.candidates
        mean = self._residual.mean(axis=0)
        parts = [
            _Part(evidence.precision_mean, mean[None], fit.per_kw[:, at], fit.per_kvar[:, at]),
            _Part(evidence.precision_varying, self._residual - mean, fit.per_kw[:, at], fit.per_kvar[:, at]),
        ]
        size, (per_p, per_q) = np.abs(self._v), self._own_voltage_sensitivities()
        gain = np.empty((len(self.point), len(at)))
        for row, (m, bus) in enumerate(zip(self._row, self._bus, strict=True)):
            own = self._own[:, row] * fit.any_bus.admittance.base_kva
            power = np.stack([own.real, -own.imag], axis=1)
            here = int(np.flatnonzero(at == bus)[0])
            # What the voltmeter reads there, beyond what the moved power does to the one that stays here.
            beyond = size[:, at] - size[:, [bus]]
            for column, (own_place, all_rows) in enumerate(((per_p, parts[0].by_p), (per_q, parts[0].by_q))):
                slope = np.diag(own_place) - own_place[:, here] - all_rows[m] + all_rows[m, here]
                beyond = beyond + power[:, column, None] * slope
            average = power.mean(axis=0, keepdims=True), beyond.mean(axis=0, keepdims=True)
            gain[row] = parts[0].gains(int(m), here, *average)
            gain[row] += parts[1].gains(int(m), here, power - average[0], beyond - average[1])
        return gain

    def _own_voltage_sensitivities(self) -> tuple[Floats, Floats]:
        """(n_candidate, n_candidate) of each candidate bus's voltage by the demand at each."""
        at, v = self.fit.any_bus.candidates, self._v.mean(axis=0)
        gradients = np.zeros((len(at), len(v)), dtype=np.complex128)
        gradients[np.arange(len(at)), at] = v[at] / np.abs(v[at])
        found = self.fit.any_bus.sensitivities(v, self._demand_conj.mean(axis=0), list(gradients))
        return found.per_kw[:, at], found.per_kvar[:, at]


class _Part:
    """Changes of misfit for customers moved, to first order, of either the means or what varies around them.

    Moved to bus c, a customer changes the model by s_p P + s_q Q in all rows, s the difference of
    sensitivities, and by w in the row of its own voltmeter: with the precision K, misfit falls by 2 dᵀK r -
    dᵀK d."""

    def __init__(self, precision: Floats, residual: Floats, by_p: Floats, by_q: Floats) -> None:
        """`residual` is (n, m), `by_p` and `by_q` are (m, n_candidate)."""
        self.by_p, self.by_q = by_p, by_q
        self._precision, self._weighed = precision, residual @ precision
        self._by = (precision @ by_p, precision @ by_q)
        self._square = [[left.T @ right for right in self._by] for left in (by_p, by_q)]

    def gains(self, row: int, here: int, power: Floats, beyond: Floats) -> Floats:
        """(n_candidate,) of the customer with the voltmeter `row` now at the candidate `here`, whose `power`
        is (n, 2) P and Q and whose voltmeter changes by `beyond` (n, n_candidate) besides."""
        linear = self._weighed[:, row] @ beyond
        quadratic = self._precision[row, row] * (beyond**2).sum(axis=0)
        together = power.T @ self._weighed
        for k, by in enumerate((self.by_p, self.by_q)):
            moved = together[k] @ by
            linear += moved - moved[here]
            at_row = self._by[k][row]
            quadratic += 2 * (at_row - at_row[here]) * (power[:, k] @ beyond)
            for j in range(2):
                form, weight = self._square[k][j], float(power[:, k] @ power[:, j])
                quadratic += weight * (np.diag(form) - form[:, here] - form[here] + form[here, here])
        return np.asarray(2 * linear - quadratic)
