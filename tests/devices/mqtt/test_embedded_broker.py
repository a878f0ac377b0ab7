"""The embedded broker against foreign clients and hand-made packets: pins what amqtt alone gets wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from devices.mqtt.embedded_broker import EmbeddedBroker
from tests.devices.live import WITHIN_S
from tests.devices.mqtt.clients import publish, subscribed


def string(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def connect_packet(client: bytes, keepalive_s: int, level: int = 4) -> bytes:
    """CONNECT with a retained will `off` on `CLIENT/status`, written out by hand (MQTT 3.1.1, 3.1)."""
    flags = 0x02 | 0x04 | 0x20
    head = string(b"MQTT") + bytes([level, flags]) + keepalive_s.to_bytes(2, "big")
    body = head + string(client) + string(client + b"/status") + string(b"off")
    return bytes([0x10, len(body)]) + body


@asynccontextmanager
async def raw(port: int, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


def client(port: int, name: str) -> aiomqtt.Client:
    will = aiomqtt.Will(f"{name}/status", b"off", 1, True)
    return aiomqtt.Client("127.0.0.1", port, identifier=name, will=will)


@pytest.mark.mosquitto
async def test_a_retained_message_reaches_who_comes_later_and_nobody_who_did_not_ask() -> None:
    async with EmbeddedBroker() as broker:
        await publish(broker.port, "a/status", b"on", "-r")
        async with subscribed(broker.port, "a/#") as first:
            assert await first.line() == "a/status on"
            async with client(broker.port, "b") as stranger:
                await stranger.subscribe("b/#", 1)
                await stranger.publish("b/x", b"mine", 1)
                message = await asyncio.wait_for(anext(aiter(stranger.messages)), WITHIN_S)
                assert message.topic.value == "b/x"


@pytest.mark.mosquitto
async def test_a_client_that_falls_silent_is_dropped_and_its_will_sent() -> None:
    async with EmbeddedBroker() as broker, subscribed(broker.port, "half-open/status") as watcher:
        started = time.monotonic()
        async with raw(broker.port, connect_packet(b"half-open", keepalive_s=1)) as reader:
            assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
            assert await watcher.line() == "half-open/status off"
            assert time.monotonic() - started > 1.4, "one and a half times its keepalive"
        async with subscribed(broker.port, "half-open/status") as late:
            assert await late.line() == "half-open/status off"


@pytest.mark.mosquitto
async def test_a_second_connection_of_a_client_takes_over_and_the_last_word_is_its_own() -> None:
    async with (
        EmbeddedBroker() as broker,
        subscribed(broker.port, "d/status") as watcher,
        raw(broker.port, connect_packet(b"d", keepalive_s=60)) as old,
    ):
        await old.readexactly(4)
        async with client(broker.port, "d") as new:
            await new.publish("d/status", b"on", 1, True)
            assert await watcher.line() == "d/status off"
            assert await watcher.line() == "d/status on"
            assert await asyncio.wait_for(old.read(), WITHIN_S) == b""
            await new.subscribe("d/request", 1)
            await publish(broker.port, "d/request", b"go")
            message = await asyncio.wait_for(anext(aiter(new.messages)), WITHIN_S)
            assert message.payload == b"go"


async def test_other_versions_are_told_so_at_once() -> None:
    async with EmbeddedBroker() as broker, raw(broker.port, connect_packet(b"x", 60, level=5)) as reader:
        assert await asyncio.wait_for(reader.read(), WITHIN_S) == b"\x20\x02\x00\x01"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x10\xff\xff\xff\xff\x7f",
        b"\x10\xff\xff\x7f",
        b"\x10\x02\x00\x00",
        b"\x10\x00",
        b"GET / HTTP/1.1\r\n\r\n" + b"x" * 200,
        b"\x30\x05\x00\x01aaa",
        b"\x8f\x3c\x07\xe1" + b"\x00" * 300,
    ],
    ids=range(7),
)
async def test_garbage_closes_its_own_connection_only(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedBroker() as broker, client(broker.port, "good") as good:
        await good.subscribe("good/x", 1)
        async with raw(broker.port, garbage) as reader:
            assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
        await good.publish("good/x", b"still here", 1)
        message = await asyncio.wait_for(anext(aiter(good.messages)), WITHIN_S)
        assert message.payload == b"still here"
    assert caplog.records == []


async def test_many_clients_that_come_at_once_are_all_served() -> None:
    async with EmbeddedBroker() as broker:
        served = 0

        async def device(number: int) -> None:
            nonlocal served
            async with client(broker.port, f"d{number}") as me:
                await me.subscribe(f"d{number}/request", 1)
                await me.publish(f"d{number}/status", b"on", 1, True)
                await me.publish(f"d{(number + 1) % 40}/nothing", b"", 0)
                await me.publish(f"d{number}/request", b"go", 1)
                await asyncio.wait_for(anext(aiter(me.messages)), WITHIN_S)
                served += 1

        await asyncio.gather(*(device(number) for number in range(40)))
        assert served == 40


async def test_it_stops_fast_and_whole_with_clients_on_it_and_starts_again_on_its_port(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = asyncio.all_tasks()
    async with EmbeddedBroker() as broker:
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        deaf_reader, deaf_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        deaf_writer.write(connect_packet(b"deaf", 60))
        await deaf_reader.readexactly(4)
        deaf_writer.write(b"\x82\x08\x00\x01" + string(b"big") + b"\x00")
        await deaf_reader.readexactly(5)
        deaf_writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(30):
            await publish_once(broker.port, b"x" * 500_000)
        started = time.monotonic()
    assert time.monotonic() - started < WITHIN_S / 4
    assert asyncio.all_tasks() == before
    port = broker.port
    idle_writer.close()
    deaf_writer.transport.abort()
    async with EmbeddedBroker(port=port) as again:
        assert again.port == port
        await publish_once(port, b"hello")
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
    del idle_reader


async def publish_once(port: int, payload: bytes) -> None:
    async with client(port, "publisher") as publisher:
        await publisher.publish("big", payload, 1)


async def test_a_taken_port_is_told() -> None:
    async with EmbeddedBroker() as broker:
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{broker.port}"):
            await EmbeddedBroker(port=broker.port).__aenter__()
