"""The car behind an emulated charger: what it takes, and what it has taken. Pure: time is given."""

from datetime import datetime
from typing import Protocol

import numpy as np

from simulations.ev import EvFleet


class Car(Protocol):
    """What hangs on the charger."""

    def advance(self, to: datetime, limit_kw: float) -> None:
        """Live until this time under this limit (inf: none)."""
        ...

    def power_kw(self, limit_kw: float) -> float:
        """What it takes now."""
        ...

    @property
    def plugged(self) -> bool:
        """Whether it stands there."""
        ...

    @property
    def charged_kwh(self) -> float:
        """All that was ever charged."""
        ...


class FleetCar:
    """One car with the sessions and the battery of `simulations.ev`."""

    def __init__(self, fleet: EvFleet, start: datetime) -> None:
        """`fleet` has one car; its seconds count from `start`."""
        self._fleet, self._start, self._at_s = fleet, start, 0.0

    def advance(self, to: datetime, limit_kw: float) -> None:
        """See `Car.advance`."""
        to_s = max(self._at_s, (to - self._start).total_seconds())
        self._fleet.advance(self._at_s, to_s, np.array([limit_kw]))
        self._at_s = to_s

    def power_kw(self, limit_kw: float) -> float:
        """See `Car.power_kw`."""
        return float(self._fleet.power_kw(self._at_s, np.array([limit_kw]))[0])

    @property
    def plugged(self) -> bool:
        """See `Car.plugged`."""
        return bool(self._fleet.plugged(self._at_s)[0])

    @property
    def charged_kwh(self) -> float:
        """See `Car.charged_kwh`."""
        return float(self._fleet.charged_kwh[0])
