"""Watches over one charger: what it can do, whether its clock is right, what it truly holds [6].

On a new connection the charger is asked what it can do, and to report often enough. While it has a limit it
is asked what it holds: after it accepted, every `read_back_s`, at the limit's start and at its end. One that
keeps a limit past its end is told to clear it, and is counted.
"""

from contextlib import suppress
from datetime import timedelta

import structlog

from devices.errors import MalformedMessage, Unreachable
from devices.messages import LimitCommand
from devices.ocpp.calls import CallAnswer
from devices.ocpp.frames import CallResult
from devices.ocpp.heard import Outgoing
from devices.ocpp.limits import releases
from devices.ocpp.read_back import read_back
from devices.ocpp.session import Session
from devices.ocpp.settings import ChargerDevice

AGAIN_S = 5.0
"""What is not as it should be is looked at again so soon."""
SHORTEST_PAUSE_S = 0.05

log = structlog.get_logger(__name__)


class Watch:
    """Of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._grace = timedelta(seconds=session.around.settings.end_grace_s)

    async def run(self) -> None:
        """Until cancelled."""
        session = self._session
        await self._introduce()
        session.clock_watch.judge()
        session.ready.set()
        session.tell()
        await self._ask_to_report()
        while True:
            session.wake.clear()
            if session.clock_watch.judge() is not None:
                await self._ask(session.codec.trigger("Heartbeat"))
                await self._ask(session.codec.trigger("StatusNotification"))
            for device in session.state.charger.devices:
                await self._look(device)
            with suppress(TimeoutError):
                async with session.around.clock.timeout(self._pause_s()):
                    await session.wake.wait()

    async def _introduce(self) -> None:
        session, charger = self._session, self._session.state.charger
        with suppress(TimeoutError):
            async with session.around.wire_clock.timeout(session.around.settings.boot_grace_s):
                await session.booted.wait()
        answer = await self._ask(session.codec.ask_ability())
        if isinstance(answer, CallResult):
            try:
                session.ability = session.codec.read_ability(answer.payload, charger)
            except MalformedMessage as error:
                session.refuse(error.reason, error.detail, answer.payload)
        # what it says to this is live, so it also tells whether its clock is right
        await self._ask(session.codec.trigger("StatusNotification"))
        for device in charger.devices:
            await self._read_back(device)

    async def _ask_to_report(self) -> None:
        for wish in self._session.codec.wishes(self._session.state.charger):
            await self._ask(wish)
        await self._ask(self._session.codec.trigger("MeterValues"))

    async def _look(self, device: ChargerDevice) -> None:
        """Read back what it holds; at its end, see that it let go."""
        state = self._session.state
        if device.device not in state.claims and not state.holds_foreign_limit(device):
            return
        known, held_kw = await self._read_back(device)
        claim = state.claims.get(device.device)
        if claim is not None and self._session.around.clock.now() >= claim.command.end + self._grace:
            overstays = known and state.overstays(device, claim, held_kw)
            if overstays:
                self._tell_overstay(claim.command)
                for outgoing in releases(self._session, claim.command.request, device):
                    await self._ask(outgoing)
            if state.let_go(device, claim.command.request) is not None:
                reason = "end reached, but held on until it was told" if overstays else "end reached"
                self._session.answer(claim.command, "ended", reason)
        self._session.tell()

    async def _read_back(self, device: ChargerDevice) -> tuple[bool, float | None]:
        """Whether it says what it holds, and that."""
        try:
            return await read_back(self._session, device)
        except Unreachable as error:
            self._tell_silent(error)
            return False, None

    async def _ask(self, outgoing: Outgoing) -> CallAnswer | None:
        """Ask what may stay without an answer."""
        try:
            return await self._session.calls.ask(outgoing)
        except Unreachable as error:
            self._tell_silent(error)
            return None

    def _tell_silent(self, error: Unreachable) -> None:
        log.debug("charger silent", charger=self._session.state.charger.charge_point, error=str(error))

    def _pause_s(self) -> float:
        """Until the next look: the period, the next start or end, or soon when something is amiss."""
        session = self._session
        now, waits = session.around.clock.now(), [session.around.settings.read_back_s]
        if session.clock_watch.off_s is not None:
            waits.append(AGAIN_S)
        for device in session.state.charger.devices:
            claim = session.state.claims.get(device.device)
            if claim is None:
                continue
            start, end = claim.command.start, claim.command.end + self._grace
            waits += [(at - now).total_seconds() for at in (start, end) if at > now]
            if start <= now and not claim.is_held(device):
                waits.append(AGAIN_S)
        return max(SHORTEST_PAUSE_S, min(waits))

    def _tell_overstay(self, command: LimitCommand) -> None:
        self._session.around.tally.overstayed += 1
        boot = self._session.state.boot
        log.warning(
            "charger kept a limit past its end",
            charger=self._session.state.charger.charge_point,
            request=command.request,
            vendor=None if boot is None else boot.vendor,
            model=None if boot is None else boot.model,
        )
