"""Are some of the values higher than the others? An exact one-sided rank-sum test in groups. Pure.

Wilcoxon's rank sum (F. Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1(6),
1945), one sum for each group (P. van Elteren, 1960, here with equal weights). Under the hypothesis that the
marked values of a group are any of its values with equal probability, the distribution of the sum is
counted out: no normal approximation, ties by midranks.
"""

from collections.abc import Sequence

import numpy as np

from controller.baselines.history import Floats


def p_value(groups: Sequence[tuple[Floats, Floats]]) -> float:
    """The chance that marked values stand at least as high as they do, were they any of all.

    Each group holds its marked and its other values, (n,) each. Groups are taken as independent.
    """
    distribution = np.ones(1)
    observed = 0
    for marked, others in groups:
        ranks = _twice_the_midranks(np.concatenate([marked, others]))
        observed += int(ranks[: len(marked)].sum())
        distribution = np.convolve(distribution, _sums(ranks, len(marked)))
    return float(min(distribution[observed:].sum(), 1.0))


def _twice_the_midranks(values: Floats) -> np.ndarray:
    """(n,) whole numbers: equal values share the mean of their ranks, twice which is whole."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return np.asarray(below + up_to + 1)


def _sums(ranks: np.ndarray, marked: int) -> Floats:
    """The distribution of the sum of `marked` of the ranks, drawn without putting back."""
    ways = np.zeros((marked + 1, int(np.sort(ranks)[len(ranks) - marked :].sum()) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        # The right side is taken as a whole before it is stored, so a rank counts once.
        ways[1:, rank:] = ways[1:, rank:] + ways[:-1, : ways.shape[1] - rank]
    return np.asarray(ways[marked] / ways[marked].sum())
