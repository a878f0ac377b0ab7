"""Runs sendings that block, each in a thread of its own, no more than so many at once.

A thread cannot be stopped: whoever stopped waiting for one leaves it running, and its place is free when it
has really come to its end. So a far side that hangs holds its own places and nobody else's. The threads are
daemons: none keeps the program from ending.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from devices.notices.words import Result


class SendingThreads:
    """The places of one way. All calls are on the loop's thread."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._places = asyncio.Semaphore(most)

    async def place(self) -> None:
        """Wait for one. Whoever has it begins a sending with it or leaves it."""
        await self._places.acquire()

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()

    def begin(self, send: Callable[[], Result], over: Callable[[Result], None]) -> bool:
        """Begin to send; False, and the place is given back, when no thread can be had.

        `over` is called on the loop when the sending has come to its end, whether or not anybody waits.
        """
        loop = asyncio.get_running_loop()

        def end(result: Result) -> None:
            self.leave()
            over(result)

        def work() -> None:
            try:
                result = send()
            except BaseException:  # noqa: BLE001  what it says may name the recipient
                result = "fault"
            with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
                loop.call_soon_threadsafe(end, result)

        try:
            threading.Thread(target=work, name=f"notice {self._name}", daemon=True).start()
        except RuntimeError:  # no more threads on this machine
            self.leave()
            return False
        return True
