"""A small feeder with readings, for the tests of this folder."""

from dataclasses import dataclass

import numpy as np

from grid_model.estimation.belief import Belief
from grid_model.estimation.estimate import Estimator
from grid_model.estimation.measurements import (
    Measurement,
    Measurements,
    MeterReadings,
    feeder_readings,
    house_voltages,
    meter_readings,
    transformer_readings,
)
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from tests.grid_model.small_networks import loaded, street


@dataclass(frozen=True)
class Street:
    """Ten houses on one cable."""

    network: Network
    load_flow: FactoredLoadFlow
    estimator: Estimator

    def state(self, p_kw: Floats, slack: float = 1.0) -> Floats:
        """P, Q = P / 5 of each house, and the slack's factor."""
        return np.append(np.stack([p_kw, p_kw / 5], axis=1).ravel(), slack)

    def substation(self, state: Floats, *, flow: bool = True) -> tuple[Measurement, ...]:
        """Exact readings of transformer, first cable and busbar."""
        wanted = transformer_readings(self.network, p_kw=0.0, q_kvar=0.0, i_a=0.0, v_pu=1.0)
        wanted += feeder_readings(self.network, "line:0", p_kw=0.0, q_kvar=0.0, i_a=0.0)
        return self.shown(state, wanted if flow else wanted[3:4])

    def voltages(self, state: Floats) -> tuple[Measurement, ...]:
        """Exact voltages at all houses."""
        return self.shown(state, house_voltages(self.network, np.ones(len(self.network.service_points))))

    def shown(self, state: Floats, wanted: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
        """The same readings with exact values, and 1 % of them as standard deviation."""
        values = self.estimator.readings_at(state, wanted)
        return tuple(
            Measurement(
                reading.quantity,
                reading.element,
                float(value),
                reading.sd if reading.quantity == "v_pu" else max(0.01 * abs(float(value)), 0.02),
                reading.side,
                reading.source,
            )
            for reading, value in zip(wanted, values, strict=True)
        )


def ten_houses() -> Street:
    network = loaded(street(10, kva=160.0, span_km=0.04))
    load_flow = FactoredLoadFlow(network)
    return Street(network, load_flow, Estimator(network, load_flow))


def read(state: Floats, *, missing: tuple[int, ...] = (), unchanged: int = 1) -> MeterReadings:
    """What all meters show, but for the missing ones."""
    values = state[:-1].reshape(-1, 2).copy()
    values[list(missing)] = np.nan
    return meter_readings(
        values[:, 0], values[:, 1], unchanged=np.full(len(values), unchanged, dtype=np.int64)
    )


def usual(street: Street, mean_kw: float = 3.0, sd_kw: float = 2.0, *, common: float = 0.0) -> Belief:
    """Every house expected alike."""
    from grid_model.estimation.priors import from_moments

    n_sp = len(street.network.service_points)
    return from_moments(
        np.tile([mean_kw, mean_kw / 5], (n_sp, 1)), np.tile([sd_kw, sd_kw / 5], (n_sp, 1)), common=common
    )


def measured(meters: MeterReadings, *network: tuple[Measurement, ...]) -> Measurements:
    return Measurements(meters, tuple(reading for readings in network for reading in readings))
