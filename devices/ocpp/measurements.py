"""Sampled values to power, energy, voltage and current of a connector [1]. Pure, both versions.

The rules: a value without a phase is the connector's own; without one, the phases are summed if all that the
connector has are there. What was not sampled is None. Values at the outlet count, else those at the inlet;
the car's, the cable's and the body's never do. Import less export is the power (consumption is positive).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from devices.errors import MalformedMessage
from devices.ocpp.heard import Measurement

MAX_KW = 4_000.0
"""The Megawatt Charging System ends at 1,250 V x 3,000 A."""
MAX_KWH = 1e9
MAX_V = 2_000.0
MAX_A = 4_000.0
SLACK_KW = 0.05
"""So much below nothing an idle meter may say."""
_PLACES = ("Outlet", "Inlet")
_PHASES = ("L1", "L2", "L3")
POWER, EXPORT = "Power.Active.Import", "Power.Active.Export"
ENERGY, VOLTAGE, CURRENT = "Energy.Active.Import.Register", "Voltage", "Current.Import"
_BOUNDS = {
    POWER: (-SLACK_KW, MAX_KW),
    EXPORT: (-SLACK_KW, MAX_KW),
    ENERGY: (0.0, MAX_KWH),
    VOLTAGE: (0.0, MAX_V),
    CURRENT: (-MAX_A, MAX_A),
}
_UNITS: Mapping[str, Mapping[str, float]] = {
    POWER: {"W": 1e-3, "kW": 1.0},
    EXPORT: {"W": 1e-3, "kW": 1.0},
    ENERGY: {"Wh": 1e-3, "kWh": 1.0},
    VOLTAGE: {"V": 1.0},
    CURRENT: {"A": 1.0},
}
_DEFAULT_UNIT = {POWER: "W", EXPORT: "W", ENERGY: "Wh", VOLTAGE: "V", CURRENT: "A"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled value in kW, kWh, V or A."""

    measurand: str
    phase: str | None
    location: str
    value: float


def is_of_use(measurand: str) -> bool:
    """Whether we look at this measurand at all."""
    return measurand in _UNITS


def sample(
    measurand: str,
    phase: str | None,
    location: str | None,
    *,
    value: float,
    unit: str | None,
    multiplier: int = 0,
) -> Sample:
    """One value in our units. MalformedMessage: `wrong_type` for a foreign unit, `out_of_range`."""
    factor = _UNITS[measurand].get(unit or _DEFAULT_UNIT[measurand])
    if factor is None:
        expected = " or ".join(_UNITS[measurand])
        raise MalformedMessage("wrong_type", f"{measurand} in {unit!a}, expected {expected}")
    if not -12 <= multiplier <= 12:
        raise MalformedMessage("out_of_range", f"{measurand}: multiplier {multiplier}, expected -12 to 12")
    ours = value * factor * 10.0**multiplier
    low, high = _BOUNDS[measurand]
    if not (math.isfinite(ours) and low <= ours <= high):
        raise MalformedMessage("out_of_range", f"{measurand} is {value} {unit}, expected {low:g} to {high:g}")
    return Sample(measurand, None if phase is None else phase.removesuffix("-N"), location or "Outlet", ours)


def measurement(at: datetime, samples: Iterable[Sample], phases: int) -> Measurement | None:
    """All samples of one time; None when there is nothing among them that we use."""
    by = {
        (s.measurand, s.location, s.phase): s.value
        for s in samples
        if s.location in _PLACES and (s.phase is None or s.phase in _PHASES)
    }
    if not by:
        return None
    bought, sold = _sum(by, POWER, phases), _sum(by, EXPORT, phases)
    p_kw = None if bought is None else bought - (sold or 0.0)
    return Measurement(
        at=at,
        p_kw=p_kw,
        energy_kwh=_sum(by, ENERGY, phases),
        v_v=_each(by, VOLTAGE),
        i_a=_each(by, CURRENT),
    )


_By = Mapping[tuple[str, str, str | None], float]


def _sum(by: _By, measurand: str, phases: int) -> float | None:
    for place in _PLACES:
        total = by.get((measurand, place, None))
        if total is not None:
            return total
        parts = [by.get((measurand, place, phase)) for phase in _PHASES]
        given = [part for part in parts if part is not None]
        if given and all(part is not None for part in parts[:phases]):
            return sum(given)
    return None


def _each(by: _By, measurand: str) -> tuple[float, ...] | None:
    """Per phase from L1 on, without gaps; a single value without a phase is that of the only one."""
    for place in _PLACES:
        values: list[float] = []
        for phase in _PHASES:
            value = by.get((measurand, place, phase))
            if value is None:
                break
            values.append(value)
        if values:
            return tuple(values)
        only = by.get((measurand, place, None))
        if only is not None:
            return (only,)
    return None
