"""The rules of a programme as data: which days are compared, how, and what is done with too few."""

from dataclasses import dataclass
from enum import Enum

from controller.baselines.history import DayKind

WEEKEND = frozenset({DayKind.SATURDAY, DayKind.SUNDAY_OR_HOLIDAY})
WEEKDAYS = frozenset({DayKind.WEEKDAY})
ANY_DAY = frozenset(DayKind)


class Pick(Enum):
    """Which of the gathered days make the baseline, by their use in the event's hours."""

    ALL = "all"
    HIGHEST = "highest"
    MIDDLE = "middle"
    """without as many of the highest as of the lowest"""


@dataclass(frozen=True, slots=True)
class DayRule:
    """How similar days are found for an event on a day of these kinds: the newest come first."""

    kinds: frozenset[DayKind]
    """of the event's day, and of every day compared with it"""
    gather: int
    """Y: this many similar days are looked for"""
    use: int
    """X of them make the baseline"""
    look_back_days: int
    """calendar days before the event; nothing older counts"""
    at_least: int
    """fewer similar days are too little history"""
    pick: Pick = Pick.ALL
    weights: tuple[float, ...] = ()
    """of the used days from the highest use to the lowest; equal without"""
    begins_days_before: int = 1
    """the newest day that may count"""
    low_usage_share: float | None = None
    """days at or below this share of the running mean of those taken do not count; of the highest hour within
    the event's hours of the last 30 days while none is taken"""

    def __post_init__(self) -> None:
        if not 1 <= self.at_least <= self.gather or not 1 <= self.use <= self.gather:
            raise ValueError(f"use {self.use} of {self.gather} days, at least {self.at_least}")
        if self.pick is Pick.MIDDLE and ((self.gather - self.use) % 2 or self.at_least <= self.trimmed * 2):
            raise ValueError(f"middle {self.use} of {self.gather} days, at least {self.at_least}")
        if self.pick is Pick.ALL and self.use != self.gather:
            raise ValueError(f"all {self.gather} days are used, not {self.use}")
        if self.weights and len(self.weights) != self.use:
            raise ValueError(f"{len(self.weights)} weights for {self.use} days")

    @property
    def trimmed(self) -> int:
        """How many days `Pick.MIDDLE` leaves out at either end."""
        return (self.gather - self.use) // 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of time beside the event: from `far` to `near` minutes away from it."""

    far: int
    near: int

    def __post_init__(self) -> None:
        if not 0 <= self.near < self.far:
            raise ValueError(f"from {self.far} to {self.near} minutes away from the event")


class AdjustmentKind(Enum):
    """How the event's own day moves the baseline."""

    ADDITIVE = "additive"
    MULTIPLICATIVE = "multiplicative"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Same-day adjustment: what was taken beside the event against the same hours of the similar days."""

    kind: AdjustmentKind
    before: Stretch | None
    after: Stretch | None = None
    lowest_ratio: float | None = None
    """the adjusted baseline is at least this times the unadjusted one, in the mean over the event's hours"""
    highest_ratio: float | None = None
    """and at most this"""

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise ValueError("an adjustment needs hours before or after the event")
        low, high = self.lowest_ratio, self.highest_ratio
        if (low is not None and not 0 <= low <= 1) or (high is not None and high < 1):
            raise ValueError(f"an adjustment between {low} and {high} times the baseline")


class TooLittle(Enum):
    """What is done, in the order given, with too few days; at the end there is no baseline."""

    EVENT_DAYS_FILL_UP = "event days fill up"
    """those with the highest use, until there are enough"""
    FEWER_DAYS = "fewer days"
    """as many as there are, one at least"""
    FALL_BACK = "another method"
    """the programme's `fall_back`"""


@dataclass(frozen=True, slots=True)
class DayMatching:
    """The mean of similar days, adjusted by the event's own day or not."""

    days: tuple[DayRule, ...]
    """the first whose kinds include the event's day applies"""
    adjustment: Adjustment | None = None
    too_little: tuple[TooLittle, ...] = ()
    """without: no baseline"""


@dataclass(frozen=True, slots=True)
class MeterAround:
    """Meter before / meter after: the mean of what was taken beside the event, for all its intervals."""

    before: Stretch
    after: Stretch | None = None


class PreperiodAdjustment(Enum):
    """How the control group is brought to the participants' level by the days before."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """What comparable customers, who were not asked, took at the same time."""

    days: tuple[DayRule, ...]
    """the days before on which both groups are compared"""
    preperiod: PreperiodAdjustment
    customers_at_least: int
    most_bias_percent: float
    most_cvrmse_percent: float
    """of the event's energy, day by day"""


Method = DayMatching | MeterAround | ControlGroup


@dataclass(frozen=True, slots=True)
class Programme:
    """How a programme says what would have been used."""

    name: str
    source: str
    """where the rules are published"""
    method: Method
    fall_back: DayMatching | MeterAround | None = None
