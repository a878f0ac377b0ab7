"""What the journal tells of one request, and of one commit, in the judge's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulations.faults.promises import Broken

Raw = Mapping[str, Any]
OPEN = ("planned", "sent", "accepted", "active")
OVER = ("ended", "overridden", "refused", "settled")
FREEING = ("released", "overridden", "protected", "let_go")
EPSILON_KW = 1e-6


def time_of(text: str) -> datetime:
    """A time as the journal has it."""
    return datetime.fromisoformat(text)


@dataclass
class Told:
    """One request, as the journal tells it."""

    request: str
    event: str
    resource: str
    target: str
    customer: str
    service_point: str
    at: datetime
    p_before_kw: float
    baseline_kw: float
    limit_kw: float
    end: datetime
    since: datetime
    """when it came into its state, by the clock of whoever wrote it"""
    state: str = "planned"
    commands: dict[int, tuple[float, datetime]] = field(default_factory=dict)
    """sequence → limit, end"""
    releasing: bool = False
    taken: bool = False
    """its target said that it takes part"""
    settled: int = 0
    credits: int = 0
    freed_at: datetime | None = None
    ordered_until: datetime | None = None
    """by an operator, whose limit the automatic neither ends nor bounds"""
    direction: str = "consumption"
    limited_at: datetime | None = None
    """when its limit became what it is; None: as it was planned"""

    @property
    def sign(self) -> float:
        """Of what its target takes, in a kW of the request: below 0 for what is fed in."""
        return -1.0 if self.direction == "production" else 1.0

    @property
    def is_open(self) -> bool:
        """Whether it limits its target."""
        return self.state in OPEN

    @property
    def cut_kw(self) -> float:
        """What it takes away."""
        return max(self.p_before_kw - self.limit_kw, 0.0)

    @property
    def most_cut_kw(self) -> float:
        """The most that it ever took away."""
        return max(self.p_before_kw - min(kw for kw, _ in self.commands.values()), 0.0)


@dataclass(frozen=True)
class Commit:
    """What one commit told, for those who judge it as a whole."""

    entries: Sequence[Raw]
    planned: Sequence[tuple[Raw, Told]]
    """by the automatic"""
    tightened: Sequence[tuple[Raw, Told, float]]
    """by the automatic, with how much less the target may take"""
    raised: Sequence[tuple[Told, float]]
    """by the automatic, with the limit before"""
    released: Sequence[Told]
    """by the automatic, because the network allows it"""


def expect(holds: bool, promise: str, what: str) -> None:
    """Raises Broken where a promise does not hold."""
    if not holds:
        raise Broken(promise, what)
