"""Several feeders in one scenario: each is drawn by itself, all are run under one daemon.

A feeder that is supplied at a service point of the first one is coupled with it: what goes into its
transformer is that service point's load, and the voltage there is what the transformer gets. The voltage is
that of the step before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from simulations.draws import stream
from simulations.field import FieldModel, Moment
from simulations.scenario import NetworkTable, Profiles, Scenario, Shares
from simulations.scenario_faults import FalseReading
from simulations.substation import Head, Substation

_NOBODY = Shares(ev=0.0, heat_pump=0.0, critical=0.0)


def feeders_of(scenario: Scenario) -> tuple[Scenario, ...]:
    """One scenario for each feeder, the first being that of `[network]`."""
    if not scenario.feeder:
        return (scenario,)
    one = msgspec.structs.replace
    prefixes = [row.prefix for row in scenario.feeder]
    first = one(scenario, feeder=(), false_reading=_false_readings(scenario, "", prefixes))
    seeds = stream(scenario.seed, "feeder").integers(0, 2**31, len(scenario.feeder)).tolist()
    others = (
        one(
            scenario,
            feeder=(),
            seed=seed,
            switching=(),
            network=NetworkTable(source=row.source, feeder=row.id, prefix=row.prefix),
            profiles=row.profiles or Profiles(),
            shares=row.shares or scenario.shares,
            false_reading=_false_readings(scenario, row.prefix, prefixes),
        )
        for row, seed in zip(scenario.feeder, seeds, strict=True)
    )
    return (first, *others)


def nobody_at_stations(scenario: Scenario) -> Scenario:
    """One feeder's scenario; where its service points are stations, with nobody who has or is asked
    anything."""
    if not scenario.network.stations:
        return scenario
    people = msgspec.structs.replace(scenario.people, share=0.0)
    return msgspec.structs.replace(scenario, people=people, shares=_NOBODY)


def _false_readings(scenario: Scenario, prefix: str, prefixes: Sequence[str]) -> tuple[FalseReading, ...]:
    """Those of one feeder: a meter's name says whose it is, and what belongs to nobody is looked for in the
    first one. Their number stays, as it is part of what is drawn."""

    def mine(meter: str) -> bool:
        return max((one for one in prefixes if meter.startswith(one)), key=len, default="") == prefix

    return tuple(
        msgspec.structs.replace(row, meters=tuple(filter(mine, row.meters))) for row in scenario.false_reading
    )


@dataclass
class Coupled:
    """One feeder that hangs on a service point of the first."""

    place: int
    bus: int
    """of that service point, in the first feeder's network"""
    substation: Substation


class Coupling:
    """Hands powers up and voltages down between the first feeder and those that it supplies."""

    def __init__(self, upper: FieldModel, coupled: Sequence[Coupled]) -> None:
        self._upper, self._coupled = upper, coupled

    def lower_looked(self, number: int, moment: Moment, head: Head) -> None:
        """One of the supplied feeders was looked at."""
        self._upper.carry(self._coupled[number].place, head.p_kw, float(moment.q_kvar.sum()))

    def upper_looked(self, head: Head) -> None:
        """The first feeder was looked at."""
        if head.result.converged:
            for one in self._coupled:
                one.substation.supplied_at(float(head.result.v_pu[one.bus]))
