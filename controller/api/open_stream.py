"""What every open stream is, whatever it tells: woken when there is news, heard of when there is none, ended
from outside.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable

from devices.ports import Clock

KEEPALIVE_S = 15.0
APART_S = 0.25
"""People read no faster; a site on quick time has many more cycles than that."""


class OpenStream(ABC):
    """One of them. Who derives from it says what is sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake = asyncio.Event()
        self._wake.set()
        self._closed = asyncio.Event()

    @abstractmethod
    def mark(self, feeder: str) -> None:
        """Note that a feeder has had a cycle."""

    @abstractmethod
    def _news(self) -> Iterable[bytes]:
        """What is new, in the order in which it is sent."""

    @abstractmethod
    def _quiet(self) -> bytes:
        """What is sent when there was no news for `KEEPALIVE_S`."""

    def close(self) -> None:
        """End the stream soon."""
        self._closed.set()
        self._wake.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The stream's bytes until it is closed."""
        yield b"retry: 2000\n\n"
        while True:
            try:
                async with self._clock.timeout(KEEPALIVE_S):
                    await self._wake.wait()
            except TimeoutError:
                yield self._quiet()
                continue
            if self._closed.is_set():
                return
            self._wake.clear()
            for piece in self._news():
                yield piece
            if await self._closed_within(APART_S):
                return

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True
