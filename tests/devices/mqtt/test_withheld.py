"""What a broker withholds: acknowledgements, an answer to the connection, the connection itself."""

import asyncio
import errno
import gc
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from devices.errors import Unreachable
from devices.messages import Failsafe, LimitCommand
from devices.mqtt.client import IN_FLIGHT
from devices.mqtt.driver import MqttLink
from devices.mqtt.settings import LinkSettings, Protocol, tls_context
from devices.mqtt.topics import Topics
from devices.signing import sign
from tests.devices.live import WITHIN_S, RealClock, until
from tests.devices.mqtt.conftest import linked
from tests.devices.mqtt.field_clients import authority_of_a_field
from tests.devices.mqtt.scripted_broker import ScriptedBroker

T = Topics()
NOW = datetime.now(UTC)
COMMAND = LimitCommand("f1", "ev1", "r1", 4.2, NOW, NOW + timedelta(minutes=15), 3, 1)
FAILSAFE = sign(Failsafe("f1", "ev1", 4.2, 7200, 120, 3, 1), bytes(32))


def command(number: int) -> LimitCommand:
    return sign(replace(COMMAND, device=f"ev{number}"), bytes(32))


@pytest.fixture(params=["5", "3.1.1"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    chosen: Protocol = request.param
    return chosen


async def test_a_command_that_was_told_unreachable_before_it_went_out_never_does(protocol: Protocol) -> None:
    many = IN_FLIGHT + 11
    async with ScriptedBroker() as broker, linked(broker.port, protocol, publish_deadline_s=0.3) as (link, _):
        broker.published.clear()
        broker.withholds = True
        sent = await asyncio.gather(*(link.send(command(n)) for n in range(many)), return_exceptions=True)
        assert [type(result) for result in sent] == [Unreachable] * many
        broker.acknowledge()
        # what was given up has its place until it is acknowledged; then there is room for others
        await asyncio.gather(*(link.send(command(100 + n)) for n in range(many)))
        assert broker.published == [
            T.request("f1", f"ev{n}") for n in (*range(IN_FLIGHT), *range(100, 100 + many))
        ]


async def test_a_loss_ends_all_waits_at_once(protocol: Protocol) -> None:
    async with (
        ScriptedBroker() as broker,
        linked(broker.port, protocol, publish_deadline_s=60.0) as (link, _),
    ):
        broker.withholds = True
        waiting = [asyncio.create_task(link.send(command(n))) for n in range(IN_FLIGHT + 5)]
        waiting.append(asyncio.create_task(link.arm(FAILSAFE)))
        await until(lambda: len(broker.published) == IN_FLIGHT + 1)
        broker.hang_up()
        async with asyncio.timeout(30.0):
            ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in ended] == [Unreachable] * len(waiting)
        assert all("lost" in str(result) for result in ended)


def _was_closed_meanwhile(context: Mapping[str, Any]) -> bool:
    """aiomqtt has the loop watch a socket a moment after paho, on its thread, has asked for it; where the
    broker's end came in between, the loop tells of a bad descriptor, and nothing is lost by it.
    """
    fault = context.get("exception")
    return isinstance(fault, OSError) and fault.errno == errno.EBADF and "add_writer" in context["message"]


@pytest.mark.parametrize("ends_at", ["connect", "subscribe"])
async def test_a_loss_before_the_link_is_up_is_noticed_at_once(protocol: Protocol, ends_at: str) -> None:
    unseen: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    async with ScriptedBroker(ends_at=ends_at) as broker:
        running = asyncio.create_task(_link(broker.port, protocol=protocol).run(lambda _: None))
        try:
            async with asyncio.timeout(WITHIN_S):
                while broker.connected < 3:
                    await asyncio.sleep(0.01)
        finally:
            await _end(running)
    gc.collect()
    assert [context for context in unseen if not _was_closed_meanwhile(context)] == []


async def test_who_is_cancelled_before_the_birth_is_acknowledged_says_goodbye() -> None:
    async with ScriptedBroker() as broker:
        broker.withholds = True
        running = asyncio.create_task(_link(broker.port).run(lambda _: None))
        await until(lambda: broker.published == [T.controller_status])
        await _end(running)
        assert broker.published == [T.controller_status] * 2


async def test_a_handshake_that_hangs_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, capture_logs() as logs:
        settings = {"tls": ssl.create_default_context(), "connect_deadline_s": 0.2, "keepalive_s": 8}
        running = asyncio.create_task(_link(server.getsockname()[1], **settings).run(lambda _: None))
        try:
            async with asyncio.timeout(WITHIN_S):
                while not logs:
                    await asyncio.sleep(0.01)
        finally:
            await _end(running)
    assert [line["event"] for line in logs] == ["mqtt link lost"]


async def test_an_attempt_that_was_given_up_in_its_handshake_never_comes_in(tmp_path: Path) -> None:
    """A ghost would take our client id over from the next attempt."""
    authority = authority_of_a_field(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(tmp_path / "broker.pem", tmp_path / "broker.key")
    given_up = threading.Event()

    def serve(server: socket.socket) -> bytes:
        line, _ = server.accept()
        asyncio.run_coroutine_threadsafe(_end(running), loop).result(WITHIN_S)
        given_up.set()
        with ours.wrap_socket(line, server_side=True) as safe:
            return safe.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        loop, port = asyncio.get_running_loop(), server.getsockname()[1]
        running = asyncio.create_task(_link(port, tls=tls_context(authority.file)).run(lambda _: None))
        async with asyncio.timeout(WITHIN_S):
            assert await asyncio.to_thread(serve, server) == b""
        assert given_up.is_set()


def _link(port: int, **settings: object) -> MqttLink:
    values = {"first_retry_s": 0.02, "longest_retry_s": 0.05, **settings}
    return MqttLink(
        LinkSettings("127.0.0.1", port, ("f1",), **values),  # type: ignore[arg-type]
        RealClock(),
        np.random.default_rng(7),
    )


async def _end(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
