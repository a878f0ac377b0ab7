"""What a client library alone costs on the way in: counts the messages of `gridward bench field`, throws them
away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devices.mqtt.settings import Protocol
from gridward.bench.field_broker import broker_and_field

FILTER = "gridward/#"
_WITHIN_S = 120.0


class Count:
    """Counts up to a number; `all_came` is set then."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self.first_came, self.all_came = asyncio.Event(), asyncio.Event()

    def one(self) -> None:
        """One more message."""
        if not self.first_came.is_set():
            self.first_came.set()
        self._left -= 1
        if not self._left:
            self.all_came.set()


Client = Callable[[int, Protocol, Count], AbstractAsyncContextManager[None]]


async def counted(
    client: Client, protocol: Protocol, shape: str, count: int, seed: int
) -> tuple[float, float]:
    """Seconds from the first message to the last, and seconds of the processor."""
    count_ = Count(count)
    async with broker_and_field(shape, count, seed) as field, client(field.port, protocol, count_):
        field.begin()
        async with asyncio.timeout(_WITHIN_S):
            await count_.first_came.wait()
            began, cpu = time.perf_counter(), time.process_time()
            await count_.all_came.wait()
        return time.perf_counter() - began, time.process_time() - cpu


@asynccontextmanager
async def bare_paho(port: int, protocol: Protocol, count: Count) -> AsyncIterator[None]:
    """paho's own callbacks on the loop, nothing above them."""
    version = paho.MQTTv5 if protocol == "5" else paho.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, "bench", protocol=version)
    loop, subscribed = asyncio.get_running_loop(), asyncio.Event()

    def connected(*_: object) -> None:
        client.subscribe(FILTER)

    def may_write(_client: paho.Client, _data: object, line: Any) -> None:
        loop.add_writer(line, client.loop_write)

    def has_written(_client: paho.Client, _data: object, line: Any) -> None:
        loop.remove_writer(line)

    client.on_connect = connected
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda *_: count.one()
    client.on_socket_register_write, client.on_socket_unregister_write = may_write, has_written
    client.connect("127.0.0.1", port)
    line = client.socket()
    assert line is not None
    loop.add_reader(line, client.loop_read)
    await subscribed.wait()
    yield
    loop.remove_reader(line)
    client.disconnect()


@asynccontextmanager
async def bare_aiomqtt(port: int, protocol: Protocol, count: Count) -> AsyncIterator[None]:
    """aiomqtt as its own page shows it."""
    version = aiomqtt.ProtocolVersion.V5 if protocol == "5" else aiomqtt.ProtocolVersion.V311
    async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
        await client.subscribe(FILTER)

        async def listen() -> None:
            async for _ in client.messages:
                count.one()

        listening = asyncio.create_task(listen())
        yield
        listening.cancel()
