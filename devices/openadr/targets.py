"""Targets: plain strings in 3.1.1, typed lists of values in 3.0.1; how one is read as the other. No I/O.

`{"type": "GROUP", "values": ["x"]}` is the string `x`; any other type stands before it, as in `VEN_NAME:x`.
Source: openadr3-3.0.1.yaml and 3.1.1.yaml, `targets`; the types: OpenADR 3.0.1 Definition, "Targets".
"""

from collections.abc import Iterable, Mapping
from typing import Any

GROUP = "GROUP"
VEN_NAME = "VEN_NAME"
MAX_TARGET = 128
TYPES = frozenset(
    {
        GROUP,
        VEN_NAME,
        "POWER_SERVICE_LOCATION",
        "SERVICE_AREA",
        "RESOURCE_NAME",
        "EVENT_NAME",
        "PROGRAM_NAME",
    }
)


def ven_name_target(ven_name: str) -> str:
    """The target that 3.0.1 writes as VEN_NAME."""
    return f"{VEN_NAME}:{ven_name}"


def strings_of(values_maps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Targets of 3.0.1 as those of 3.1.1, each once, in order."""
    pairs = ((entry["type"], value) for entry in values_maps for value in entry["values"])
    return list(dict.fromkeys(_string(kind, value) for kind, value in pairs))


def values_maps_of(targets: Iterable[str]) -> list[dict[str, Any]]:
    """Targets of 3.1.1 as those of 3.0.1, one entry a type."""
    by_type: dict[str, list[str]] = {}
    for target in targets:
        kind, colon, value = target.partition(":")
        if not colon or kind not in TYPES:
            kind, value = GROUP, target
        by_type.setdefault(kind, []).append(value)
    return [{"type": kind, "values": values} for kind, values in by_type.items()]


def presentable(targets: Iterable[str]) -> list[str]:
    """Those that 3.1.1 can write."""
    return [target for target in targets if 1 <= len(target) <= MAX_TARGET]


def matches_301(target: str, target_type: str | None, values: frozenset[str] | None) -> bool:
    """Whether a target is of this type (None: any) and has one of these values (None: any)."""
    kind, colon, value = target.partition(":")
    if not colon or kind not in TYPES | {target_type}:
        kind, value = GROUP, target
    return (target_type is None or kind == target_type) and (values is None or value in values)


def _string(kind: str, value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if kind == GROUP else f"{kind}:{text}"
