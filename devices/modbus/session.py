"""What the parts of one unit's driver share: how it is spoken to, what it holds, where news of it goes."""

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from devices.command_rules import CommandRules
from devices.errors import CommandRejected, MalformedMessage, Unreachable
from devices.messages import AnswerKind, DeviceStatus, Inbound, LimitCommand, Refused
from devices.modbus.conversation import Conversation, UnitBusy
from devices.modbus.dialogue import UnitException, UnitState
from devices.modbus.held_limit import HeldLimit, answer_to
from devices.modbus.settings import FieldSettings, FieldUnit
from devices.modbus.tally import Tally
from devices.modbus.unit_news import reading_of, status_of
from devices.ports import Clock, Deliver

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all units of a driver share."""

    settings: FieldSettings
    clock: Clock
    wire_clock: Clock
    tally: Tally
    rules: CommandRules


@dataclass(slots=True)
class Session:
    """Of one unit; it outlives connections."""

    place: FieldUnit
    around: Surroundings
    talk: Conversation
    held: HeldLimit
    online: bool = False
    """True from one answer until the first that fails to come"""
    identity: str | None = None
    """what it says it is, for people"""
    deliver: Deliver | None = None
    _told_of_loss: bool = field(default=False, init=False)
    _told_offline: bool = field(default=False, init=False)

    async def say(self, talk: Coroutine[Any, Any, None]) -> None:
        """Tell the unit something; what cannot be read of its answer is Unreachable, and Refused."""
        try:
            await talk
        except MalformedMessage as error:
            self.refuse(error)
            raise Unreachable(f"{self.place.source}: its answer cannot be read: {error}") from None

    async def poll(self) -> UnitState | None:
        """What it says now, delivered; None when that cannot be. Unreachable."""
        try:
            state = await self.talk.hold(self.place.speech.poll(), ahead=False)
        except (MalformedMessage, UnitException) as error:
            self.here()
            self.refuse(error)
            return None
        except UnitBusy:
            self.here()
            return None
        self.here()
        self._tell(state)
        return state

    async def read_back(self) -> None:
        """Believed when read: what it holds is shown at once; when it cannot be read, by the next poll."""
        with suppress(Unreachable):
            await self.poll()

    def here(self) -> None:
        """It has answered."""
        self.online, self._told_offline = True, False
        if self._told_of_loss:
            self._told_of_loss = False
            log.info("modbus unit up", unit=self.place.source)

    def lost(self, error: Unreachable) -> None:
        """It is silent on a link that is there."""
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning("modbus unit lost", unit=self.place.source, error=str(error))

    def offline(self) -> None:
        """It cannot be reached; when it went is not known."""
        self.online = False
        if self.place.device is not None and not self._told_offline and self.deliver is not None:
            self._told_offline = True
            self.news(DeviceStatus(self.place.feeder, self.place.device, at=None, online=False))

    def refuse(self, error: MalformedMessage | UnitException | CommandRejected) -> None:
        """Count and deliver what cannot be accepted."""
        reason = error.reason if isinstance(error, MalformedMessage) else "malformed"
        detail = error.detail if isinstance(error, MalformedMessage) else f"the unit answers {error}"
        self.news(Refused(self.place.source, reason, detail, b""))

    def answer(self, command: LimitCommand, kind: AnswerKind, reason: str | None) -> None:
        """Deliver the device's answer to a command."""
        self.news(answer_to(command, kind, reason))

    def news(self, message: Inbound) -> None:
        """Deliver a message."""
        if isinstance(message, Refused):
            self.around.tally.refused += 1
        if self.deliver is not None:
            self.deliver(message)

    def _tell(self, state: UnitState) -> None:
        place, now, now_s = self.place, self.around.clock.now(), self.around.clock.monotonic()
        self.held.said(state, now_s)
        if place.meter is not None:
            self.news(reading_of(place, state, now))
        if place.device is not None:
            claim = self.held.claim
            direction = None if claim is None else claim.command.direction
            self.news(status_of(place, state, now, self.held.request_shown(state, now_s), direction))
