"""The JSON and MessagePack of the design as types. No I/O.

Wire types stay here and in `codec.py`; everybody else sees `devices.messages`. All fields must be there but
those with a default; one whose type allows None may be null. They are read by `devices.wire`.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from devices.messages import AnswerKind, Direction, GuardState, NoticeKind

_At = Annotated[datetime, msgspec.Meta(tz=True)]
_Phases = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=3)]
_Reason = Annotated[str, msgspec.Meta(max_length=500)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=(1 << 31) - 1)]
"""A duration is never 0: one that is not told is absent."""


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


class BatchWire(msgspec.Struct, omit_defaults=True):
    """Many meters in columns. `v_v` may be left out: the mean of three phases, null for a single one."""

    at: _At
    meters: tuple[str, ...]
    p_kw: tuple[float, ...]
    q_kvar: tuple[float, ...] | None
    v_v: tuple[float | None, ...] | None = None


class StatusWire(msgspec.Struct, omit_defaults=True):
    """What a device says of itself; one that knows no failsafe and no feed-in leaves the last fields out."""

    at: _At | None
    online: bool
    p_kw: float | None
    limit_kw: float | None
    request: str | None
    production_limit_kw: float | None = None
    production_request: str | None = None
    failsafe_kw: float | None = None
    failsafe_s: _Seconds | None = None
    heartbeat_timeout_s: _Seconds | None = None
    nominal_kw: float | None = None
    state: GuardState | None = None


class AnswerWire(msgspec.Struct):
    """A device's answer to a request."""

    request: str
    answer: AnswerKind
    reason: _Reason | None


class CommandWire(msgspec.Struct, omit_defaults=True):
    """A request to a device. Without a direction it is about what the device takes."""

    request: str
    limit_kw: float
    start: _At
    end: _At
    epoch: _Count
    sequence: _Count
    signature: str
    direction: Direction = "consumption"


class FailsafeWire(msgspec.Struct):
    """What a device of guard mode is to do in silence."""

    failsafe_kw: float
    failsafe_s: _Seconds
    heartbeat_timeout_s: _Seconds
    epoch: _Count
    sequence: _Count
    signature: str


class HeartbeatWire(msgspec.Struct):
    """The controller lives."""

    at: _At
    epoch: _Count
    sequence: _Count


class NoticeWire(msgspec.Struct):
    """A request to a person, or a further word about it; without a kind it is the request itself."""

    request: str
    limit_kw: float
    start: _At
    end: _At
    sequence: _Count
    text: str
    kind: NoticeKind = "notice"
