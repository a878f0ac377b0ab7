"""[2] What is believed of all injections: means, and covariances that are sparse enough to be quick.

The state is x = (P₁, Q₁, P₂, Q₂, …, s): the demand of each service point in kW and kvar, and the factor s on
the external grids' voltage. Its covariance is C = B + F Fᵀ with a 2 × 2 block B_j of each service point (its
own P and Q go together) and few common factors F (weather, time: what all houses have in common). Readings of
P and Q by meters are linear in x, so they are taken in exactly, and the form stays:

    E_j = (B_j + R_j)⁻¹ on what was read, 0 elsewhere          ν_j = reading − mean
    Λ = 1 + Σ F_jᵀ E_j F_j,   f = Λ⁻¹ Σ F_jᵀ E_j ν_j           (the common factors, as all meters show them)
    mean_j + F_j f + B_j E_j (ν_j − F_j f),   B_j − B_j E_j B_j,   F_j − B_j E_j F_j, times Λ^(−1/2)

This is the conditional distribution of a Gaussian factor model (C. Bishop, Pattern Recognition and Machine
Learning, 2006, sections 2.3.3 and 12.2). Knows nothing of networks.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grid_model.estimation.measurements import MeterReadings
from grid_model.network import Floats


@dataclass(frozen=True)
class Belief:
    """A Gaussian of the state. Order of the last axis of length 2: P in kW, Q in kvar."""

    mean: Floats
    """(n_sp, 2)"""
    block: Floats
    """(n_sp, 2, 2) own covariance of each service point, without the common factors"""
    factors: Floats
    """(n_sp, 2, r) what one standard deviation of each common factor does"""
    slack: float
    """Factor on the external grids' voltage"""
    slack_var: float

    @property
    def state(self) -> Floats:
        """(2 n_sp + 1,) the means as one vector"""
        return np.append(self.mean.ravel(), self.slack)

    @property
    def variance(self) -> Floats:
        """(n_sp, 2) of P and Q, all sources together"""
        own: Floats = np.einsum("jcc->jc", self.block)
        return np.asarray(own + (self.factors**2).sum(axis=2))

    def covariance_times(self, rows: Floats) -> Floats:
        """(m, 2 n_sp + 1) rows, each multiplied by the covariance."""
        inner = rows[:, :-1].reshape(len(rows), -1, 2)
        product = np.empty_like(rows)
        spread = product[:, :-1].reshape(inner.shape)
        for column in (0, 1):
            spread[..., column] = (
                inner[..., 0] * self.block[:, 0, column] + inner[..., 1] * self.block[:, 1, column]
            )
        if self.factors.shape[2]:
            factors = self._flat_factors()
            product[:, :-1] += (rows[:, :-1] @ factors) @ factors.T
        product[:, -1] = rows[:, -1] * self.slack_var
        return product

    def variance_of(self, rows: Floats) -> Floats:
        """(m,) the variance of each linear function of the state, `rows` (m, 2 n_sp + 1)."""
        inner = rows[:, :-1].reshape(len(rows), -1, 2)
        p, q = inner[..., 0], inner[..., 1]
        own = p**2 @ self.block[:, 0, 0] + q**2 @ self.block[:, 1, 1] + (p * q) @ (2 * self.block[:, 0, 1])
        common = ((rows[:, :-1] @ self._flat_factors()) ** 2).sum(axis=1)
        return np.asarray(own + common + rows[:, -1] ** 2 * self.slack_var)

    def widened(self, place: int, variance: Floats) -> "Belief":
        """The same, less sure of one service point by a variance (2,)."""
        block = self.block.copy()
        block[place] += np.diag(variance)
        return replace(self, block=block)

    def _flat_factors(self) -> Floats:
        return self.factors.reshape(-1, self.factors.shape[2])


@dataclass(frozen=True)
class Joined:
    """A belief after the meters, and what the search for bad data needs of the way there."""

    belief: Belief
    weight: Floats
    """(n_sp, 2, 2) E_j: inverse innovation covariance of each service point, the common factors apart"""
    factor_weight: Floats
    """(n_sp, 2, r) E_j F_j Λ^(−1/2)"""
    expected: Floats
    """(n_sp, 2) P and Q before the own reading, but with the common factors as the meters show them"""
    expected_block: Floats
    """(n_sp, 2, 2) their covariance"""
    unread: NDArray[np.bool_]
    """(n_sp,) where P was not read"""


def join(prior: Belief, meters: MeterReadings) -> Joined:
    """The belief given the meters' readings of P and Q. Exact."""
    noise = meters.variance
    weight = _inverse_of_seen(prior.block + noise[..., None] * np.eye(2), np.isfinite(meters.values))
    innovation = np.where(np.isfinite(meters.values), meters.values - prior.mean, 0.0)
    weighted = weight @ prior.factors  # (n_sp, 2, r)
    precision = np.eye(prior.factors.shape[2]) + np.einsum("jcr,jcs->rs", prior.factors, weighted)
    root = np.linalg.inv(np.linalg.cholesky(precision)).T  # Λ⁻¹ = root rootᵀ
    common = root @ (root.T @ np.einsum("jcr,jc->r", weighted, innovation))
    shift = prior.factors @ common  # (n_sp, 2)
    gain = prior.block @ weight
    narrowed = prior.factors @ root
    belief = replace(
        prior,
        mean=prior.mean + shift + np.einsum("jcd,jd->jc", gain, innovation - shift),
        block=prior.block - gain @ prior.block,
        factors=narrowed - gain @ narrowed,
    )
    return Joined(
        belief=belief,
        weight=weight,
        factor_weight=weighted @ root,
        expected=prior.mean + shift,
        expected_block=prior.block + narrowed @ narrowed.transpose(0, 2, 1),
        unread=~meters.read,
    )


def _inverse_of_seen(blocks: Floats, seen: NDArray[np.bool_]) -> Floats:
    """(n, 2, 2) the inverse of the rows and columns that were seen, 0 in all others."""
    p, q, cross = blocks[:, 0, 0], blocks[:, 1, 1], blocks[:, 0, 1]
    both = seen[:, 0] & seen[:, 1]
    determinant = np.where(both, p * q - cross**2, 1.0)
    inverse = np.zeros_like(blocks)
    inverse[:, 0, 0] = np.where(both, q / determinant, np.where(seen[:, 0], 1 / p, 0.0))
    inverse[:, 1, 1] = np.where(both, p / determinant, np.where(seen[:, 1], 1 / q, 0.0))
    inverse[:, 0, 1] = inverse[:, 1, 0] = np.where(both, -cross / determinant, 0.0)
    return inverse
