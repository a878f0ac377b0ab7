"""Households without car and heat pump: the profile, less what people switch off, plus what they catch up."""

import numpy as np

from grid_model.network import Floats
from simulations.profiles import BaseLoad
from simulations.scenario import People


class Households:
    """The base load of a feeder; `(n_sp,)` throughout."""

    def __init__(self, base: BaseLoad, people: People, cut_share: Floats, least_hours: float = 0.0) -> None:
        """`least_hours`: so long a power is held at most, so that nobody catches up with more than was put
        off."""
        self._base = base
        self._catch_up_hours = max(people.catch_up_hours, least_hours)
        self._people = people
        self._cut_share = cut_share
        self._cutting = np.zeros(len(cut_share), dtype=bool)
        self.put_off_kwh: Floats = np.zeros(len(cut_share))
        """what is still to be made up for"""
        self.saved_kwh: Floats = np.zeros(len(cut_share))
        """what people switched off, what they make up for later included"""

    def power(self, now_s: float) -> tuple[Floats, Floats]:
        """P in kW and Q in kvar now."""
        p_kw, q_kvar = self._base.at(now_s)
        return p_kw - self._cut_kw(p_kw) + self._catch_up_kw(), q_kvar

    def cut(self, service_point: int, cutting: bool) -> None:
        """Somebody begins or ceases to use less."""
        self._cutting[service_point] = cutting

    def advance(self, from_s: float, to_s: float) -> None:
        """Hold the powers of `from_s` until `to_s`."""
        hours = (to_s - from_s) / 3600
        if not self._cutting.any() and not self.put_off_kwh.any():
            return
        cut_kwh = self._cut_kw(self._base.at(from_s)[0]) * hours
        made_up_kwh = np.minimum(self._catch_up_kw() * hours, self.put_off_kwh)
        self.saved_kwh = self.saved_kwh + cut_kwh
        self.put_off_kwh = self.put_off_kwh + self._people.catch_up * cut_kwh - made_up_kwh

    def _cut_kw(self, p_kw: Floats) -> Floats:
        return np.where(self._cutting, self._cut_share * np.maximum(p_kw, 0.0), 0.0)

    def _catch_up_kw(self) -> Floats:
        return np.where(self._cutting, 0.0, self.put_off_kwh / self._catch_up_hours)
