"""[2] What is expected of each service point before it is read: pseudo-readings with their uncertainty.

Three sources, from the best to the poorest: a forecast made elsewhere (means and standard deviations), the
service point's own history at this time of day, the network's default power as far as fresh meters confirm
it. What houses have in common (weather, a holiday) is one common factor: fresh meters tell it, and it
corrects those that are missing. Knows no clock: whoever asks cuts the history.

The pattern "mean and variance by class and time of day" is that of A. Angioni, T. Schlösser, F. Ponci,
A. Monti, "Impact of pseudo-measurements from new power profiles on state estimation in low-voltage grids",
IEEE Trans. Instrumentation and Measurement 65, 2016.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grid_model.estimation.belief import Belief
from grid_model.estimation.measurements import MeterReadings
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

    The level is the ratio of sums, which extremes move little; its own uncertainty is the common factor.
    Without a meter the level is 1 with a common standard deviation as large.
    """
    default = np.stack([network.default_p_kw, network.default_q_kvar], axis=1)
    read = meters.read
    expected = float(default[read, 0].sum())
    if expected <= 0 or np.count_nonzero(read) < 3:
        return _spread_defaults(default, 1.0, _USUAL_VARIATION, 1.0, slack_scale, slack_sd=slack_sd)
    level = float(meters.values[read, 0].sum()) / expected
    usual = np.abs(level * default[read, 0])
    residual = meters.values[read, 0] - level * default[read, 0]
    variation = np.sqrt(float((residual**2).sum()) / max(float((usual**2).sum()), _LEAST_SD_KW**2))
    weight = default[read, 0] / expected
    own = variation * float(np.sqrt((weight**2).sum()))
    return _spread_defaults(default, level, variation, own, slack_scale, slack_sd=slack_sd)


def _spread_defaults(
    default: Floats, level: float, variation: float, common: float, slack_scale: float, *, slack_sd: float
) -> Belief:
    """`variation` and `common` are standard deviations by the mean: of one house, and of all together."""
    mean = level * default
    size = np.hypot(mean, _LEAST_SD_KW / max(variation, 1e-3))
    own, apart = variation * size, 0.3 * variation * np.abs(mean[:, 0])
    block = np.zeros((len(mean), 2, 2))
    block[:, 0, 0] = own[:, 0] ** 2
    tangent = np.divide(mean[:, 1], mean[:, 0], out=np.zeros(len(mean)), where=mean[:, 0] != 0)
    block[:, 0, 1] = block[:, 1, 0] = tangent * own[:, 0] ** 2  # Q follows P, and wanders a little by itself
    block[:, 1, 1] = tangent**2 * own[:, 0] ** 2 + apart**2 + _LEAST_SD_KW**2
    return Belief(
        mean=mean,
        block=block,
        factors=(common * mean)[:, :, None],
        slack=slack_scale,
        slack_var=slack_sd**2,
    )


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
