"""What a history tells of power that no meter reads, and of customers on the wrong bus, feeder or phase.

Values only.
"""

from dataclasses import dataclass

from grid_model.mapping.unmetered import NothingMissing, UnmeteredFinding
from grid_model.mapping.wrong_bus import WrongBus
from grid_model.network import Floats
from gridward.mapping.history import History


@dataclass(frozen=True)
class Unmetered:
    """Power that no meter reads, and when it is taken."""

    finding: UnmeteredFinding
    by_hour_kw: Floats
    """(24,) mean of what the substation shows beyond meters and losses; NaN for hours without a snapshot"""
    unrest: float
    """how much more that varies than the instruments' noise, as a ratio of variances; about 1"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A customer who is in another group than the plan says."""

    service_point: str
    recorded: str
    likely: str | None
    """None where in none of those measured"""
    confidence: float


@dataclass(frozen=True)
class GroupsTold:
    """What was found of groups or phases."""

    wrong: tuple[Elsewhere, ...]
    untold: tuple[str, ...]
    """customers whom these data cannot tell"""
    groups: tuple[str, ...]
    joining: tuple[Elsewhere, ...] = ()
    """customers of other feeders who hang on this one"""


@dataclass(frozen=True)
class MappingFindings:
    """Of one feeder. A text is what would be needed to tell."""

    history: History
    n_snapshot: int
    n_read: int
    """meters that were read regularly"""
    unmetered: Unmetered | str
    wrong_bus: tuple[WrongBus, ...] | str
    wrong_group: GroupsTold | str
    wrong_phase: GroupsTold | str

    @property
    def found(self) -> bool:
        """Whether anything is not as the plan says."""
        wrong = [part.wrong for part in (self.wrong_group, self.wrong_phase) if not isinstance(part, str)]
        missing = not isinstance(self.unmetered, str) and not isinstance(
            self.unmetered.finding, NothingMissing
        )
        moved = not isinstance(self.wrong_bus, str) and bool(self.wrong_bus)
        return missing or moved or any(wrong)
