"""Clocks: what they promise about time."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.clock import ScaledClock, WallClock

START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)


async def test_a_scaled_clock_runs_faster_and_sleeps_by_its_own_time() -> None:
    clock = ScaledClock(START, 10_000.0)
    before, began = clock.now(), clock.monotonic()
    await clock.sleep(30)
    assert clock.monotonic() - began >= 30
    assert clock.now() - before >= timedelta(seconds=30)
    assert before >= START


async def test_a_scaled_timeout_is_by_its_own_time() -> None:
    clock = ScaledClock(START, 10_000.0)
    with pytest.raises(TimeoutError):
        async with clock.timeout(60):
            await clock.sleep(36_000)


def test_two_clocks_that_began_together_agree() -> None:
    one = ScaledClock(START, 60.0)
    other = ScaledClock(START, 60.0, began_s=one.began_s)
    assert abs((one.now() - other.now()).total_seconds()) < 60


@pytest.mark.parametrize(("start", "speed"), [(datetime(2016, 1, 1), 60.0), (START, 0.0), (START, -1.0)])  # noqa: DTZ001
def test_a_clock_that_makes_no_sense_is_refused(start: datetime, speed: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        ScaledClock(start, speed)


async def test_the_wall_clock_is_aware_and_goes_on() -> None:
    clock = WallClock()
    began = clock.monotonic()
    await clock.sleep(0)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= began
    with pytest.raises(TimeoutError):
        async with clock.timeout(0.001):
            await clock.sleep(60)
