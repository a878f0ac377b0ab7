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
        day, days = at.toordinal(), self._kwh.setdefault(customer, {})
        days[day] = days.get(day, 0.0) + kwh
        for old in [one for one in days if one <= day - KEEP_DAYS]:
            del days[old]

    def given_kwh(self, customer: str, now: datetime, days: int) -> float:
        """What the customer gave today and in the days before, `days` in all."""
        since = now.toordinal() - days
        return sum(kwh for day, kwh in self._kwh.get(customer, {}).items() if day > since)
