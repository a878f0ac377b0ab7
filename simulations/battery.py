"""Batteries at home: energy kept, lost on the way in and out, and given by a policy of their own. Pure.

A limit bounds what a battery takes, from the roof or from the network, as its gateway cannot tell the two
apart; what it gives is nobody's to limit here.
"""

import math
from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from simulations.draws import triangular
from simulations.scenario_devices import LEAST_SIZE, Battery


@dataclass(frozen=True)
class Storages:
    """The batteries as drawn; `(n_battery,)` each."""

    capacity_kwh: Floats
    rated_kw: Floats
    first_kwh: Floats


def no_storages() -> Storages:
    """Where nobody has one."""
    none = np.zeros(0)
    return Storages(none, none, none)


def draw_storages(battery: Battery, count: int, rng: np.random.Generator) -> Storages:
    """Sizes triangular, what is in them at the start even."""
    capacity = np.round(triangular(rng, battery.least_kwh, battery.usual_kwh, battery.most_kwh, count), 1)
    first = battery.first_charge + 0.4 * (rng.random(count) - 0.5)
    return Storages(
        capacity_kwh=capacity,
        rated_kw=np.maximum(np.round(capacity * battery.kw_per_kwh, 1), LEAST_SIZE),
        first_kwh=capacity * np.clip(first, battery.least_charge, 1.0),
    )


class BatteryFleet:
    """All batteries of a feeder; `(n_battery,)` throughout."""

    def __init__(self, battery: Battery, storages: Storages) -> None:
        self._policy, self._storages = battery, storages
        self._one_way = math.sqrt(battery.efficiency)
        self.kept_kwh: Floats = storages.first_kwh.copy()
        """what is in them"""
        self.given_kwh: Floats = np.zeros(len(storages.first_kwh))
        """at the terminals"""

    def power_kw(self, house_kw: Floats, hour: float, hours: float, limit_kw: Floats) -> Floats:
        """What each takes now, negative where it gives. `house_kw` is all else behind the same meter;
        `hours`: so long the power will be held at most, so that none gives more than it has.
        """
        rated = self._storages.rated_kw
        wanted, need = np.maximum(-house_kw, 0.0), np.maximum(house_kw, 0.0)
        if self._policy.policy == "night_charge" and self._is_night(hour):
            wanted, need = rated, np.zeros_like(need)
        room_kwh = np.maximum(self._storages.capacity_kwh - self.kept_kwh, 0.0)
        left_kwh = np.maximum(self.kept_kwh - self._policy.least_charge * self._storages.capacity_kwh, 0.0)
        takes = np.minimum.reduce([wanted, rated, limit_kw, room_kwh / self._one_way / hours])
        gives = np.minimum.reduce([need, rated, left_kwh * self._one_way / hours])
        return np.asarray(takes - gives)

    def advance(self, hours: float, power_kw: Floats) -> None:
        """Hold these powers for a while."""
        takes, gives = np.maximum(power_kw, 0.0), np.maximum(-power_kw, 0.0)
        kept = self.kept_kwh + (takes * self._one_way - gives / self._one_way) * hours
        self.kept_kwh = np.clip(kept, 0.0, self._storages.capacity_kwh)
        self.given_kwh = self.given_kwh + gives * hours

    def _is_night(self, hour: float) -> bool:
        begin, end = self._policy.charge_from_hour, self._policy.charge_until_hour
        return begin <= hour < end if begin <= end else hour >= begin or hour < end
