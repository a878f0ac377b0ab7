"""The objects of OpenADR 3.0.1 as types, where they differ from 3.1.1: fields, formats and bounds. No I/O.

What the VTN itself writes (`id`, the two times, `objectType`) may stand in a request; it is checked and left
aside. Source: openadr3-3.0.1.yaml, `components/schemas`; the names are the document's.
"""

# ruff: noqa: N815 - OpenADR's own names
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from devices.openadr.field_types import (
    MAX_ITEMS,
    Count,
    DateTime,
    DurationText,
    Int32,
    Name,
    NullableBool,
    NullableText,
    NullableValuesMaps,
    ObjectId,
    ObjectOperation,
    Percent,
    ProgramDescriptions,
    ValuesMaps,
    Wire,
)


class Metadata(Wire, kw_only=True, frozen=True):
    """What the VTN writes; every object has it."""

    id: ObjectId | UnsetType | None = UNSET
    createdDateTime: DateTime | UnsetType | None = UNSET
    modificationDateTime: DateTime | UnsetType | None = UNSET


class IntervalPeriod(Wire, kw_only=True, frozen=True):
    """`intervalPeriod`."""

    start: DateTime
    duration: DurationText | UnsetType | None = UNSET
    randomizeStart: DurationText | UnsetType | None = UNSET


class Interval(Wire, kw_only=True, frozen=True):
    """`interval`."""

    id: Int32
    payloads: ValuesMaps
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET


Intervals = Annotated[list[Interval], Meta(max_length=MAX_ITEMS)]


class EventPayloadDescriptor(Wire, kw_only=True, frozen=True):
    """`eventPayloadDescriptor`."""

    payloadType: Name
    objectType: Literal["EVENT_PAYLOAD_DESCRIPTOR"] | UnsetType | None = UNSET
    units: NullableText = UNSET
    currency: NullableText = UNSET


class ReportPayloadDescriptor(Wire, kw_only=True, frozen=True):
    """`reportPayloadDescriptor`."""

    payloadType: Name
    objectType: Literal["REPORT_PAYLOAD_DESCRIPTOR"] | UnsetType | None = UNSET
    readingType: NullableText = UNSET
    units: NullableText = UNSET
    accuracy: float | UnsetType | None = UNSET
    confidence: Percent | UnsetType | None = UNSET


class AnyPayloadDescriptor(Wire, kw_only=True, frozen=True):
    """An entry of a program's `payloadDescriptors`: either of the two above."""

    payloadType: Name
    objectType: Literal["EVENT_PAYLOAD_DESCRIPTOR", "REPORT_PAYLOAD_DESCRIPTOR"] | UnsetType | None = UNSET
    readingType: NullableText = UNSET
    units: NullableText = UNSET
    currency: NullableText = UNSET
    accuracy: float | UnsetType | None = UNSET
    confidence: Percent | UnsetType | None = UNSET


class ReportDescriptor(Wire, kw_only=True, frozen=True):
    """`reportDescriptor`."""

    payloadType: Name
    readingType: NullableText = UNSET
    units: NullableText = UNSET
    targets: NullableValuesMaps = UNSET
    aggregate: bool | UnsetType | None = UNSET
    startInterval: Int32 | UnsetType | None = UNSET
    numIntervals: Int32 | UnsetType | None = UNSET
    historical: bool | UnsetType | None = UNSET
    frequency: Int32 | UnsetType | None = UNSET
    repeat: Int32 | UnsetType | None = UNSET


class Program(Metadata, kw_only=True, frozen=True):
    """`program`."""

    programName: Name
    objectType: Literal["PROGRAM"] | UnsetType | None = UNSET
    programLongName: NullableText = UNSET
    retailerName: NullableText = UNSET
    retailerLongName: NullableText = UNSET
    programType: NullableText = UNSET
    country: NullableText = UNSET
    principalSubdivision: NullableText = UNSET
    timeZoneOffset: DurationText | UnsetType | None = UNSET
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET
    programDescriptions: ProgramDescriptions = UNSET
    bindingEvents: NullableBool = UNSET
    localPrice: NullableBool = UNSET
    payloadDescriptors: (
        Annotated[list[AnyPayloadDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None
    ) = UNSET
    targets: NullableValuesMaps = UNSET


class Event(Metadata, kw_only=True, frozen=True):
    """`event`."""

    programID: ObjectId
    intervals: Intervals
    objectType: Literal["EVENT"] | UnsetType | None = UNSET
    eventName: NullableText = UNSET
    priority: Count | UnsetType | None = UNSET
    targets: NullableValuesMaps = UNSET
    reportDescriptors: Annotated[list[ReportDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None = (
        UNSET
    )
    payloadDescriptors: (
        Annotated[list[EventPayloadDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None
    ) = UNSET
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET


class ReportResource(Wire, kw_only=True, frozen=True):
    """An entry of a report's `resources`."""

    resourceName: Name
    intervals: Intervals
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET


class Report(Metadata, kw_only=True, frozen=True):
    """`report`."""

    programID: ObjectId
    eventID: ObjectId
    clientName: Name
    resources: Annotated[list[ReportResource], Meta(max_length=MAX_ITEMS)]
    objectType: Literal["REPORT"] | UnsetType | None = UNSET
    reportName: NullableText = UNSET
    payloadDescriptors: (
        Annotated[list[ReportPayloadDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None
    ) = UNSET


class Subscription(Metadata, kw_only=True, frozen=True):
    """`subscription`."""

    clientName: Name
    programID: ObjectId
    objectOperations: Annotated[list[ObjectOperation], Meta(max_length=100)]
    objectType: Literal["SUBSCRIPTION"] | UnsetType | None = UNSET
    targets: NullableValuesMaps = UNSET


class Resource(Metadata, kw_only=True, frozen=True):
    """`resource`."""

    resourceName: Name
    objectType: Literal["RESOURCE"] | UnsetType | None = UNSET
    venID: ObjectId | UnsetType | None = UNSET
    attributes: NullableValuesMaps = UNSET
    targets: NullableValuesMaps = UNSET


class Ven(Metadata, kw_only=True, frozen=True):
    """`ven`."""

    venName: Name
    objectType: Literal["VEN"] | UnsetType | None = UNSET
    attributes: NullableValuesMaps = UNSET
    targets: NullableValuesMaps = UNSET
    resources: Annotated[list[Resource], Meta(max_length=MAX_ITEMS)] | UnsetType | None = UNSET


REQUESTS: dict[str, Any] = {
    "program": Program,
    "event": Event,
    "report": Report,
    "subscription": Subscription,
    "ven": Ven,
    "resource": Resource,
}
"""by kind of object, what its POST and PUT take"""
