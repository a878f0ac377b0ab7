"""A mean over seeds, and how far off it may be. Pure.

Student's t interval of a mean, x̄ ± t(1−α/2, n−1)·s/√n (Student, Biometrika 6 (1908) 1; NIST/SEMATECH
e-Handbook of Statistical Methods, 1.3.5.2). It takes the seeds for independent draws and the mean for nearly
normal; with five seeds that is an assumption, and the width says so. Policies meet the same evenings, so a
difference between two is taken seed by seed (the paired t interval), which is much narrower.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean of `n` seeds; no interval for a single one."""

    mean: float
    low: float | None
    high: float | None
    n: int


def mean_of(values: Sequence[float], level: float = LEVEL) -> Mean:
    """The mean with its interval. Raises ValueError where there is nothing to take the mean of."""
    n = len(values)
    if n == 0:
        raise ValueError("a mean needs one value at least")
    mean = float(np.mean(values))
    if n == 1:
        return Mean(mean, None, None, 1)
    half = float(t.ppf((1 + level) / 2, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Mean(mean, mean - half, mean + half, n)
