"""A baseline with everything an auditor needs to follow it."""

from dataclasses import dataclass
from datetime import date

from controller.baselines.history import Floats
from controller.baselines.rules import AdjustmentKind


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """Why one day was used or left out."""

    day: date
    used: bool
    why: str
    mean_kw: float | None = None
    """in the event's hours; None where it was not looked at"""
    weight: float = 0.0
    """its share of the baseline"""


@dataclass(frozen=True, slots=True)
class AppliedAdjustment:
    """What the event's own day did to the baseline."""

    kind: AdjustmentKind
    measured_kw: float
    """mean beside the event on its own day"""
    expected_kw: float
    """mean of the same hours of the used days"""
    asked: float
    """kW to add, or ratio, before the cap"""
    applied: float
    """after the cap"""

    @property
    def capped(self) -> bool:
        """Whether the cap had a say."""
        return self.asked != self.applied


@dataclass(frozen=True, slots=True)
class GroupValidity:
    """How well a control group told what the participants took, on days when nobody was asked.

    The older half of the days sets the level, the newer half is judged.
    """

    customers: int
    days: int
    bias_percent: float
    cvrmse_percent: float
    slope: float
    """of what was taken over what the group told, through the origin; 1 is perfect"""


@dataclass(frozen=True, slots=True, eq=False)
class BaselineResult:
    """What would have been used, or why nobody can say."""

    p_kw: Floats | None
    """(n_interval,) over the event; None without a baseline"""
    method: str
    """the one that was used in the end, or "none" """
    days: tuple[DayVerdict, ...] = ()
    """every day that was looked at, newest first"""
    adjustment: AppliedAdjustment | None = None
    validity: GroupValidity | None = None
    reasons: tuple[str, ...] = ()
    """what an auditor should know, in order"""

    @property
    def used_days(self) -> tuple[date, ...]:
        """The days that make the baseline."""
        return tuple(verdict.day for verdict in self.days if verdict.used)
