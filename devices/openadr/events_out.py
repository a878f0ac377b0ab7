"""Our requests as events of OpenADR 3, and what an event of ours says when it is read back [6]. Pure.

The end is inside: `intervalPeriod` has a start and a duration, always. An event without a duration is
without end in OpenADR (3.0.1: "PT0S indicates instantaneous or infinity"; P9999Y in 3.1), so neither an
absent duration, nor PT0S, nor P9999Y is ever sent, also not to cancel. A release shortens the event
instead, so that its end is not after now: a VEN that polls late then sees an event that is over, where one
that was deleted might look like no news; and it can still report about it.

The id of the only interval is the request's sequence. A report names the interval that it is about, so it
tells which version of the request it answers. The name of the event says whose it is, so that we find it
again after a restart: `gridward/FEEDER/DEVICE/REQUEST/EPOCH`.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from devices.command_rules import check_limit
from devices.errors import CommandRejected
from devices.identifiers import id_fault
from devices.messages import Direction, LimitCommand
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice, Version
from devices.openadr.iso_time import after, duration_of, moment
from devices.openadr.ports import Body

PAYLOAD_TYPES: dict[Direction, str] = {
    "consumption": "IMPORT_CAPACITY_LIMIT",
    "production": "EXPORT_CAPACITY_LIMIT",
}
"""Definition 3.1.1, table of event payloads: "the maximum import (export) level", a float, units KW."""
_DIRECTIONS: dict[object, Direction] = {payload: direction for direction, payload in PAYLOAD_TYPES.items()}
_LIMIT_NAME = "gridward"
_STANDING_NAME = "gridward-reports"
_MAX_INT32 = 2**31 - 1
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A standing request for reports about one device, as the VTN has it."""

    feeder: str
    device: str
    since: datetime


def check_command(command: LimitCommand, floor_kw: float) -> None:
    """The last check before the wire; CommandRejected when it must not go out."""
    for name, value in (("feeder", command.feeder), ("device", command.device)):
        fault = id_fault(value)
        if fault is not None:
            raise CommandRejected(f"{command.request!r}: {name} {value!r} {fault}")
    check_limit(command, floor_kw)
    if _whole(command.end) - _whole(command.start) < _SECOND:
        raise CommandRejected(
            f"{command.request}: lasts from {command.start} to {command.end}, expected a second at least"
        )
    if not 0 < command.sequence <= _MAX_INT32:
        raise CommandRejected(f"{command.request}: sequence {command.sequence} is no id of an interval")


def limit_event(
    command: LimitCommand, device: OpenAdrDevice, program_id: str, settings: ChannelSettings
) -> Body:
    """The `event` (3.0.1) or `eventRequest` (3.1.1) of a limit."""
    return _event(command, device, program_id, settings, (_whole(command.start), _whole(command.end)))


def release_event(
    command: LimitCommand, device: OpenAdrDevice, program_id: str, settings: ChannelSettings, now: datetime
) -> Body:
    """The same event, over: it ends not after now, and still has a start and a duration."""
    end = _whole(min(command.end, now))
    start = min(_whole(command.start), end - _SECOND)
    return _event(command, device, program_id, settings, (start, end))


def standing_event(device: OpenAdrDevice, program_id: str, settings: ChannelSettings, now: datetime) -> Body:
    """Asks for power and state at all times: a report-only event with implied intervals."""
    period_s = max(1, round(settings.report_every_s))
    rhythm = {"startInterval": 0, "numIntervals": 1, "frequency": 1, "repeat": -1}
    body: Body = {
        "programID": program_id,
        "eventName": f"{_STANDING_NAME}/{device.feeder}/{device.device}",
        "targets": _targets(device, settings.version),
        "intervalPeriod": {"start": _written(_whole(now)), "duration": f"PT{period_s}S"},
        "reportDescriptors": [
            _asked(settings.version, payload, units, rhythm)
            for payload, units in (("READING", "KW"), ("OPERATING_STATE", None))
        ],
        "intervals": [],
    }
    if settings.version != "3.0.1":
        body["duration"] = f"PT{round(2 * settings.standing_for_s)}S"
    return body


def read_limit(body: Body) -> LimitCommand | None:
    """The command that an event of ours says; None when it is not ours, or says what we never say."""
    try:
        own, feeder, device, request, epoch = str(body.get("eventName")).split("/")
        period, (interval,) = body["intervalPeriod"], body["intervals"]
        (payload,) = interval["payloads"]
        (limit_kw,) = payload["values"]
        start = moment(period["start"])
        end = None if start is None else after(start, duration_of(period["duration"]))
        direction = _DIRECTIONS[payload["type"]]
        if own != _LIMIT_NAME or start is None or end is None or not math.isfinite(limit_kw):
            return None
        return LimitCommand(
            feeder,
            device,
            request,
            float(limit_kw),
            start,
            end,
            int(epoch),
            int(interval["id"]),
            "",
            direction,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def read_standing(body: Body) -> Standing | None:
    """Which device a standing request of ours is about; None when it is none."""
    try:
        own, feeder, device = str(body.get("eventName")).split("/")
        since = moment(body["intervalPeriod"]["start"])
    except (KeyError, TypeError, ValueError):
        return None
    return None if own != _STANDING_NAME or since is None else Standing(feeder, device, since)


def _event(
    command: LimitCommand,
    device: OpenAdrDevice,
    program_id: str,
    settings: ChannelSettings,
    window: tuple[datetime, datetime],
) -> Body:
    start, end = window
    payload = PAYLOAD_TYPES[command.direction]
    at_any_time = {"startInterval": 0, "frequency": 0, "repeat": -1}
    return {
        "programID": program_id,
        "eventName": "/".join(
            (_LIMIT_NAME, command.feeder, command.device, command.request, str(command.epoch))
        ),
        "priority": settings.priority,
        "targets": _targets(device, settings.version),
        "intervalPeriod": {"start": _written(start), "duration": f"PT{(end - start) // _SECOND}S"},
        "payloadDescriptors": [
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": payload, "units": "KW"}
        ],
        "reportDescriptors": [
            _asked(settings.version, asked, units, at_any_time)
            for asked, units in (("SETPOINT", "KW"), ("OPERATING_STATE", None), ("READING", "KW"))
        ],
        "intervals": [
            {"id": command.sequence, "payloads": [{"type": payload, "values": [command.limit_kw]}]}
        ],
    }


def _asked(version: Version, payload: str, units: str | None, rhythm: dict[str, int]) -> dict[str, Any]:
    descriptor: dict[str, Any] = {"payloadType": payload, "readingType": "DIRECT_READ", **rhythm}
    if units is not None:
        descriptor["units"] = units
    if version != "3.0.1":
        descriptor["reportIntervals"] = "OPEN_INTERVALS"
    return descriptor


def _targets(device: OpenAdrDevice, version: Version) -> list[Any]:
    """3.0.1 names resource and VEN by type; in 3.1.1 a target is a word that was granted to the ven."""
    if version != "3.0.1":
        return [device.targeted_as]
    ven = {"type": "VEN_NAME", "values": [device.ven]}
    if device.resource is None:
        return [ven]
    return [{"type": "RESOURCE_NAME", "values": [device.resource]}, ven]


def _whole(at: datetime) -> datetime:
    """Down to the second: the end that a VEN computes is never after ours."""
    return at.astimezone(UTC).replace(microsecond=0)


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
