"""One occurrence of violations from its begin to its end, and what each round of planning thought in it."""

import msgspec

from controller.entries.journal_entry import JournalEntry


class EventOpened(JournalEntry, frozen=True, kw_only=True, tag="event_opened"):
    """A violation persisted, or was severe: one occurrence begins."""

    event: str
    feeder: str
    element: str
    kind: str
    value: float
    limit: float
    """of the worst violation"""
    expected: bool = False
    """it was not there yet: the event opened early, and `value` is what was expected"""
    probability: float | None = None
    """that the element truly is outside its limit; None where all was measured"""


class EventShort(JournalEntry, frozen=True, kw_only=True, tag="event_short"):
    """What could be asked for does not clear the violation: best effort, and an alarm."""

    event: str
    feeder: str
    element: str
    value: float
    limit: float
    missing_kw: float | None = None
    """what more would have to go at least, at the best placed customers; None where nobody knows"""


class EventClosed(JournalEntry, frozen=True, kw_only=True, tag="event_closed"):
    """Clear for long enough, and nobody limited any more."""

    event: str
    feeder: str
    peak_percent: float


class AskedInRound(msgspec.Struct, frozen=True, array_like=True):
    """One request that a round of planning made, or made stricter."""

    request: str
    cut_kw: float
    """what this round takes away"""
    effect_per_kw: float | None = None
    """what a kW of its service point adds to the element: percentage points, or pu; None where not located"""


class LeftAlone(msgspec.Struct, frozen=True, array_like=True):
    """Devices that a round asked for nothing, for one reason."""

    reason: str
    """one of `round_record.REASONS`"""
    count: int
    devices: tuple[str, ...]
    """the first of them"""


class RoundPlanned(JournalEntry, frozen=True, kw_only=True, tag="round_planned"):
    """One round of planning: why those whose requests stand beside it, and why not the others."""

    event: str
    feeder: str
    element: str
    kind: str
    value: float
    limit: float
    """of the violation, there or expected, that called for it"""
    expected: bool
    asked: tuple[AskedInRound, ...]
    left: tuple[LeftAlone, ...]
    gate_refused: tuple[tuple[str, int], ...] = ()
    """by reason, how often the last gate held back what was planned"""
