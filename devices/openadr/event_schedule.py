"""When an event's intervals run, and when all of it is over. Pure.

An interval runs by its own intervalPeriod; what that leaves out comes from the event's, and a start that
nobody gives is the end of the interval before. Source: OpenADR 3.1.1 User Guide, "Intervals" and "Looping".
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from devices.openadr.iso_time import NOW, after, duration_of, moment
from devices.openadr.ports import Body


def end_of(event: Body, created: str) -> datetime | None:
    """When it ends; None: never, or it does not say."""
    period = event.get("intervalPeriod") or {}
    begin = _start(period, created)
    if "duration" in event:  # intervals loop until then
        return None if begin is None else after(begin, duration_of(event["duration"]))
    ends = [end for _, end in schedule(event, created)]
    if not ends:
        return _end(begin, period.get("duration"))
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def schedule(event: Body, created: str) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Start and end of each interval, in their order; None where it cannot be told."""
    default = event.get("intervalPeriod") or {}
    previous_end = _start(default, created)
    for interval in event.get("intervals") or []:
        own = interval.get("intervalPeriod") or {}
        start = _start(own, created) if "start" in own else previous_end
        previous_end = _end(start, own.get("duration", default.get("duration")))
        yield start, previous_end


def _start(period: dict[str, Any], created: str) -> datetime | None:
    """ "Now" and no start at all are the time when the event was made."""
    text = period.get("start", NOW)
    return moment(created) if text == NOW else moment(text)


def _end(start: datetime | None, duration: str | None) -> datetime | None:
    """PT0S and no duration may mean infinity, so they have no end (3.0.1, `intervalPeriod`)."""
    if start is None or duration is None:
        return None
    length = duration_of(duration)
    return None if length.is_zero else after(start, length)
