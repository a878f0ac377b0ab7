"""[5] Fairness over the month: who was cut before is spared now, a little, and measurably.

Knows nothing of ledgers: kWh in, weights out. The weight of a customer is

    w(e) = 1 + strength · e / (e + ē)

with e the kWh cut of him in the period and ē the mean over all customers of the feeder. It rises with e,
never falls, is 1 for who gave nothing, 1 + strength/2 for the average, and stays below 1 + strength for
anybody. So the weighted optimum takes at most (1 + strength) times the least kW, however the past was; and
where strength exceeds the difference between what one kW is worth here and there, the burden moves on.
"""

import numpy as np

from grid_model.network import Floats

STRENGTH = 0.25
"""On a low-voltage feeder one kW is worth 5 to 15 % more at one end than at the other."""


def fairness_weights(curtailed_kwh: Floats, strength: float = STRENGTH) -> Floats:
    """(n,) weights of the customers of one feeder, of the kWh cut of each in the past period (a month, say).

    All 1 while nobody was cut. Raises ValueError for kWh below 0 or not finite, or a strength below 0.
    """
    kwh = np.asarray(curtailed_kwh, dtype=np.float64)
    if not (np.isfinite(kwh).all() and (kwh >= 0).all() and strength >= 0):
        raise ValueError("fairness needs kWh of 0 or more and a strength of 0 or more")
    mean = float(kwh.mean()) if len(kwh) else 0.0
    if mean <= 0:
        return np.ones(len(kwh))
    return np.asarray(1 + strength * kwh / (kwh + mean))


def gini(burden: Floats) -> float:
    """How unevenly a burden (n,) is spread: 0 all the same, towards 1 all on one (C. Gini, 1912)."""
    ordered = np.sort(np.asarray(burden, dtype=np.float64))
    n, total = len(ordered), float(ordered.sum())
    if total <= 0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float((2 * rank - n - 1) @ ordered / (n * total))
