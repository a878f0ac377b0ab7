"""Brokers of every kind that the link must work with, and a link that runs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from devices.mqtt.driver import MqttLink
from devices.mqtt.embedded_broker import EmbeddedBroker
from devices.mqtt.settings import LinkSettings, Protocol
from devices.ports import Deliver
from tests.brokers import Mosquitto
from tests.devices.live import CountingClock, Deliveries, RealClock, until


class AnyBroker:
    """A broker that can die and come back on its port, whichever it is."""

    def __init__(self, protocol: Protocol, broker: Mosquitto | EmbeddedBroker) -> None:
        self.protocol: Protocol = protocol
        self._broker = broker

    @property
    def port(self) -> int:
        return self._broker.port

    async def start(self) -> None:
        if isinstance(self._broker, Mosquitto):
            self._broker.start()
        else:
            await self._broker.__aenter__()

    async def die(self) -> None:
        if isinstance(self._broker, Mosquitto):
            self._broker.kill()
        else:
            await self._broker.__aexit__(None, None, None)


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded"])
async def any_broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyBroker]:
    kinds: dict[str, Callable[[], AnyBroker]] = {
        "mosquitto, MQTT 5": lambda: AnyBroker("5", Mosquitto(tmp_path)),
        "mosquitto, MQTT 3.1.1": lambda: AnyBroker("3.1.1", Mosquitto(tmp_path)),
        "embedded": lambda: AnyBroker("3.1.1", EmbeddedBroker()),
    }
    broker = kinds[request.param]()
    await broker.start()
    yield broker
    await broker.die()


ATTEMPTS = 3
"""of who is turned away, after which what was told once was told once"""
Linked = AbstractAsyncContextManager[tuple[MqttLink, Deliveries]]


@asynccontextmanager
async def linked(
    port: int, protocol: Protocol = "5", *, deliver: Deliver | None = None, **settings: object
) -> AsyncIterator[tuple[MqttLink, Deliveries]]:
    """A link that runs and is connected."""
    link = new_link(RealClock(), port=port, protocol=protocol, **settings)
    deliveries = Deliveries()
    running = asyncio.create_task(link.run(deliver or deliveries))
    try:
        await until(lambda: link.connected or running.done())
        assert link.connected
        yield link, deliveries
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def turned_away(port: int, **settings: object) -> list[MutableMapping[str, Any]]:
    """Try to come in until several attempts have failed; what was logged meanwhile."""
    clock = CountingClock()
    link = new_link(clock, port=port, **settings)
    with capture_logs() as logs:
        running = asyncio.create_task(link.run(Deliveries()))
        try:
            await until(lambda: clock.sleeps > ATTEMPTS or link.connected or running.done())
            assert not link.connected
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    return logs


def new_link(clock: RealClock, **settings: object) -> MqttLink:
    values = {
        "host": "127.0.0.1",
        "feeders": ("f1",),
        "first_retry_s": 0.05,
        "longest_retry_s": 0.1,
        **settings,
    }
    return MqttLink(LinkSettings(**values), clock, np.random.default_rng(7))  # type: ignore[arg-type]


def cut_off(link: MqttLink) -> None:
    """End the connection without MQTT's goodbye, as a dead cable would."""
    assert link._client is not None
    connection = link._client._client.socket()
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)
