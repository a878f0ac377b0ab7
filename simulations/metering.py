"""What the meters show of what flows: noise, bias, false readings, and which concentrator tells it.

The judge takes credits by what the meters showed, as the programme does; how much of that was untrue is told
beside it. Pure: time is passed in, noise is drawn by the scenario's seed once for each step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from grid_model.network import Floats, Ints
from simulations.draws import stream
from simulations.errors import ScenarioRejected
from simulations.population import Population
from simulations.scenario import Scenario
from simulations.scenario_faults import FalseReading

_VOLTAGES = 1_000_000
"""their stream, behind those of all false readings"""


@dataclass(frozen=True)
class Concentrator:
    """One that collects readings."""

    meters: tuple[str, ...]
    places: Ints
    """of their service points"""


class Metering:
    """All meters of a feeder; `(n_sp,)` throughout. Raises ScenarioRejected for a meter that is none."""

    def __init__(self, population: Population, scenario: Scenario) -> None:
        names = [customer.meter for customer in population.registry.customers]
        table, count = scenario.meters, len(names)
        self._noise = stream(scenario.seed, "meters", 1)
        self._noise_share = table.noise_percent / 100
        self._bias = 1 + table.bias_percent / 100 * stream(scenario.seed, "meters", 2).standard_normal(count)
        self._v_factor = self._voltage_factors(scenario, count)
        self._false = [
            (one, _meant(one, names, stream(scenario.seed, "meters", 3 + place)))
            for place, one in enumerate(scenario.false_reading)
        ]
        self._first_shown: dict[int, Floats] = {}
        self.exact = not (self._noise_share or table.bias_percent or self._false)
        """whether all show what flows"""
        metered = np.flatnonzero(population.metered)
        parts = np.array_split(metered, min(table.concentrators, max(len(metered), 1)))
        self.concentrators = tuple(Concentrator(tuple(names[p] for p in part), part) for part in parts)

    def shown_kw(self, p_kw: Floats, at: datetime) -> Floats:
        """What they show of these powers; call once a step."""
        if self.exact:
            return p_kw
        noise = self._noise.standard_normal(len(p_kw)) if self._noise_share else 0.0
        shown = p_kw * self._bias * (1 + self._noise_share * noise)
        for number, (one, places) in enumerate(self._false):
            if _holds(one, at):
                shown[places] = self._falsified(number, one, shown[places])
        return shown

    @staticmethod
    def _voltage_factors(scenario: Scenario, count: int) -> Floats | None:
        if not scenario.meters.voltages:
            return None
        share = scenario.meters.voltage_bias_percent / 100
        return np.asarray(1 + share * stream(scenario.seed, "meters", _VOLTAGES).standard_normal(count))

    def shown_v(self, house_v: Floats) -> Floats | None:
        """What they show of these voltages; None where they show none."""
        return None if self._v_factor is None else house_v * self._v_factor

    def _falsified(self, number: int, one: FalseReading, shown_kw: Floats) -> Floats:
        if one.frozen:
            return self._first_shown.setdefault(number, shown_kw.copy())
        return one.scale * shown_kw + one.add_kw


def _holds(one: FalseReading, at: datetime) -> bool:
    begun = one.begin is None or at >= one.begin.astimezone(UTC)
    return begun and (one.end is None or at < one.end.astimezone(UTC))


def _meant(one: FalseReading, names: Sequence[str], rng: np.random.Generator) -> Ints:
    unknown = sorted(set(one.meters) - set(names))
    if unknown:
        expected = f"expected {names[0]} to {names[-1]}"
        raise ScenarioRejected(
            [f"false_reading.meters: {name!r} is no meter; {expected}" for name in unknown]
        )
    drawn = rng.permutation(len(names))[: round(one.share * len(names))]
    named = [names.index(name) for name in one.meters]
    return np.unique(np.concatenate([drawn, np.array(named, dtype=np.int64)])).astype(np.int64)
