"""What every driver must do, whatever its protocol: a test module inherits this and brings its own far side.

A driver's test class gives the fixture `rig`: a started driver with its far side under control.
"""

import asyncio
from typing import Protocol

from structlog.testing import capture_logs

from devices.messages import Reading, Refused
from devices.ports import LinkHealth, TelemetrySource
from tests.devices.live import Deliveries, until


class Driver(TelemetrySource, LinkHealth, Protocol):
    """What the contract is about."""


class Rig(Protocol):
    """A driver that runs, and a far side that does as it is told."""

    driver: Driver
    deliveries: Deliveries

    async def measure(self, p_kw: float) -> None:
        """Let the far side measure this, so that it comes in soon."""
        ...

    async def measure_nonsense(self) -> None:
        """Let the far side say what cannot be."""
        ...

    async def lose(self) -> None:
        """The far side dies without a word."""
        ...

    async def come_back(self) -> None:
        """The far side is there again, at the same place."""
        ...


def powers(deliveries: Deliveries) -> list[float]:
    """The measured powers so far, whole watts."""
    return [round(message.p_kw, 3) for message in deliveries if isinstance(message, Reading)]


class TelemetryContract:
    """Readings come in; nonsense is refused; a lost link comes back and is told of once."""

    async def test_readings_come_in(self, rig: Rig) -> None:
        await rig.measure(12.5)
        await until(lambda: 12.5 in powers(rig.deliveries))
        assert rig.driver.connected

    async def test_nonsense_is_refused_and_the_link_lives_on(self, rig: Rig) -> None:
        await rig.measure_nonsense()
        await until(lambda: any(isinstance(message, Refused) for message in rig.deliveries))
        await rig.measure(3.25)
        await until(lambda: 3.25 in powers(rig.deliveries))

    async def test_a_lost_link_comes_back_and_is_told_of_once(self, rig: Rig) -> None:
        await rig.measure(1.0)
        await until(lambda: 1.0 in powers(rig.deliveries))
        with capture_logs() as logs:
            await rig.lose()
            await until(lambda: not rig.driver.connected)
            # several attempts fail in this time, by the rig's short back-off
            await asyncio.sleep(0.5)
            await rig.come_back()
            await until(lambda: rig.driver.connected)
        await rig.measure(2.0)
        await until(lambda: 2.0 in powers(rig.deliveries))
        assert [line["log_level"] for line in logs] == ["warning", "info"]
