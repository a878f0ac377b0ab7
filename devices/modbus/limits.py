"""Carries limits to one unit and lets go of them, keeps them up, and sees that they end [6].

The unit is the next hop and the device at once, so what it says is delivered as the device's Answer. Whoever
calls has the unit for themselves meanwhile.
"""

from datetime import timedelta

import structlog

from devices.errors import CommandRejected, Unreachable
from devices.messages import LimitCommand
from devices.modbus.conversation import UnitBusy
from devices.modbus.dialogue import HoldsFor, UnitException, UnitState
from devices.modbus.session import Session

_AT_ONCE = timedelta(seconds=0.5)
"""A start that is no further away is now."""

log = structlog.get_logger(__name__)


class Limits:
    """Of one unit."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held = session.held
        self._speech = session.place.speech
        self._clock = session.around.clock

    async def carry(self, command: LimitCommand, *, release: bool) -> None:
        """Carry a command over and deliver what the unit says to it. Unreachable, CommandRejected."""
        session = self._session
        if not session.around.rules.is_newest(command):
            raise CommandRejected(f"{command.request}: a later command has gone out")
        if not session.online or session.deliver is None:
            raise Unreachable(f"{session.place.source} is not there")
        if release:
            await self._release(command)
        elif command.start > self._clock.now() + _AT_ONCE:
            await self._wait_for_start(command)
        else:
            await self._limit(command)

    async def keep_up(self) -> None:
        """Write the limit that is due. Unreachable."""
        held, claim = self._held, self._held.claim
        assert claim is not None
        now_s, tried = self._clock.monotonic(), claim.tried
        left_s = claim.left_s(now_s)
        held.trying()
        try:
            held_s = await self._write(claim.command, left_s)
        except UnitBusy:
            held.write_failed(self._clock.monotonic())
        except Unreachable:
            held.write_failed(self._clock.monotonic())
            raise
        except (CommandRejected, UnitException) as error:
            if tried:
                self._not_renewed(left_s)
                return
            held.let_go(claim.command.request)
            self._session.answer(claim.command, "ended", f"not taken at its start: {error}")
        else:
            held.written(now_s, held_s)

    def _not_renewed(self, left_s: float) -> None:
        """It holds what was written before. Where another writing would outlast the end, that has to do."""
        speech, now_s = self._speech, self._clock.monotonic()
        if isinstance(speech, HoldsFor) and left_s < speech.held_s(left_s):
            self._held.written(now_s, left_s)
        else:
            self._held.write_failed(now_s)

    async def end(self, state: UnitState) -> None:
        """See that it let go. A unit that cannot say is told in any case: that does no harm.

        What it refuses to let go of stays ours: it is told again.
        """
        claim, session = self._held.claim, self._session
        if claim is None:
            return
        overstays = self._held.overstays(state)
        if overstays and self._held.overstayed():
            session.around.tally.overstayed += 1
            log.warning(
                "unit kept a limit past its end",
                unit=session.place.source,
                request=claim.command.request,
                identity=session.identity,
            )
        if claim.tried and (overstays or not state.says_limit):
            try:
                await self._tell_release()
            except (UnitException, CommandRejected, UnitBusy):
                return
        late = overstays or claim.overstayed
        self._held.let_go(claim.command.request)
        how = "end reached, but held on until it was told" if late else "end reached"
        session.answer(claim.command, "ended", how)
        await session.read_back()

    async def _limit(self, command: LimitCommand) -> None:
        try:
            await self._leave_other_direction(command)
            held_s = await self._write(command, self._left_s(command))
        except CommandRejected as error:
            self._refused(command, str(error))
        except UnitException as error:
            self._refused(command, f"the unit answers {error}")
        except BaseException:  # no answer, or no more time: it may be half written
            self._held.half_written(command, self._clock.now(), self._clock.monotonic())
            raise
        else:
            self._accepted(command, held_s)
            await self._session.read_back()

    async def _leave_other_direction(self, command: LimitCommand) -> None:
        """A limit that takes the place of one of the other direction does not end it by being written."""
        claim = self._held.claim
        if claim is not None and claim.tried and claim.command.direction != command.direction:
            await self._tell_release()

    async def _wait_for_start(self, command: LimitCommand) -> None:
        """No unit knows starts: it is written then. Until then there is no limit."""
        still_held = False
        if self._held.claim is not None and self._held.claim.tried:
            try:
                await self._tell_release()
            except (UnitException, CommandRejected):
                still_held = True  # it ends by itself; a release that comes before is told
        self._accepted(command, None)
        if still_held:
            self._held.trying()

    async def _release(self, command: LimitCommand) -> None:
        """One that nothing is known of may be of before our start: the unit is told to let go."""
        claim, session = self._held.claim, self._session
        others = claim is not None and claim.command.request != command.request
        waits = claim is not None and not claim.tried and not others
        if not others and not waits:
            try:
                await self._tell_release()
            except (UnitException, CommandRejected) as error:
                raise Unreachable(f"{session.place.source}: no release: {error}") from None
        self._held.let_go(command.request)
        session.answer(command, "ended", "not held any more" if others else "released")
        await session.read_back()

    async def _tell_release(self) -> None:
        session = self._session
        await session.say(session.talk.hold(self._speech.release(), ahead=True))

    async def _write(self, command: LimitCommand, hold_s: float) -> float:
        """Write a limit for the time that is left; how long the unit holds it by itself."""
        speech = self._speech
        dialogue = speech.limit(command.limit_kw, command.direction, hold_s)
        await self._session.say(self._session.talk.hold(dialogue, ahead=True))
        return speech.held_s(hold_s) if isinstance(speech, HoldsFor) else hold_s

    def _left_s(self, command: LimitCommand) -> float:
        return (command.end - self._clock.now()).total_seconds()

    def _accepted(self, command: LimitCommand, held_s: float | None) -> None:
        clock = self._clock
        replaced = self._held.accept(command, clock.now(), clock.monotonic(), held_s)
        if replaced is not None:
            self._session.news(replaced)
        self._session.answer(command, "accepted", None)

    def _refused(self, command: LimitCommand, reason: str) -> None:
        self._session.answer(command, "refused", reason)
        # it may have been half written: what was held before is made whole
        self._held.write_again(self._clock.monotonic())
