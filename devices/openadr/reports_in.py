"""Reports of VENs in our words [1]. Pure: no event is known here, what a report means for one is
`event_book.py`.

Read are the payload types (Definition 3.1.1, table of report payloads) * SETPOINT: the limit that the VEN
holds, kW * OPERATING_STATE: whether it follows the event * READING (kW, or kWh as an energy register) and
DEMAND (kW): its power, consumption positive * USAGE (kWh over an interval of 15 minutes at most): its mean
power * DATA_QUALITY: BAD, MISSING and ESTIMATED make the measurements beside it void, as do the reading
types FORECAST and ESTIMATED. What was not measured is None. Others are passed over. What is wrong with one
is MalformedMessage, for the whole report.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from devices.errors import MalformedMessage
from devices.openadr.iso_time import after, duration_of, moment
from devices.openadr.ports import Body

AGGREGATED = "AGGREGATED_REPORT"
MAX_INTERVALS = 1_000
"""of one report, over all its resources"""
MAX_KW = 1_000_000.0
MAX_KWH = 1e12
MAX_USAGE_S = 900.0
_STATES = frozenset(
    {
        *("NORMAL", "IDLE_NORMAL", "RUNNING_NORMAL", "IDLE_CURTAILED", "RUNNING_CURTAILED"),
        *("IDLE_HEIGHTENED", "RUNNING_HEIGHTENED", "IDLE_OPTED_OUT", "RUNNING_OPTED_OUT"),
        *("ERROR", "SGD_ERROR_CONDITION"),
    }
)
_VOID_QUALITIES = frozenset({"MISSING", "BAD", "ESTIMATED"})
_NOT_MEASURED = frozenset({"FORECAST", "ESTIMATED"})
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


@dataclass(frozen=True, slots=True)
class Said:
    """One interval of one resource; None is "not said"."""

    resource: str
    interval: int
    start: datetime | None = None
    end: datetime | None = None
    state: str | None = None
    setpoint_kw: float | None = None
    p_kw: float | None = None
    energy_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one VEN reports about one event."""

    report_id: str
    event_id: str
    client_name: str
    client_id: str | None
    """By the VTN (3.1.1), so it can be relied on; a client name is what the VEN says."""
    modified_at: datetime | None
    said: tuple[Said, ...]


class _Period(msgspec.Struct):
    start: str | None = None
    duration: str | None = None


class _Payload(msgspec.Struct):
    type: _Name
    values: list[Any]


class _Interval(msgspec.Struct):
    id: int
    payloads: list[_Payload]
    intervalPeriod: _Period | None = None  # noqa: N815 - OpenADR's own name


class _Resource(msgspec.Struct):
    resourceName: _Name  # noqa: N815
    intervals: list[_Interval]
    intervalPeriod: _Period | None = None  # noqa: N815


class _Descriptor(msgspec.Struct):
    payloadType: _Name  # noqa: N815
    units: str | None = None
    readingType: str | None = None  # noqa: N815


class _Report(msgspec.Struct):
    id: _Name
    eventID: _Name  # noqa: N815
    clientName: _Name  # noqa: N815
    resources: list[_Resource]
    payloadDescriptors: list[_Descriptor] | None = None  # noqa: N815
    clientID: str | None = None  # noqa: N815
    modificationDateTime: str | None = None  # noqa: N815


_NO_DESCRIPTOR = _Descriptor(payloadType="?")


def read_report(body: Body) -> Report:
    """The report, whichever version it is of; MalformedMessage when it cannot be read."""
    try:
        return _read(msgspec.convert(body, _Report))
    except msgspec.ValidationError as error:
        text = str(error)
        reason = "missing_field" if text.startswith("Object missing") else "wrong_type"
        raise MalformedMessage("out_of_range" if " of length " in text else reason, text) from None
    except (ValueError, OverflowError) as error:  # a number of thousands of digits
        raise MalformedMessage("out_of_range", str(error)) from None


def _read(wire: _Report) -> Report:
    if sum(len(resource.intervals) for resource in wire.resources) > MAX_INTERVALS:
        raise MalformedMessage("too_large", f"more than {MAX_INTERVALS} intervals")
    descriptors = {each.payloadType: each for each in wire.payloadDescriptors or ()}
    modified = wire.modificationDateTime
    return Report(
        report_id=wire.id,
        event_id=wire.eventID,
        client_name=wire.clientName,
        client_id=wire.clientID,
        modified_at=None if modified is None else moment(modified),
        said=tuple(_said(wire, descriptors)),
    )


def _said(wire: _Report, descriptors: Mapping[str, _Descriptor]) -> Iterator[Said]:
    for resource in wire.resources:
        before: datetime | None = None
        for interval in resource.intervals:
            start, end = _window(interval.intervalPeriod, resource.intervalPeriod, before)
            before = end
            values = {payload.type: payload.values for payload in interval.payloads}
            seconds = None if start is None or end is None else (end - start).total_seconds()
            p_kw, energy_kwh = _measured(values, descriptors, seconds)
            yield Said(
                resource=resource.resourceName,
                interval=interval.id,
                start=start,
                end=end,
                state=_state(values),
                setpoint_kw=_number(values, descriptors, "SETPOINT", "KW", least=0.0, most=MAX_KW),
                p_kw=p_kw,
                energy_kwh=energy_kwh,
            )


def _window(
    own: _Period | None, common: _Period | None, before: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Start and end; an interval without a start follows the one before it (User Guide 3.1.1, 7.3)."""
    own, common = own or _Period(), common or _Period()
    duration = own.duration or common.duration
    try:
        length = None if duration is None else duration_of(duration)
        start = moment(own.start) if own.start else before or (moment(common.start) if common.start else None)
    except ValueError as error:
        raise MalformedMessage("malformed", f"intervalPeriod: {error}") from None
    if start is None:
        return None, None
    return start, start if length is None else after(start, length)


def _measured(
    values: Mapping[str, list[Any]], descriptors: Mapping[str, _Descriptor], seconds: float | None
) -> tuple[float | None, float | None]:
    """Power and energy register."""
    if _word(values, "DATA_QUALITY") in _VOID_QUALITIES:
        return None, None
    energy_kwh = p_kw = None
    if descriptors.get("READING", _NO_DESCRIPTOR).units == "KWH":
        energy_kwh = _number(values, descriptors, "READING", "KWH", least=0.0, most=MAX_KWH)
    else:
        p_kw = _number(values, descriptors, "READING", "KW", least=-MAX_KW, most=MAX_KW)
    if p_kw is None:
        p_kw = _number(values, descriptors, "DEMAND", "KW", least=-MAX_KW, most=MAX_KW)
    if p_kw is None:
        usage_kwh = _number(values, descriptors, "USAGE", "KWH", least=-MAX_KW, most=MAX_KW)
        if usage_kwh is not None and seconds is not None and 0 < seconds <= MAX_USAGE_S:
            p_kw = usage_kwh * 3600 / seconds
    return p_kw, energy_kwh


def _number(
    values: Mapping[str, list[Any]],
    descriptors: Mapping[str, _Descriptor],
    payload: str,
    units: str,
    *,
    least: float,
    most: float,
) -> float | None:
    """The one value of this type; None when it was not said, or is no measurement."""
    if payload not in values:
        return None
    descriptor = descriptors.get(payload, _NO_DESCRIPTOR)
    if descriptor.units not in (None, units):
        raise MalformedMessage("malformed", f"{payload} in {descriptor.units!a}, expected {units}")
    value = _only(values[payload], payload)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedMessage("wrong_type", f"{payload} is {value!a:.60}, expected a number")
    if not least <= value <= most:  # also when it is not finite
        raise MalformedMessage("out_of_range", f"{payload} is {value}, expected {least:g} to {most:g}")
    return None if descriptor.readingType in _NOT_MEASURED else float(value)


def _state(values: Mapping[str, list[Any]]) -> str | None:
    state = _word(values, "OPERATING_STATE")
    if state is not None and state not in _STATES:
        raise MalformedMessage("out_of_range", f"OPERATING_STATE is {state!a:.60}")
    return state


def _word(values: Mapping[str, list[Any]], payload: str) -> str | None:
    if payload not in values:
        return None
    value = _only(values[payload], payload)
    if not isinstance(value, str):
        raise MalformedMessage("wrong_type", f"{payload} is {value!a:.60}, expected a word")
    return value


def _only(values: list[Any], payload: str) -> object:
    if len(values) != 1:
        raise MalformedMessage("out_of_range", f"{payload} has {len(values)} values, expected one")
    return values[0]
