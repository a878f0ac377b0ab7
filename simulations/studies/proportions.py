"""What a few seeds tell about all that could be drawn: intervals for shares and for means. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval that covers the truth with the confidence asked for."""

    estimate: float
    low: float
    high: float


def wilson(hits: int, count: int, confidence: float) -> Interval:
    """The share of which `hits` of `count` independent draws are a sample:

        (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)

    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209–212;
    recommended for small n by Brown, Cai and DasGupta, Interval estimation for a binomial proportion,
    Statistical Science 16 (2001) 101–133. Raises ValueError without a draw.
    """
    if count < 1:
        raise ValueError(f"a share of {count} draws: expected at least one")
    share, z = hits / count, float(ndtri((1 + confidence) / 2))
    middle = share + z**2 / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    # at the ends the formula gives exactly 0 and 1, but for the last bit
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == count else (middle + reach) / scale
    return Interval(share, low, high)


def mean_interval(values: Sequence[float], confidence: float) -> Interval:
    """The mean of which `values` are independent draws, by Student's t with n − 1 degrees of freedom
    (Student, The probable error of a mean, Biometrika 6 (1908) 1–25); of one value the interval is open."""
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return Interval(mean, -math.inf, math.inf)
    reach = float(stdtrit(len(array) - 1, (1 + confidence) / 2) * array.std(ddof=1) / math.sqrt(len(array)))
    return Interval(mean, mean - reach, mean + reach)
