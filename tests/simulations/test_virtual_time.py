import asyncio
import time
from datetime import UTC, datetime, timedelta

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
