"""The requests of OpenADR 3.1.1 as types: every field, format and bound of the document. No I/O.

Source: openadr3-3.1.1.yaml, `components/schemas`; the names are the document's.
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
    NullableName,
    NullableText,
    NullableValuesMaps,
    ObjectId,
    ObjectOperation,
    Percent,
    ProgramDescriptions,
    ValuesMaps,
    Wire,
)

NullableTargets = Annotated[list[Name], Meta(max_length=MAX_ITEMS)] | UnsetType | None


class IntervalPeriod(Wire, kw_only=True, frozen=True):
    """`intervalPeriod`."""

    start: DateTime | UnsetType | None = UNSET
    duration: DurationText | UnsetType | None = UNSET
    randomizeStart: DurationText | UnsetType | None = UNSET


class Interval(Wire, kw_only=True, frozen=True):
    """`interval`."""

    id: Int32
    payloads: ValuesMaps
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET


Intervals = Annotated[list[Interval], Meta(max_length=MAX_ITEMS)]


class EventPayloadDescriptor(
    Wire, kw_only=True, frozen=True, tag_field="objectType", tag="EVENT_PAYLOAD_DESCRIPTOR"
):
    """`eventPayloadDescriptor`."""

    payloadType: Name
    units: NullableName = UNSET
    currency: NullableText = UNSET


class ReportPayloadDescriptor(
    Wire, kw_only=True, frozen=True, tag_field="objectType", tag="REPORT_PAYLOAD_DESCRIPTOR"
):
    """`reportPayloadDescriptor`."""

    payloadType: Name
    readingType: NullableName = UNSET
    units: NullableName = UNSET
    accuracy: float | UnsetType | None = UNSET
    confidence: Percent | UnsetType | None = UNSET


class ReportDescriptor(Wire, kw_only=True, frozen=True):
    """`reportDescriptor`."""

    payloadType: Name
    readingType: NullableName = UNSET
    units: NullableName = UNSET
    targets: NullableTargets = UNSET
    aggregate: bool | UnsetType | None = UNSET
    startInterval: Int32 | UnsetType | None = UNSET
    numIntervals: Int32 | UnsetType | None = UNSET
    historical: bool | UnsetType | None = UNSET
    frequency: Int32 | UnsetType | None = UNSET
    repeat: Int32 | UnsetType | None = UNSET
    reportIntervals: Literal["INTERVALS", "SUB_INTERVALS", "OPEN_INTERVALS"] | UnsetType | None = UNSET


class ProgramRequest(Wire, kw_only=True, frozen=True):
    """`programRequest`."""

    programName: Name
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET
    programDescriptions: ProgramDescriptions = UNSET
    payloadDescriptors: (
        Annotated[list[EventPayloadDescriptor | ReportPayloadDescriptor], Meta(max_length=MAX_ITEMS)]
        | UnsetType
        | None
    ) = UNSET
    attributes: NullableValuesMaps = UNSET
    targets: NullableTargets = UNSET


class EventRequest(Wire, kw_only=True, frozen=True):
    """`eventRequest`."""

    programID: ObjectId
    eventName: NullableText = UNSET
    duration: DurationText | UnsetType | None = UNSET
    priority: Count | UnsetType | None = UNSET
    targets: NullableTargets = UNSET
    reportDescriptors: Annotated[list[ReportDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None = (
        UNSET
    )
    payloadDescriptors: (
        Annotated[list[EventPayloadDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None
    ) = UNSET
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET
    intervals: Intervals | UnsetType | None = UNSET


class ReportResource(Wire, kw_only=True, frozen=True):
    """An entry of a report's `resources`."""

    resourceName: Name
    intervals: Intervals
    intervalPeriod: IntervalPeriod | UnsetType | None = UNSET


class ReportRequest(Wire, kw_only=True, frozen=True):
    """`reportRequest`."""

    eventID: ObjectId
    clientName: Name
    resources: Annotated[list[ReportResource], Meta(max_length=MAX_ITEMS)]
    reportName: NullableText = UNSET
    payloadDescriptors: (
        Annotated[list[ReportPayloadDescriptor], Meta(max_length=MAX_ITEMS)] | UnsetType | None
    ) = UNSET


class SubscriptionRequest(Wire, kw_only=True, frozen=True):
    """`subscriptionRequest`."""

    clientName: Name
    objectOperations: Annotated[list[ObjectOperation], Meta(max_length=100)]
    programID: ObjectId | UnsetType | None = UNSET
    targets: NullableTargets = UNSET


class BlVenRequest(Wire, kw_only=True, frozen=True, tag_field="objectType", tag="BL_VEN_REQUEST"):
    """`BlVenRequest`."""

    clientID: Name
    venName: Name
    targets: NullableTargets = UNSET
    attributes: NullableValuesMaps = UNSET


class VenVenRequest(Wire, kw_only=True, frozen=True, tag_field="objectType", tag="VEN_VEN_REQUEST"):
    """`VenVenRequest`."""

    venName: Name
    attributes: NullableValuesMaps = UNSET


class BlResourceRequest(Wire, kw_only=True, frozen=True, tag_field="objectType", tag="BL_RESOURCE_REQUEST"):
    """`BlResourceRequest`."""

    clientID: Name
    resourceName: Name
    venID: ObjectId
    targets: NullableTargets = UNSET
    attributes: NullableValuesMaps = UNSET


class VenResourceRequest(Wire, kw_only=True, frozen=True, tag_field="objectType", tag="VEN_RESOURCE_REQUEST"):
    """`VenResourceRequest`."""

    resourceName: Name
    venID: ObjectId
    attributes: NullableValuesMaps = UNSET


REQUESTS: dict[str, Any] = {
    "program": ProgramRequest,
    "event": EventRequest,
    "report": ReportRequest,
    "subscription": SubscriptionRequest,
    "ven": BlVenRequest | VenVenRequest,
    "resource": BlResourceRequest | VenResourceRequest,
}
"""by kind of object, what its POST and PUT take"""
FIELDS: dict[str, frozenset[str]] = {
    "program": frozenset(ProgramRequest.__struct_fields__),
    "event": frozenset(EventRequest.__struct_fields__),
    "report": frozenset(ReportRequest.__struct_fields__),
    "subscription": frozenset(SubscriptionRequest.__struct_fields__),
    "ven": frozenset(BlVenRequest.__struct_fields__),
    "resource": frozenset(BlResourceRequest.__struct_fields__),
}
"""by kind of object, its fields besides the VTN's own"""
