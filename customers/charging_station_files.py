"""Reads the charging stations of a site from CSV, one row for each plug; all faults are told at once.

stations.csv:  station, charge_point, connector, name, latitude, longitude, plug, power_kw, access [, address]
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from customers.charging_stations import Access, Place, Plug, PlugKind, Station, stations_of
from customers.errors import Finding, RegistryRejected
from customers.rows import Row
from customers.tables import read_table

COLUMNS = (
    "station", "charge_point", "connector", "name", "latitude", "longitude", "plug", "power_kw", "access",
)  # fmt: skip
MOST_CONNECTORS = 64
_KINDS: tuple[PlugKind, ...] = get_args(PlugKind)
_ACCESSES: tuple[Access, ...] = get_args(Access)


def load_stations(path: Path) -> tuple[Station, ...]:
    """All stations. Raises RegistryRejected with all findings."""
    findings: list[Finding] = []
    rows = read_table(path, COLUMNS, ("address",), _plug, findings)
    _find_contradictions(rows)
    if findings:
        raise RegistryRejected(sorted(findings, key=lambda finding: finding.row or 0))
    return stations_of(pair for _, pair in rows)


def _plug(row: Row) -> tuple[Place, Plug] | None:
    station, charge_point = row.identifier("station"), row.identifier("charge_point")
    name, power_kw = row.text("name"), row.power_kw("power_kw", above_zero=True)
    connector = _connector(row)
    latitude, longitude = _degrees(row, "latitude", 90.0), _degrees(row, "longitude", 180.0)
    kind, access = row.one_of("plug", _KINDS), row.one_of("access", _ACCESSES)
    if station is None or charge_point is None or name is None or power_kw is None or connector is None:
        return None
    if latitude is None or longitude is None or kind is None or access is None:
        return None
    address = "" if row.is_blank("address") else row.text("address") or ""
    place = Place(station, name, latitude, longitude, access, address)
    return place, Plug(station, charge_point, connector, kind, power_kw)


def _connector(row: Row) -> int | None:
    text = row.text("connector")
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= number <= MOST_CONNECTORS:
        row.fault("connector", f"expected a whole number from 1 to {MOST_CONNECTORS}, got {text!r}")
        return None
    return number


def _degrees(row: Row, field: str, most: float) -> float | None:
    text = row.text(field)
    if text is None:
        return None
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    if not -most <= degrees <= most:
        row.fault(field, f"expected degrees from {-most:g} to {most:g}, got {text!r}")
        return None
    return degrees


def _find_contradictions(rows: Sequence[tuple[Row, tuple[Place, Plug]]]) -> None:
    """A plug that is there twice, and a station that is at two places."""
    plugs: dict[tuple[str, int], int] = {}
    places: dict[str, tuple[int, Place]] = {}
    for row, (place, plug) in rows:
        first = plugs.setdefault((plug.charge_point, plug.connector), row.row)
        if first != row.row:
            row.fault("connector", f"expected each plug of a charger once, it is in row {first} already")
        at, known = places.setdefault(place.station, (row.row, place))
        if known != place:
            row.fault("station", f"expected one name, position and access for it; row {at} has another")
