"""What the parts of one connection share: the charger, how it is spoken to, and where news of it goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from devices.messages import Answer, AnswerKind, LimitCommand, Refused
from devices.ocpp.calls import Calls
from devices.ocpp.charger_state import ChargerState, answer_to
from devices.ocpp.charging_profile import Ability
from devices.ocpp.clock_watch import ClockWatch
from devices.ocpp.heard import Codec
from devices.ocpp.settings import CsmsSettings
from devices.ports import Clock, Deliver

KEPT_BYTES = 1024


@dataclass(slots=True)
class Tally:
    """Counts over all connections of a central system."""

    received: int = 0
    """frames that came in, good or refused"""
    refused: int = 0
    overstayed: int = 0
    """limits that a charger kept past their end until it was told to clear them"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections of a central system share."""

    settings: CsmsSettings
    clock: Clock
    wire_clock: Clock
    deliver: Deliver
    tally: Tally
    is_newest: Callable[[LimitCommand], bool]
    """whether nothing later has gone out for its request"""


@dataclass(slots=True)
class Session:
    """One connection's share."""

    around: Surroundings
    codec: Codec
    state: ChargerState
    calls: Calls
    clock_watch: ClockWatch
    ability: Ability
    reads_back: bool = True
    """until it says that it never tells what it holds"""
    booted: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """it has been asked what it can do"""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """something is to be looked at now"""

    def tell(self) -> None:
        """Deliver all its devices as they are now."""
        for status in self.state.statuses(self.around.clock.now()):
            self.around.deliver(status)

    def answer(self, command: LimitCommand, kind: AnswerKind, reason: str | None) -> None:
        """Deliver the charger's answer to a command."""
        self.deliver(answer_to(command, kind, reason))

    def deliver(self, answer: Answer) -> None:
        """Deliver an answer."""
        self.around.deliver(answer)

    def refuse(self, reason: str, detail: str, data: str | bytes) -> None:
        """Count and deliver what cannot be accepted."""
        self.around.tally.refused += 1
        payload = data.encode(errors="replace") if isinstance(data, str) else data
        source = f"ocpp://{self.state.charger.charge_point}"
        self.around.deliver(Refused(source, reason, detail, payload[:KEPT_BYTES]))
