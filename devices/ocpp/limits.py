"""Carries limits to one charger and lets go of them [6], and says what came of it.

The charger is the next hop and the device at once, so what it says is delivered as the device's Answer. One
that says it too late is heard all the same, unless something newer has gone out for that request.
"""

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from devices.errors import MalformedMessage, Unreachable
from devices.messages import LimitCommand
from devices.ocpp.calls import CallAnswer, WhenLate
from devices.ocpp.charging_profile import Ability, tolerance_kw, wire_limit
from devices.ocpp.frames import CallError, CallResult
from devices.ocpp.heard import Outgoing
from devices.ocpp.read_back import read_back
from devices.ocpp.session import Session
from devices.ocpp.settings import ChargerDevice

_RETRY = frozenset({"GenericError", "InternalError"})
"""Errors of a charger that may be gone on the next try; all others are a refusal."""


def releases(session: Session, request: str, device: ChargerDevice) -> tuple[Outgoing, ...]:
    """The calls that clear a request's profiles; what the last one is answered counts."""
    codec, ability = session.codec, session.ability
    own = codec.release(request, of_transaction=True)
    if ability.purpose(device) == "transaction":
        return (own,)
    plain = codec.release(request)
    return (own, plain) if ability.follows_transactions(device) else (plain,)


class Limits:
    """Of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tolerance = timedelta(seconds=session.around.settings.clock_tolerance_s)

    async def limit(self, command: LimitCommand, device: ChargerDevice) -> None:
        """Carry a limit over and deliver the charger's answer. Unreachable, CommandRejected."""
        await self._in_time("a limit", self._carry(command, device))

    async def release(self, command: LimitCommand, device: ChargerDevice) -> None:
        """Let go of a request's limit and deliver that it ended. Unreachable."""
        await self._in_time("a release", self._let_go(command, device))

    async def _in_time(self, what: str, calls: Coroutine[Any, Any, None]) -> None:
        """All calls of one command share its deadline; an answer that comes later is heard all the same."""
        around = self._session.around
        try:
            async with around.wire_clock.timeout(around.settings.call_deadline_s):
                await calls
        except TimeoutError:
            if not self._session.ready.is_set():
                raise Unreachable("the charger has just connected and is not known yet") from None
            seconds = around.settings.call_deadline_s
            raise Unreachable(f"{what}: no answer within {seconds:g} s") from None

    async def _carry(self, command: LimitCommand, device: ChargerDevice) -> None:
        session = self._session
        await self._until_ready()
        if not session.ability.smart_charging:
            session.answer(command, "refused", "the charger has no smart charging")
            return
        transaction = session.state.transaction_at(device.connector)
        if session.ability.purpose(device) != "transaction":
            await self._limit(command, device, transaction)
        elif transaction is None:
            session.answer(command, "refused", "no transaction to limit")
        else:
            late = partial(self._limited_late, command, device)
            self._limited(
                command, device, await self._set(command, device, session.ability, transaction, late)
            )

    async def _let_go(self, command: LimitCommand, device: ChargerDevice) -> None:
        *others, last = releases(self._session, command.request, device)
        for outgoing in others:
            await self._session.calls.ask(outgoing)
        late = partial(self._released_late, command, device)
        answer = await self._session.calls.ask(last, late)
        if self._is(answer, "Unknown") and await self._still_holds(command, device):
            answer = await self._session.calls.ask(
                self._session.codec.clear_level(device, self._session.ability)
            )
            claimed = device.device in self._session.state.claims
            if claimed and not self._is(answer, "Accepted"):
                raise Unreachable("the charger knows no such limit, but still holds it")
        self._released(command, device, answer)

    async def _still_holds(self, command: LimitCommand, device: ChargerDevice) -> bool:
        """Whether a charger that knows no such profile shows its limit all the same. One that does not say
        what it holds is believed; so is one that holds another request's limit by now.
        """
        session = self._session
        claim = session.state.claims.get(device.device)
        if claim is not None and claim.command.request != command.request:
            return False
        known, held_kw = await read_back(session, device)
        if not known or held_kw is None:
            return False
        if claim is not None:
            return session.state.overstays(device, claim, held_kw)
        wire = wire_limit(command.limit_kw, device, session.ability.unit)
        return abs(held_kw - wire.limit_kw) <= tolerance_kw(device)

    async def _limit(self, command: LimitCommand, device: ChargerDevice, transaction: str | None) -> None:
        ability = self._session.ability
        late = partial(self._limited_late, command, device)
        answer = await self._set(command, device, ability, None, late)
        try:
            follows = transaction is not None and ability.follows_transactions(device)
            if follows and self._is(answer, "Accepted"):
                with suppress(Unreachable):  # what came of it is read back
                    await self._set(command, device, ability.of_transaction(), transaction, None)
        finally:  # also when the time is over meanwhile
            self._limited(command, device, answer)

    async def _set(
        self,
        command: LimitCommand,
        device: ChargerDevice,
        ability: Ability,
        transaction: str | None,
        late: WhenLate | None,
    ) -> CallAnswer:
        codec, calls = self._session.codec, self._session.calls
        outgoing = codec.limit(self._begun(command), device, ability, transaction)
        answer = await calls.ask(outgoing, late)
        if not (codec.keeps_same_level and self._is(answer, "Rejected")):
            return answer
        # an earlier request's profile may still stand at our level
        await calls.ask(codec.clear_level(device, ability))
        self._end_what_was_cleared(device, command.request)
        return await calls.ask(outgoing, late)

    async def _until_ready(self) -> None:
        await self._session.ready.wait()
        off_s = self._session.clock_watch.off_s
        if off_s is not None:
            raise Unreachable(f"its clock is off by {off_s:+.0f} s: it is asked to take ours")

    def _begun(self, command: LimitCommand) -> LimitCommand:
        """A limit that is to act now began a while ago for the charger, whose clock may be behind ours."""
        if command.start > self._session.around.clock.now():
            return command
        return replace(command, start=command.start - self._tolerance)

    def _is(self, answer: CallAnswer, status: str) -> bool:
        return isinstance(answer, CallResult) and self._status_of(answer)[0] == status

    def _status_of(self, answer: CallResult) -> tuple[str, str | None]:
        try:
            return self._session.codec.read_status(answer.payload)
        except MalformedMessage as error:
            self._session.refuse(error.reason, error.detail, answer.payload)
            raise Unreachable(f"the charger's answer cannot be read: {error}") from None

    def _limited(self, command: LimitCommand, device: ChargerDevice, answer: CallAnswer) -> None:
        session = self._session
        if not session.around.is_newest(command):
            return  # a later command has gone out: its answer counts
        if isinstance(answer, CallError):
            reason = f"{answer.code} {answer.description}".rstrip()
            if answer.code in _RETRY:
                raise Unreachable(f"the charger answers {reason}")
            session.answer(command, "refused", reason)
            return
        status, why = self._status_of(answer)
        if status != "Accepted":
            session.answer(command, "refused", status if why is None else f"{status}: {why}")
            return
        replaced = session.state.accept(
            device, command, wire_limit(command.limit_kw, device, session.ability.unit)
        )
        if replaced is not None:
            session.deliver(replaced)
        session.answer(command, "accepted", None)
        session.wake.set()

    def _released(self, command: LimitCommand, device: ChargerDevice, answer: CallAnswer) -> None:
        if isinstance(answer, CallError):
            raise Unreachable(f"the charger answers {answer.code} {answer.description}".rstrip())
        status, _ = self._status_of(answer)
        if status not in ("Accepted", "Unknown"):
            raise Unreachable(f"the charger answers {status}")
        self._session.state.let_go(device, command.request)
        reason = "released" if status == "Accepted" else "not held any more"
        self._session.answer(command, "ended", reason)
        self._session.tell()

    def _limited_late(self, command: LimitCommand, device: ChargerDevice, answer: CallAnswer) -> None:
        with suppress(Unreachable):  # whoever asked was told so already
            self._limited(command, device, answer)

    def _released_late(self, command: LimitCommand, device: ChargerDevice, answer: CallAnswer) -> None:
        with suppress(Unreachable):
            self._released(command, device, answer)

    def _end_what_was_cleared(self, device: ChargerDevice, kept: str) -> None:
        state = self._session.state
        claim = state.claims.get(device.device)
        if claim is not None and claim.command.request != kept:
            state.let_go(device, claim.command.request)
            self._session.answer(claim.command, "ended", "replaced")
