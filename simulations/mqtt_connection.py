"""One MQTT connection of the emulated field: comes back by itself, and can be cut like a broken line.

Speaks 3.1.1, which every broker does. Knows topics and bytes only; what they mean is `mqtt_field.py`'s
subject. Rule of the outbox: when it is full the oldest message makes room, as a meter overwrites its newest
value.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiomqtt
import numpy as np
import structlog
from paho.mqtt.client import MQTTMessage

from devices.backoff import Backoff
from devices.cancellation import go_on_unless_cancelled
from devices.mqtt.watched_client import WatchedClient
from devices.ports import Clock

OUTBOX_BOUND = 10_000
KEEPALIVE_S = 20
CONNECT_DEADLINE_S = 5.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and as whom we come."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None


class FieldConnection:
    """Publishes what is put into it, and calls `heard(topic, payload)` for what comes in."""

    def __init__(
        self,
        address: Address,
        wire_clock: Clock,
        rng: np.random.Generator,
        *,
        subscriptions: Sequence[str] = (),
        heard: Callable[[str, bytes], None] = lambda _topic, _payload: None,
        greeting: Callable[[], Sequence[Outgoing]] = tuple,
        will: Outgoing | None = None,
    ) -> None:
        """`greeting` is published first on each connection; `wire_clock` is real time."""
        self._address, self._wire_clock = address, wire_clock
        self._subscriptions, self._heard, self._greeting = tuple(subscriptions), heard, greeting
        self._will = None if will is None else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain)
        self._backoff = Backoff(rng, first_s=0.5, longest_s=5.0)
        self._outbox: deque[Outgoing] = deque(maxlen=OUTBOX_BOUND)
        self._something = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._client: WatchedClient | None = None
        self._up = asyncio.Event()
        self._told_lost = False
        self.published = 0

    async def wait_until_up(self) -> None:
        """Returns as soon as the connection stands and its subscriptions are made."""
        await self._up.wait()

    def put(self, message: Outgoing) -> None:
        """Publish soon; while the line is cut, nothing is kept for later."""
        if self._allowed.is_set():
            self._outbox.append(message)
            self._something.set()

    def cut(self) -> None:
        """Break the line without a word, so that the broker tells the will; stays down until `mend`."""
        self._allowed.clear()
        self._outbox.clear()
        line = None if self._client is None else self._client._client.socket()
        if isinstance(line, socket.socket):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """The line may come back."""
        self._allowed.set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            await self._allowed.wait()
            try:
                await self._serve()
            except (aiomqtt.MqttError, OSError) as error:
                if self._allowed.is_set() and not self._told_lost:
                    self._told_lost = True
                    log.warning("field_link_lost", client=self._address.client_id, reason=str(error))
            self._up.clear()
            if self._allowed.is_set():
                await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def _serve(self) -> None:
        async with self._new_client() as client:
            self._client = client
            try:
                await client.unless_lost(self._be_there(client))
                # a publish that waits for its acknowledgement does not notice that the line is gone
                await client.unless_lost(self._speak(client))
            finally:
                self._client = None

    async def _be_there(self, client: WatchedClient) -> None:
        if self._subscriptions:
            await client.subscribe([(topic, 1) for topic in self._subscriptions])
        for message in self._greeting():
            await self._publish(client, message)
        self._backoff.reset()
        self._up.set()
        if self._told_lost:
            self._told_lost = False
            log.info("field_link_back", client=self._address.client_id)

    async def _speak(self, client: WatchedClient) -> None:
        while True:
            while self._outbox:
                await self._publish(client, self._outbox.popleft())
            self._something.clear()
            await self._something.wait()

    async def _publish(self, client: WatchedClient, message: Outgoing) -> None:
        await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        self.published += 1
        go_on_unless_cancelled()

    def _new_client(self) -> WatchedClient:
        return WatchedClient(
            self._address.host,
            self._address.port,
            identifier=self._address.client_id,
            username=self._address.username,
            password=self._address.password,
            protocol=aiomqtt.ProtocolVersion.V311,
            will=self._will,
            keepalive=KEEPALIVE_S,
            connect_deadline_s=CONNECT_DEADLINE_S,
            heard=self._take,
        )

    def _take(self, topic: str, message: MQTTMessage) -> None:
        try:
            self._heard(topic, bytes(message.payload))
        except Exception:
            # a fault of the field's, which must not look like a lost line
            log.exception("field_message_failed", client=self._address.client_id, topic=topic)
