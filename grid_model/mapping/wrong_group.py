"""[4] Customers in the wrong group, by powers: on another phase, another outgoing cable, another substation.

The power of a group, measured at the substation, is the sum of its members' meters, losses and what nobody
reads: S_g(t) = Σ_{i in g} P_i(t) + constant + share of S_g² + noise. With each customer in exactly one group,
or in none of them, the best mapping is a least-squares problem over memberships. (Phase identification by
energy balance: Arya et al., "Phase identification in smart grids", IEEE SmartGridComm 2011.)

The search starts from the plan, and from the unconstrained regression where the series is long enough, and
moves one customer at a time as long as that helps. A customer is accused when no other single move explains
the powers as well: two customers who always take the same cannot be told apart, and are not."""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Ints

NO_GROUP = -1
"""Neither of the groups: on another substation."""
_SPARE = 20
"""Snapshots beyond the number of customers from which the regression says how large the noise is."""


@dataclass(frozen=True, slots=True)
class WrongGroup:
    """A customer who is in another group than the plan says."""

    service_point: int
    recorded: int
    likely: int
    """NO_GROUP where in none of them"""
    confidence: float


@dataclass(frozen=True)
class GroupFindings:
    """What the powers say of the plan."""

    wrong: tuple[WrongGroup, ...]
    """the most certain first"""
    group: Ints
    """(n_sp,) the mapping that explains the powers best"""
    untold: tuple[int, ...]
    """service points whose group these series cannot tell: they take too little, or too evenly, or as
    another"""


def find_wrong_groups(
    p_kw: Floats,
    group_p_kw: Floats,
    recorded: Ints,
    *,
    wrong_before: float = 0.01,
    confidence: float = 0.99,
) -> GroupFindings:
    """Compare meters `p_kw` (n_snapshot, n_sp) with the powers of groups `group_p_kw` (n_snapshot, n_group).

    `recorded` is (n_sp,) each customer's group by the plan. Snapshots with a NaN are left out. Raises
    ValueError when fewer than 10 are left, shapes do not fit, or a group's power is stuck: all its members
    would seem to be elsewhere."""
    if p_kw.shape[0] != group_p_kw.shape[0] or recorded.shape != p_kw.shape[1:]:
        raise ValueError(
            f"p_kw {p_kw.shape}, group_p_kw {group_p_kw.shape} and recorded {recorded.shape} do not fit"
        )
    known = np.isfinite(p_kw).all(axis=1) & np.isfinite(group_p_kw).all(axis=1)
    if np.count_nonzero(known) < 10:
        raise ValueError(f"{np.count_nonzero(known)} complete snapshots; expected at least 10")
    _refuse_stuck(group_p_kw[known], recorded)
    balance = _Balance(p_kw[known], group_p_kw[known])
    best = min((balance.improved(start) for start in balance.starts(recorded)), key=balance.misfit)
    wrong = _accused(balance, best, recorded, wrong_before, confidence)
    away = -balance.gains(best)
    away[np.arange(len(best)), best] = np.inf
    doubtful = 0.5 * away.min(axis=1) < np.log(confidence / (1 - confidence))
    doubtful[best != recorded] = True
    doubtful[[one.service_point for one in wrong]] = False
    return GroupFindings(wrong, best, tuple(int(point) for point in np.flatnonzero(doubtful)))


def _refuse_stuck(group_p_kw: Floats, recorded: Ints) -> None:
    for group in np.flatnonzero(np.ptp(group_p_kw, axis=0) == 0):
        if (recorded == group).any():
            raise ValueError(
                f"group {group} takes {group_p_kw[0, group]:g} kW in all snapshots and never changes; "
                "expected the power of its members"
            )


def _accused(
    balance: "_Balance", best: Ints, recorded: Ints, wrong_before: float, confidence: float
) -> tuple[WrongGroup, ...]:
    odds = wrong_before / (1 - wrong_before) / balance.n_group  # of one group instead of the recorded one
    found = []
    for point in np.flatnonzero(best != recorded):
        without = best.copy()
        without[point] = recorded[point]
        gains = balance.gains(without)
        gains[np.arange(len(best)), without] = -np.inf
        logarithm = np.log(odds) + 0.5 * gains
        highest = max(0.0, float(logarithm.max()))
        weights = np.exp(logarithm - highest)  # of one move of anybody, beside exp(-highest) of none
        sure = float(weights[point].sum() / (weights.sum() + np.exp(-highest)))
        if sure >= confidence:
            found.append(WrongGroup(int(point), int(recorded[point]), int(best[point]), sure))
    return tuple(sorted(found, key=lambda one: -one.confidence))


class _Balance:
    """The powers, with what a constant and losses may explain taken out of each group's equation.

    A mapping is (n_sp,) groups, NO_GROUP for none; gains have one column more than groups, the last for none,
    so that NO_GROUP picks it."""

    def __init__(self, p_kw: Floats, group_p_kw: Floats) -> None:
        self.n_group = group_p_kw.shape[1]
        self._n_snapshot, self._n_sp = p_kw.shape
        nuisance = [np.stack([np.ones(len(s)), s**2], axis=1) for s in group_p_kw.T]
        self._p = [_without(p_kw, columns) for columns in nuisance]
        self._s = [
            _without(s[:, None], columns)[:, 0] for s, columns in zip(group_p_kw.T, nuisance, strict=True)
        ]
        self._square = np.stack([(p**2).sum(axis=0) for p in self._p])
        self._regression = self._regressed()
        self._variance: Floats | None = self._regression[1] if self._regression else None

    def _regressed(self) -> tuple[Floats, Floats] | None:
        """(n_group, n_sp) memberships as any numbers, and (n_group,) variances of what they leave."""
        degrees = self._n_snapshot - self._n_sp - 2
        if degrees < _SPARE:
            return None
        pairs = [(np.linalg.lstsq(p, s)[0], p, s) for p, s in zip(self._p, self._s, strict=True)]
        left = [_inflated(s - p @ member, degrees) for member, p, s in pairs]
        return np.stack([member for member, _, _ in pairs]), np.array(left)

    def starts(self, recorded: Ints) -> list[Ints]:
        """Mappings to begin with."""
        if self._regression is None:
            return [recorded.copy()]
        member = np.vstack([self._regression[0], np.full(self._n_sp, 0.5)])  # less than half a member: none
        likeliest = np.argmax(member, axis=0)
        return [recorded.copy(), np.where(likeliest == self.n_group, NO_GROUP, likeliest)]

    def improved(self, mapping: Ints) -> Ints:
        """One customer moved at a time, the one that helps most, as long as it helps."""
        mapping = mapping.copy()
        for _ in range(4 * self._n_sp):
            gains = self.gains(mapping)
            point, group = np.unravel_index(int(np.argmax(gains)), gains.shape)
            if gains[point, group] <= 1e-6:
                break
            mapping[point] = NO_GROUP if group == self.n_group else group
        return mapping

    def misfit(self, mapping: Ints) -> float:
        """Minus twice the logarithm of the likelihood, but for a constant."""
        left = self._left(mapping)
        if self._variance is None:  # the variance is fitted too
            return float(self._n_snapshot * np.log((left**2).sum(axis=1)).sum())
        return float(((left**2).sum(axis=1) / self._variance).sum())

    def gains(self, mapping: Ints) -> Floats:
        """(n_sp, n_group + 1) by how much the misfit falls when each customer moves to each group."""
        left = self._left(mapping)
        variance = self._variance
        if variance is None:
            variance = np.array([_inflated(row, self._n_snapshot - 3) for row in left])
        along = np.stack([row @ p for row, p in zip(left, self._p, strict=True)])
        joining = np.zeros((self._n_sp, self.n_group + 1))
        joining[:, :-1] = ((2 * along - self._square) / variance[:, None]).T
        leaving = np.zeros((self.n_group + 1, self._n_sp))
        leaving[:-1] = (-2 * along - self._square) / variance[:, None]
        gains = joining + leaving[mapping, np.arange(self._n_sp)][:, None]
        gains[np.arange(self._n_sp), mapping] = 0.0
        return gains

    def _left(self, mapping: Ints) -> Floats:
        """(n_group, n_snapshot) what the members do not explain."""
        return np.stack(
            [
                s - p[:, mapping == g].sum(axis=1)
                for g, (p, s) in enumerate(zip(self._p, self._s, strict=True))
            ]
        )


def _without(series: Floats, columns: Floats) -> Floats:
    """What is left of (n_snapshot, ...) after a regression on `columns`."""
    basis, _ = np.linalg.qr(columns)
    return np.asarray(series - basis @ (basis.T @ series))


def _inflated(left: Floats, degrees: int) -> float:
    """The variance of a residual, larger where it follows itself: fewer of its values are news."""
    variance = float((left**2).sum()) / max(degrees, 1)
    if variance == 0:
        return 1e-12
    follows = float(np.clip((left[1:] * left[:-1]).sum() / (left**2).sum(), 0.0, 0.95))
    return variance * (1 + follows) / (1 - follows)
