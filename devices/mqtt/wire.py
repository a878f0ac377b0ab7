"""The JSON and MessagePack of the design as types. No I/O.

Wire types stay here and in `codec.py`; everybody else sees `devices.messages`. All fields must be there; one
whose type allows None may be null. They are read by `devices.wire`.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from devices.messages import AnswerKind, NoticeKind

_At = Annotated[datetime, msgspec.Meta(tz=True)]
_Phases = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=3)]
_Reason = Annotated[str, msgspec.Meta(max_length=500)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class MeterWire(msgspec.Struct):
    """A meter's reading."""

    at: _At
    p_kw: float
    q_kvar: float | None
    v_v: _Phases | None
    energy_kwh: float | None


class SubstationWire(msgspec.Struct):
    """The RTU's reading: as a meter, plus the phase currents."""

    at: _At
    p_kw: float
    q_kvar: float | None
    v_v: _Phases | None
    i_a: _Phases | None
    energy_kwh: float | None


class BatchWire(msgspec.Struct):
    """Many meters in columns."""

    at: _At
    meters: tuple[str, ...]
    p_kw: tuple[float, ...]
    q_kvar: tuple[float, ...] | None


class StatusWire(msgspec.Struct):
    """What a device says of itself."""

    at: _At | None
    online: bool
    p_kw: float | None
    limit_kw: float | None
    request: str | None


class AnswerWire(msgspec.Struct):
    """A device's answer to a request."""

    request: str
    answer: AnswerKind
    reason: _Reason | None


class CommandWire(msgspec.Struct):
    """A request to a device."""

    request: str
    limit_kw: float
    start: _At
    end: _At
    epoch: _Count
    sequence: _Count
    signature: str


class NoticeWire(msgspec.Struct):
    """A request to a person, or a further word about it; without a kind it is the request itself."""

    request: str
    limit_kw: float
    start: _At
    end: _At
    sequence: _Count
    text: str
    kind: NoticeKind = "notice"
