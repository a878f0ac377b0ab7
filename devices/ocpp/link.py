"""One connection of one charger: hears what it says and answers it [1].

The codec knows what frames mean, `charger_state.py` what is known of the charger, `limits.py` carries limits
and `watch.py` watches over it.
"""

import asyncio
from typing import Protocol, assert_never

from websockets.exceptions import ConnectionClosed

from devices.errors import MalformedMessage
from devices.ocpp.calls import Calls
from devices.ocpp.charger_state import ChargerState
from devices.ocpp.charging_profile import ability
from devices.ocpp.clock_watch import ClockWatch
from devices.ocpp.frames import Call, CallError, CallResult, error_frame, read_frame, result_frame
from devices.ocpp.heard import Booted, Charging, Codec, Heard, ReplyFacts, TokenAsked
from devices.ocpp.limits import Limits
from devices.ocpp.session import Session, Surroundings
from devices.ocpp.watch import Watch
from devices.rate import Bucket

_POLICY_VIOLATION = 1008
_CUT_OFF = {1002: "malformed", 1007: "malformed", 1009: "too_large"}
"""Close codes (RFC 6455 section 7.4.1) with which the library ends a connection that breaks its rules."""


class Connection(Protocol):
    """What we need of a WebSocket."""

    async def recv(self) -> str | bytes: ...  # noqa: D102

    async def send(self, message: str) -> None: ...  # noqa: D102

    async def close(self, code: int, reason: str) -> None: ...  # noqa: D102


class ChargerLink:
    """One connection, from its opening until it is gone."""

    def __init__(
        self, connection: Connection, codec: Codec, state: ChargerState, around: Surroundings, prefix: str
    ) -> None:
        """`prefix` makes the ids of our calls over this connection its own."""
        settings = around.settings
        self.session = Session(
            around=around,
            codec=codec,
            state=state,
            calls=Calls(connection.send, around.wire_clock, settings.call_deadline_s, prefix),
            clock_watch=ClockWatch(settings.clock_tolerance_s),
            ability=ability(state.charger),
        )
        self.limits = Limits(self.session)
        self._connection = connection
        self._bucket = Bucket(settings.messages_per_s, settings.messages_burst)

    async def run(self) -> None:
        """Until the connection is gone. The owner closes it."""
        async with asyncio.TaskGroup() as tasks:
            name = f"charger {self.session.state.charger.charge_point}"
            watching = tasks.create_task(Watch(self.session).run(), name=name)
            try:
                await self._receive()
            finally:
                watching.cancel()
                self.session.calls.lose()

    async def _receive(self) -> None:
        try:
            while True:
                data = await self._connection.recv()
                self.session.around.tally.received += 1
                await self._take(data)
        except ConnectionClosed as closed:
            reason = None if closed.sent is None else _CUT_OFF.get(closed.sent.code)
            if reason is not None and closed.sent is not None:
                self.session.refuse(reason, closed.sent.reason or "no WebSocket message", b"")

    async def _take(self, data: str | bytes) -> None:
        try:
            frame = read_frame(data)
        except MalformedMessage as error:
            if await self._fits(data):
                self.session.refuse(error.reason, error.detail, data)
            return
        match frame:
            case Call():
                if await self._fits(data):
                    await self._answer(frame, data)
            case CallResult() | CallError():
                # what was asked for never counts as too much
                if not self.session.calls.take(frame) and await self._fits(data):
                    detail = "answers nothing that was asked, or answers it again"
                    self.session.refuse("malformed", detail, data)
            case _:
                assert_never(frame)

    async def _fits(self, data: str | bytes) -> bool:
        """Whether the charger may say this much; one that goes on for too long is cut off."""
        around = self.session.around
        if self._bucket.take(around.wire_clock.monotonic()):
            return True
        self.session.refuse("flood", f"more than {around.settings.messages_per_s:g} messages a second", data)
        if self._bucket.refused >= around.settings.messages_burst:
            await self._connection.close(_POLICY_VIOLATION, "too many messages")
        return False

    async def _answer(self, call: Call, data: str | bytes) -> None:
        session = self.session
        try:
            heard = session.codec.read(call.action, call.payload, session.state.phases)
        except MalformedMessage as error:
            session.refuse(error.reason, error.detail, data)
            code = session.codec.error_code(error.reason)
            await self._connection.send(error_frame(call.unique_id, code, error.detail))
            return
        facts = self._facts(heard)
        self._learn(heard, data)
        reply = session.codec.reply(call.action, heard, facts)
        await self._connection.send(result_frame(call.unique_id, reply))
        if isinstance(heard, Booted):
            session.booted.set()

    def _learn(self, heard: Heard, data: str | bytes) -> None:
        session, now = self.session, self.session.around.clock.now()
        was_right = session.clock_watch.off_s is None
        believed, ahead_s = session.clock_watch.look(heard, now)
        if ahead_s is not None:
            session.refuse("out_of_range", f"its clock is {ahead_s:.0f} s ahead of ours", data)
            if was_right:
                session.wake.set()
        for reading in session.state.learn(believed, now):
            session.around.deliver(reading)
        session.tell()

    def _facts(self, heard: Heard) -> ReplyFacts:
        settings, now = self.session.around.settings, self.session.around.clock.now()
        token = heard.token if isinstance(heard, TokenAsked | Charging) else None
        may = settings.who_may_charge
        number = 0
        if isinstance(heard, Charging) and heard.kind == "started" and heard.transaction is None:
            number = self.session.state.number_of(heard, now)
        return ReplyFacts(now, settings.heartbeat_s, token is None or may is None or token in may, number)
