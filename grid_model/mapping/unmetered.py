"""[4] Power that no meter reads: how much, and on which section it is most likely taken.

The substation shows more than meters and losses explain. The missing power is placed at each bus in turn, as
much of it in each snapshot as explains all measurements best (least squares), and the places are compared by
what is left unexplained: flows on outgoing cables tell the feeder, voltages how far down it is. A hypothesis
test over places, all equally likely before; the load flow of the likeliest ones is exact, the rest linear.

One place is assumed. Where nothing fits, all likelihoods flatten (residuals are taken for larger than the
instruments promise), the candidates become many, and the answer is that it cannot be told.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.evidence import Split, credible, probabilities
from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy, Observations
from grid_model.mapping.sections import Sections
from grid_model.network import Floats, Network

_SURE = 4.0
"""Standard deviations of the missing power below which nothing is said to be missing."""
_CREDIBLE = 0.95
_FEW = 0.25
"""Of all places: more candidates than this are no answer."""
_WORTH_EXACTNESS = 60.0
"""Places whose misfit, by the linear form, is larger than the least by more than this stay out."""
_Q_SHARE = 0.5
"""Reactive power of the missing load is expected within this share of its active power."""
_REFINEMENTS = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where missing power may be taken."""

    bus: str
    probability: float


@dataclass(frozen=True, slots=True)
class NothingMissing:
    """Meters and losses explain the substation as well as the instruments allow."""

    p_kw: float
    """what would explain it best, on average"""
    sd_kw: float
    """its standard deviation"""


@dataclass(frozen=True, slots=True)
class MissingPower:
    """Power is taken that no meter reads, and where is known."""

    p_kw: float
    """on average; negative where it is fed in"""
    sd_kw: float
    candidates: tuple[Candidate, ...]
    """the fewest places that hold 95 % of the probability, likeliest first"""
    section: str | None
    """the last line or transformer that all candidates are supplied over"""
    misfit: float
    """what the best place leaves unexplained, as multiple of what the instruments' errors would; about 1"""


@dataclass(frozen=True, slots=True)
class PlaceUnknown:
    """Power is taken that no meter reads, but the measurements do not tell where."""

    p_kw: float
    sd_kw: float
    candidates: tuple[Candidate, ...]
    """places that the measurements do not tell apart"""
    misfit: float


UnmeteredFinding = NothingMissing | MissingPower | PlaceUnknown


def find_unmetered(
    network: Network,
    load_flow: FactoredLoadFlow,
    seen: Observations,
    accuracy: Accuracy,
    *,
    least_kw: float = 1.0,
) -> UnmeteredFinding:
    """Whether power of at least `least_kw` on average is missing, and where.

    Raises Diverged when a snapshot does not converge, UnknownElement for a flow meter on nothing.
    """
    fit = Fit(network, load_flow, seen, accuracy)
    search = _Search(fit)
    misfits = search.misfits()
    best = int(np.argmin(misfits))
    p_kw, sd_kw = search.mean_kw(best)
    if abs(p_kw) < max(least_kw, _SURE * sd_kw):
        return NothingMissing(p_kw, sd_kw)
    misfit = float(misfits[best]) / max(fit.n_snapshot * (fit.used.size - 2), 1)
    probability = probabilities(misfits / max(misfit, 1.0))
    chosen = credible(probability, _CREDIBLE)
    names = fit.any_bus.names
    candidates = tuple(Candidate(names[place], float(probability[place])) for place in chosen)
    if len(chosen) > max(1.0, _FEW * len(names)):
        return PlaceUnknown(p_kw, sd_kw, candidates, misfit)
    buses = tuple(int(fit.any_bus.candidates[place]) for place in chosen)
    section = Sections(network, fit.any_bus.admittance).common(buses)
    return MissingPower(p_kw, sd_kw, candidates, section, misfit)


class _Search:
    """Missing power at each place, as explains the measurements best."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._base = fit.evidence.split(fit.residual(fit.voltages(fit.demand_conj)))
        at = fit.any_bus.candidates
        self._mean_p, self._varying_p = fit.evidence.columns(fit.per_kw[:, at])
        self._mean_q, self._varying_q = fit.evidence.columns(fit.per_kvar[:, at])
        self._mean_kw: dict[int, float] = {}
        first = self._solve(self._base, int(np.argmax(np.abs(self._base.mean @ self._mean_p))), 1e3)
        self._q_sd = max(0.5, _Q_SHARE * float(np.abs(first[0][0])))

    def misfits(self) -> Floats:
        """(n_candidate,) of each place, exact for those that matter."""
        n = len(self._fit.any_bus.candidates)
        linear = np.array([self._misfit(self._base, place) for place in range(n)])
        for place in np.flatnonzero(linear < linear.min() + _WORTH_EXACTNESS):
            linear[place] = self._exact(int(place))
        return linear

    def mean_kw(self, place: int) -> tuple[float, float]:
        """The missing power on average, and its standard deviation."""
        columns = np.stack([self._mean_p[:, place], self._mean_q[:, place]], axis=1)
        covariance = np.linalg.inv(_normal(columns, self._q_sd))
        return self._mean_kw[place], float(np.sqrt(covariance[0, 0]))

    def _misfit(self, split: Split, place: int) -> float:
        mean, varying = self._solve(split, place, self._q_sd)
        self._mean_kw[place] = float(mean[0])
        return self._left(split, place, mean, varying)

    def _left(self, split: Split, place: int, mean: Floats, varying: Floats) -> float:
        left_mean = split.mean - self._mean_p[:, place] * mean[0] - self._mean_q[:, place] * mean[1]
        columns = np.stack([self._varying_p[:, place], self._varying_q[:, place]])
        left = Split(left_mean, split.varying - varying @ columns)
        prior = (mean[1] ** 2 + (varying[:, 1] ** 2).sum()) / self._q_sd**2
        return self._fit.evidence.misfit(left) + float(prior)

    def _solve(self, split: Split, place: int, q_sd: float) -> tuple[Floats, Floats]:
        """(2,) P and Q on average, and (n_snapshot, 2) how they vary, that fit best."""
        solved = []
        for p, q, target in (
            (self._mean_p, self._mean_q, split.mean[None]),
            (self._varying_p, self._varying_q, split.varying),
        ):
            columns = np.stack([p[:, place], q[:, place]], axis=1)
            solved.append(np.linalg.solve(_normal(columns, q_sd), columns.T @ target.T).T)
        return np.asarray(solved[0][0]), np.asarray(solved[1])

    def _exact(self, place: int) -> float:
        """Gauss-Newton: place it, look with the load flow, place what is left."""
        fit, bus = self._fit, self._fit.any_bus.candidates[place]
        base_kva = fit.any_bus.admittance.base_kva
        split, placed = self._base, np.zeros((fit.n_snapshot, 2))
        for _ in range(_REFINEMENTS):
            mean, varying = self._solve(split, place, self._q_sd)
            placed = placed + mean + varying
            demand_conj = fit.demand_conj.copy()
            demand_conj[:, bus] += (placed[:, 0] - 1j * placed[:, 1]) / base_kva
            split = fit.evidence.split(fit.residual(fit.voltages(demand_conj)))
        mean, varying = self._solve(split, place, 1e6)
        self._mean_kw[place] = float(placed[:, 0].mean() + mean[0])
        prior = (placed[:, 1].mean() ** 2 + ((placed[:, 1] - placed[:, 1].mean()) ** 2).sum()) / self._q_sd**2
        return self._fit.evidence.misfit(split) + float(prior)


def _normal(columns: Floats, q_sd: float) -> Floats:
    """(2, 2) of the normal equations, with what is expected of Q."""
    return np.asarray(columns.T @ columns + np.diag([1e-12, 1 / q_sd**2]))
