"""One open connection to a Modbus/TCP server: a question, its answer [1, 6]. Sockets, no meaning.

The library's client is not used for this: it leaves out without a word what does not fit, and its TLS side
takes whatever comes in at once for a frame. Whoever asks holds the turn, so at most one question is open; a
frame of another transaction is an answer that came too late or twice, is counted and left out. What is no
Modbus/TCP at all ends the connection: nobody knows where the next frame begins.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from devices.errors import MalformedMessage, Unreachable
from devices.modbus.dialogue import Operation, Registers
from devices.modbus.frames import Frame, read_answer, read_frame, request_frame
from devices.modbus.settings import LinkPlace
from devices.modbus.tally import Tally
from devices.ports import Clock

MAX_STRAYS = 100
"""Frames in a row that answer nothing that was asked; then the connection is cut off."""


class LinkLost(Unreachable):
    """The connection is gone."""


class Silent(Unreachable):
    """No answer by the deadline; the connection may be as good as before."""


class Connection(asyncio.Protocol):
    """From its opening until it is gone."""

    def __init__(self, when_lost: Callable[[], None], tally: Tally) -> None:
        """`when_lost` is called once, at once."""
        self._tally = tally
        self._when_lost = when_lost
        self.lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """why it is gone"""
        self._strays_in_row = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._transaction = 0
        self._open: tuple[int, asyncio.Future[Frame]] | None = None

    async def ask(self, unit: int, operation: Operation, clock: Clock, deadline_s: float) -> Registers:
        """What the unit answers. LinkLost, Silent, UnitException, MalformedMessage."""
        if self._transport is None or self.lost.done():
            raise LinkLost("not connected")
        self._transaction = self._transaction % 0xFFFF + 1
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._open = self._transaction, answer
        self._transport.write(request_frame(self._transaction, unit, operation))
        try:
            async with clock.timeout(deadline_s):
                frame = await answer
        except TimeoutError:
            raise Silent(f"no answer within {deadline_s:g} s") from None
        finally:
            self._open = None
        self._strays_in_row = 0
        return read_answer(operation, unit, frame)

    def end(self, reason: Exception) -> None:
        """It is of no use any more."""
        if self._transport is not None:
            self._transport.abort()
        self._lose(reason)

    # ---- asyncio.Protocol ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._lose(exc or LinkLost("the far side has closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Some bytes came in."""
        if self.lost.done():
            return
        buffer, taken = self._buffer + data, 0
        try:
            while True:
                frame, size = read_frame(buffer[taken : taken + 260])
                if frame is None:
                    break
                taken += size
                self._take(frame)
        except MalformedMessage as error:
            self.end(error)
            return
        self._buffer = buffer[taken:]

    def _take(self, frame: Frame) -> None:
        if self._open is not None and frame.transaction == self._open[0] and not self._open[1].done():
            self._open[1].set_result(frame)
            return
        self._tally.strays += 1
        self._strays_in_row += 1
        if self._strays_in_row > MAX_STRAYS:
            detail = f"more than {MAX_STRAYS} frames that answer nothing that was asked"
            raise MalformedMessage("flood", detail)

    def _lose(self, reason: Exception) -> None:
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self._when_lost()
        if self._open is not None and not self._open[1].done():
            gone = reason if isinstance(reason, LinkLost) else LinkLost(str(reason))
            self._open[1].set_exception(gone)


async def connect(place: LinkPlace, connection: Connection, clock: Clock, deadline_s: float) -> None:
    """Open it. LinkLost, or OSError with what the network or TLS says."""
    loop = asyncio.get_running_loop()
    name = None if place.tls is None else place.server_name or place.host
    try:
        async with clock.timeout(deadline_s):
            await loop.create_connection(
                lambda: connection, place.host, place.port, ssl=place.tls, server_hostname=name
            )
    except TimeoutError:
        raise LinkLost(f"no connection within {deadline_s:g} s") from None
