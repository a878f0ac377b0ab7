"""[4] How well residuals of many snapshots fit what the instruments' errors allow.

A residual of snapshot t is what noise makes of it, new every time with covariance N, and what is wrong with
the instruments for good, the same every time with covariance B. The mean over T snapshots then has the
covariance N/T + B and what varies around it has N; both are independent, so their evidence adds up. Without B
a thousand snapshots would make a voltmeter's offset of 0.3 % look like a certain thief."""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats


@dataclass(frozen=True)
class Split:
    """A series as its mean over time (m, ...) and what varies around it (n_snapshot, m, ...)."""

    mean: Floats
    varying: Floats


class Evidence:
    """Whitens and compares residuals (n_snapshot, m)."""

    def __init__(self, noise: Floats, lasting: Floats, n_snapshot: int) -> None:
        """`noise` and `lasting` are (m, m) covariances N and B."""
        self._whiten_varying = _inverse_root(noise)
        self._whiten_mean = _inverse_root(noise / n_snapshot + lasting)
        self.precision_varying = self._whiten_varying.T @ self._whiten_varying
        self.precision_mean = self._whiten_mean.T @ self._whiten_mean
        """(m, m) inverse covariances"""

    def split(self, series: Floats) -> Split:
        """Of residuals (n_snapshot, m), whitened."""
        mean = series.mean(axis=0)
        return Split(self._whiten_mean @ mean, (series - mean) @ self._whiten_varying.T)

    def columns(self, matrix: Floats) -> tuple[Floats, Floats]:
        """(m, k) effects of unknowns, whitened for the mean and for what varies."""
        return self._whiten_mean @ matrix, self._whiten_varying @ matrix

    @staticmethod
    def misfit(split: Split) -> float:
        """Minus twice the logarithm of the likelihood, but for a constant: chi-square of n_snapshot · m."""
        return float((split.mean**2).sum() + (split.varying**2).sum())


def _inverse_root(covariance: Floats) -> Floats:
    """L⁻¹ with covariance = L Lᵀ."""
    root = np.linalg.cholesky(covariance)
    return np.asarray(np.linalg.solve(root, np.eye(len(root))))


def probabilities(misfits: Floats) -> Floats:
    """(k,) of hypotheses that were equally likely before, from their misfits."""
    weights = np.exp(-0.5 * (misfits - misfits.min()))
    return np.asarray(weights / weights.sum())


def credible(probability: Floats, level: float) -> tuple[int, ...]:
    """The fewest hypotheses that hold this much of the probability, likeliest first."""
    order = np.argsort(-probability, kind="stable")
    enough = int(np.searchsorted(np.cumsum(probability[order]), level)) + 1
    return tuple(int(place) for place in order[:enough])
