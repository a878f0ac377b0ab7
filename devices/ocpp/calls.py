"""Our calls to one charger: one at a time (OCPP-J section 4.1), each with a deadline.

An answer that comes after its deadline is not lost: whoever asked may have left word what to do with it. One
that comes twice, or was never asked for, is told to be so.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from devices.errors import Unreachable
from devices.ocpp.frames import CallError, CallResult, call_frame
from devices.ocpp.heard import Outgoing
from devices.ports import Clock

MAX_LATE = 32
"""Calls whose answer is overdue; the oldest is forgotten first."""
CallAnswer = CallResult | CallError
WhenLate = Callable[[CallAnswer], None]


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[CallAnswer]
    when_late: WhenLate | None


class Calls:
    """The calls of one connection."""

    def __init__(
        self, send: Callable[[str], Awaitable[None]], wire_clock: Clock, deadline_s: float, prefix: str
    ) -> None:
        """`prefix` makes the ids of this connection its own."""
        self._send = send
        self._wire_clock = wire_clock
        self._deadline_s = deadline_s
        self._ids = (f"{prefix}-{number}" for number in itertools.count(1))
        self._turn = asyncio.Lock()
        self._pending: dict[str, _Pending] = {}
        self._lost = False

    async def ask(self, outgoing: Outgoing, when_late: WhenLate | None = None) -> CallAnswer:
        """The charger's answer; Unreachable when there is none in time."""
        try:
            async with self._wire_clock.timeout(self._deadline_s), self._turn:
                return await self._ask(outgoing, when_late)
        except TimeoutError:
            raise Unreachable(f"{outgoing.action}: no answer within {self._deadline_s:g} s") from None
        except ConnectionClosed:
            raise Unreachable(f"{outgoing.action}: the connection is gone") from None

    async def _ask(self, outgoing: Outgoing, when_late: WhenLate | None) -> CallAnswer:
        if self._lost:
            raise Unreachable(f"{outgoing.action}: the connection is gone")
        unique_id = next(self._ids)
        pending = _Pending(asyncio.get_running_loop().create_future(), when_late)
        while len(self._pending) >= MAX_LATE:
            del self._pending[next(iter(self._pending))]
        self._pending[unique_id] = pending
        try:
            await self._send(call_frame(unique_id, outgoing.action, outgoing.payload))
        except ConnectionClosed:
            del self._pending[unique_id]
            raise
        except asyncio.CancelledError:
            pending.answer.cancel()  # it may be on its way all the same, so its answer can still be late
            raise
        return await pending.answer

    def take(self, answer: CallAnswer) -> bool:
        """One answer came in; False when it answers nothing (any more)."""
        pending = self._pending.pop(answer.unique_id, None)
        if pending is None:
            return False
        if not pending.answer.done():
            pending.answer.set_result(answer)
        elif pending.when_late is not None:
            pending.when_late(answer)
        return True

    def lose(self) -> None:
        """The connection is gone: nobody waits any longer."""
        self._lost = True
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(Unreachable("the connection was lost before the answer came"))
        self._pending.clear()
