"""[2] Does it add up: chi-square, normalised residuals, and what all others say of one reading.

With all readings y = A x + e and the prior as one more, the innovation covariance S of all readings gives the
residual of least squares as r = R S⁻¹ ν, so the normalised residual is

    r_i / √Ω_ii = u_i / √(S⁻¹)_ii   with u = S⁻¹ ν = R⁻¹ r

and what all other readings and the prior say of reading i is y_i − u_i / (S⁻¹)_ii with the variance
1 / (S⁻¹)_ii − R_i (leave-one-out; P and Q of one meter go out together, as a 2 × 2 block). Sources:
A. Monticelli, State Estimation in Electric Power Systems, 1999, chapters 7 and 8; A. Abur,
A. Gómez-Expósito, Power System State Estimation, 2004, chapter 5.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from grid_model.estimation.least_squares import Fit
from grid_model.estimation.measurements import Measurement, MeterReadings
from grid_model.network import Floats

CHI_SQUARE_LEVEL = 1e-3
"""A clean snapshot fails the test this rarely, as far as errors are Gaussian."""


@dataclass(frozen=True, slots=True)
class ReadingCheck:
    """One reading inside the network against what meters and priors let expect there."""

    reading: Measurement
    expected: float
    expected_sd: float
    """of reading minus expectation"""
    normalised_residual: float


@dataclass(frozen=True)
class Consistency:
    """Whether the readings inside the network go with the meters."""

    chi_square: float
    degrees: int
    p_value: float
    """how often clean readings differ as much or more; 1 without any reading"""
    readings: tuple[ReadingCheck, ...]

    @property
    def consistent(self) -> bool:
        """The verdict of the chi-square test."""
        return self.p_value >= CHI_SQUARE_LEVEL


def consistency(found: Fit) -> Consistency:
    """The chi-square test of the innovations, and each reading with its expectation."""
    degrees = len(found.innovation)
    statistic = float((found.whitened(found.innovation) ** 2).sum()) if degrees else 0.0
    normalised = normalised_network(found)
    sd = np.sqrt((found.innovation_root**2).sum(axis=1))
    checks = tuple(
        ReadingCheck(
            reading, reading.value - float(found.innovation[row]), float(sd[row]), float(normalised[row])
        )
        for row, reading in enumerate(found.asked.readings)
    )
    return Consistency(statistic, degrees, float(chdtrc(degrees, statistic)) if degrees else 1.0, checks)


def normalised_network(found: Fit) -> Floats:
    """(m,) normalised residuals of the readings inside the network."""
    return np.asarray(found.weighted_innovation / np.sqrt(np.diag(found.precision)))


@dataclass(frozen=True)
class Others:
    """What all but the own reading say, for each (n,)."""

    difference: Floats
    """reading minus what the others say"""
    variance: Floats
    """of that difference, the reading's own noise included"""

    @property
    def normalised(self) -> Floats:
        """The normalised residual."""
        return np.asarray(self.difference / np.sqrt(self.variance))


def others_of_network(found: Fit) -> Others:
    """(m,) for the readings inside the network."""
    precision = np.diag(found.precision)
    return Others(np.asarray(found.weighted_innovation / precision), 1 / precision)


def others_of_meters(found: Fit, meters: MeterReadings) -> Others:
    """(n_sp,) for the active power of meters, P and Q of a meter left out together, because what spoils the
    one spoils the other; NaN where nothing was read.
    """
    belief, seen = found.joined.belief, np.isfinite(meters.values)
    noise = meters.variance
    state = belief.state[:-1] + found.weighted_innovation @ found.gain[:, :-1]
    residual = np.where(seen, meters.values - state.reshape(-1, 2), 0.0) / noise  # R⁻¹ r
    reach = found.whitened(found.gain[:, :-1]).reshape(-1, *seen.shape) * (seen / noise)  # L⁻¹ H C R⁻¹
    common = found.joined.factor_weight
    precision = (
        found.joined.weight
        - common @ common.transpose(0, 2, 1)
        + np.einsum("mjc,mjd->jcd", reach, reach)
        + np.eye(2) * ~seen[:, None, :]  # keeps what was not read apart, and the matrix regular
    )
    covariance = np.linalg.inv(precision)
    difference, variance = np.einsum("jd,jd->j", covariance[:, 0], residual), covariance[:, 0, 0]
    return Others(np.where(meters.read, difference, np.nan), np.where(meters.read, variance, np.nan))
