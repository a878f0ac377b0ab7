"""[3] How sure: a value with its standard deviation, an interval, and the probability of being past a limit.

Errors are taken for Gaussian: many small ones add up in every loading. Where one or two large devices that no
meter shows decide (a charger that is on or off), the true interval has two humps and this one covers both.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from grid_model.network import Floats


@dataclass(frozen=True)
class Uncertain:
    """Values with standard deviations, each (n,). NaN where the value is not known at all."""

    value: Floats
    sd: Floats

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper end, symmetric about the value."""
        reach = float(ndtri(0.5 + confidence / 2)) * self.sd
        return self.value - reach, self.value + reach

    def probability_above(self, limit: Floats | float) -> Floats:
        """(n,) that the true value is above the limit; NaN where nothing is known."""
        return _probability(self.value - limit, self.sd)

    def probability_below(self, limit: Floats | float) -> Floats:
        """(n,) that the true value is below the limit."""
        return _probability(limit - self.value, self.sd)


def _probability(excess: Floats, sd: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        # without uncertainty the answer is yes or no; at the limit itself it is no
        scaled = np.where(sd > 0, excess / sd, np.where(excess > 0, np.inf, -np.inf))
    return np.where(np.isnan(excess), np.nan, ndtr(scaled))
