"""Second tries: growing pauses, few, only while the word is of use, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from devices.messages import CustomerNotice, NoticeKind
from devices.notices.second_tries import MOST, PAUSES_S, SecondTries
from tests.devices.live import RealClock, until
from tests.devices.notices.people import START, word


class Clock(RealClock):
    """Waits pass at once; how long they were is kept."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        await asyncio.sleep(0)


@asynccontextmanager
async def running(
    tries: SecondTries, outcomes: list[bool], at: list[float], clock: Clock
) -> AsyncIterator[None]:
    async def attempt(_: CustomerNotice, way: str) -> bool:
        at.append(clock.passed_s)
        return outcomes.pop(0)

    task = asyncio.create_task(tries.run(attempt))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("outcomes", "at"),
    [
        ([True], [10.0]),
        ([False, True], [10.0, 70.0]),
        ([False, False, False], [10.0, 70.0, 370.0]),
    ],
)
async def test_pauses_grow_and_there_are_three(outcomes: list[bool], at: list[float]) -> None:
    clock, tried, left = Clock(), list[float](), list(outcomes)
    tries = SecondTries(clock)
    async with running(tries, left, tried, clock):
        tries.add(word(), "email", START)
        await until(lambda: not left)
        for _ in range(20):
            await asyncio.sleep(0)
    assert tried == at


@pytest.mark.parametrize(
    ("kind", "ends_in_s", "is_of_use"),
    [
        ("notice", PAUSES_S[0] + 1, True),
        ("notice", PAUSES_S[0], False),
        ("follow_up", PAUSES_S[0], False),
        ("taken_back", 0.0, True),  # its end has come: that is what it says
        ("thanks", 0.0, True),
    ],
)
async def test_what_is_of_no_use_then_is_not_tried(
    kind: NoticeKind, ends_in_s: float, is_of_use: bool
) -> None:
    clock, tried = Clock(), list[float]()
    tries = SecondTries(clock)
    async with running(tries, [True], tried, clock):
        tries.add(replace(word(kind=kind), end=START + timedelta(seconds=ends_in_s)), "email", START)
        for _ in range(20):
            await asyncio.sleep(0)
    assert bool(tried) is is_of_use


async def test_of_too_many_the_oldest_is_dropped() -> None:
    clock, told = Clock(), list[str]()
    tries = SecondTries(clock)
    for number in range(MOST + 3):
        tries.add(word(request=f"R{number}"), "email", START)

    async def attempt(notice: CustomerNotice, _: str) -> bool:
        told.append(notice.request)
        return True

    task = asyncio.create_task(tries.run(attempt))
    await until(lambda: len(told) == MOST)
    task.cancel()
    assert told[0] == "R3"
    assert set(told) == {f"R{number}" for number in range(3, MOST + 3)}


async def test_what_waits_already_waits_once() -> None:
    clock, tried = Clock(), list[float]()
    tries = SecondTries(clock)
    for way in ("email", "email", "sms"):
        tries.add(word(), way, START)
    async with running(tries, [True, True], tried, clock):
        for _ in range(20):
            await asyncio.sleep(0)
    assert len(tried) == 2


async def test_a_long_pause_of_one_holds_up_no_other() -> None:
    tried: dict[str, list[float]] = {"R1": [], "R2": []}

    class Adding(Clock):
        """Another word comes while the one before has a long pause."""

        async def sleep(self, seconds: float) -> None:
            if len(tried["R1"]) == 2 and not tried["R2"]:
                tries.add(word(request="R2"), "email", START)
            await super().sleep(seconds)

    async def attempt(notice: CustomerNotice, _: str) -> bool:
        tried[notice.request].append(clock.passed_s)
        return notice.request == "R2"

    clock = Adding()
    tries = SecondTries(clock)
    tries.add(word(request="R1"), "email", START)
    task = asyncio.create_task(tries.run(attempt))
    await until(lambda: len(tried["R1"]) == 3)
    task.cancel()
    assert tried == {"R1": [10.0, 70.0, 370.0], "R2": [80.0]}
