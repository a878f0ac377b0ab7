"""Recorded states for the API while the daemon runs. Part of the shell: files and samples are read in a
thread, one reader at a time, over a connection of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from datetime import datetime, timedelta

import structlog

from controller import settings
from controller.feeder_control import FeederControl
from controller.in_turn import InTurn
from controller.occurrences.bodies import EventBody, RequestRow
from controller.occurrences.computed import computed
from controller.occurrences.frame_files import StateReader
from controller.occurrences.frames import drawn_of
from controller.occurrences.kept_bodies import KeptBodies
from controller.occurrences.recorder import QUIET_EVERY, folder_of
from controller.occurrences.replay import RecordedBody, RequestSpan, Shown, recorded_body, steps_of
from controller.proving.kept_readings import KeptReadings
from controller.stores.history import History
from controller.stores.opening import open_record
from controller.stores.port import FeederSample, Record, StoreUnavailable

_BELIEVED = 2.5 * QUIET_EVERY
"""A state is shown for so long after it was recorded, when no other came."""
log = structlog.get_logger()


class RecordedStates:
    """Of one site."""

    def __init__(
        self,
        site: settings.Site,
        controls: Mapping[str, FeederControl],
        opened: Callable[[settings.Store], Record] = open_record,
    ) -> None:
        self._site, self._controls, self._opened = site, dict(controls), opened
        self._drawn = {feeder: drawn_of(control) for feeder, control in self._controls.items()}
        self._turn = InTurn()
        self._reader = StateReader(folder_of(site.store.history_folder))
        self._kept = KeptBodies()

    def knows(self, feeder: str) -> bool:
        """Whether there is such a feeder."""
        return feeder in self._controls

    async def between(
        self,
        feeder: str,
        start: datetime,
        end: datetime,
        *,
        step_s: float | None,
        service_points: bool,
        events: Sequence[EventBody] = (),
    ) -> RecordedBody:
        """The states of a span. `events`: those that ran then, for the limits that were asked for. Raises
        SpanRefused, TooManyWaiting, and OSError where files cannot be read."""
        drawn = self._drawn[feeder]
        times, step_s = steps_of(start, end, step_s, drawn, service_points=service_points)
        requests = [span for event in events for span in _spans(event, start, end)]
        return await self._turn.do(self._body, feeder, times, step_s, requests, service_points=service_points)

    # --- in the thread

    def _body(
        self,
        feeder: str,
        times: tuple[datetime, ...],
        step_s: float,
        requests: list[RequestSpan],
        *,
        service_points: bool,
    ) -> RecordedBody:
        asked = (times, step_s, requests, service_points, self._reader.written(feeder))
        known = self._kept.get(feeder, asked)
        if known is not None:
            return known
        drawn, shown = self._drawn[feeder], self._shown(feeder, times)
        body = recorded_body(drawn, times, step_s, shown, requests, service_points=service_points)
        if "computed" not in body.source and None not in body.source:  # meters may still tell of those
            self._kept.put(feeder, asked, body)
        return body

    def _shown(self, feeder: str, times: tuple[datetime, ...]) -> list[Shown | None]:
        shown: list[Shown | None] = []
        points, strange = self._drawn[feeder].service_points, set[int]()
        for place, (at, found) in enumerate(
            zip(times, self._reader.at_or_before(feeder, times), strict=True)
        ):
            if found is not None and found[0].service_points != points:
                strange.add(place)  # samples have no names: those of then would be put in the wrong places
            if found is None or at - found[1].at > _BELIEVED:
                shown.append(None)
            else:
                shown.append(Shown(found[1], found[0], "recorded"))
        return self._completed(feeder, times, shown, strange)

    def _completed(
        self, feeder: str, times: Sequence[datetime], shown: list[Shown | None], strange: AbstractSet[int]
    ) -> list[Shown | None]:
        """With states from samples where none was recorded; none where the network was a `strange` one."""
        missing = [place for place, one in enumerate(shown) if one is None and place not in strange]
        if not missing:
            return shown
        control, drawn = self._controls[feeder], self._drawn[feeder]
        found = self._samples(feeder, [times[place] for place in missing])
        places = {place: sample for place, sample in zip(missing, found, strict=True) if sample is not None}
        frames = computed(control, list(places.values()))
        for place, frame in zip(places, frames, strict=True):
            if frame is not None:
                shown[place] = Shown(frame, drawn, "computed")
        return shown

    def _samples(self, feeder: str, times: Sequence[datetime]) -> list[FeederSample | None]:
        """For each of ascending times the latest sample before it, if that is near."""
        try:
            with closing(self._opened(self._site.store)) as record:
                return self._nearest(record, feeder, times)
        except StoreUnavailable as error:
            log.warning("samples_not_read", reason=str(error))
            return [None] * len(times)

    def _nearest(self, record: Record, feeder: str, times: Sequence[datetime]) -> list[FeederSample | None]:
        names = {feeder: self._controls[feeder].network.service_points}
        readings = KeptReadings(record, History(self._site.store.history_folder), names)
        near = timedelta(seconds=max(2 * self._site.cycle.period_s, 1.0))
        found: list[FeederSample | None] = []
        for at in times:
            # only what lies before each step is read: a day has thousands of samples, an answer few steps
            samples = readings.readable(feeder, at - near, at + timedelta(microseconds=1))
            found.append(samples[-1] if samples else None)
        return found


def _spans(event: EventBody, start: datetime, end: datetime) -> list[RequestSpan]:
    return [_span(event, row) for row in event.requests if _was_in_force(row, start, end)]


def _was_in_force(row: RequestRow, start: datetime, end: datetime) -> bool:
    if row.active_at is None or row.active_at > end:
        return False
    return row.ended_at is None or row.ended_at >= start


def _span(event: EventBody, row: RequestRow) -> RequestSpan:
    assert row.active_at is not None
    return RequestSpan(
        request=row.request,
        event=event.summary.event,
        resource=row.resource,
        target=row.target,
        service_point=row.service_point,
        active_at=row.active_at,
        until=row.ended_at,
        limits=row.limits,
    )
