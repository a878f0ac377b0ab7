"""How far a baseline is off where nothing was asked, so that the meter shows the truth. Pure.

    bias   = 100 · Σ(b - y) / Σy                    above zero: credits are too high
    CVRMSE = RRMSE = 100 · √mean((b - y)²) / mean(y)

Programmes say CVRMSE (California ISO) or RRMSE (PJM, AEMO, KPX) for the same formula, and take it over events
or over intervals: the caller says which by what it passes.
"""

import numpy as np

from controller.baselines.history import Floats


def bias_percent(told: Floats, came: Floats) -> float:
    """Mean error in percent of what came; NaN where that is not above zero."""
    total = float(np.sum(came))
    return 100 * float(np.sum(told) - total) / total if total > 0 else float("nan")


def cvrmse_percent(told: Floats, came: Floats) -> float:
    """Root mean squared error in percent of the mean of what came; NaN where that is not above zero."""
    mean = float(np.mean(came)) if np.size(came) else 0.0
    return 100 * float(np.sqrt(np.mean((told - came) ** 2))) / mean if mean > 0 else float("nan")
