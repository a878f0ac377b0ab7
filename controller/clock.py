"""Time, as it is given to everybody: the only place that reads the wall clock or sleeps.

`WallClock` is real time. `ScaledClock` runs faster from a given start, so that the demo's evening passes in
minutes on the same daemon code. A simulation brings its own clock (`simulations.virtual_time`). Serves every
step of the path, belongs to none.
"""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait this long."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block after this long."""
        return asyncio.timeout(seconds)


class ScaledClock:
    """Time that begins at `start` and runs `speed` times as fast as real time."""

    def __init__(self, start: datetime, speed: float, began_s: float | None = None) -> None:
        """`began_s` is the machine's monotonic time at `start`, for processes that share one clock; now if
        None.
        """
        if start.tzinfo is None or not speed > 0:
            raise ValueError(f"start {start} and speed {speed}: expected an aware time and a speed above 0")
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._began = time.monotonic() if began_s is None else began_s

    @property
    def began_s(self) -> float:
        """The machine's monotonic time at `start`: the same for every process of the machine."""
        return self._began

    def now(self) -> datetime:
        """The scaled time of day, aware, UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Scaled seconds since this clock began."""
        return (time.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock has gone on by `seconds`."""
        await asyncio.sleep(seconds / self._speed)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block once this clock has gone on by `seconds`."""
        return asyncio.timeout(seconds / self._speed)
