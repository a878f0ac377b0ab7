"""[2] Weighted least squares of one feeder: all readings and all that is expected, each with its weight.

Minimises (z − h(x))ᵀ R⁻¹ (z − h(x)) + (x − x₀)ᵀ C⁻¹ (x − x₀): the readings inside the network z, with the
load flow h, and the belief x₀, C that the meters and the prior left (`belief.py`), in the Gauss-Newton steps

    x ← x₀ + C Hᵀ (H C Hᵀ + R)⁻¹ (z − h(x) + H (x − x₀))

which need the inverse of an (m, m) matrix only, m readings inside the network (F. Schweppe, J. Wildes, "Power
system static-state estimation", IEEE Trans. PAS-89, 1970, in the form of B. Bell, F. Cathey, "The iterated
Kalman filter update as a Gauss-Newton method", IEEE Trans. Automatic Control 38, 1993). m stays below the
2 n_sp + 1 states as long as each service point shows at most one voltage, so this is the smaller of both
normal equations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from grid_model.errors import UnknownElement
from grid_model.estimation.belief import Belief, Joined, join
from grid_model.estimation.feeder_model import FeederModel, Outputs, Point, kind_of, voltages
from grid_model.estimation.measurements import Measurement, MeterReadings
from grid_model.network import Floats

_MAX_STEPS = 10
_SETTLED_KW = 0.01
"""Of the last step, at any service point; the error that is left is smaller by far, as Newton's steps are."""
_SETTLED_SLACK = 5e-4
_HALVINGS = 4


@dataclass(frozen=True)
class Asked:
    """The readings inside the network in the order of the rows: voltages first."""

    readings: tuple[Measurement, ...]
    outputs: Outputs
    value: Floats
    """(m,)"""
    sd: Floats
    ignored: tuple[Measurement, ...]
    """What is out of service in the model, so that nothing is expected of it."""


@dataclass(frozen=True)
class Fit:
    """A settled state, or the nearest that a load flow could reach."""

    joined: Joined
    asked: Asked
    point: Point
    settled: bool
    steps: int
    innovation: Floats
    """(m,) readings minus what meters and prior let expect, linear at the point"""
    rows: Floats
    """(m, 2 n_sp + 1) H"""
    innovation_root: Floats
    """(m, m) lower Cholesky factor of the innovation's covariance H C Hᵀ + R"""
    gain: Floats
    """(m, 2 n_sp + 1) H C"""

    @property
    def weighted_innovation(self) -> Floats:
        """(m,) (H C Hᵀ + R)⁻¹ innovation"""
        return np.asarray(cho_solve((self.innovation_root, True), self.innovation))

    @property
    def precision(self) -> Floats:
        """(m, m) (H C Hᵀ + R)⁻¹"""
        return np.asarray(cho_solve((self.innovation_root, True), np.eye(len(self.innovation))))

    def whitened(self, columns: Floats) -> Floats:
        """(m, n) L⁻¹ columns, with the Cholesky factor L of the innovation's covariance."""
        return np.asarray(solve_triangular(self.innovation_root, columns, lower=True))


def arrange(model: FeederModel, readings: Sequence[Measurement]) -> Asked:
    """Rows for the readings; raises UnknownElement naming a wrong element."""
    buses: list[tuple[int, Measurement]] = []
    ends: list[tuple[int, float, Measurement]] = []
    ignored: list[Measurement] = []
    for reading in readings:
        try:
            if reading.quantity == "v_pu":
                bus = model.bus_of(reading.element)
                (ignored.append(reading) if bus is None else buses.append((bus, reading)))
                continue
            end = model.end_of(reading.element, reading.side)
        except KeyError:
            raise UnknownElement(
                f"{reading.quantity} of {reading.source}: no element {reading.element!r}"
            ) from None
        if end is None:
            ignored.append(reading)
        else:
            unit = end[1] if reading.quantity == "i_a" else model.power_unit()
            ends.append((end[0], unit, reading))
    ordered = (*(reading for _, reading in buses), *(reading for *_, reading in ends))
    return Asked(
        readings=ordered,
        outputs=Outputs(
            voltages([bus for bus, _ in buses]).bus,
            np.array([row for row, *_ in ends], dtype=np.int64),
            np.array([kind_of(reading.quantity) for *_, reading in ends], dtype=np.int64),
            np.array([unit for _, unit, _ in ends]),
        ),
        value=np.array([reading.value for reading in ordered]),
        sd=np.array([reading.sd for reading in ordered]),
        ignored=tuple(ignored),
    )


def fit(model: FeederModel, prior: Belief, meters: MeterReadings, asked: Asked) -> Fit | None:
    """The least squares state; None when not even what is expected has a load flow."""
    joined = join(prior, meters)
    start = joined.belief.state
    point = model.solve(start)
    if point is None:
        return None
    settled, steps = False, 0
    while True:
        steps += 1
        innovation, rows, root, gain = _linear(model, joined.belief, point, asked)
        target = start + gain.T @ cho_solve((root, True), innovation)
        change = target - point.state
        moved, whole = _move(model, point, change)
        point = moved
        if whole and np.abs(change[:-1]).max(initial=0.0) < _SETTLED_KW and abs(change[-1]) < _SETTLED_SLACK:
            settled = True
        if settled or steps >= _MAX_STEPS:
            return Fit(joined, asked, point, settled, steps, innovation, rows, root, gain)


def _linear(
    model: FeederModel, belief: Belief, point: Point, asked: Asked
) -> tuple[Floats, Floats, Floats, Floats]:
    """Innovation, H, the root of the innovation's covariance, and H C at the point."""
    if not asked.outputs.size:
        nothing = np.zeros((0, len(point.state)))
        return np.zeros(0), nothing, np.zeros((0, 0)), nothing
    rows = model.derivatives(point, asked.outputs)
    innovation = asked.value - model.values(point, asked.outputs) + rows @ (point.state - belief.state)
    gain = belief.covariance_times(rows)
    covariance = gain @ rows.T + np.diag(asked.sd**2)
    return innovation, rows, cholesky(covariance, lower=True), gain


def _move(model: FeederModel, point: Point, change: Floats) -> tuple[Point, bool]:
    """As far along the change as the load flow follows; whether that was all the way."""
    share = 1.0
    for _ in range(_HALVINGS):
        found = model.solve(point.state + share * change)
        if found is not None:
            return found, share == 1.0
        share /= 2
    return point, False
