"""What an emulated VEN holds: limits from events of OpenADR 3, by its own clock. Pure.

Shares no code with the daemon's side of OpenADR. An event without an end (no duration, PT0S, P9999Y) is not
obeyed: nobody could tell when it is over. Of limits that hold at the same time the lower priority number
wins, then the lower limit.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_LIMIT = "IMPORT_CAPACITY_LIMIT"


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """One event that limits consumption."""

    event_id: str
    modified: str
    program_id: str
    interval: int
    priority: float
    limit_kw: float
    start: datetime
    end: datetime

    def is_active(self, now: datetime) -> bool:
        """Whether its limit is in force."""
        return self.start <= now < self.end


class EventShelf:
    """All events that this VEN knows, limits and standing requests for reports."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}
        """events that only ask for reports: id -> program"""
        self._held: dict[str, HeldEvent] = {}

    @property
    def held(self) -> tuple[HeldEvent, ...]:
        """Limits, also those that are over."""
        return tuple(self._held.values())

    def replace_all(self, events: Iterable[Mapping[str, Any]]) -> None:
        """What the VTN has now: what it does not have any more is cancelled."""
        self._held, self.standing = {}, {}
        for event in events:
            self.put(event)

    def put(self, event: Mapping[str, Any]) -> None:
        """One event, new or changed."""
        event_id = str(event["id"])
        self.drop(event_id)
        if not event.get("intervals"):
            self.standing[event_id] = str(event["programID"])
        elif (held := read_event(event)) is not None:
            self._held[event_id] = held

    def drop(self, event_id: str) -> None:
        """This event is cancelled."""
        self._held.pop(event_id, None)
        self.standing.pop(event_id, None)

    def limit_kw(self, now: datetime) -> float:
        """In force at this time; inf when there is none."""
        active = [event for event in self._held.values() if event.is_active(now)]
        if not active:
            return float(np.inf)
        return min(active, key=lambda event: (event.priority, event.limit_kw)).limit_kw


def read_event(event: Mapping[str, Any]) -> HeldEvent | None:
    """The limit that an event sets; None when it sets none, or one without an end."""
    for interval in event["intervals"]:
        period = interval.get("intervalPeriod") or event.get("intervalPeriod") or {}
        limits = [payload["values"][0] for payload in interval["payloads"] if payload["type"] == _LIMIT]
        length = read_duration(period.get("duration"))
        if limits and length is not None and length > timedelta():
            start = datetime.fromisoformat(period["start"].replace("Z", "+00:00"))
            priority = event.get("priority")
            return HeldEvent(
                event_id=str(event["id"]),
                modified=str(event.get("modificationDateTime")),
                program_id=str(event["programID"]),
                interval=int(interval["id"]),
                priority=float(np.inf) if priority is None else float(priority),
                limit_kw=float(limits[0]),
                start=start,
                end=start + length,
            )
    return None


def read_duration(text: object) -> timedelta | None:
    """Days to seconds; None for what has no fixed length."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
