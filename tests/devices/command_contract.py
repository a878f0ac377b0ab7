"""What every channel of commands must do, whatever its protocol: a test module inherits this, with a device.

A driver's test class gives the fixture `rig`: a started driver and one device, free, whose floor is 4.2 kW.
The device is asked what it holds by its own word, never the driver.
"""

import asyncio
import math
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, LimitCommand
from devices.ports import CommandChannel, LinkHealth, TelemetrySource
from tests.devices.live import WITHIN_S, Deliveries, until

FLOOR_KW = 4.2


class Driver(TelemetrySource, CommandChannel, LinkHealth, Protocol):
    """What the contract is about."""


class CommandRig(Protocol):
    """A driver that runs, and a device that is there and free."""

    driver: Driver
    deliveries: Deliveries
    feeder: str
    device: str

    async def send(self, command: LimitCommand) -> None:
        """Through the driver, signed where the protocol wants it."""
        ...

    async def held_kw(self) -> float | None:
        """The limit that is in force at the device now; None when it is free."""
        ...

    async def lose(self) -> None:
        """The link dies without a word; the device lives on, and can still be looked at."""
        ...

    async def come_back(self) -> None:
        """The far side is there again."""
        ...


def command(rig: CommandRig, *, seconds: float = 600.0, **changes: object) -> LimitCommand:
    """A first command to the rig's device, from now on."""
    now = datetime.now(UTC)
    end = now + timedelta(seconds=seconds)
    plain = LimitCommand(rig.feeder, rig.device, "r1", 6.0, now, end, epoch=2, sequence=2)
    return replace(plain, **changes)  # type: ignore[arg-type]


async def holds(rig: CommandRig, kw: float | None) -> None:
    """Wait until the device holds this, a little less rounding allowed upwards only."""
    async with asyncio.timeout(WITHIN_S):
        while not _is(await rig.held_kw(), kw):
            await asyncio.sleep(0.01)


def _is(held_kw: float | None, kw: float | None) -> bool:
    if held_kw is None or kw is None:
        return held_kw is kw
    return held_kw == pytest.approx(kw, abs=0.02)


def answers(rig: CommandRig) -> list[str]:
    """The kinds of all answers so far."""
    return [message.answer for message in rig.deliveries if isinstance(message, Answer)]


async def without_effect(rig: CommandRig, wrong: LimitCommand, held_kw: float | None) -> float:
    """It is rejected, or refused by the device, or passed over; what is held stays, until the device obeys
    the right command that comes after it. Returns the limit of that one, which it holds then (kW).
    """
    accepted_before = _said(rig).count(("accepted", wrong.request))
    with suppress(CommandRejected):
        await rig.send(wrong)
    assert _is(await rig.held_kw(), held_kw)
    right = command(rig, request=f"after-{wrong.sequence}", limit_kw=7.0, sequence=wrong.sequence + 10)
    await rig.send(right)
    async with asyncio.timeout(WITHIN_S):
        while not _is(seen_kw := await rig.held_kw(), right.limit_kw):
            assert _is(seen_kw, held_kw)
            await asyncio.sleep(0.01)
        # it has answered the second one, so what it says of the first has come as well
        while ("accepted", right.request) not in (said := _said(rig)):
            await asyncio.sleep(0.01)
    assert said.count(("accepted", wrong.request)) == accepted_before
    return right.limit_kw


def _said(rig: CommandRig) -> list[tuple[str, str]]:
    return [(message.answer, message.request) for message in rig.deliveries if isinstance(message, Answer)]


class CommandContract:
    """Limits arrive as they are, end by themselves, and what must not be obeyed is not."""

    async def test_the_value_travels_and_is_accepted(self, rig: CommandRig) -> None:
        await rig.send(command(rig, limit_kw=FLOOR_KW))
        await holds(rig, FLOOR_KW)
        await until(lambda: answers(rig) == ["accepted"])

    async def test_a_renewal_and_another_limit_take_the_place_of_the_first(self, rig: CommandRig) -> None:
        await rig.send(command(rig))
        await holds(rig, 6.0)
        await rig.send(command(rig, limit_kw=5.0, sequence=3, seconds=1200.0))
        await holds(rig, 5.0)

    async def test_a_release_frees_and_is_told(self, rig: CommandRig) -> None:
        await rig.send(command(rig))
        await holds(rig, 6.0)
        await rig.send(command(rig, sequence=3, seconds=0.0))
        await holds(rig, None)
        await until(lambda: answers(rig)[-1:] == ["ended"])

    async def test_with_the_link_dead_the_limit_ends_by_itself(self, rig: CommandRig) -> None:
        await rig.send(command(rig, seconds=2.0))
        await holds(rig, 6.0)
        await rig.lose()
        await holds(rig, None)

    async def test_nothing_below_the_floor_is_held(self, rig: CommandRig) -> None:
        await without_effect(rig, command(rig, limit_kw=FLOOR_KW - 0.1), None)

    @pytest.mark.parametrize("kw", [-1.0, math.nan, math.inf])
    async def test_what_is_no_limit_is_rejected(self, rig: CommandRig, kw: float) -> None:
        with pytest.raises(CommandRejected):
            await rig.send(command(rig, limit_kw=kw))
        assert await rig.held_kw() is None

    async def test_a_replaced_controller_and_an_old_command_have_no_effect(self, rig: CommandRig) -> None:
        await rig.send(command(rig))
        await holds(rig, 6.0)
        await until(lambda: answers(rig) == ["accepted"])
        held_kw = await without_effect(rig, command(rig, limit_kw=5.0, epoch=1, sequence=9), 6.0)
        await without_effect(rig, command(rig, limit_kw=5.0, sequence=1), held_kw)

    async def test_a_limit_of_feed_in_is_none_of_consumption(self, rig: CommandRig) -> None:
        await without_effect(rig, command(rig, direction="production"), None)

    async def test_while_it_is_lost_a_command_is_unreachable_and_does_not_come_later(
        self, rig: CommandRig
    ) -> None:
        await rig.lose()
        await until(lambda: not rig.driver.connected)
        with pytest.raises(Unreachable):
            await rig.send(command(rig))
        await rig.come_back()
        await until(lambda: rig.driver.connected)
        await rig.send(command(rig, sequence=3, limit_kw=5.0))
        await holds(rig, 5.0)
        await until(lambda: answers(rig) == ["accepted"])
