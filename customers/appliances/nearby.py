"""The service points near a place. Pure.

A grid of cubes on the sphere, as wide as the distance that is looked for, so that each search looks at 27 of
them. The distance is the haversine's on a sphere of 6,371,009 m (mean radius, IUGG), good to 0.5 %.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

EARTH_M = 6_371_009.0


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two (latitude, longitude) in degrees."""
    a, b = math.radians(one[0]), math.radians(other[0])
    east = math.radians(other[1] - one[1])
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(h)))


class Nearby:
    """Named places, found by where they are."""

    def __init__(self, places: Mapping[str, tuple[float, float]], within_m: float) -> None:
        """`places`: (latitude, longitude) by name."""
        self._within_m = within_m
        self._cells: dict[tuple[int, int, int], list[tuple[str, tuple[float, float]]]] = defaultdict(list)
        for name, place in places.items():
            self._cells[self._cell(place)].append((name, place))

    def find(self, place: tuple[float, float]) -> list[tuple[float, str]]:
        """(distance in m, name) of all within the distance, the nearest first."""
        x, y, z = self._cell(place)
        cells = ((x + i, y + j, z + k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1))
        found = [
            (distance, name)
            for cell in cells
            for name, there in self._cells.get(cell, ())
            if (distance := distance_m(place, there)) <= self._within_m
        ]
        return sorted(found)

    def _cell(self, place: tuple[float, float]) -> tuple[int, int, int]:
        latitude, longitude = math.radians(place[0]), math.radians(place[1])
        flat = math.cos(latitude)
        at = (flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude))
        return (
            math.floor(at[0] * EARTH_M / self._within_m),
            math.floor(at[1] * EARTH_M / self._within_m),
            math.floor(at[2] * EARTH_M / self._within_m),
        )
