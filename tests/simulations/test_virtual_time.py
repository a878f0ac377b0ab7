import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from simulations.errors import StandStill
from simulations.virtual_time import VirtualClock, run_virtual

START = datetime(2016, 1, 12, tzinfo=UTC)


def test_a_week_passes_at_once_and_exactly() -> None:
    clock = VirtualClock(START)

    async def main() -> datetime:
        for _ in range(7 * 24):
            await clock.sleep(3600)
        return clock.now()

    begun = time.perf_counter()
    assert run_virtual(main()) == START + timedelta(days=7)
    assert time.perf_counter() - begun < 60


def test_timers_fire_in_order_whoever_set_them_first() -> None:
    clock = VirtualClock(START)
    fired: list[float] = []

    async def wait(seconds: float) -> None:
        await clock.sleep(seconds)
        fired.append(clock.monotonic())

    async def main() -> None:
        await asyncio.gather(*(wait(seconds) for seconds in (5, 1, 3, 0.5)))

    run_virtual(main())
    assert fired == [0.5, 1, 3, 5]


def test_timeout_is_simulated_too() -> None:
    clock = VirtualClock(START)

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with clock.timeout(90):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_virtual(main()) == 90


def test_a_stand_still_is_told_not_waited_for() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandStill):
        run_virtual(main())


def test_threads_and_sockets_are_refused() -> None:
    async def thread() -> None:
        await asyncio.to_thread(lambda: 1)

    async def connection() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    with pytest.raises(RuntimeError, match="no threads"):
        run_virtual(thread())
    with pytest.raises(RuntimeError, match="no sockets"):
        run_virtual(connection())


def test_a_year_passes() -> None:
    """From 2²⁴ s on a nanosecond more is the same number."""

    async def year() -> int:
        clock = VirtualClock(START)
        for _ in range(366):
            await clock.sleep(86_400.1)
        return round(clock.monotonic())

    def too_long(*_: object) -> NoReturn:
        raise AssertionError("time stands still")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        assert run_virtual(year()) == round(366 * 86_400.1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
