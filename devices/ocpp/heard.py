"""What a charger may say, in words that both versions of OCPP share: frozen values, no I/O.

A codec makes these from payloads, `charger_state.py` learns from them, and the codec makes the reply.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from devices.messages import LimitCommand
from devices.ocpp.charging_profile import Ability
from devices.ocpp.settings import Charger, ChargerDevice, RateUnit


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one connector measured at one time; None is "not measured"."""

    at: datetime
    p_kw: float | None = None
    energy_kwh: float | None = None
    v_v: tuple[float, ...] | None = None
    i_a: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Booted:
    """It has started."""

    vendor: str
    model: str
    firmware: str | None


@dataclass(frozen=True, slots=True)
class Beat:
    """It is there, and wants our time."""


@dataclass(frozen=True, slots=True)
class ConnectorSaid:
    """The state of one connector, in the words of its version."""

    connector: int
    status: str
    at: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of one connector."""

    connector: int
    values: tuple[Measurement, ...]
    transaction: str | None = None
    """the one that runs meanwhile, when it says so"""


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """May this token charge?"""

    token: str


@dataclass(frozen=True, slots=True)
class Charging:
    """A transaction begins, goes on or ends."""

    kind: Literal["started", "updated", "ended"]
    connector: int | None
    """None when it is only told at the beginning"""
    transaction: str | None
    """None when we are to give it one (1.6)"""
    at: datetime
    token: str | None = None
    values: tuple[Measurement, ...] = ()
    buffered: bool = False
    """it was said while there was no connection"""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something else that is answered without being looked at."""

    action: str


Heard = Booted | Beat | ConnectorSaid | Measured | TokenAsked | Charging | Noted


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a reply may need to know."""

    now: datetime
    heartbeat_s: int
    token_accepted: bool = True
    transaction: int = 0
    """the number that we give a new transaction (1.6)"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call of ours."""

    action: str
    payload: Mapping[str, Any]


class Codec(Protocol):
    """One version of OCPP. Nothing here raises anything but MalformedMessage; nothing does I/O."""

    subprotocol: str
    keeps_same_level: bool
    """A second profile of one stack level is rejected (2.0.1 K01.FR.06) rather than put in place of the
    first (1.6 section 3.13.2)."""

    def read(self, action: str, payload: bytes, phases: Mapping[int, int]) -> Heard:
        """What a call means; `phases` has the connectors that do not have three."""
        ...

    def reply(self, action: str, heard: Heard, facts: ReplyFacts) -> Mapping[str, Any]:
        """The payload of the answer."""
        ...

    def error_code(self, reason: str) -> str:
        """The protocol's word for a reason of `Refused`."""
        ...

    def limit(
        self, command: LimitCommand, device: ChargerDevice, ability: Ability, transaction: str | None
    ) -> Outgoing:
        """SetChargingProfile. Raises CommandRejected."""
        ...

    def release(self, request: str, *, of_transaction: bool = False) -> Outgoing:
        """ClearChargingProfile of this request's profile, or of the one for a transaction."""
        ...

    def clear_level(self, device: ChargerDevice, ability: Ability) -> Outgoing:
        """ClearChargingProfile of whatever is at our stack level."""
        ...

    def read_status(self, payload: bytes) -> tuple[str, str | None]:
        """The `status` of an answer, and its reason when there is one."""
        ...

    def ask_held(self, device: ChargerDevice, unit: RateUnit) -> Outgoing:
        """GetCompositeSchedule."""
        ...

    def read_held(self, payload: bytes, device: ChargerDevice) -> float | None:
        """The limit in force now in kW, or None when it has none. MalformedMessage when it will not say."""
        ...

    def ask_ability(self) -> Outgoing:
        """What can it do?"""
        ...

    def read_ability(self, payload: bytes, charger: Charger) -> Ability:
        """What it can do; what it does not say is by the rules in `charging_profile.Ability`."""
        ...

    def wishes(self, charger: Charger) -> tuple[Outgoing, ...]:
        """How we would like it to report."""
        ...

    def trigger(self, message: Literal["StatusNotification", "Heartbeat", "MeterValues"]) -> Outgoing:
        """TriggerMessage."""
        ...
