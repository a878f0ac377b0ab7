"""What each service point takes without car and heat pump, net of what it generates, in quarter-hours.

SimBench networks bring measured profiles for all of 2016 (Meinecke et al., Energies 2020, 13(12), 3290): each
load and each generator names its profile, whose relative value times the element's power is what it takes.
Other networks get `evening_curve`. Generators and storages go behind the meter of a service point on the same
bus.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from grid_model.network import Floats, Ints, Network
from grid_model.network_sources import read_net

QUARTER_S = 900.0
_LEAP_DAY = 31 + 28
"""day of a leap year, counted from 0"""
_CURVE_HOURS = (0, 2, 4, 5.5, 7, 8.5, 10.5, 12.5, 14.5, 16, 17.5, 19, 20.5, 22, 24)
_CURVE_SHARE = (0.33, 0.24, 0.22, 0.27, 0.55, 0.60, 0.52, 0.64, 0.50, 0.55, 0.80, 1.00, 0.88, 0.60, 0.33)
_SCATTER_SIGMA = 0.35


@dataclass(frozen=True)
class BaseLoad:
    """Quarter-hour values from the one in which the run starts to one past its end, consumption positive."""

    p_kw: Floats
    """(n_quarter, n_sp) net of generation: negative where a house feeds back"""
    q_kvar: Floats
    """(n_quarter, n_sp)"""
    warnings: tuple[str, ...] = ()
    own: "OwnLoads | None" = None
    """of some service points, in place of their quarter-hours"""
    into_s: float = 0.0
    """by which the start is behind the first quarter-hour"""

    def at(self, seconds: float) -> tuple[Floats, Floats]:
        """P and Q, (n_sp,) each, `seconds` after the start: straight lines between the quarter-hours."""
        place = min(max((seconds + self.into_s) / QUARTER_S, 0.0), len(self.p_kw) - 1.0)
        low = min(int(place), len(self.p_kw) - 2)
        part = place - low
        p_kw = (1 - part) * self.p_kw[low] + part * self.p_kw[low + 1]
        q_kvar = (1 - part) * self.q_kvar[low] + part * self.q_kvar[low + 1]
        if self.own is not None:
            p_kw[self.own.places], q_kvar[self.own.places] = self.own.at(seconds)
        return p_kw, q_kvar


@dataclass(frozen=True)
class OwnLoads:
    """Loads as finely as somebody measured them: straight lines between times of their own."""

    places: Ints
    """(n_own,) their service points"""
    at_s: Floats
    """(n_time,) after the start, rising; every time at which a row of one of them stands"""
    p_kw: Floats
    """(n_time, n_own)"""
    q_kvar: Floats

    def at(self, seconds: float) -> tuple[Floats, Floats]:
        """P and Q, (n_own,) each; before the first time and after the last as there."""
        high = int(np.searchsorted(self.at_s, seconds, "right"))
        if high in {0, len(self.at_s)}:
            edge = min(high, len(self.at_s) - 1)
            return self.p_kw[edge], self.q_kvar[edge]
        low = high - 1
        part = (seconds - self.at_s[low]) / (self.at_s[high] - self.at_s[low])
        p_kw = (1 - part) * self.p_kw[low] + part * self.p_kw[high]
        q_kvar = (1 - part) * self.q_kvar[low] + part * self.q_kvar[high]
        return p_kw, q_kvar


def load_profiles(network: Network, start: datetime, days: float, rng: np.random.Generator) -> BaseLoad:
    """The base load of every service point of `network` from `start` on for `days`."""
    quarters = int(np.ceil(days * 96)) + 2
    rows = quarters_of_2016(start, quarters)
    base = (
        _from_simbench(network, read_net(network.source), rows)
        if network.source.startswith("simbench:")
        else _standard(network, rows, rng)
    )
    return replace(base, into_s=60.0 * (start.minute % 15) + start.second)


def quarter_of_2016(at: datetime) -> int:
    """Which row of a SimBench year belongs to a time: month, day and clock are kept, the year is not."""
    same = datetime(2016, at.month, at.day, at.hour, at.minute, at.second)  # noqa: DTZ001  the profiles have no zone
    return int((same - datetime(2016, 1, 1)).total_seconds() // QUARTER_S)  # noqa: DTZ001


def quarters_of_2016(start: datetime, count: int) -> Ints:
    """(count,) rows for the quarter-hours from that of `start` on; a year without a 29th of February has none
    of its rows."""
    first = np.datetime64(start.replace(tzinfo=None), "m")
    first -= first.astype(np.int64) % 15 * np.timedelta64(1, "m")
    at = first + 15 * np.arange(count)
    years = at.astype("datetime64[Y]")
    rows = (at - years).astype(np.int64) // 15
    days = (years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")
    skipped = (days.astype(np.int64) == 365) & (rows >= 96 * _LEAP_DAY)
    return np.asarray(rows + np.where(skipped, 96, 0), dtype=np.int64)


def evening_curve(hour: Floats) -> Floats:
    """A winter day as a share of its evening peak: our own round numbers in the shape of the German H0."""
    return np.asarray(np.interp(hour, _CURVE_HOURS, _CURVE_SHARE), dtype=np.float64)


def _from_simbench(network: Network, net: Any, rows: np.ndarray) -> BaseLoad:
    table = net.profiles["load"]
    places = network.service_point_index()
    p_kw = np.zeros((len(rows), len(network.service_points)))
    q_kvar = np.zeros_like(p_kw)
    for index, load in net.load.iterrows():
        place = places.get(f"load:{index}")
        if place is None:  # out of service
            continue
        scale = 1000 * float(load.scaling)
        p_kw[:, place] = scale * load.p_mw * _column(table, f"{load.profile}_pload")[rows]
        q_kvar[:, place] = scale * load.q_mvar * _column(table, f"{load.profile}_qload")[rows]
    lost = _subtract_generation(network, net, rows, p_kw, q_kvar)
    return BaseLoad(p_kw, q_kvar, lost)


def _subtract_generation(
    network: Network, net: Any, rows: np.ndarray, p_kw: Floats, q_kvar: Floats
) -> tuple[str, ...]:
    """Put each generator behind the first service point of its bus; tell of those that have none."""
    at_bus = {f"bus:{bus}": position for position, bus in enumerate(net.bus.index)}
    first = {int(bus): place for place, bus in reversed(list(enumerate(network.service_point_bus)))}
    lost: list[str] = []
    for index, unit in net.sgen[net.sgen.in_service.astype(bool)].iterrows():
        place = first.get(at_bus[f"bus:{unit.bus}"])
        if place is None:
            lost.append(f"sgen:{index}")
            continue
        share = _column(net.profiles["renewables"], unit.profile)[rows]
        p_kw[:, place] -= 1000 * float(unit.scaling) * unit.p_mw * share
        q_kvar[:, place] -= 1000 * float(unit.scaling) * unit.q_mvar * share
    named = ", ".join(lost[:5])
    notes = [f"{len(lost)} generators have no service point on their bus and are left out: {named}"]
    storages = int(net.storage.in_service.sum())
    left_out = [f"{storages} storages of the network are left out: nothing says how they are driven"]
    return tuple(notes if lost else []) + tuple(left_out if storages else [])


def _column(table: Any, name: str) -> Floats:
    return np.asarray(table[name], dtype=np.float64)


def _standard(network: Network, rows: np.ndarray, rng: np.random.Generator) -> BaseLoad:
    """The network's own power of each load as its evening peak, each quarter-hour scattered (mean 1)."""
    share = evening_curve(rows % 96 / 4)[:, np.newaxis]
    noise = rng.lognormal(-(_SCATTER_SIGMA**2) / 2, _SCATTER_SIGMA, (len(rows), len(network.service_points)))
    return BaseLoad(network.default_p_kw * share * noise, network.default_q_kvar * share * noise)
