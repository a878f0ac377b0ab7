"""Where cars can charge, and whether a plug is free: the registry of charging stations. Pure.

Positions and plugs are known from a file; whether a plug is free is told by the charger, in the few words
that a driver needs. What a charger has not said, or said before it was lost, is unknown: never free.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import asin, cos, radians, sin, sqrt
from typing import Literal

Access = Literal["public", "customers", "private"]
PlugKind = Literal["type2", "ccs2", "ccs1", "chademo", "gbt_ac", "gbt_dc", "type1", "socket", "nacs"]
Occupancy = Literal["available", "occupied", "reserved", "out_of_order", "unknown"]
EARTH_RADIUS_M = 6_371_008.8
"""mean radius (IUGG: (2a + b)/3 of WGS 84)"""


@dataclass(frozen=True, slots=True)
class Plug:
    """One connector of a charger, and the station it stands at."""

    station: str
    charge_point: str
    connector: int
    kind: PlugKind
    power_kw: float


@dataclass(frozen=True, slots=True)
class Place:
    """A station's name and position (WGS 84), and who may charge there."""

    station: str
    name: str
    latitude: float
    longitude: float
    access: Access
    address: str = ""
    """of the station, which stands on public or private ground; never of a customer"""


@dataclass(frozen=True, slots=True)
class Station:
    """A place with its plugs."""

    place: Place
    plugs: tuple[Plug, ...]


@dataclass(frozen=True, slots=True)
class PlugNow:
    """What a charger says of one plug."""

    occupancy: Occupancy = "unknown"
    since: datetime | None = None
    limit_kw: float | None = None
    """the charger's present limit; None: none, as far as is known"""


@dataclass(frozen=True, slots=True)
class ChargingMap:
    """All stations, and a look at what their chargers say now."""

    stations: tuple[Station, ...]
    plugs_now: Callable[[], dict[tuple[str, int], PlugNow]]
    """by charge point and connector"""


def stations_of(rows: Iterable[tuple[Place, Plug]]) -> tuple[Station, ...]:
    """The stations, by id, each with its plugs in order."""
    ordered = sorted(rows, key=lambda row: (row[0].station, row[1].charge_point, row[1].connector))
    grouped = groupby(ordered, key=lambda row: row[0].station)
    return tuple(_station(list(group)) for _, group in grouped)


def near(
    stations: Iterable[Station], latitude: float, longitude: float, within_m: float
) -> Iterator[tuple[Station, float]]:
    """Stations not farther than `within_m`, nearest first, with their distance in metres."""
    far = ((station, distance_m(station.place, latitude, longitude)) for station in stations)
    return iter(sorted((pair for pair in far if pair[1] <= within_m), key=lambda pair: pair[1]))


def distance_m(place: Place, latitude: float, longitude: float) -> float:
    """Great-circle distance by the haversine formula (R. W. Sinnott, Sky and Telescope 68, 1984)."""
    lat, other = radians(place.latitude), radians(latitude)
    across = radians(longitude - place.longitude)
    h = sin((other - lat) / 2) ** 2 + cos(lat) * cos(other) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


def _station(rows: list[tuple[Place, Plug]]) -> Station:
    return Station(rows[0][0], tuple(plug for _, plug in rows))
