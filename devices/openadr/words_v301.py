"""Requests of 3.0.1 in the words of 3.1.1, and objects of ours in the words of 3.0.1. No I/O.

What 3.1.1 has no word for is kept: a program's fields under their own names, typed targets under
`_targets301` beside the strings, and what a VEN says of its own targets under `_declared301`, where it gives
it no rights.
"""

from collections.abc import Mapping
from typing import Any

from devices.openadr.event_schedule import schedule
from devices.openadr.iso_time import NOW, written
from devices.openadr.objects import Stored
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.targets import strings_of, values_maps_of

TYPED = "_targets301"
DECLARED = "_declared301"
PROGRAM_ID = "_programID"
PROGRAM_ONLY = frozenset(
    {
        "programLongName",
        "retailerName",
        "retailerLongName",
        "programType",
        "country",
        "principalSubdivision",
        "timeZoneOffset",
        "bindingEvents",
        "localPrice",
    }
)
"""fields of a program that 3.1.1 no longer has"""
_METADATA = ("id", "createdDateTime", "modificationDateTime", "objectType")


def canonical(kind: ObjectKind, request: Body) -> Body:
    """The request in the words of 3.1.1."""
    body = {name: value for name, value in request.items() if name not in _METADATA}
    _type_descriptors(kind, body)
    if kind == "ven":
        body.pop("resources", None)
    if kind == "event" and body.get("reportDescriptors"):
        body["reportDescriptors"] = [_with_strings(entry) for entry in body["reportDescriptors"]]
    if kind == "report":
        body[PROGRAM_ID] = body.pop("programID")
    return _with_strings(body)


def shown(stored: Stored, body: Body, resources: list[Body]) -> Body:
    """What 3.0.1 reads, from `body` as this reader may see it. `resources` are a ven's, in these words."""
    hidden = body.get("targets") != stored.body.get("targets")
    answer = {name: value for name, value in body.items() if not name.startswith("_") and name != "clientID"}
    _type_targets(answer, {} if hidden else stored.body)
    match stored.kind:
        case "ven":
            declared = stored.body.get(DECLARED) or []
            if declared:
                answer["targets"] = [*(answer.get("targets") or []), *declared]
            if resources:
                answer["resources"] = resources
        case "event":
            _show_event(answer, stored)
        case "report":
            answer["programID"] = stored.body.get(PROGRAM_ID)
            answer["resources"] = [_reported(dict(entry)) for entry in answer["resources"]]
        case "program":
            _fill_start(answer, stored.created)
    return answer


def _show_event(answer: Body, stored: Stored) -> None:
    if answer.get("reportDescriptors"):
        answer["reportDescriptors"] = [_report_descriptor(entry) for entry in answer["reportDescriptors"]]
    starts = [None if start is None else written(start) for start, _ in schedule(stored.body, stored.created)]
    pairs = zip(answer.get("intervals") or [], starts, strict=True)
    answer["intervals"] = [_started(dict(entry), start) for entry, start in pairs]
    _fill_start(answer, stored.created)


def _report_descriptor(entry: Mapping[str, Any]) -> Body:
    shown_entry = {name: value for name, value in entry.items() if name != TYPED}
    _type_targets(shown_entry, entry)
    return shown_entry


def _reported(resource: Body) -> Body:
    resource = _started(resource, None)
    resource["intervals"] = [_started(dict(entry), None) for entry in resource["intervals"]]
    return resource


def _started(interval: Body, start: str | None) -> Body:
    """3.0.1 wants a start in every intervalPeriod; one that says a duration alone gets the start it has."""
    period = interval.get("intervalPeriod")
    if period is not None and "start" not in period:
        interval["intervalPeriod"] = {"start": start or NOW, **period}
    return interval


def _fill_start(answer: Body, created: str) -> None:
    period = answer.get("intervalPeriod")
    if period is not None and "start" not in period:
        answer["intervalPeriod"] = {"start": created, **period}


def _with_strings(entry: Mapping[str, Any]) -> Body:
    body = dict(entry)
    typed = body.get("targets")
    if typed:
        body["targets"] = strings_of(typed)
        body[TYPED] = typed
    return body


def _type_targets(answer: Body, kept: Mapping[str, Any]) -> None:
    if TYPED in kept:
        answer["targets"] = kept[TYPED]
    elif answer.get("targets"):
        answer["targets"] = values_maps_of(answer["targets"])


def _type_descriptors(kind: ObjectKind, body: Body) -> None:
    """3.1.1 wants the type of every payload descriptor; in 3.0.1 it may go without saying."""
    if not body.get("payloadDescriptors"):
        return
    body["payloadDescriptors"] = [
        {"objectType": _descriptor_type(kind, entry), **entry} for entry in body["payloadDescriptors"]
    ]


def _descriptor_type(kind: ObjectKind, entry: Mapping[str, Any]) -> str:
    of_reports = kind == "report" or (
        kind == "program" and entry.keys() & {"readingType", "accuracy", "confidence"}
    )
    return "REPORT_PAYLOAD_DESCRIPTOR" if of_reports else "EVENT_PAYLOAD_DESCRIPTOR"
