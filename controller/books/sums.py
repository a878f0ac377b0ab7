"""Running sums of each feeder since the journal began: they forget nothing. Pure; a part of the books."""

from collections import Counter
from dataclasses import dataclass, field, replace

from controller.entries import RequestSettled, SettlementCorrected
from controller.views import Totals


@dataclass(slots=True)
class FeederSums:
    """Of one feeder."""

    events: int = 0
    planned: int = 0
    sent: int = 0
    answered: int = 0
    reduced_kwh: float = 0.0
    points: int = 0
    minor_units: int = 0
    refused_readings: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    """requests by the state they are in now, dropped ones included"""

    def settle(self, entry: RequestSettled) -> None:
        """A request was settled."""
        self.reduced_kwh += entry.reduced_kwh
        self.points += entry.points
        self.minor_units += entry.minor_units

    def correct(self, entry: SettlementCorrected) -> None:
        """Something else holds than what was settled before."""
        self.reduced_kwh += entry.reduced_kwh - entry.reduced_kwh_before
        self.points += entry.points - entry.points_before
        self.minor_units += entry.minor_units - entry.minor_units_before

    def totals(self, currency: str) -> Totals:
        """For people."""
        return Totals(
            events=self.events,
            requests_planned=self.planned,
            requests_sent=self.sent,
            requests_answered=self.answered,
            curtailed_kwh=round(self.reduced_kwh, 3),
            credited_points=self.points,
            credited_minor_units=self.minor_units,
            currency=currency,
            readings_refused=self.refused_readings,
        )

    def count_by_state(self) -> dict[str, int]:
        """How many of all requests are in each state; no zeros."""
        return {state: count for state, count in sorted(self.by_state.items()) if count}


@dataclass(slots=True)
class Sums:
    """Of all feeders, and of what belongs to none."""

    _of: dict[str | None, FeederSums] = field(default_factory=dict)

    def of(self, feeder: str | None) -> FeederSums:
        """To read."""
        return self._of.get(feeder, FeederSums())

    def to_add(self, feeder: str | None) -> FeederSums:
        """To count on."""
        return self._of.setdefault(feeder, FeederSums())

    def fork(self) -> "Sums":
        """A copy that can be written to without touching this one."""
        return Sums({one: replace(sums, by_state=sums.by_state.copy()) for one, sums in self._of.items()})
