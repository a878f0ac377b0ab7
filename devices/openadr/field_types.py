"""The small types that the objects of both versions are made of, with their bounds. No I/O.

What OpenAPI leaves open is bounded here (`MAX_ITEMS`, `MAX_TEXT`), far above what anybody needs.
Source: openadr3-3.0.1.yaml and openadr3-3.1.1.yaml, `components/schemas`.
"""

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from devices.openadr.iso_time import checked_date_time, checked_duration

MAX_ITEMS = 10_000
MAX_TEXT = 65_536
MAX_URI = 8000
_URI_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*", re.ASCII)


class DateTime(str):
    """An RFC 3339 date-time, kept as it was written."""

    __slots__ = ()


class DurationText(str):
    """An ISO 8601 duration, kept as it was written."""

    __slots__ = ()


class Uri(str):
    """An absolute URI, kept as it was written."""

    __slots__ = ()


class Int32(int):
    """A whole number of 32 bits; 1.0 is one, as JSON Schema has it."""

    __slots__ = ()


class Percent(int):
    """A whole number from 0 to 100."""

    __slots__ = ()


class Count(int):
    """A whole number from 0 up."""

    __slots__ = ()


_BOUNDS = {Int32: (-(2**31), 2**31 - 1), Percent: (0, 100), Count: (0, 2**63 - 1)}

ObjectId = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]*\Z", min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
ObjectTypeName = Literal["PROGRAM", "EVENT", "REPORT", "SUBSCRIPTION", "VEN", "RESOURCE"]
OperationName = Literal["READ", "CREATE", "UPDATE", "DELETE"]
VerbName = Literal["GET", "POST", "PUT"]
NullableText = Text | UnsetType | None
NullableName = Name | UnsetType | None
NullableBool = bool | UnsetType | None


NEVER_NULL = frozenset(
    {
        "aggregate",
        "createdDateTime",
        "duration",
        "frequency",
        "historical",
        "id",
        "intervalPeriod",
        "intervals",
        "modificationDateTime",
        "numIntervals",
        "objectType",
        "programID",
        "randomizeStart",
        "repeat",
        "reportIntervals",
        "start",
        "startInterval",
        "timeZoneOffset",
        "venID",
    }
)
"""optional fields that the documents do not call nullable; some clients write null for what they leave out"""


def without_nulls(tree: Any) -> Any:
    """The JSON tree without those of NEVER_NULL that are null: they are absent."""
    if isinstance(tree, dict):
        return {
            name: without_nulls(value)
            for name, value in tree.items()
            if value is not None or name not in NEVER_NULL
        }
    return [without_nulls(value) for value in tree] if isinstance(tree, list) else tree


class Wire(msgspec.Struct, kw_only=True, frozen=True):
    """What comes in. Fields that OpenADR does not know are passed over (Definition 3.1.1, "Message
    validation").
    """


class Point(Wire, kw_only=True, frozen=True):
    """`point`."""

    x: float
    y: float


class ValuesMap(Wire, kw_only=True, frozen=True):
    """`valuesMap`."""

    type: Name
    values: Annotated[list[float | int | Text | bool | Point], Meta(max_length=MAX_ITEMS)]


ValuesMaps = Annotated[list[ValuesMap], Meta(max_length=MAX_ITEMS)]
NullableValuesMaps = ValuesMaps | UnsetType | None


class ProgramDescription(Wire, kw_only=True, frozen=True):
    """An entry of `programDescriptions`."""

    URL: Uri


ProgramDescriptions = Annotated[list[ProgramDescription], Meta(max_length=MAX_ITEMS)] | UnsetType | None


class ObjectOperation(Wire, kw_only=True, frozen=True):
    """An entry of a subscription's `objectOperations`; for the verbs see `verbs.py`."""

    objects: Annotated[list[ObjectTypeName], Meta(max_length=100)]
    operations: Annotated[list[OperationName | VerbName], Meta(max_length=100)]
    callbackUrl: Uri  # noqa: N815 - OpenADR's own name
    bearerToken: NullableText = UNSET  # noqa: N815


def read_hook(kind: type, value: Any) -> Any:
    """For msgspec: the types above from JSON's. ValueError becomes a ValidationError that names the field."""
    if kind in _BOUNDS:
        return kind(_whole(value, *_BOUNDS[kind]))
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    if kind is DateTime:
        return DateTime(checked_date_time(value))
    if kind is DurationText:
        return DurationText(checked_duration(value))
    if kind is Uri:
        return Uri(checked_uri(value))
    raise NotImplementedError(kind)


def write_hook(value: Any) -> Any:
    """For msgspec: the types above as JSON's."""
    return int(value) if isinstance(value, int) else str(value)


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError(f"Expected `int`, got {str(value)[:60]!a}")
    if not low <= value <= high:
        raise ValueError(f"Expected `int` from {low} to {high}, got {str(value)[:60]}")
    return int(value)


def checked_uri(text: str) -> str:
    """The text, when it is an absolute URI (RFC 3986); ValueError otherwise."""
    scheme, colon, _ = text.partition(":")
    sound = colon and len(text) <= MAX_URI and _SCHEME.fullmatch(scheme) and _URI_CHARACTERS.fullmatch(text)
    if sound and text.count("#") <= 1 and _authority_is_sound(text):
        return text
    raise ValueError(f"Expected an absolute URI, got {text[:60]!a}")


def _authority_is_sound(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
        host = parts.hostname or ""
        if "[" in parts.netloc and not host.startswith("v"):
            ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "[" not in parts.path and "]" not in parts.path
