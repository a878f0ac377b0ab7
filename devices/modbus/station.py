"""One unit as the driver keeps it: polled every period, told what is due, watched to a limit's end [1, 6].

The unit is asked in a turn of its own; commands and polls of one unit never mix. It is lost when an answer
does not come by its deadline, and asked again with back-off and jitter.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import CommandRejected, MalformedMessage, Unreachable
from devices.messages import Failsafe, LimitCommand
from devices.modbus.connection import LinkLost
from devices.modbus.conversation import Conversation
from devices.modbus.dialogue import HasFailsafe, UnitException, UnitState
from devices.modbus.held_limit import HeldLimit
from devices.modbus.limits import Limits
from devices.modbus.link import Link
from devices.modbus.session import Session, Surroundings
from devices.modbus.settings import FieldUnit
from devices.ports import Deliver

FIRST_LOOK_S = 2.0
"""A unit is first asked within this time, whatever its period."""
AGAIN_S = 1.0
"""What could not be done at its time is tried again after this."""

log = structlog.get_logger(__name__)


class Station:
    """LinkHealth of one unit. All calls are on the loop's thread."""

    def __init__(self, place: FieldUnit, link: Link, around: Surroundings, rng: np.random.Generator) -> None:
        talk = Conversation(link, place.unit, place.speech, around.tally)
        settings = around.settings
        self.place = place
        self.session = Session(place, around, talk, HeldLimit(settings.end_grace_s))
        self._limits = Limits(self.session)
        self._link, self._around, self._rng = link, around, rng
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._waiting = 0
        self._beat_due = False
        self._known_since = 0
        self._due_s = self._spread_s = 0.0
        link.units += 1
        link.when_lost.append(self._link_lost)

    @property
    def online(self) -> bool:
        """True from one answer until the first that fails to come."""
        return self.session.online

    @property
    def connected(self) -> bool:
        """See `devices.ports.LinkHealth.connected`."""
        return self.online

    @property
    def identity(self) -> str | None:
        """What it says it is, for people."""
        return self.session.identity

    async def run(self, deliver: Deliver) -> None:
        """Ask every period until cancelled."""
        self.session.deliver = deliver
        first_s = min(self.place.period_s, FIRST_LOOK_S)
        await self._around.clock.sleep(float(self._rng.uniform(0.0, first_s)))
        self._look_soon()
        while True:
            await self._once()

    async def command(self, command: LimitCommand, *, release: bool) -> None:
        """Carry a command over and deliver what the unit says to it. Unreachable, CommandRejected."""
        async with self._alone():
            await self._limits.carry(command, release=release)

    async def arm(self, failsafe: Failsafe) -> None:
        """Tell the unit its failsafe; its status reads it back. Unreachable, CommandRejected."""
        speech, session = self.place.speech, self.session
        if not isinstance(speech, HasFailsafe):
            raise CommandRejected(f"{self.place.source} knows no failsafe")
        if speech.heartbeat_timeout_s > failsafe.heartbeat_timeout_s:
            raise CommandRejected(
                f"{self.place.source} waits {speech.heartbeat_timeout_s} s for a heartbeat, expected at most"
                f" {failsafe.heartbeat_timeout_s}"
            )
        async with self._alone():
            if not session.online:
                raise Unreachable(f"{self.place.source} is not there")
            dialogue = speech.arm(failsafe.failsafe_kw, failsafe.failsafe_s)
            try:
                await session.say(session.talk.hold(dialogue, ahead=True))
            except UnitException as error:
                raise CommandRejected(f"{self.place.source}: the unit answers {error}") from None
            await session.read_back()

    def beat(self) -> None:
        """The controller lives: say so to the unit as soon as may be."""
        if isinstance(self.place.speech, HasFailsafe) and self.online:
            self._beat_due = True
            self._wake.set()

    # ---- its own loop --------------------------------------------------------------------------------------

    async def _once(self) -> None:
        """One look, and the pause after it."""
        connection = await self._link.ready()
        try:
            async with self._turn:
                if connection != self._known_since:
                    await self._introduce(connection)
                await self._look()
        except LinkLost:
            self._offline()  # the link has its own pause
            await self._around.wire_clock.sleep(0)  # whatever becomes of it: others go on
        except Unreachable as error:
            if self._link.connected:  # else the link was given up for this, and tells
                self.session.lost(error)
            if self.online:  # it may have lost power: a connection of its gateway says nothing of that
                self.session.held.write_again(self._around.clock.monotonic())
            self._offline()
            if self._link.connected:
                await self._rest()
        except Exception:
            log.exception("modbus unit failed", unit=self.place.source)
            self._offline()
            await self._rest()
        else:
            self._backoff.reset()
            await self._pause()

    async def _introduce(self, connection: int) -> None:
        session = self.session
        try:
            session.identity = await session.talk.hold(self.place.speech.identify(), ahead=False)
        except (MalformedMessage, UnitException, CommandRejected) as error:
            session.refuse(error)
            raise Unreachable(f"it does not say what it is: {error}") from None
        self._known_since = connection
        session.held.write_again(self._around.clock.monotonic())

    async def _look(self) -> None:
        """Whatever is due: a heartbeat, the limit, a poll, the end."""
        if self._beat_due:
            await self._pass_on_beat()
        due = self.session.held.due(self._around.clock.monotonic())
        if due == "write":
            await self._limits.keep_up()
        if due == "end" or self._around.clock.monotonic() >= self._due_s:
            self._next_due()
            state = await self.session.poll()
            if due == "end":  # also when nothing that it measures can be read
                await self._limits.end(state or UnitState())

    async def _pass_on_beat(self) -> None:
        self._beat_due = False
        if isinstance(self.place.speech, HasFailsafe):
            with suppress(UnitException):  # its status shows when it goes to its failsafe
                await self.session.say(self.session.talk.hold(self.place.speech.beat(), ahead=True))

    def _look_soon(self) -> None:
        """Poll as soon as may be, and from then on at a phase of its own."""
        self._due_s = self._around.clock.monotonic()
        self._spread_s = float(self._rng.uniform(0.0, self.place.period_s))
        self._wake.set()

    def _next_due(self) -> None:
        now_s, period_s, tally = self._around.clock.monotonic(), self.place.period_s, self._around.tally
        tally.polls += 1
        if now_s - self._due_s > period_s / 2:
            tally.late_polls += 1
        if now_s >= self._due_s:
            self._due_s = max(self._due_s + (self._spread_s or period_s), now_s)
            self._spread_s = 0.0

    async def _pause(self) -> None:
        clock = self._around.clock
        now_s = clock.monotonic()
        pause_s = self._due_s - now_s
        at_s = self.session.held.next_at_s(now_s)
        if at_s is not None:
            due_s = at_s - now_s
            pause_s = min(pause_s, due_s if due_s > 0 else AGAIN_S)
        self._wake.clear()
        if pause_s <= 0:
            await clock.sleep(0)  # others go on
            return
        with suppress(TimeoutError):
            async with clock.timeout(pause_s):
                await self._wake.wait()

    async def _rest(self) -> None:
        await self._around.wire_clock.sleep(self._backoff.next_wait_s())

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nothing else is said to the unit inside the block, which has a deadline. Unreachable."""
        settings = self._around.settings
        if self._waiting >= settings.max_waiting:
            raise Unreachable(f"{self._waiting} commands wait for the unit already")
        self._waiting += 1
        try:
            with self.session.talk.hurried():
                async with self._around.wire_clock.timeout(settings.command_deadline_s), self._turn:
                    yield
        except Unreachable:
            self._look_soon()  # is it still there?
            raise
        except TimeoutError:
            seconds = settings.command_deadline_s
            raise Unreachable(f"{self.place.source}: not done within {seconds:g} s") from None
        finally:
            self._waiting -= 1
            self._wake.set()

    def _link_lost(self) -> None:
        self._offline()
        self._look_soon()

    def _offline(self) -> None:
        self._beat_due = False
        self.session.offline()
