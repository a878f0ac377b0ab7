"""A scenario that begins now, for hardware that lives in real time. Pure.

The scenario's own hours stay what they were: its evening may happen at any time of our day, because a zone is
chosen in which the clock shows it now. Its weather is that of its own dates.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import msgspec

from simulations.scenario import Scenario
from simulations.sun import Sun
from simulations.weather import Outdoors

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Live:
    """A scenario and its weather, moved in time."""

    scenario: Scenario
    outdoors: Outdoors
    moved: timedelta = timedelta()
    """by how much"""


@dataclass(frozen=True)
class _OfItsOwnDates(Outdoors):
    """Looked at now, shows what the weather was then."""

    moved: timedelta = timedelta()

    def outdoor_c(self, at: datetime) -> float:
        return super().outdoor_c(self._then(at))

    def sun(self, at: datetime) -> Sun:
        return super().sun(self._then(at))

    def sun_w_per_m2(self, at: datetime, sun: Sun | None = None) -> float:
        then = self._then(at)
        return super().sun_w_per_m2(then, super().sun(then) if sun is None else sun)

    def _then(self, at: datetime) -> datetime:
        return (at - self.moved).astimezone(self.start.tzinfo)


def as_if_now(scenario: Scenario, outdoors: Outdoors, begin: datetime, now: datetime) -> Live:
    """The scenario moved so that `begin`, a moment of it, is `now`."""
    moved, start = now - begin, scenario.time.start
    zone = timezone(_within_half_a_day((start.utcoffset() or timedelta()) - moved))
    later = msgspec.structs.replace(scenario.time, start=(start + moved).astimezone(zone))
    return Live(
        msgspec.structs.replace(_moved(scenario, moved), time=later),
        _OfItsOwnDates(
            outdoors.weather,
            outdoors.clouds,
            outdoors.start,
            outdoors.measured_c,
            outdoors.measured_w_per_m2,
            moved,
        ),
        moved,
    )


def _moved(scenario: Scenario, moved: timedelta) -> Scenario:
    """With all that happens at a time of its own happening so much later."""

    def later(at: datetime | None) -> datetime | None:
        return None if at is None else at + moved

    replace = msgspec.structs.replace
    return replace(
        scenario,
        devices=replace(scenario.devices, refuse_from=later(scenario.devices.refuse_from)),
        outage=tuple(replace(one, begin=one.begin + moved, end=one.end + moved) for one in scenario.outage),
        false_reading=tuple(
            replace(one, begin=later(one.begin), end=later(one.end)) for one in scenario.false_reading
        ),
        switching=tuple(replace(one, at=one.at + moved) for one in scenario.switching),
    )


def _within_half_a_day(offset: timedelta) -> timedelta:
    """The same clock time, from the zone that is nearest to UTC."""
    return (offset + _DAY / 2) % _DAY - _DAY / 2
