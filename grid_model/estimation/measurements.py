"""[1, 2] What was read: meters at service points, and the few readings inside the network.

Each value with its standard deviation. A meter's old reading is blunter the older it is, until the prior
outweighs it. Knows nothing of protocols and of time: ages come in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats, Network

Quantity = Literal["p_kw", "q_kvar", "i_a", "v_pu"]
Side = Literal["from", "to"]

METER_ACCURACY = 0.01
"""Of the reading: class 1 of EN 62053-21."""
METER_FLOOR_KW = 0.01
"""Standard deviation of a meter that reads about 0."""
SUBSTATION_ACCURACY = 0.01
VOLTAGE_ACCURACY_PU = 0.005
"""Class 0.5 of the RTU's transducer."""
HOUSE_VOLTAGE_ACCURACY_PU = 0.01
"""A house's meter shows one phase or three of them; the balanced model lies between."""
CORRELATION_TIME_S = 3600.0
"""After so long the deviation of a household from its usual load is forgotten to 1/e: on SimBench's household
profiles (H0) the correlation of deviations from the mean of the time of day over three weeks is 0.62 to 0.68
after 15 minutes, 0.26 to 0.36 after an hour, 0.16 to 0.22 after two."""
LEAST_CURRENT_SD_A = 0.1
_LEAST_SD = 1e-3


@dataclass(frozen=True)
class MeterReadings:
    """P and Q as the meters at service points show them."""

    values: Floats
    """(n_sp, 2) kW and kvar; NaN where nothing was read"""
    sd: Floats
    """(n_sp, 2) standard deviation; any number where nothing was read"""
    unchanged: NDArray[np.int64]
    """(n_sp,) how many readings in a row, this one included, had exactly this P; 1 where unknown"""

    @property
    def variance(self) -> Floats:
        """(n_sp, 2) squared `sd`; 1 where nothing was read"""
        return np.where(np.isfinite(self.values), np.maximum(self.sd, _LEAST_SD) ** 2, 1.0)

    @property
    def read(self) -> NDArray[np.bool_]:
        """(n_sp,) where P was read"""
        return np.isfinite(self.values[:, 0])

    def without(self, positions: Sequence[int]) -> "MeterReadings":
        """The same with some meters not read."""
        values = self.values.copy()
        values[list(positions)] = np.nan
        return MeterReadings(values, self.sd, self.unchanged)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One reading inside the network."""

    quantity: Quantity
    element: str
    """`trafo:0`, `line:3`: what flows into the branch at that side; `bus:7`: its voltage"""
    value: float
    sd: float
    side: Side = "from"
    """`from` is the high-voltage side of a transformer."""
    source: str = "substation"
    """Who measured, for people"""


@dataclass(frozen=True)
class Measurements:
    """All that was read at one time."""

    meters: MeterReadings
    network: tuple[Measurement, ...] = field(default=())


def meter_readings(
    p_kw: Floats,
    q_kvar: Floats,
    *,
    age_s: Floats | None = None,
    usual_var: Floats | None = None,
    accuracy: float = METER_ACCURACY,
    unchanged: NDArray[np.int64] | None = None,
) -> MeterReadings:
    """Readings (n_sp,), NaN where there is none, with standard deviations that grow with their age.

    The load of a house wanders about its usual value like an Ornstein-Uhlenbeck process: after the age a its
    variance given the old reading is v (1 − e^(−2a/τ)), with its usual variance v (`usual_var` (n_sp, 2), of
    the prior) and the correlation time τ. A reading with the variance r² + v (e^(2a/τ) − 1), joined with the
    prior, gives exactly that.
    """
    values = np.stack([p_kw, q_kvar], axis=1)
    variance = (accuracy * np.abs(np.nan_to_num(values))) ** 2 + METER_FLOOR_KW**2
    if age_s is not None and usual_var is not None:
        exponent = np.clip(2 * np.nan_to_num(age_s) / CORRELATION_TIME_S, 0.0, 50.0)
        variance = variance + usual_var * np.expm1(exponent)[:, None]
    counted = np.ones(len(p_kw), dtype=np.int64) if unchanged is None else unchanged
    return MeterReadings(values, np.sqrt(variance), counted)


def transformer_readings(
    network: Network,
    *,
    p_kw: float | None = None,
    q_kvar: float | None = None,
    i_a: float | None = None,
    v_pu: float | None = None,
    position: int = 0,
    side: Side = "to",
    accuracy: float = SUBSTATION_ACCURACY,
) -> tuple[Measurement, ...]:
    """What an RTU shows of one transformer: P and Q towards the customers, the mean current of the phases,
    and the voltage of its low-voltage bus. `side` "to": the instruments sit at the low-voltage side.
    """
    element = network.transformers.ids[position]
    bus = network.buses.ids[int(network.transformers.to_bus[position])]
    into = 1.0 if side == "from" else -1.0
    p_into, q_into = (None if value is None else into * value for value in (p_kw, q_kvar))
    return (
        *_branch(element, side, p_into, q_into, i_a, accuracy=accuracy),
        *(() if v_pu is None else (Measurement("v_pu", bus, v_pu, VOLTAGE_ACCURACY_PU),)),
    )


def feeder_readings(
    network: Network,
    line: str,
    *,
    p_kw: float | None = None,
    q_kvar: float | None = None,
    i_a: float | None = None,
    side: Side = "from",
    accuracy: float = SUBSTATION_ACCURACY,
) -> tuple[Measurement, ...]:
    """What is measured of an outgoing line at its `side`: P and Q away from there, the mean current."""
    if line not in network.lines.ids:
        raise ValueError(f"the network has no line {line!r}")
    return _branch(line, side, p_kw, q_kvar, i_a, accuracy=accuracy)


def house_voltages(
    network: Network, v_pu: Floats, *, sd_pu: float = HOUSE_VOLTAGE_ACCURACY_PU
) -> tuple[Measurement, ...]:
    """The voltages at service points (n_sp,); NaN where none is shown. Phases that a meter shows apart are to
    be averaged before.
    """
    return tuple(
        Measurement(
            "v_pu",
            network.buses.ids[int(network.service_point_bus[place])],
            float(v_pu[place]),
            sd_pu,
            source=network.service_points[place],
        )
        for place in np.flatnonzero(np.isfinite(v_pu))
    )


def outgoing_lines(network: Network, busbar: int) -> tuple[tuple[str, Side], ...]:
    """The lines that begin at a bus (a position), with their side there."""
    lines = network.lines
    near = [(lines.ids[place], "from") for place in np.flatnonzero(lines.from_bus == busbar)]
    far = [(lines.ids[place], "to") for place in np.flatnonzero(lines.to_bus == busbar)]
    return tuple((name, "from" if side == "from" else "to") for name, side in near + far)


def _branch(
    element: str,
    side: Side,
    p_kw: float | None,
    q_kvar: float | None,
    i_a: float | None,
    *,
    accuracy: float,
) -> tuple[Measurement, ...]:
    """A class says the error of the apparent power, so P and Q share it."""
    apparent = float(np.hypot(p_kw or 0.0, q_kvar or 0.0))
    sd = max(accuracy * apparent, METER_FLOOR_KW)
    found = []
    if p_kw is not None:
        found.append(Measurement("p_kw", element, p_kw, sd, side))
    if q_kvar is not None:
        found.append(Measurement("q_kvar", element, q_kvar, sd, side))
    if i_a is not None:
        found.append(Measurement("i_a", element, i_a, max(accuracy * i_a, LEAST_CURRENT_SD_A), side))
    return tuple(found)
