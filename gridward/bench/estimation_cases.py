"""Cases for the estimation figures: SimBench networks, true loads from their profiles, what is read of them.

A case is a network at one time of day: each house takes its SimBench profile at that time on a day of its own
within ten days of the case's, times a weather factor that all houses share; a part of them has an 11 kW
charger that is on or off. So the true means and covariances are known (which SimBench itself could not give,
where all houses of one profile are the same), and past days can be drawn from the same distribution.
"""

import contextlib
import sys
from dataclasses import dataclass

import numpy as np

from grid_model.estimation.belief import Belief
from grid_model.estimation.estimate import Estimator
from grid_model.estimation.measurements import (
    LEAST_CURRENT_SD_A,
    Measurement,
    Measurements,
    MeterReadings,
    feeder_readings,
    meter_readings,
    outgoing_lines,
    transformer_readings,
)
from grid_model.estimation.priors import SLACK_SD
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network
from grid_model.results import LoadFlowResult

NETWORKS = (
    "simbench:1-LV-rural1--0-sw",
    "simbench:1-LV-rural2--0-sw",
    "simbench:1-LV-rural3--0-sw",
    "simbench:1-LV-semiurb4--0-sw",
    "simbench:1-LV-semiurb5--0-sw",
    "simbench:1-LV-urban6--0-sw",
)
MISSING = 0.3
NOISE = 0.01
_PER_DAY = 96
_AROUND_DAYS = 10
_WEATHER_SD = 0.15
_CHARGER_KW = 11.0
_CHARGER_SHARE = 0.6
_CHARGING = 0.4
_HISTORY_DAYS = 28


@dataclass(frozen=True)
class Feeder:
    """A network with its households' profiles."""

    name: str
    network: Network
    load_flow: FactoredLoadFlow
    estimator: Estimator
    profile: Floats
    """(n_step, n_sp, 2) kW and kvar over a year"""


@dataclass(frozen=True)
class World:
    """One feeder at one time of day: what may happen, and how likely."""

    days: Floats
    """(n_around, n_sp, 2) what each house took at this time on the days around"""
    charger: Floats
    """(n_sp,) kW of the charger; 0 without"""

    def draw(self, rng: np.random.Generator) -> Floats:
        """(n_sp, 2) one day's loads."""
        n_around, n_sp, _ = self.days.shape
        own = self.days[rng.integers(n_around, size=n_sp), np.arange(n_sp)] * rng.normal(1.0, _WEATHER_SD)
        own[:, 0] += self.charger * (rng.random(n_sp) < _CHARGING)
        return np.asarray(own)

    def truth(self) -> Belief:
        """The true means and covariances of `draw`."""
        mean = self.days.mean(axis=0)
        deviation = self.days - mean
        block = np.einsum("tjc,tjd->jcd", deviation, deviation) / len(self.days) * (1 + _WEATHER_SD**2)
        block[:, 0, 0] += self.charger**2 * _CHARGING * (1 - _CHARGING)
        block[:, (0, 1), (0, 1)] += 1e-6
        factors = (_WEATHER_SD * mean)[:, :, None]
        total = mean + np.stack([_CHARGING * self.charger, np.zeros(len(mean))], axis=1)
        return Belief(total, block, factors, 1.0, SLACK_SD**2)

    def history(self, rng: np.random.Generator) -> Floats:
        """(n_day, n_sp, 2) past days."""
        return np.stack([self.draw(rng) for _ in range(_HISTORY_DAYS)])


@dataclass(frozen=True)
class Case:
    """What is true, and what is read of it."""

    p_kw: Floats
    q_kvar: Floats
    result: LoadFlowResult
    measurements: Measurements


def load_feeder(source: str) -> Feeder:
    """A SimBench network with its profiles."""
    import simbench  # noqa: PLC0415  takes seconds to import

    with contextlib.redirect_stdout(sys.stderr):
        network = load_network(source)
        values = simbench.get_absolute_values(network.net, profiles_instead_of_study_cases=True)
    columns = [int(load_id.split(":")[1]) for load_id in network.load_ids]
    p, q = (values["load", column][columns].to_numpy() * 1000 for column in ("p_mw", "q_mvar"))
    load_flow = FactoredLoadFlow(network)
    return Feeder(source, network, load_flow, Estimator(network, load_flow), np.stack([p, q], axis=2))


def world(feeder: Feeder, rng: np.random.Generator) -> World:
    """A random time of the year, and random chargers."""
    n_day = len(feeder.profile) // _PER_DAY
    day = rng.integers(_AROUND_DAYS, n_day - _AROUND_DAYS)
    steps = np.arange(day - _AROUND_DAYS, day + _AROUND_DAYS + 1) * _PER_DAY + rng.integers(_PER_DAY)
    n_sp = feeder.profile.shape[1]
    return World(feeder.profile[steps], np.where(rng.random(n_sp) < _CHARGER_SHARE, _CHARGER_KW, 0.0))


def case(feeder: Feeder, loads: Floats, rng: np.random.Generator, *, missing: float = MISSING) -> Case | None:
    """Read the loads (n_sp, 2) as the field would; None where the network would have collapsed."""
    slack = rng.normal(1.0, SLACK_SD / 2)
    p, q = loads.T
    result = feeder.load_flow.solve(p, q, slack_scale=slack)
    if not result.converged:
        return None
    meters = _meters(loads, rng, missing)
    return Case(
        p, q, result, Measurements(meters, _substation(feeder, result, np.append(loads.ravel(), slack), rng))
    )


def _meters(loads: Floats, rng: np.random.Generator, missing: float) -> MeterReadings:
    read = loads * rng.normal(1.0, NOISE, loads.shape)
    read[rng.random(len(loads)) < missing] = np.nan
    return meter_readings(read[:, 0], read[:, 1], accuracy=NOISE)


def _substation(
    feeder: Feeder, result: LoadFlowResult, state: Floats, rng: np.random.Generator
) -> tuple[Measurement, ...]:
    """P, Q, I of the transformer and all outgoing lines, and the busbar's voltage, each with its noise."""
    network = feeder.network
    busbar = int(network.transformers.to_bus[0])
    exact = (
        *transformer_readings(network, p_kw=0.0, q_kvar=0.0, i_a=0.0, v_pu=float(result.v_pu[busbar])),
        *(
            reading
            for line, side in outgoing_lines(network, busbar)
            for reading in feeder_readings(network, line, p_kw=0.0, q_kvar=0.0, i_a=0.0, side=side)
        ),
    )
    truth = feeder.estimator.readings_at(state, exact)
    apparent: dict[tuple[str, str], float] = {
        (reading.element, reading.side): float(np.hypot(value, truth[row + 1]))
        for row, (reading, value) in enumerate(zip(exact, truth, strict=True))
        if reading.quantity == "p_kw"
    }
    return tuple(
        _noisy(reading, value, apparent, rng)
        for reading, value in zip(exact, truth, strict=True)
        if np.isfinite(value)
    )


def _noisy(
    reading: Measurement, value: float, apparent: dict[tuple[str, str], float], rng: np.random.Generator
) -> Measurement:
    match reading.quantity:
        case "v_pu":
            sd = reading.sd
        case "i_a":
            sd = max(NOISE * value, LEAST_CURRENT_SD_A)
        case "p_kw" | "q_kvar":
            sd = max(NOISE * apparent[reading.element, reading.side], 0.01)
    return Measurement(
        reading.quantity, reading.element, float(rng.normal(value, sd)), sd, reading.side, reading.source
    )
