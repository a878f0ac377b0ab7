"""A connection of the emulated field whose broker goes away and comes back."""

import asyncio

import numpy as np
from structlog.testing import capture_logs

from controller.clock import WallClock
from devices.mqtt.embedded_broker import EmbeddedBroker
from simulations.mqtt_connection import Address, FieldConnection, Outgoing
from tests.cancelling import Part, ends_at_every_step
from tests.devices.live import until
from tests.devices.openadr.channel_rig import in_background


class Hasty(WallClock):
    """Does not wait between attempts, and counts them."""

    attempts = 0

    async def sleep(self, seconds: float) -> None:
        self.attempts += 1
        await asyncio.sleep(0.001)


async def test_a_lost_broker_is_told_once_and_once_that_it_is_back() -> None:
    clock = Hasty()
    async with EmbeddedBroker() as broker:
        line = FieldConnection(Address(broker.host, broker.port, "c"), clock, np.random.default_rng(1))
        with capture_logs() as logs:
            living = asyncio.create_task(line.run())
            try:
                async with asyncio.timeout(20):
                    await line.wait_until_up()
                    await broker.stop()
                    while clock.attempts < 5:
                        await asyncio.sleep(0.01)
                    await broker.start()
                    await line.wait_until_up()
            finally:
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)
    assert [one["event"] for one in logs] == ["field_link_lost", "field_link_back"]


async def test_a_message_that_the_field_fails_at_is_told_and_ends_no_line() -> None:
    def heard(_topic: str, payload: bytes) -> None:
        told.append(payload)
        if payload == b"bad":
            raise ValueError(payload)

    told: list[bytes] = []
    async with EmbeddedBroker() as broker:
        address = Address(broker.host, broker.port, "c")
        line = FieldConnection(
            address, WallClock(), np.random.default_rng(1), subscriptions=["a"], heard=heard
        )
        with capture_logs() as logs:
            async with in_background(line.run()):
                await line.wait_until_up()
                line.put(Outgoing("a", b"bad", qos=1))
                line.put(Outgoing("a", b"good", qos=1))
                await until(lambda: told == [b"bad", b"good"])
    assert [one["event"] for one in logs] == ["field_message_failed"]


async def test_it_ends_at_any_step() -> None:
    async with EmbeddedBroker() as broker:
        address = Address(broker.host, broker.port, "c")

        def make() -> Part:
            heard = asyncio.Event()
            line = FieldConnection(
                address,
                WallClock(),
                np.random.default_rng(1),
                subscriptions=["a"],
                heard=lambda *_: heard.set(),
            )

            async def use() -> None:
                await line.wait_until_up()
                line.put(Outgoing("a", b"x", qos=1))
                await heard.wait()

            return line.run, use

        assert await ends_at_every_step(make) > 10
