"""Query parameters of a search, checked, as a `Query`. No I/O.

Source: openadr3-3.0.1.yaml and openadr3-3.1.1.yaml, `parameters`. A list is written by repeating its name.
Names that an operation does not have are passed over.
"""

import re
from collections.abc import Iterable
from typing import get_args

from devices.openadr.field_types import ObjectTypeName
from devices.openadr.objects import Version
from devices.openadr.ports import ObjectKind
from devices.openadr.problems import bad_request
from devices.openadr.queries import MAX_PAGE, Query

_OBJECT_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_NUMBER = re.compile(r"\+?\d{1,10}", re.ASCII)
_INT32 = 2**31 - 1
_OBJECT_TYPES = frozenset(get_args(ObjectTypeName))
_COMMON = frozenset({"skip", "limit"})
_TYPED_TARGETS = frozenset({"targetType", "targetValues"})
NAMES: dict[Version, dict[ObjectKind, frozenset[str]]] = {
    "3.0.1": {
        "program": _COMMON | _TYPED_TARGETS,
        "event": _COMMON | _TYPED_TARGETS | {"programID"},
        "report": _COMMON | {"programID", "eventID", "clientName"},
        "subscription": _COMMON | _TYPED_TARGETS | {"programID", "clientName", "objects"},
        "ven": _COMMON | _TYPED_TARGETS | {"venName"},
        "resource": _COMMON | _TYPED_TARGETS | {"resourceName"},
    },
    "3.1.1": {
        "program": _COMMON | {"targets"},
        "event": _COMMON | {"targets", "programID", "active"},
        "report": _COMMON | {"programID", "eventID", "clientName"},
        "subscription": _COMMON | {"programID", "clientName", "objects"},
        "ven": _COMMON | {"venName", "targets"},
        "resource": _COMMON | {"resourceName", "venID", "targets"},
    },
}
_LISTS = frozenset({"targets", "targetValues", "objects"})


def read_query(version: Version, kind: ObjectKind, pairs: Iterable[tuple[str, str]]) -> Query:
    """Raises Problem 400 that names the parameter."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in NAMES[version][kind]:
            given.setdefault(name, []).append(value)
    for name, values in given.items():
        if len(values) > 1 and name not in _LISTS:
            raise bad_request(f"query parameter {name} is there {len(values)} times")
    shortest = 1 if version == "3.1.1" else 0
    return Query(
        program_id=_object_id(given, "programID"),
        event_id=_object_id(given, "eventID"),
        ven_id=_object_id(given, "venID"),
        client_name=_name(given, "clientName", shortest),
        name=_name(given, f"{kind}Name", shortest),
        targets=_targets(given),
        target_type=_name(given, "targetType", 0),
        target_values=frozenset(given["targetValues"]) if "targetValues" in given else None,
        object_types=_object_types(given),
        active=_flag(given, "active"),
        skip=_number(given, "skip", _INT32, 0),
        limit=_number(given, "limit", MAX_PAGE, MAX_PAGE),
    )


def _object_id(given: dict[str, list[str]], name: str) -> str | None:
    value = _one(given, name)
    if value is not None and not _OBJECT_ID.fullmatch(value):
        raise bad_request(f"query parameter {name}: {value[:60]!a} is no objectID")
    return value


def _name(given: dict[str, list[str]], name: str, shortest: int) -> str | None:
    value = _one(given, name)
    if value is not None and shortest and not 1 <= len(value) <= 128:
        raise bad_request(f"query parameter {name}: expected 1 to 128 characters")
    return value


def _targets(given: dict[str, list[str]]) -> frozenset[str] | None:
    values = given.get("targets")
    if values is None:
        return None
    if any(not 1 <= len(value) <= 128 for value in values):
        raise bad_request("query parameter targets: expected 1 to 128 characters each")
    return frozenset(values)


def _object_types(given: dict[str, list[str]]) -> frozenset[str] | None:
    values = given.get("objects")
    if values is None:
        return None
    if not _OBJECT_TYPES.issuperset(values):
        raise bad_request(f"query parameter objects: expected of {', '.join(sorted(_OBJECT_TYPES))}")
    return frozenset(values)


def _flag(given: dict[str, list[str]], name: str) -> bool:
    value = _one(given, name)
    if value not in (None, "true", "false"):
        raise bad_request(f"query parameter {name}: {value[:60]!a}, expected true or false")
    return value == "true"


def _number(given: dict[str, list[str]], name: str, most: int, default: int) -> int:
    value = _one(given, name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or int(value) > most:
        raise bad_request(f"query parameter {name}: {value[:60]!a}, expected a number from 0 to {most}")
    return int(value)


def _one(given: dict[str, list[str]], name: str) -> str | None:
    values = given.get(name)
    return None if values is None else values[0]
