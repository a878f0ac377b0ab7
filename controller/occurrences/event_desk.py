"""Everything that is asked about past events, at one place. Part of the shell."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from controller import settings
from controller.feeder_control import FeederControl
from controller.occurrences import exports
from controller.occurrences.archive import EventArchive
from controller.occurrences.bodies import EventBody
from controller.occurrences.exports import Table
from controller.occurrences.recorded_states import RecordedStates
from controller.occurrences.replay import LONGEST, RecordedBody
from devices.ports import Clock

BEFORE_AND_AFTER = timedelta(minutes=10)
"""an event's replay begins and ends so much beside it"""
_MOST_EVENTS = 20
"""whose limits are told with a span of states"""
TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "zip": "application/zip"}


@dataclass(frozen=True)
class EventDesk:
    """Of one site."""

    archive: EventArchive
    states: RecordedStates
    clock: Clock
    """of what is told: the site's"""

    @classmethod
    def of(cls, site: settings.Site, controls: Mapping[str, FeederControl], clock: Clock) -> "EventDesk":
        """Reads what the site's daemon writes."""
        return cls(EventArchive(site, monotonic=clock.monotonic), RecordedStates(site, controls), clock)

    async def recorded(
        self,
        feeder: str,
        start: datetime,
        end: datetime,
        *,
        step_s: float | None,
        service_points: bool,
        named: bool,
    ) -> RecordedBody:
        """The states of a span, at the latest until now, with the limits that were asked for then. `named`:
        of whom, for somebody who may see customers. Raises as archive and states."""
        end = max(min(end, self.clock.now()), min(start, end))
        events = await self.archive.during(feeder, start, end, _MOST_EVENTS)
        if not named:
            events = await asyncio.to_thread(lambda: tuple(map(exports.for_whoever_looks, events)))
        return await self.states.between(
            feeder, start, end, step_s=step_s, service_points=service_points, events=events
        )

    async def exported(
        self, body: EventBody, form: str, table: Table, *, named: bool, households: bool = True
    ) -> bytes:
        """An event as a file, with all its steps: `form` is one of `TYPES`. `named`: with the ids of
        customers and devices. `households`: with what each of them used and earned, under whatever name."""
        summary, states = body.summary, None
        if body.steps_total > len(body.steps):
            steps = (await self.archive.steps(summary.event)).steps
            body = msgspec.structs.replace(body, steps=steps, steps_total=len(steps))
        if self.states.knows(summary.feeder):
            start = summary.opened_at - BEFORE_AND_AFTER
            end = (summary.closed_at or self.clock.now()) + BEFORE_AND_AFTER
            states = await self.states.between(
                summary.feeder,
                start,
                min(max(end, summary.opened_at), start + LONGEST),
                step_s=None,
                service_points=False,
            )
        return await asyncio.to_thread(lambda: _written(_told(body, named, households), states, form, table))


def _told(body: EventBody, named: bool, households: bool) -> EventBody:
    if not households:
        return exports.for_whoever_looks(body)
    body = exports.without_words(body)
    return body if named else exports.without_names(body)


def _written(body: EventBody, states: RecordedBody | None, form: str, table: Table) -> bytes:
    match form:
        case "csv":
            return exports.as_csv(body, states, table)
        case "zip":
            return exports.as_zip(body, states)
        case _:
            return exports.as_json(body, states)
