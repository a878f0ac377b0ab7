"""A customer's points by the month they were earned in: which are left, which are used first, what expires.

Pure values. Points are used in the order they were earned (first in, first out). What a correction takes back
beyond what is left is a debt, which is the negative balance of the account: what comes next pays it first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

Lots = tuple[tuple[int, int], ...]
"""(month, points above 0), by month (see `controller.rewards.months`)"""

EARNED_MONTHS = 12
"""before the present one, that a customer's tier looks back on"""


@dataclass(frozen=True, slots=True)
class PointsHeld:
    """One customer's."""

    lots: Lots = ()
    """that are left; together they are the account's balance where that is not negative"""
    earned: tuple[tuple[int, int], ...] = ()
    """(month, points): credits less what corrections took back, whatever became of them; the months that
    count for a tier"""
    expired_through: int = 0
    """the month in which points last expired"""

    def left_before(self, month: int) -> int:
        """Points left that were earned before a month."""
        return sum(left for earned, left in self.lots if earned < month)

    def earned_lately(self, month: int) -> int:
        """Points earned in a month and the twelve before it; never below 0."""
        return max(0, sum(points for earned, points in self.earned if earned >= month - EARNED_MONTHS))

    def take(self, points: int) -> tuple["PointsHeld", Lots]:
        """Use the oldest points, as far as there are any; also which."""
        taken: list[tuple[int, int]] = []
        left: list[tuple[int, int]] = []
        for month, here in self.lots:
            used = min(here, points)
            points -= used
            if used:
                taken.append((month, used))
            if here > used:
                left.append((month, here - used))
        return replace(self, lots=tuple(left)), tuple(taken)

    def give(self, lots: Lots) -> "PointsHeld":
        """With more points, each earned in its month."""
        return replace(self, lots=_summed((*self.lots, *lots))) if lots else self

    def earn(self, month: int, points: int) -> "PointsHeld":
        """With more (or, corrected, less) earned in a month; months that count for no tier are forgotten."""
        counting = (*(one for one in self.earned if one[0] >= month - EARNED_MONTHS), (month, points))
        return replace(self, earned=_summed(counting))


def after_debt(lots: Iterable[tuple[int, int]], debt: int) -> Lots:
    """What is left of lots once they have paid a debt (none when it is not above 0), the oldest first."""
    left: list[tuple[int, int]] = []
    for month, points in lots:
        paid = max(0, min(points, debt))
        debt -= paid
        if points > paid:
            left.append((month, points - paid))
    return tuple(left)


def _summed(lots: Iterable[tuple[int, int]]) -> Lots:
    sums: dict[int, int] = {}
    for month, points in lots:
        sums[month] = sums.get(month, 0) + points
    return tuple(sorted((month, points) for month, points in sums.items() if points))
