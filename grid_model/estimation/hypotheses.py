"""[2] How well each possible fault explains a reading, against all readings being right.

Every fault is a hypothesis with a likelihood. What speaks of a house's true P and Q, x = (P, Q):

    prior(x)   what it usually takes: the belief without its own reading, with a broad tail over all that its
               connection carries, because houses are not Gaussian, and next to nothing below its feed-in
    net(x)     what substation and voltages, with all other meters, say of it

    right            prior(y) net(y)
    sign             prior(−y) net(−y)                  wired or mapped the wrong way round
    thousand         prior(y/1000) net(y/1000) / 1000   W taken for kW
    thousandth       prior(1000 y) net(1000 y) · 1000   kW taken for W
    stuck            prior(y) ∫ prior net               an old value, the truth is another; more so the more
                                                        often exactly this value came in a row
    wrong            ∫ prior net / (range of y)         anything else: another house's meter, a broken one

(the factors 1000 once for P and once for Q), each as the logarithm of its ratio to "right". Two more stand
beside them: a reading inside the network is broken, or all of one instrument; and a house without a reading
takes far more or less than expected, which is no fault at all.

The largest normalised residual alone names the wrong one where readings are nearly interchangeable, as houses
on one cable are: A. Monticelli, F. Wu, M. Yen, "Multiple bad data identification for state estimation by
combinatorial optimization", IEEE Trans. Power Delivery 1, 1986. The Bayesian form follows D. MacKay,
Information Theory, Inference, and Learning Algorithms, 2003, chapter 28.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from grid_model.estimation.least_squares import Fit
from grid_model.estimation.measurements import MeterReadings
from grid_model.network import Floats

Fault = Literal["sign", "thousand", "thousandth", "stuck", "wrong", "impossible"]
FAULTS: tuple[Fault, ...] = ("sign", "thousand", "thousandth", "stuck", "wrong")
_LOG_FAULT = float(np.log(1e-3))
"""Odds of each fault before looking. They are rarer, but to let one pass costs more than to lose a
reading."""
_LOG_UNUSUAL = float(np.log(0.1))
"""Odds that a house without a reading does what its prior hardly knows."""
_TAIL = 0.1
"""Share of the broad tail in what a house may take."""
_IMPOSSIBLE = 1e-6
"""Likelihood of what a house cannot do, as a share of the tail's: not 0, a generator may be unknown."""
_FEED_IN_NOISE_KW = 0.1
_LOG_REPEATED = float(np.log(4.0))
"""Evidence of one more reading in a row with exactly the same value: a working meter repeats itself at less
than one reading in four."""
_LOG_REPEATED_AT_REST = float(np.log(1.5))
"""The same of a house that may be at rest, where the same few watts come again two times in three."""
_STEADY_KW = 0.05
"""Below, a constant value may be a house at rest."""
_RANGE_SD = 200.0
"""A broken reading inside the network lies anywhere within so many of its standard deviations."""
_LEAST_KW = 1e-3
"""Resolution of a meter, also in kvar."""
_LEAST_WEIGHT, _UNREAD_VAR = 1e-6, 1e6


@dataclass(frozen=True)
class House:
    """What a service point can do at all, (n_sp,) each."""

    bound_kw: Floats
    """the most it can take"""
    feed_in_kw: Floats
    """the most it can give; 0 without generation or storage"""

    @property
    def range_kw(self) -> Floats:
        """(n_sp,) from the most it gives to the most it takes."""
        return self.bound_kw + self.feed_in_kw

    @property
    def range_kvar(self) -> Floats:
        """(n_sp,) width of what Q may be: a power factor of 0.95 at full power, both ways."""
        return 0.66 * self.range_kw

    @property
    def surprise(self) -> Floats:
        """(n_sp, 2) variance of P and Q of a house of which nothing is known."""
        return np.stack([(self.range_kw / 3) ** 2, (self.range_kvar / 6) ** 2], axis=1)


def fault_odds(found: Fit, meters: MeterReadings, house: House) -> Floats:
    """(fault, n_sp) logarithm of each fault of each meter to right; −∞ where nothing was read."""
    says = _Says(found, meters, house)
    y = np.where(np.isfinite(meters.values), meters.values, found.joined.expected)
    right = says.log_prior(y) + says.log_net(y)
    size = np.abs(y[:, 0])
    each = np.where(size > _STEADY_KW, _LOG_REPEATED, np.where(size > _LEAST_KW, _LOG_REPEATED_AT_REST, 0.0))
    repeated = (meters.unchanged - 1) * each
    # A value below the resolution is no smaller by a thousand: nothing of its scale is known.
    scaled = np.isfinite(meters.values) & (np.abs(meters.values) > _LEAST_KW)
    thousand = np.log(1000.0) * scaled.sum(axis=1)
    likelihoods = np.stack(
        [
            says.log_prior(-y) + says.log_net(-y),
            says.log_prior(y / 1000) + says.log_net(y / 1000) - thousand,
            says.log_prior(1000 * y) + says.log_net(1000 * y) + thousand,
            says.log_prior(y) + says.log_any() + repeated,
            says.log_any() + says.log_flat,
        ]
    )
    return np.where(meters.read, likelihoods - right + _LOG_FAULT, -np.inf)


def instruments(found: Fit) -> tuple[tuple[int, ...], ...]:
    """Rows of the network's readings that may be broken together: each alone, and all of one branch end."""
    ends: dict[tuple[str, str], list[int]] = {}
    for row, reading in enumerate(found.asked.readings):
        if reading.quantity != "v_pu":
            ends.setdefault((reading.element, reading.side), []).append(row)
    single = tuple((row,) for row in range(len(found.asked.readings)))
    return single + tuple(tuple(rows) for rows in ends.values() if len(rows) > 1)


def broken_odds(found: Fit, groups: tuple[tuple[int, ...], ...]) -> Floats:
    """(group,) logarithm of broken to right of the rows of each group, from what all others say."""
    precision, pull = found.precision, found.weighted_innovation
    right = np.empty(len(groups))
    single = np.array([place for place, rows in enumerate(groups) if len(rows) == 1], dtype=np.int64)
    row = np.array([groups[place][0] for place in single], dtype=np.int64)
    own = np.diag(precision)[row]
    right[single] = 0.5 * (np.log(own / (2 * np.pi)) - pull[row] ** 2 / own)
    for place, rows in enumerate(groups):
        if len(rows) > 1:
            block, pulls = precision[np.ix_(rows, rows)], pull[list(rows)]
            _, log_det = np.linalg.slogdet(block / (2 * np.pi))
            right[place] = 0.5 * (log_det - pulls @ np.linalg.solve(block, pulls))
    log_range = np.log(_RANGE_SD * found.asked.sd)
    return np.array([_LOG_FAULT - log_range[list(rows)].sum() for rows in groups]) - right


def unusual_odds(found: Fit, house: House) -> Floats:
    """(n_sp,) logarithm of "this house, of which nothing was read, does what nobody expected" to "as
    expected": its own variance widened to all that its connection carries. −∞ where it was read.
    """
    pull, weight = _shifts(found)
    widened = np.eye(2) + house.surprise[:, :, None] * weight  # 1 + V W
    better = np.linalg.solve(widened, (house.surprise * pull)[..., None])[..., 0]
    gain = 0.5 * ((pull * better).sum(axis=1) - np.log(np.linalg.det(widened)))
    return np.where(found.joined.unread, gain + _LOG_UNUSUAL, -np.inf)


def _shifts(found: Fit) -> tuple[Floats, Floats]:
    """How much a change of P and Q of each house would better the fit of the network's readings: hᵀ S⁻¹ ν
    (n_sp, 2) and hᵀ S⁻¹ h (n_sp, 2, 2), with the columns h of H. The best change is their ratio.
    """
    rows = found.rows[:, :-1]
    white = found.whitened(rows).reshape(len(rows), rows.shape[1] // 2, 2)
    pull = (found.weighted_innovation @ rows).reshape(-1, 2)
    return pull, np.einsum("mjc,mjd->jcd", white, white)


class _Gaussian:
    """Densities of many pairs at once, (n,) means and 2 × 2 covariances; their inverses written out, because
    LAPACK takes longer to be called than to solve.
    """

    def __init__(self, mean: Floats, covariance: Floats) -> None:
        self._mean = mean
        p, q, cross = covariance[:, 0, 0], covariance[:, 1, 1], covariance[:, 0, 1]
        determinant = p * q - cross**2
        self._p, self._q, self._cross = q / determinant, p / determinant, -2 * cross / determinant
        self.half_log_det: Floats = 0.5 * np.log(determinant)

    def exponent(self, x: Floats) -> Floats:
        """(n,) −½ (x − mean)ᵀ C⁻¹ (x − mean)"""
        p, q = (x - self._mean).T
        return np.asarray(-0.5 * (self._p * p**2 + self._cross * p * q + self._q * q**2))

    def log_density(self, x: Floats) -> Floats:
        """(n,)"""
        return np.asarray(self.exponent(x) - self.half_log_det - np.log(2 * np.pi))


class _Says:
    """prior(x) and net(x) of all meters, x (n_sp, 2). Where Q was not read it counts neither way."""

    def __init__(self, found: Fit, meters: MeterReadings, house: House) -> None:
        joined, self._house = found.joined, house
        noise = np.where(np.isfinite(meters.values), meters.variance, _UNREAD_VAR)[..., None] * np.eye(2)
        self._prior_mean, self._prior_var = joined.expected, joined.expected_block + noise
        self._prior = _Gaussian(self._prior_mean, self._prior_var)
        pull, weight = _shifts(found)
        # What nobody measures has next to no weight; a little keeps the matrix regular.
        inverse = np.linalg.inv(weight + _LEAST_WEIGHT * np.eye(2))
        # The house's own variance is part of S, but no part of what the others say.
        others = inverse - joined.belief.block
        p, q, cross = others[:, 0, 0], others[:, 1, 1], others[:, 0, 1]
        positive = (p > 0) & (q > 0) & (p * q > cross**2)
        self._net_mean = joined.belief.mean + np.einsum("jcd,jd->jc", inverse, pull)
        self._net_var = np.where(positive[:, None, None], others, inverse) + noise
        self._net = _Gaussian(self._net_mean, self._net_var)
        self._q_read = np.isfinite(meters.values[:, 1])
        self._log_q = np.where(
            self._q_read, -np.log(house.range_kvar), -0.5 * np.log(2 * np.pi * self._prior_var[:, 1, 1])
        )
        self.log_flat = self._log_q - np.log(house.range_kw)
        """(n_sp,) density of a reading that may be anything"""

    def log_prior(self, x: Floats) -> Floats:
        """(n_sp,) density that a house takes x."""
        house, p = self._house, x[:, 0]
        usual = np.log1p(-_TAIL) + self._prior.log_density(x)
        broad_q = np.where(self._q_read, np.log(_broad(x[:, 1], house.range_kvar)), self._log_q)
        tail = np.log(_TAIL * _broad(p, house.range_kw)) + broad_q
        tail += np.where(p <= house.bound_kw, 0.0, np.log(_IMPOSSIBLE))
        possible = p >= -house.feed_in_kw - _FEED_IN_NOISE_KW
        return np.asarray(np.where(possible, np.logaddexp(usual, tail), np.log(_IMPOSSIBLE) + tail))

    def log_net(self, x: Floats) -> Floats:
        """(n_sp,) likelihood of x, 1 at its best."""
        return self._net.exponent(x)

    def log_any(self) -> Floats:
        """(n_sp,) the likelihood of all that a house may take: ∫ prior net dx."""
        house, total = self._house, _Gaussian(self._prior_mean, self._prior_var + self._net_var)
        usual = np.log1p(-_TAIL) + self._net.half_log_det - total.half_log_det
        usual = usual + total.exponent(self._net_mean)
        p, (sd, q_sd) = self._net_mean[:, 0], np.sqrt(np.einsum("jcc->cj", self._net_var))
        inside = ndtr((house.bound_kw - p) / sd) - ndtr((-house.feed_in_kw - p) / sd)
        over_p = np.sqrt(2 * np.pi) * sd * inside / house.range_kw
        over_q = np.minimum(np.sqrt(2 * np.pi) * q_sd / house.range_kvar, 1.0)
        return np.asarray(np.logaddexp(usual, np.log(_TAIL * over_p * over_q + np.finfo(float).tiny)))


def _broad(x: Floats, width: Floats) -> Floats:
    """(n,) density of a house that nobody knows: half of it alike over the width, half alike over all orders
    of magnitude, for a house at rest is no surprise either.
    """
    orders = np.log(width / _LEAST_KW)
    return np.asarray(0.5 / width + 0.25 / (np.maximum(np.abs(x), _LEAST_KW) * orders))
