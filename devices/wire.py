"""Reads payloads of the field as typed values, and checks what types cannot say. No I/O.

Every protocol whose messages are JSON or MessagePack reads them by `WireReader`; their own types are theirs.
All faults are MalformedMessage with one of few reasons, which the codecs turn into `Refused`.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from devices.errors import MalformedMessage
from devices.identifiers import id_fault

JSON = "application/json"
MSGPACK = "application/msgpack"

_W = TypeVar("_W", bound=msgspec.Struct)


class WireReader(Generic[_W]):
    """Reads one wire type in both formats, after looking at the size."""

    def __init__(self, wire: type[_W], max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._json = msgspec.json.Decoder(wire)
        self._msgpack = msgspec.msgpack.Decoder(wire)

    def read(self, payload: bytes, content_type: str | None) -> _W:
        """The payload as its wire type, or MalformedMessage."""
        if len(payload) > self._max_bytes:
            raise MalformedMessage("too_large", f"{len(payload)} bytes, at most {self._max_bytes} are read")
        decoder = self._msgpack if _is_msgpack(payload, content_type) else self._json
        try:
            return decoder.decode(payload)
        except msgspec.ValidationError as error:
            raise MalformedMessage(_reason(str(error)), str(error)) from None
        except RecursionError:
            raise MalformedMessage("malformed", "nested too deeply") from None
        except (msgspec.MsgspecError, ValueError) as error:
            raise MalformedMessage("malformed", str(error)) from None


def checked_id(field: str, value: str) -> str:
    """The id, when it is fit to be one."""
    fault = id_fault(value)
    if fault is not None:
        raise MalformedMessage("malformed", f"`{field}`: {value[:60]!a} {fault}")
    return value


def checked_utc(field: str, at: datetime) -> datetime:
    """The time in UTC; the first and last hours of the calendar have none."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise MalformedMessage("out_of_range", f"`{field}` is no time in UTC: {at.isoformat()}") from None


def finite(field: str, value: float) -> float:
    """The number, unless it is NaN or infinite (MessagePack can say so; JSON cannot)."""
    if not math.isfinite(value):
        raise MalformedMessage("out_of_range", f"`{field}` is {value}, expected a finite number")
    return value


def finite_or_none(field: str, value: float | None) -> float | None:
    """As `finite`; None is "not measured"."""
    return None if value is None else finite(field, value)


def all_finite(field: str, values: Iterable[float]) -> tuple[float, ...]:
    """As `finite`, for a column or the phases."""
    return tuple(finite(field, value) for value in values)


def all_finite_or_none(field: str, values: Iterable[float] | None) -> tuple[float, ...] | None:
    """As `all_finite`; None is "not measured"."""
    return None if values is None else all_finite(field, values)


def _is_msgpack(payload: bytes, content_type: str | None) -> bool:
    """By content type; MQTT 3.1.1 has none, but no MessagePack map begins as JSON does."""
    if content_type is not None:
        return content_type.partition(";")[0].strip().lower() == MSGPACK
    return payload[:1] != b"" and (payload[0] & 0xF0 == 0x80 or payload[0] in (0xDE, 0xDF))


def _reason(message: str) -> str:
    """One of few words for a metric label, from the decoder's own words (pinned by tests)."""
    if message.startswith("Object missing required field"):
        return "missing_field"
    if "out of range" in message or " of length " in message or "Expected `int` " in message:
        return "out_of_range"
    return "wrong_type"
