"""A broker inside our own process, for the demo and for tests where none is installed. MQTT 3.1.1 only.

amqtt does the work; nothing is kept on disk, every session ends with its connection, and whoever reaches the
port may speak, so it is bound to the loopback unless told otherwise. What amqtt 0.12 does not do as the
standard says is put right in `_Broker`, each with its reason. A real site runs a real broker.
"""

import asyncio
import logging
import math
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import structlog
from amqtt.adapters import BufferReader
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import AMQTTError, BrokerError, MQTTError, NoDataError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler

SHUTDOWN_DEADLINE_S = 0.7
"""After this, connections that do not close are cut."""
CONNECT_DEADLINE_S = 10.0
"""A connection says who it is within this time, or is closed."""
MAX_CONNECT_BYTES = 64 << 10
KEEPALIVE_GRACE = 1.5
"""A client is gone after 1.5 times its keep-alive without a packet [MQTT-3.1.2-24]."""

_CONNECT = 0x10
_LEVEL_3_1_1 = b"\x04"
_UNACCEPTABLE_VERSION = b"\x20\x02\x00\x01"

log = structlog.get_logger(__name__)


class EmbeddedBroker:
    """`async with EmbeddedBroker() as broker:` serves on `broker.host` and `broker.port` until the block
    ends.

    Raises OSError when the port is taken.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self._port = port
        self._broker: _Broker | None = None

    @property
    def port(self) -> int:
        """The port in use: the one asked for, or for 0 the free one that was found."""
        return self._port

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Serve; after `stop` on the same port. Raises OSError when it is taken."""
        # amqtt's lines are its inner workings; a client that is refused or lost is told by its own side
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        broker = _Broker(
            BrokerConfig(
                listeners={"default": ListenerConfig(bind=f"{self.host}:{self._port}")},
                plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            )
        )
        try:
            await broker.start()
        except BrokerError as error:
            raise OSError(f"embedded broker cannot listen on {self.host}:{self._port}: {error}") from error
        self._broker, self._port = broker, broker.bound_port

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away with all connections, until `start`."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop_soon()


class _Broker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt's broker, put right where it leaves the standard."""

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def bound_port(self) -> int:
        return int(self._servers["default"].instance.sockets[0].getsockname()[1])

    async def stop_soon(self) -> None:
        """Shut down; whoever does not let go in time is cut off."""
        stopping = asyncio.ensure_future(self.shutdown())
        await asyncio.wait([stopping], timeout=SHUTDOWN_DEADLINE_S)
        for writer in self._connections.values():
            writer.transport.abort()
        await stopping
        # not cancelled: asyncio 3.11 reports the cancelled task of a connection as an error of its own
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=SHUTDOWN_DEADLINE_S / 2)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        # one connection's broken bytes are its own trouble: amqtt would let some errors through to the loop
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            await super().stream_connected(reader, writer, listener_name)
        except Exception as error:  # noqa: BLE001  # whatever a stranger's bytes provoke
            log.debug("mqtt connection failed", error=repr(error))
        finally:
            del self._connections[task]
            writer.close()

    async def _initialize_client_session(
        self, reader: Any, writer: Any, remote_address: str, remote_port: int
    ) -> tuple[Any, Any]:
        """The first packet of a connection, as amqtt reads it, but:

        every session is clean (amqtt mixes up old and new connections of a kept one); and a client that is
        silent for too long is dropped, so that its will is sent (amqtt would wait for ever).
        """
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                connect = await _first_packet(reader, writer)
                handler, session = await BrokerProtocolHandler.init_from_connect(
                    BufferReader(connect), writer, self.plugins_manager
                )
        except (AMQTTError, MQTTError, NoDataError, TimeoutError):
            await writer.close()
            raise
        session.clean_session = True
        session.parent = 0
        session.keep_alive = math.ceil(session.keep_alive * KEEPALIVE_GRACE)
        handler.handle_read_timeout = reader.feed_eof
        await self._take_over(session.client_id)
        return handler, session

    async def _take_over(self, client_id: str) -> None:
        """End an older connection of the same client first [MQTT-3.1.4-2]; amqtt would leave it open."""
        _, handler = self._sessions.get(client_id, (None, None))
        if handler is not None:
            await handler.handle_connection_closed()
            await self._stop_handler(handler)
        await self._delete_session(client_id)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Any
    ) -> None:
        # amqtt offers the retained messages of everybody's subscriptions to every new client; and while it
        # waits for that client, another one's subscription breaks its walk through them
        subscribers = self._subscriptions.get(subscription[0], [])
        if any(subscriber is session for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _stop_handler(self, handler: Any) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_DEADLINE_S / 2):
                await super()._stop_handler(handler)


async def _first_packet(reader: Any, writer: Any) -> bytes:
    """The whole CONNECT packet, when it is of MQTT 3.1.1; other versions are told so [MQTT-3.1.2-2].

    amqtt would read the properties of MQTT 5 as a client id, and wait for bytes that never come.
    """
    packet = bytearray(await reader.read(1))
    length = 0
    for shift in (0, 7, 14):
        packet += await reader.read(1)
        length |= (packet[-1] & 0x7F) << shift
        if packet[-1] < 0x80:
            break
    if packet[0] != _CONNECT or packet[-1] >= 0x80 or length > MAX_CONNECT_BYTES:
        raise MQTTError("first packet is no CONNECT, or too long")
    body = await reader.read(length)
    name_length = int.from_bytes(body[:2], "big")
    level = body[2 + name_length : 3 + name_length]
    if not level:
        raise MQTTError("first packet is too short")
    if level != _LEVEL_3_1_1:
        writer.write(_UNACCEPTABLE_VERSION)
        await writer.drain()
        raise MQTTError(f"protocol level {level.hex()} is not spoken here")
    return bytes(packet) + bytes(body)
