"""Reads a payload as one of our wire types. No I/O.

Liberal where it costs nothing: unknown fields are ignored, because real chargers send what no schema has.
Strict in what we use: types, time zones, finite numbers.
"""

from typing import TypeVar

import msgspec

from devices.errors import MalformedMessage
from devices.wire import JSON, WireReader

MAX_BYTES = 1 << 20
"""The connection has a bound of its own, which is less."""

_W = TypeVar("_W", bound=msgspec.Struct)
_readers: dict[type[msgspec.Struct], WireReader[msgspec.Struct]] = {}


class Wire(msgspec.Struct, rename="camel"):
    """A wire type: our names here, camelCase there."""


def read_as(wire: type[_W], payload: bytes) -> _W:
    """The payload as this type, or MalformedMessage."""
    reader = _readers.get(wire)
    if reader is None:
        reader = _readers.setdefault(wire, WireReader(wire, MAX_BYTES))
    read = reader.read(payload, JSON)
    if not isinstance(read, wire):
        raise MalformedMessage("wrong_type", f"expected {wire.__name__}")
    return read
