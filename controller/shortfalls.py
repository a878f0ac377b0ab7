"""[5] Which shortfalls of an event were told: each once, not in every pass. Pure.

Told is that what may be asked for does not clear a violation: when it begins at an element, again when it has
become clearly worse there, and again when it comes back after all was well for a while. And once in an event
that the first turns in it end while something is violated (`turns.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.events import ratio
from grid_model.violations import Violation

WORSE = 0.1
"""of the limit: by so much more it is another shortfall"""
OVER_AFTER = timedelta(seconds=60)
"""So long after all was well, what comes is another shortfall."""


@dataclass(frozen=True, slots=True)
class Shortfalls:
    """Those of one event that were told. Replaced, never changed."""

    event: str | None = None
    told: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """by element and kind: how bad it was when it was told, as a share of the limit"""
    turns_end: bool = False

    def seen(self, event: str | None, well_since: datetime | None, now: datetime) -> "Shortfalls":
        """What still counts as told in a pass over this event."""
        if event != self.event:
            return Shortfalls(event)
        is_over = well_since is not None and now - well_since >= OVER_AFTER
        return replace(self, told={}) if is_over and self.told else self

    def is_news(self, worst: Violation, *, short: bool, turns_end: bool) -> bool:
        """Whether this is to be told. `short`: what may be asked for does not clear it; `turns_end`: the
        first turns have begun to end.
        """
        if turns_end and not self.turns_end:
            return True
        known = self.told.get((worst.element, worst.kind))
        return short and (known is None or ratio(worst) >= known + WORSE)

    def with_told(self, worst: Violation, *, turns_end: bool) -> "Shortfalls":
        """Once it was told."""
        told = {**self.told, (worst.element, worst.kind): ratio(worst)}
        return replace(self, told=told, turns_end=self.turns_end or turns_end)
