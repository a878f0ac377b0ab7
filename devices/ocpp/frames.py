"""OCPP-J's envelope: a call, a result or an error, before anybody asks what it means [1] [6].

OCPP-J 1.6 section 4 and OCPP 2.0.1 part 4 section 4 have the same three forms:
`[2, id, action, payload]`, `[3, id, payload]`, `[4, id, code, description, details]`. No I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from devices.errors import MalformedMessage

MAX_UNIQUE_ID = 36
MAX_ACTION = 64
KEPT_TEXT = 255


@dataclass(frozen=True, slots=True)
class Call:
    """The far side asks; `payload` is JSON that nobody has looked into."""

    unique_id: str
    action: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a call of ours."""

    unique_id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class CallError:
    """The far side could not answer a call of ours."""

    unique_id: str
    code: str
    description: str


Frame = Call | CallResult | CallError
_T = TypeVar("_T")
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def read_frame(data: str | bytes) -> Frame:
    """The envelope, or MalformedMessage; any bytes are fine to come in."""
    raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    try:
        parts = _LIST.decode(raw)
    except RecursionError:
        raise MalformedMessage("malformed", "nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedMessage("malformed", f"no JSON list: {error}") from None
    if not parts:
        raise MalformedMessage("missing_field", "an empty list")
    kind = _part(parts, 0, int, "message type")
    if kind == 2 and len(parts) == 4:
        action = _text(parts, 2, "action", MAX_ACTION)
        return Call(_unique_id(parts), action, bytes(parts[3]))
    if kind == 3 and len(parts) == 3:
        return CallResult(_unique_id(parts), bytes(parts[2]))
    if kind == 4 and len(parts) in (3, 4, 5):
        description = _part(parts, 3, str, "error description")[:KEPT_TEXT] if len(parts) > 3 else ""
        return CallError(_unique_id(parts), _text(parts, 2, "error code", MAX_ACTION), description)
    raise MalformedMessage("malformed", f"message type {kind} with {len(parts)} parts")


def call_frame(unique_id: str, action: str, payload: Mapping[str, Any]) -> str:
    """A call of ours."""
    return msgspec.json.encode([2, unique_id, action, payload]).decode()


def result_frame(unique_id: str, payload: Mapping[str, Any]) -> str:
    """Our answer to a call."""
    return msgspec.json.encode([3, unique_id, payload]).decode()


def error_frame(unique_id: str, code: str, description: str) -> str:
    """We cannot answer a call."""
    return msgspec.json.encode([4, unique_id, code, description[:KEPT_TEXT], {}]).decode()


def _unique_id(parts: list[msgspec.Raw]) -> str:
    return _text(parts, 1, "unique id", MAX_UNIQUE_ID)


def _text(parts: list[msgspec.Raw], place: int, name: str, longest: int) -> str:
    text = _part(parts, place, str, name)
    if not 0 < len(text) <= longest:
        raise MalformedMessage("out_of_range", f"{name} has {len(text)} characters, expected 1 to {longest}")
    return text


def _part(parts: list[msgspec.Raw], place: int, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(parts[place], type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedMessage("wrong_type", f"{name}: {error}") from None
