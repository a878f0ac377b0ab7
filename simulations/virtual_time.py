"""Simulated time: an asyncio loop that jumps to the next timer when nothing is ready, and its clock.

The daemon's own code runs on it unchanged, a day in seconds, and the same run gives the same order of things
every time. Only what lives in this process may be awaited: sockets, threads and subprocesses know nothing of
simulated time, so the loop refuses them (RuntimeError) and tells a stand-still (StandStill) instead of
waiting for ever.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from simulations.errors import StandStill

T = TypeVar("T")
_OWN_WAKE_UP = 1
"""The loop's own wake-up socket is the one thing it registers by itself."""

_RESOLUTION_S = 2.0**-26
"""Timers are due this much early. asyncio's own nanosecond is lost in a sum above 2²⁴ s (194 days), where a
timer that is due would wait for ever; this one, 15 ns, is still seen at two years."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and passes only when nothing is ready."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        super().__init__(_JumpingSelector(self._pass))
        self._clock_resolution = _RESOLUTION_S

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._passed_s

    def run_in_executor(self, *_: object, **__: object) -> NoReturn:
        """Refused: a thread's work takes real time, which is nothing here."""
        raise RuntimeError("no threads in simulated time: pass an offload that calls at once")

    def _pass(self, seconds: float) -> None:
        self._passed_s += seconds


class _JumpingSelector(selectors.BaseSelector):
    """Waits for nothing: lets simulated time pass instead."""

    def __init__(self, let_pass: Callable[[float], None]) -> None:
        self._let_pass = let_pass
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if len(self._keys) >= _OWN_WAKE_UP:
            raise RuntimeError("no sockets in simulated time: use the direct link")
        key = selectors.SelectorKey(fileobj, fileobj if isinstance(fileobj, int) else 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StandStill("nothing is ready and no timer is set")
        if timeout > 0:
            self._let_pass(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


class VirtualClock:
    """`devices.ports.Clock` on the running VirtualLoop: the scenario's start plus what has passed."""

    def __init__(self, start: datetime) -> None:
        self._start = start

    def now(self) -> datetime:
        """The simulated time of day, UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Simulated seconds since the loop was made."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block after this many simulated seconds."""
        return asyncio.timeout(seconds)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on simulated time; raises StandStill when it would wait for ever."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
