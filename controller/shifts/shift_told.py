"""What is told of a shift: the values that `shift_summary.py` makes, as the API shows them. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EventTold:
    """One occurrence, as far as this shift saw it."""

    event: str
    feeder: str
    element: str | None
    opened_at: datetime | None
    """None: before this shift"""
    closed_at: datetime | None
    """None: it goes on"""
    peak_percent: float | None
    """None until it is closed"""
    requests: int
    """planned in this shift"""
    short: bool
    """all that could be asked for did not suffice"""


@dataclass(frozen=True, slots=True)
class ActTold:
    """What an operator did."""

    at: datetime
    who: str
    action: str
    feeder: str
    target: str | None
    why: str


@dataclass(frozen=True, slots=True)
class AlarmsTold:
    """How often one kind of alarm was raised."""

    kind: str
    priority: str
    count: int
    last_at: datetime
    last_feeder: str | None


@dataclass(frozen=True, slots=True)
class SilentTold:
    """A device that did not answer a request."""

    device: str
    """the request where nobody knows the device"""
    feeder: str | None
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class DataTold:
    """A spell in which a feeder's data, or what its devices show, were not as they should be."""

    feeder: str
    kind: str
    raised_at: datetime | None
    """None: before this shift"""
    ended_at: datetime | None
    """None: it stands"""
    text: str


@dataclass(frozen=True, slots=True)
class PeopleTold:
    """What was said to customers, and what they said."""

    asked: int
    not_reached: int
    """words that a channel did not take"""
    said_yes: int
    said_no: int
    want_no_more: int


@dataclass(frozen=True, slots=True)
class ShiftSummary:
    """All of it."""

    from_at: datetime | None
    """of the first entry that was read; None without any"""
    until_at: datetime | None
    """of the last one"""
    entries: int
    complete: bool
    """False: the shift is so long that only its latest part is told"""
    events: tuple[EventTold, ...]
    events_total: int
    requests_planned: int
    requests_by_end: dict[str, int]
    """refused, unanswered, failed, overridden"""
    reduced_kwh: float
    points: int
    minor_units: int
    corrections: int
    """settlements of this or an earlier shift that were calculated anew"""
    corrected_kwh: float
    """what these changed: more than 0 adds to what is proven"""
    corrected_points: int
    corrected_minor_units: int
    alarms_by_priority: dict[str, int]
    alarms: tuple[AlarmsTold, ...]
    """how often each kind was raised, the most urgent first"""
    alarms_shelved: int
    automatic: tuple[ActTold, ...]
    """taken out and given back, and emergency stops"""
    acts: tuple[ActTold, ...]
    """all else that operators did"""
    acts_total: int
    silent: tuple[SilentTold, ...]
    """most often silent first"""
    silent_total: int
    data: tuple[DataTold, ...]
    data_total: int
    readings_refused: dict[str, int]
    """by reason"""
    people: PeopleTold
    disputes_opened: int
    disputes_closed: int
    restarts: int
    """of the controller"""
