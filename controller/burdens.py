"""[8] What each customer of a feeder gave lately, in verified kWh by day: fairness asks for it. Pure.

A part of the books: it is told every settlement, and forgets all that is older than anybody may ask about.
"""

from dataclasses import dataclass, field
from datetime import datetime

KEEP_DAYS = 90
"""not a setting, because every replay of a journal must forget alike"""


@dataclass(slots=True)
class Burdens:
    """One feeder's. Days are those of UTC."""

    _kwh: dict[str, dict[int, float]] = field(default_factory=dict)
    """by customer and day"""

    def add(self, customer: str, at: datetime, kwh: float) -> None:
        """A request was settled."""
        if kwh <= 0:
            return
        day, days = at.toordinal(), self._kwh.get(customer, {})
        kept = {one: gave for one, gave in days.items() if one > day - KEEP_DAYS}
        self._kwh[customer] = {**kept, day: days.get(day, 0.0) + kwh}  # replaced, so that forks may share it

    def given_kwh(self, customer: str, now: datetime, days: int) -> float:
        """What the customer gave today and in the days before, `days` in all."""
        since = now.toordinal() - days
        return sum(kwh for day, kwh in self._kwh.get(customer, {}).items() if day > since)

    def fork(self) -> "Burdens":
        """A copy that can be written to without touching this one."""
        return Burdens(dict(self._kwh))
