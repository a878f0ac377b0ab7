"""[2] What is expected of each service point before it is read: pseudo-readings with their uncertainty.

Three sources, from the best to the poorest: a forecast made elsewhere (means and standard deviations), the
service point's own history at this time of day, the network's default power as far as fresh meters confirm
it. What houses have in common (weather, a holiday) is one common factor: fresh meters tell it, and it
corrects those that are missing. Knows no clock: whoever asks cuts the history.

The pattern "mean and variance by class and time of day" is that of A. Angioni, T. Schlösser, F. Ponci,
A. Monti, "Impact of pseudo-measurements from new power profiles on state estimation in low-voltage grids",
IEEE Trans. Instrumentation and Measurement 65, 2016.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grid_model.connection import SERVICE_FUSE_KW
from grid_model.estimation.belief import Belief
from grid_model.estimation.measurements import MeterReadings
from grid_model.estimation.physics import OVER_BOUND
from grid_model.network import Floats, Network

SLACK_SD = 0.02
"""Of the voltage above the transformer, where nothing better is known."""
_LEAST_SD_KW = 0.02
_USUAL_VARIATION = 0.8
"""Standard deviation of a house by its mean at a given time of day, where no meter tells: 0.4 to 0.9 on
SimBench's household profiles (H0)."""
_PRIOR_DAYS = 5.0
"""So many days of history weigh as much as what all houses have in common."""
_MOST_COMMON = 0.9
_ODD_SD = 6.0
"""A meter this far from the level of all others, by their scatter, has no say in the level."""
_MOST_ODD = 0.1
"""Of the meters, at most, and one of any number from four on."""
_CHARGER_KW = 11.0
_LEAST_METERS = 3
_PRIOR_METERS = 5.0
"""So many meters weigh as much as the expectation that P and Q have nothing to do with each other."""


def from_moments(
    mean: Floats,
    sd: Floats,
    *,
    common: float = 0.0,
    correlation: float = 0.0,
    slack_scale: float = 1.0,
    slack_sd: float = SLACK_SD,
) -> Belief:
    """Of means and standard deviations (n_sp, 2) of P in kW and Q in kvar, as a forecast gives them.

    `common` (0 to 1) is the correlation of the errors of any two service points, `correlation` that of P and
    Q of one.
    """
    spread = np.maximum(sd, _LEAST_SD_KW)
    block = np.einsum("jc,jd->jcd", spread, spread) * np.array([[1.0, correlation], [correlation, 1.0]])
    factor = np.sqrt(common) * spread * np.array([1.0, correlation])
    return Belief(
        mean=np.asarray(mean, dtype=np.float64),
        block=block - np.einsum("jc,jd->jcd", factor, factor),
        factors=factor[:, :, None],
        slack=slack_scale,
        slack_var=slack_sd**2,
    )


def from_history(samples: Floats, *, slack_scale: float = 1.0, slack_sd: float = SLACK_SD) -> Belief:
    """Of past readings at this time of day, (n_day, n_sp, 2) without gaps, at least two days.

    Variances of few days are drawn towards the variation that all houses have in common (a conjugate prior
    worth five days), and widened by 1 + 1/n_day for the mean that is itself an estimate. The common factor's
    share is what the daily mean of all standardised deviations varies more than independent houses would.
    """
    n_day = len(samples)
    mean = samples.mean(axis=0)
    deviation = samples - mean
    sample = np.einsum("tjc,tjd->jcd", deviation, deviation) / (n_day - 1)
    widened = _shrunk(sample, mean, n_day) * (1 + 1 / n_day)
    widened[:, (0, 1), (0, 1)] += _LEAST_SD_KW**2
    share = _common_share(deviation[:, :, 0] / np.sqrt(np.maximum(sample[:, 0, 0], _LEAST_SD_KW**2)))
    along = widened[:, :, 0] / np.sqrt(widened[:, 0, 0])[:, None]  # P, and Q as far as it goes with P
    factor = np.sqrt(share) * along
    return Belief(
        mean=mean,
        block=widened - np.einsum("jc,jd->jcd", factor, factor),
        factors=factor[:, :, None],
        slack=slack_scale,
        slack_var=slack_sd**2,
    )


def _shrunk(sample: Floats, mean: Floats, n_day: int) -> Floats:
    """(n_sp, 2, 2) sample covariances drawn towards a house that varies as all do, Q along with P."""
    level = max(float((mean[:, 0] ** 2).sum()), _LEAST_SD_KW**2)
    usual = float(sample[:, 0, 0].sum()) / level * np.einsum("jc,jd->jcd", mean, mean)
    return np.asarray((_PRIOR_DAYS * usual + (n_day - 1) * sample) / (_PRIOR_DAYS + n_day - 1))


def _common_share(standardised: Floats) -> float:
    """The correlation of any two houses, from (n_day, n_sp) standardised deviations."""
    n_day, n_sp = standardised.shape
    if n_sp < 2:
        return 0.0
    of_mean = float((standardised.mean(axis=1) ** 2).sum()) / (n_day - 1)
    return float(np.clip((of_mean - 1 / n_sp) / (1 - 1 / n_sp), 0.0, _MOST_COMMON))


def from_defaults(
    network: Network,
    meters: MeterReadings,
    *,
    slack_scale: float = 1.0,
    slack_sd: float = SLACK_SD,
) -> Belief:
    """The network's default power times the level that the meters show, as wide as their houses scatter.

    The level is the ratio of sums, without the few meters that are far from what all others show: a meter in
    W moves the sum of its whole street. Its own uncertainty is a common factor. Q has a level of its own,
    for a car takes P alone; where too few meters show Q it is expected at the level of P, and not to follow
    it. Without a meter the level is 1 with a common standard deviation as large.
    """
    default = np.stack([network.default_p_kw, network.default_q_kvar], axis=1)
    levels = _levels(meters, default)
    own = np.abs(default) * [level.scatter for level in levels]
    block = np.einsum("jc,jd->jcd", own, own)
    block[:, 0, 1] *= (along := _along(meters, default, levels))
    block[:, 1, 0] *= along
    block[:, (0, 1), (0, 1)] += _LEAST_SD_KW**2
    factors = np.zeros((len(own), 2, 2))
    for part, level in enumerate(levels):
        factors[:, part, part] = level.sd * default[:, part]
    return Belief(
        mean=default * [level.ratio for level in levels],
        block=block,
        factors=factors,
        slack=slack_scale,
        slack_var=slack_sd**2,
    )


def _levels(meters: MeterReadings, default: Floats) -> "tuple[_Level, _Level]":
    """Of P and of Q."""
    shown, their_default = meters.values[meters.read], default[meters.read]
    if not len(shown) or their_default[:, 0].sum() <= 0:
        return _UNKNOWN, _UNKNOWN
    of_p = _level(shown[:, 0], their_default[:, 0])
    read = np.isfinite(shown[:, 1])
    if read.sum() < _LEAST_METERS or their_default[read, 1].sum() <= 0:
        return of_p, replace(of_p, sd=max(of_p.sd, of_p.ratio))
    return of_p, _level(shown[read, 1], their_default[read, 1])


def _along(meters: MeterReadings, default: Floats, levels: "tuple[_Level, _Level]") -> Floats:
    """(n_sp,) the correlation of a house's P and Q, signed as its default power is, as the meters show it;
    few meters show little of it.
    """
    both = np.isfinite(meters.values).all(axis=1)
    apart = meters.values[both] - default[both] * [level.ratio for level in levels]
    p, q = apart.T * np.sign(default[both]).T
    together = float(np.sqrt((p**2).sum() * (q**2).sum()))
    seen = float((p * q).sum()) / together if together > 0 else 0.0
    weight = both.sum() / (both.sum() + _PRIOR_METERS)
    return np.asarray(_MOST_COMMON * weight * seen * np.sign(default).prod(axis=1))


@dataclass(frozen=True, slots=True)
class _Level:
    """What houses take, by their default power."""

    ratio: float
    scatter: float
    """standard deviation of one house"""
    sd: float
    """of the ratio itself"""


_UNKNOWN = _Level(1.0, _USUAL_VARIATION, 1.0)


def _level(p_kw: Floats, default_kw: Floats) -> _Level:
    """Of the meters that are read, at least one; alike for Q in kvar.

    The odd meters are left out of the ratio, one at a time, each judged by the scatter of all that would
    remain. The scatter counts them as far as a charger goes, for that is what they mostly are, and what
    houses without a meter may have as well; it does not count what no connection carries.
    """
    kept = np.arange(len(p_kw))
    for _ in range(max(int(_MOST_ODD * len(p_kw)), 1 if len(p_kw) > 3 else 0)):
        odd = int(np.argmax(np.abs(p_kw[kept] - _ratio(p_kw[kept], default_kw[kept]) * default_kw[kept])))
        others = np.delete(kept, odd)
        if default_kw[others].sum() <= 0:
            break
        residual = p_kw - _ratio(p_kw[others], default_kw[others]) * default_kw
        usual_kw = _scatter(residual[others], default_kw[others]) * abs(default_kw[kept[odd]])
        if abs(residual[kept[odd]]) <= _ODD_SD * np.hypot(usual_kw, _LEAST_SD_KW):
            break
        kept = others
    ratio = _ratio(p_kw[kept], default_kw[kept])
    counted = np.clip(p_kw - ratio * default_kw, -_CHARGER_KW, _CHARGER_KW)
    counted[kept] = p_kw[kept] - ratio * default_kw[kept]
    possible = np.abs(p_kw) <= OVER_BOUND * np.maximum(SERVICE_FUSE_KW, 2 * np.abs(default_kw))
    possible[kept] = True
    scatter = _scatter(counted[possible], default_kw[possible])
    if len(kept) < _LEAST_METERS:  # two or three houses do not show how much houses differ
        scatter = max(scatter, _USUAL_VARIATION * ratio)
    weight = default_kw[kept] / default_kw[kept].sum()
    return _Level(ratio, scatter, scatter * float(np.sqrt((weight**2).sum())))


def _ratio(p_kw: Floats, default_kw: Floats) -> float:
    """Not below 0: that some feed in does not tell that the others do."""
    return max(float(p_kw.sum() / default_kw.sum()), 0.0)


def _scatter(residual_kw: Floats, default_kw: Floats) -> float:
    return float(np.sqrt((residual_kw**2).sum() / max(float((default_kw**2).sum()), _LEAST_SD_KW**2)))


def picked(best: Belief, otherwise: Belief, usable: NDArray[np.bool_]) -> Belief:
    """`best` where it is `usable` (n_sp,), else the other; the common factors stay apart."""
    masks = usable[:, None], ~usable[:, None]
    return replace(
        best,
        mean=np.where(masks[0], best.mean, otherwise.mean),
        block=np.where(usable[:, None, None], best.block, otherwise.block),
        factors=np.concatenate(
            [best.factors * masks[0][..., None], otherwise.factors * masks[1][..., None]], axis=2
        ),
    )
