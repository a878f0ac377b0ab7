"""Electric cars at home: when they come, what they need, and how they charge under a limit. Pure, vectorised.

A limit delays energy and never removes it: what is not charged by the departure is carried into the next
evening, and the hours after a limit show the rebound. Powers are held over a step: a car that will be full
within it takes as much less as makes that exact, and one that arrives within it begins with the next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats
from simulations.scenario import Ev

_FULL_KWH = 1e-9
"""less than that is a rounding, and no reason to go on charging"""


@dataclass(frozen=True)
class Sessions:
    """All charging sessions of the run, drawn ahead; seconds count from the scenario's start."""

    arrive_s: Floats
    """(n_ev, n_day) the evening before the start included"""
    depart_s: Floats
    """(n_ev, n_day)"""
    need_kwh: Floats
    """(n_ev, n_day) 0 where a car was not plugged in"""


def draw_sessions(ev: Ev, count: int, start: datetime, days: float, rng: np.random.Generator) -> Sessions:
    """Draw every evening from the day before `start` on: arrival and departure normal, need lognormal."""
    evenings = int(np.ceil(days)) + 2
    shape = (count, evenings)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    day_s = (midnight - start).total_seconds() + 86400.0 * np.arange(evenings)
    # 5 sd at most: nobody comes home on the wrong side of his own departure
    arrival_h = ev.arrival_hour + ev.arrival_sd_hours * np.clip(rng.standard_normal(shape), -5, 5)
    morning_h = ev.departure_hour + (24.0 if ev.departure_hour <= ev.arrival_hour else 0.0)
    departure_h = morning_h + ev.departure_sd_hours * np.clip(rng.standard_normal(shape), -5, 5)
    need_kwh = ev.energy_kwh * np.exp(ev.energy_sigma * rng.standard_normal(shape))
    plugged = rng.random(shape) < ev.plug_in
    arrive_s = day_s + 3600 * arrival_h
    return Sessions(
        arrive_s=arrive_s,
        depart_s=np.maximum(day_s + 3600 * departure_h, arrive_s + 1800),
        need_kwh=np.where(plugged, np.minimum(need_kwh, ev.max_energy_kwh), 0.0),
    )


class EvFleet:
    """All cars of a feeder; `(n_ev,)` throughout."""

    def __init__(self, ev: Ev, sessions: Sessions, step_s: float = 0.0) -> None:
        """`step_s`: so long a power is held, in steps from the start on; 0: until something happens."""
        self._power_kw = ev.power_kw
        self._step_s = step_s
        self._sessions = sessions
        count = len(sessions.arrive_s)
        self.remaining_kwh: Floats = np.zeros(count)
        """what the cars still want, the unplugged ones (carried over) included"""
        self.charged_kwh: Floats = np.zeros(count)
        self.left_short_kwh: Floats = np.zeros(count)
        """what cars lacked when they left, summed over mornings"""
        self._last_leaves_s = np.maximum.accumulate(sessions.depart_s.max(axis=0, initial=-np.inf))
        """(n_day,) when everybody of this evening and those before is gone"""
        comes_s = sessions.arrive_s.min(axis=0, initial=np.inf)
        self._first_comes_s = np.minimum.accumulate(comes_s[::-1])[::-1]
        """(n_day,) when somebody of this evening or those after comes first"""
        self._begin_before_start()

    def power_kw(self, now_s: float, limit_kw: Floats) -> Floats:
        """What each charger takes now; `limit_kw` is inf where no limit is held."""
        wants = self.plugged(now_s) & (self.remaining_kwh > 0)
        takes = np.minimum(self._power_kw, limit_kw)
        if self._step_s:
            held_s = self._step_s - now_s % self._step_s
            takes = np.minimum(takes, 3600 * self.remaining_kwh / held_s)
        return np.where(wants, takes, 0.0)

    def plugged(self, now_s: float) -> NDArray[np.bool_]:
        """Whose car stands at its charger."""
        sessions = self._around(now_s, now_s)
        there = (sessions.arrive_s <= now_s) & (now_s < sessions.depart_s)
        return np.asarray(np.any(there & (sessions.need_kwh > 0), axis=1))

    def advance(self, from_s: float, to_s: float, limit_kw: Floats) -> None:
        """Charge from one time to the next with the power of the first, then let cars leave and arrive."""
        energy = np.minimum(self.power_kw(from_s, limit_kw) * (to_s - from_s) / 3600, self.remaining_kwh)
        left_kwh = self.remaining_kwh - energy
        self.remaining_kwh = np.where(left_kwh > _FULL_KWH, left_kwh, 0.0)
        self.charged_kwh = self.charged_kwh + energy
        sessions = self._around(from_s, to_s)
        leaving = _any_within(sessions.depart_s, from_s, to_s, sessions.need_kwh > 0)
        self.left_short_kwh = self.left_short_kwh + np.where(leaving, self.remaining_kwh, 0.0)
        arrived = (sessions.arrive_s > from_s) & (sessions.arrive_s <= to_s)
        self.remaining_kwh = self.remaining_kwh + np.sum(np.where(arrived, sessions.need_kwh, 0.0), axis=1)

    def _around(self, from_s: float, to_s: float) -> Sessions:
        """The evenings in which anybody comes, goes or stands there between these times: of a year a few."""
        low = int(np.searchsorted(self._last_leaves_s, from_s, "left"))
        high = int(np.searchsorted(self._first_comes_s, to_s, "right"))
        within, sessions = slice(low, max(low, high)), self._sessions
        return Sessions(
            sessions.arrive_s[:, within], sessions.depart_s[:, within], sessions.need_kwh[:, within]
        )

    def _begin_before_start(self) -> None:
        """Cars of the evening before have charged freely until the start, or until they left."""
        sessions = self._sessions
        before = sessions.arrive_s <= 0
        stood_s = np.minimum(sessions.depart_s, 0.0) - sessions.arrive_s
        so_far = self._power_kw * np.where(before, stood_s, 0.0) / 3600
        left = np.where(before, np.maximum(sessions.need_kwh - so_far, 0.0), 0.0)
        self.remaining_kwh = np.sum(left, axis=1)


def _any_within(times: Floats, from_s: float, to_s: float, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(np.any((times > from_s) & (times <= to_s) & which, axis=1))
