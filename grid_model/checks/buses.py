"""What may be wrong with buses and with what holds their voltage: levels, limits, set-points, coordinates."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import EXAMPLES, Floats, active, each, element_name, has, is_nothing, values
from grid_model.checks.rules import Rule, broken
from grid_model.errors import Finding

_DEGREES = (180.0, 90.0)
_FAR_DEGREES = 5.0
_NEAR_DEGREES = 1.0
"""Half the buses of a distribution network are nearer than this to its middle; those of a plan are not."""


def _no_voltage(v: Floats) -> Any:
    return ~((v > 0) & np.isfinite(v))


_RULES = (
    Rule(
        "bus",
        "vn_kv",
        _no_voltage,
        "vn_kv is missing or not above 0",
        "write the nominal voltage in kV, for example 0.4",
    ),
    Rule(
        "bus",
        "vn_kv",
        lambda kv: kv > 1200,
        "is above 1200 kV, where no network is",
        "were volts written as kilovolts?",
        severity="warning",
    ),
    Rule(
        "bus",
        "min_vm_pu",
        lambda low, high: low > high,
        "min_vm_pu is above max_vm_pu",
        "exchange the two limits",
        ("min_vm_pu", "max_vm_pu"),
    ),
    Rule(
        "bus",
        "max_vm_pu",
        lambda high: (high < 0.8) | (high > 2.0),
        "max_vm_pu is no limit per unit near 1",
        "write it per unit, for example 1.1",
        severity="warning",
    ),
    Rule(
        "bus",
        "min_vm_pu",
        lambda low: (low < 0.0) | (low > 1.2),
        "min_vm_pu is no limit per unit near 1",
        "write it per unit, for example 0.9",
        severity="warning",
    ),
    *(
        Rule(
            table,
            "vm_pu",
            _no_voltage,
            "vm_pu is missing or not above 0",
            "write the voltage per unit, for example 1.0",
        )
        for table in ("ext_grid", "gen", "xward")
    ),
    *(
        Rule(
            table,
            "vm_pu",
            lambda v: (v > 0) & ((v < 0.8) | (v > 1.25)),
            "vm_pu is far from 1",
            "write it per unit: were volts or kilovolts meant?",
            severity="warning",
        )
        for table in ("ext_grid", "gen")
    ),
    Rule(
        "ext_grid",
        "va_degree",
        lambda angle: ~np.isfinite(angle),
        "va_degree is not a number",
        "write 0 where there is no other external grid",
    ),
)


def bus_findings(net: Any) -> Iterator[Finding]:
    """All that is wrong with buses and voltage set-points by themselves."""
    yield from broken(net, _RULES)
    yield from _coordinates(net)


def set_point_findings(net: Any) -> Iterator[Finding]:
    """Two sources at one bus cannot hold two voltages."""
    held: dict[Any, tuple[str, float]] = {}
    for table in ("ext_grid", "gen"):
        if not has(net, table, "bus", "vm_pu"):
            continue
        at_work, volts = active(net, table), values(net, table, "vm_pu")
        for place in np.flatnonzero(at_work & np.isfinite(volts)):
            index, bus = net[table].index[place], net[table]["bus"].iloc[place]
            name = element_name(net, table, index)
            first, other = held.setdefault(bus, (name, volts[place]))
            if abs(other - volts[place]) > 1e-9:
                yield Finding(
                    "error",
                    name,
                    f"holds its bus at {volts[place]:g} pu, but {first} holds the same bus at {other:g} pu",
                    table=table,
                    row=str(index),
                    field="vm_pu",
                    repair="give both the same set-point",
                )


def _coordinates(net: Any) -> Iterator[Finding]:
    if not has(net, "bus", "geo"):
        return
    xy = np.array([_point(cell) for cell in net.bus["geo"]], dtype=np.float64).reshape(-1, 2)
    cells = net.bus["geo"]
    written = np.array([not is_nothing(cell) and cell != "" for cell in cells], dtype=bool)
    yield from each(
        net,
        "bus",
        written & np.isnan(xy[:, 0]),
        "geo",
        "has coordinates that cannot be read",
        repair='write a GeoJSON point, for example {"type": "Point", "coordinates": [9.5, 51.3]}',
        severity="warning",
    )
    yield from _off_the_map(net, xy)


def _off_the_map(net: Any, xy: Floats) -> Iterator[Finding]:
    """Single buses outside longitude and latitude, or far from all others with x and y exchanged."""
    known = np.isfinite(xy).all(axis=1)
    if np.count_nonzero(known) < EXAMPLES:
        return
    in_degrees = (np.abs(xy) <= _DEGREES).all(axis=1)
    middle = np.median(xy[known], axis=0)
    spread = np.median(np.abs(xy[known] - middle), axis=0).max()
    if np.count_nonzero(in_degrees & known) <= np.count_nonzero(known) / 2 or spread > _NEAR_DEGREES:
        return  # metres of a projection, or a plan: any number will do
    distance = np.abs(xy - middle).max(axis=1)
    exchanged = np.abs(xy[:, ::-1] - middle).max(axis=1)
    turned = known & (distance > _FAR_DEGREES) & (exchanged < _FAR_DEGREES)
    yield from each(
        net,
        "bus",
        turned,
        "geo",
        "has longitude and latitude exchanged",
        repair="write longitude first, as GeoJSON does",
        severity="warning",
    )
    yield from each(
        net,
        "bus",
        known & ~in_degrees & ~turned,
        "geo",
        "has coordinates outside longitude and latitude",
        repair="write degrees, longitude first",
        severity="warning",
    )


def _point(cell: object) -> tuple[float, float]:
    """Two finite coordinates of a GeoJSON point, as text or as a mapping; NaN where it is none."""
    try:
        point = json.loads(cell) if isinstance(cell, str) else dict(cell)  # type: ignore[call-overload]
        x, y = (float(number) for number in point["coordinates"][:2])
    except (TypeError, ValueError, KeyError, RecursionError):
        return np.nan, np.nan
    return x, y
