"""Which late readings are taken: all of them or none, with what is wrong with the first of them. Pure.

A late reading has passed no cycle, so it is checked as one would be that came in time: its meter is known,
its value is one that the service point can take, its time is one of which samples are kept.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from controller.feeder_control import FeederControl
from controller.plausibility import OVER_BOUND
from controller.stores.port import LateReading

MOST_AT_ONCE = 100_000


def impossible(
    readings: Sequence[LateReading], control: FeederControl, start: datetime, end: datetime
) -> Iterator[str]:
    """What is wrong with readings of one feeder, of which `start` <= at < `end` can be taken."""
    if len(readings) > MOST_AT_ONCE:
        yield f"{len(readings)} readings; expected at most {MOST_AT_ONCE} at once"
        return
    told: dict[tuple[str, datetime], float] = {}
    for one in readings:
        place = f"{one.meter} at {one.at.isoformat()}"
        position = control.meter_position.get(one.meter)
        if position is None:
            yield f"{one.meter}: there is no such meter on {control.feeder}"
            continue
        most_kw = OVER_BOUND * float(control.bound_kw[position])
        if not math.isfinite(one.p_kw) or abs(one.p_kw) > most_kw:
            yield f"{place}: p_kw {one.p_kw:g}; expected at most {most_kw:.1f} kW in either direction"
        if not start <= one.at < end:
            yield f"{place}: expected a time from {start.isoformat()} until before {end.isoformat()}"
        if told.setdefault((one.meter, one.at), one.p_kw) != one.p_kw:
            yield f"{place}: given twice, with {told[one.meter, one.at]:g} and {one.p_kw:g} kW"


def contradictions(
    readings: Sequence[LateReading], known: Mapping[tuple[str, datetime], float]
) -> Iterator[str]:
    """Readings of which another value was taken before: only a dispute decides which is right."""
    for one in readings:
        before = known.get((one.meter, one.at))
        if before is not None and before != one.p_kw:
            yield f"{one.meter} at {one.at.isoformat()}: {before:g} kW was taken before, got {one.p_kw:g}"


def differing(readings: Sequence[LateReading], kept: Sequence[LateReading]) -> Iterator[str]:
    """How readings that are given for a dispute differ from those that are kept for it already: of a decision
    by them that was never written. What is kept cannot be changed, so only the same readings can decide.
    """
    told = {(one.meter, one.at): one.p_kw for one in readings}
    for one in kept:
        given = told.get((one.meter, one.at))
        if given != one.p_kw:
            got = "nothing" if given is None else f"{given:g}"
            yield (
                f"{one.meter} at {one.at.isoformat()}: {one.p_kw:g} kW is kept for {one.source} already, "
                f"got {got}; give the readings that are kept, or decide by a figure"
            )
