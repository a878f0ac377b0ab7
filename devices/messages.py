"""All that crosses the edge between the field and the daemon: frozen values, no I/O.

Knows nothing of MQTT, Modbus or any other wire: a codec turns bytes into these and these into bytes.
Units stand in names; power is positive for consumption; `at`, `start` and `end` are aware UTC datetimes.
A value that was not measured is None: never 0, never "no limit".
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AnswerKind = Literal["accepted", "refused", "ended"]
NoticeKind = Literal["notice", "taken_back", "follow_up", "thanks", "explanation"]
"""notice: the request itself, or a change of it · taken_back: its early end · follow_up: the meter shows more
than asked · thanks, explanation: what came of it, after its settlement"""
Direction = Literal["consumption", "production"]
"""What is limited: what is taken from the network, or what is fed into it."""
GuardState = Literal["init", "unlimited_controlled", "limited", "failsafe", "unlimited_autonomous"]
"""Where a device stands between controller and silence (`devices.failsafe`), in the words of EEBus LPC."""
HEARTBEAT_TIMEOUT_S = 120
"""A device of guard mode that heard no heartbeat for so long goes to its failsafe limit (EEBus LPC-911)."""
HEARTBEAT_PERIOD_S = 30.0
"""The controller says at least so often that it lives: two in a row may be lost."""
DEFAULT_FAILSAFE_S = 7200
"""How long a failsafe limit is held where nothing else is declared: the least that EEBus LPC knows, 2 h."""
SUBSTATION = "substation"
"""The meter name of a feeder's own RTU."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one meter, or the substation's RTU (`meter == SUBSTATION`), measured at one time."""

    feeder: str
    meter: str
    at: datetime
    p_kw: float
    q_kvar: float | None = None
    v_v: tuple[float, ...] | None = None
    """Phase to neutral voltage of each phase that is measured."""
    i_a: tuple[float, ...] | None = None
    energy_kwh: float | None = None
    """The energy register: only ever grows."""


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Many meters of one feeder at one time, in columns of equal length (from a concentrator)."""

    feeder: str
    at: datetime
    meters: tuple[str, ...]
    p_kw: tuple[float, ...]
    q_kvar: tuple[float, ...] | None = None
    v_v: tuple[float | None, ...] | None = None
    """Mean phase to neutral voltage of meters on three phases; None for one that shows a single phase."""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What a device says of itself. `limit_kw` and `request` are None when no limit is held.

    The fields from `failsafe_kw` on are what a device of guard mode reads back. None: it does not say.
    """

    feeder: str
    device: str
    at: datetime | None
    """None only in a will: the broker says that the device is gone, nobody knows since when."""
    online: bool
    p_kw: float | None = None
    limit_kw: float | None = None
    """on what it takes, whatever set it: a request, or the failsafe"""
    request: str | None = None
    production_limit_kw: float | None = None
    production_request: str | None = None
    """the same of what it feeds in"""
    failsafe_kw: float | None = None
    failsafe_s: int | None = None
    heartbeat_timeout_s: int | None = None
    nominal_kw: float | None = None
    """the most it can take by its own construction or contract"""
    state: GuardState | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A device's answer to one request."""

    feeder: str
    device: str
    request: str
    answer: AnswerKind
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Input that no codec could accept: counted by reason, kept (bounded) for inspection."""

    source: str
    """Topic, register block or address it came from."""
    reason: str
    """One of few words, fit for a metric label: malformed, unknown_topic, missing_field, wrong_type,
    too_large, out_of_range (NaN, infinite, or more than can be), flood (more than one may say),
    unauthorised (who is not let in)."""
    detail: str
    payload: bytes
    feeder: str | None = None
    """that the place names; None: it names none"""


Inbound = Reading | ReadingBatch | DeviceStatus | Answer | Refused


@dataclass(frozen=True, slots=True)
class LimitCommand:
    """ "Take no more than `limit_kw` from `start` until `end`", to one device, which holds the end itself.

    With `direction` "production": feed in no more than `limit_kw`; what is taken stays free.

    The same `request` may come again with a higher `sequence`: a renewal (later end), another limit, or an
    early release (`end` not after now). A sequence that is not higher than the last one seen has no effect.
    A command of an `epoch` lower than the highest seen comes from a controller that was replaced: no effect.
    """

    feeder: str
    device: str
    request: str
    limit_kw: float
    start: datetime
    end: datetime
    epoch: int
    sequence: int
    signature: str = ""
    """Set by `devices.signing` last, over all other fields."""
    direction: Direction = "consumption"


@dataclass(frozen=True, slots=True)
class Failsafe:
    """ "When you hear nothing of me for `heartbeat_timeout_s`, take no more than `failsafe_kw`, for
    `failsafe_s` at least": told to one device of guard mode before its first limit. No answer comes: the
    device's status reads it back.

    The device keeps it over its own restarts. One whose (epoch, sequence) is not above the last does nothing.
    """

    feeder: str
    device: str
    failsafe_kw: float
    failsafe_s: int
    heartbeat_timeout_s: int
    epoch: int
    sequence: int
    signature: str = ""
    """as that of a `LimitCommand`"""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The controller of this epoch lives and completes its cycles; to everybody at once.

    It carries no limit and no permission, and is not signed: it keeps devices from their failsafe, nothing
    else. One whose (epoch, sequence) is not above the last says nothing new.
    """

    at: datetime
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class CustomerNotice:
    """A request to a person, with the same meaning, or a further word about it; `text` is what they read.

    Of each kind the same request and sequence may come again: it is the same word.
    """

    feeder: str
    customer: str
    request: str
    limit_kw: float
    start: datetime
    end: datetime
    sequence: int
    text: str
    kind: NoticeKind = "notice"


Outbound = LimitCommand | CustomerNotice
