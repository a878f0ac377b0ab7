"""Everything that is asked about past events, at one place. Part of the shell."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller import settings
from controller.feeder_control import FeederControl
from controller.occurrences import exports
from controller.occurrences.archive import EventArchive
from controller.occurrences.bodies import EventBody
from controller.occurrences.exports import Table
from controller.occurrences.recorded_states import RecordedStates
from controller.occurrences.replay import RecordedBody
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
        return cls(EventArchive(site), RecordedStates(site, controls), clock)

    async def recorded(
        self, feeder: str, start: datetime, end: datetime, *, step_s: float | None, service_points: bool
    ) -> RecordedBody:
        """The states of a span, at the latest until now, with the limits that were asked for then. Raises as
        archive and states."""
        end = max(min(end, self.clock.now()), min(start, end))
        events = await self.archive.during(feeder, start, end, _MOST_EVENTS)
        return await self.states.between(
            feeder, start, end, step_s=step_s, service_points=service_points, events=events
        )

    async def exported(self, body: EventBody, form: str, table: Table, *, named: bool) -> bytes:
        """An event as a file: `form` is one of `TYPES`. `named`: with the ids of customers and devices."""
        summary, states = body.summary, None
        if self.states.knows(summary.feeder):
            end = (summary.closed_at or self.clock.now()) + BEFORE_AND_AFTER
            states = await self.states.between(
                summary.feeder,
                summary.opened_at - BEFORE_AND_AFTER,
                max(end, summary.opened_at),
                step_s=None,
                service_points=False,
            )
        return await asyncio.to_thread(_written, body, states, form, table, named)


def _written(body: EventBody, states: RecordedBody | None, form: str, table: Table, named: bool) -> bytes:
    body = exports.without_words(body)
    if not named:
        body = exports.without_names(body)
    match form:
        case "csv":
            return exports.as_csv(body, states, table)
        case "zip":
            return exports.as_zip(body, states)
        case _:
            return exports.as_json(body, states)
