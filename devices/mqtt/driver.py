"""The link to the broker: telemetry in [1], commands and notices out [6]. The codec knows what they mean.

Loss of the link is normal: it comes back by itself, with back-off and jitter, logged once on loss and once on
return. A command is handed over when the broker has acknowledged it (PUBACK); while there is no link it is
Unreachable at once, and whoever sent it decides whether to try again. Nothing is queued here for later: a
limit that goes out minutes late is worse than one that does not.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import aiomqtt
import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice, LimitCommand
from devices.mqtt import client as mqtt_client
from devices.mqtt import codec
from devices.mqtt.inbox import Inbox
from devices.mqtt.settings import LinkSettings, Protocol
from devices.ports import Clock, Deliver

BURST = 200
"""So many messages are decoded before other tasks get a turn."""
GOODBYE_S = 0.5
STABLE_S = 10.0
"""A link that held this long was a good one: the next failure is a first one again."""

log = structlog.get_logger(__name__)


class MqttLink:
    """TelemetrySource, CommandChannel, NoticeChannel and LinkHealth over one connection."""

    def __init__(
        self,
        settings: LinkSettings,
        clock: Clock,
        rng: np.random.Generator,
        wire_clock: Clock | None = None,
    ) -> None:
        """`wire_clock` is for waits on the network, when `clock` does not run at real speed."""
        self.received = 0
        """messages that came in, good or refused"""
        self.sent = 0
        """commands and notices that the broker has acknowledged"""
        self.connections = 0
        """successful connections since the start"""
        self._settings = settings
        self._clock = clock
        self._wire_clock = wire_clock or clock
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._protocol: Protocol = settings.protocol
        self._client: aiomqtt.Client | None = None
        self._lost: asyncio.Future[None] | None = None
        self._inbox = Inbox(settings.queue_bound)
        self._dropped_before = 0
        self._told_of_loss = False
        self._up_since_s: float | None = None

    @property
    def connected(self) -> bool:
        """True while we are subscribed and the broker answers."""
        return self._client is not None

    @property
    def dropped(self) -> int:
        """Messages that were given up because the queue was full."""
        return self._dropped_before + self._inbox.dropped

    @property
    def reconnects(self) -> int:
        """How often the link came back."""
        return max(0, self.connections - 1)

    @property
    def queued(self) -> int:
        """Messages that wait to be decoded."""
        return self._inbox.qsize()

    # ---- in --------------------------------------------------------------------------------------------

    async def run(self, deliver: Deliver) -> None:
        """Deliver what comes in until cancelled; then say goodbye."""
        while True:
            try:
                await self._serve(deliver)
            except (aiomqtt.MqttError, OSError) as error:
                if self._fall_back(error):
                    continue
                self._tell_loss(error)
            await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def _serve(self, deliver: Deliver) -> None:
        self._dropped_before += self._inbox.dropped
        self._inbox = Inbox(self._settings.queue_bound)
        async with mqtt_client.new_client(self._settings, self._protocol, self._inbox) as client:
            for feeder in self._settings.feeders:
                await mqtt_client.subscribe(client, self._settings.topics.everything(feeder), self._protocol)
            await self._publish_status(client, self._clock.now())
            self._client, self._lost = client, asyncio.get_running_loop().create_future()
            self._tell_return()
            try:
                await self._drain(client, deliver)
            except asyncio.CancelledError:
                await self._say_goodbye(client)
                raise
            finally:
                self._lost.set_result(None)
                self._client = self._lost = None

    async def _drain(self, client: aiomqtt.Client, deliver: Deliver) -> None:
        async for message in client.messages:
            self._take(message, deliver)
            for _ in range(min(self._inbox.qsize(), BURST)):
                self._take(self._inbox.get_nowait(), deliver)

    def _take(self, message: aiomqtt.Message, deliver: Deliver) -> None:
        topic = message.topic.value
        if topic.endswith(("/request", "/notice")):
            return  # our own words come back: 3.1.1 cannot leave them out of a subscription
        self.received += 1
        content_type = getattr(message.properties, "ContentType", None)
        deliver(codec.decode(topic, message.payload, content_type, topics=self._settings.topics))

    # ---- out -------------------------------------------------------------------------------------------

    async def send(self, command: LimitCommand) -> None:
        """Hand a command to the broker; see `devices.ports.CommandChannel.send`."""
        payload = codec.encode_command(command)
        topic = _topic(self._settings.topics.request, command.feeder, command.device)
        await self._hand_over(topic, payload, command.start, command.end)

    async def notify(self, notice: CustomerNotice) -> None:
        """Hand a notice to the broker; see `devices.ports.NoticeChannel.notify`."""
        payload = codec.encode_notice(notice)
        topic = _topic(self._settings.topics.notice, notice.feeder, notice.customer)
        await self._hand_over(topic, payload, notice.start, notice.end)

    async def _hand_over(self, topic: str, payload: bytes, start: datetime, end: datetime) -> None:
        remaining_s = (end - self._clock.now()).total_seconds()
        if end <= start and remaining_s > 0:
            raise CommandRejected(f"{topic}: ends ({end}) before it starts ({start}) and is no release")
        if self._client is None or self._lost is None:
            raise Unreachable(f"{topic}: no link to the broker")
        # a release is over already, but must still arrive: it may wait as long as a session does
        expiry_s = remaining_s if remaining_s > 0 else self._settings.session_expiry_s
        properties = mqtt_client.message_properties(self._protocol, expiry_s)
        publishing = asyncio.ensure_future(
            self._client.publish(topic, payload, qos=1, properties=properties, timeout=math.inf)
        )
        try:
            await self._acknowledged(publishing, self._lost)
        except aiomqtt.MqttError as error:
            raise Unreachable(f"{topic}: {error}") from error
        self.sent += 1

    async def _acknowledged(self, publishing: asyncio.Future[None], lost: asyncio.Future[None]) -> None:
        deadline_s = self._settings.publish_deadline_s
        try:
            async with self._wire_clock.timeout(deadline_s):
                await asyncio.wait((publishing, lost), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise Unreachable(f"the broker has not acknowledged within {deadline_s} s") from None
        finally:
            finished = publishing.done()
            if not finished:
                publishing.cancel()
        if not finished:
            raise Unreachable("the link was lost before the broker acknowledged")
        publishing.result()

    async def _publish_status(self, client: aiomqtt.Client, online_at: datetime | None) -> None:
        topic = self._settings.topics.controller_status
        await client.publish(topic, mqtt_client.status_payload(online_at), qos=1, retain=True)

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        # a clean disconnect keeps the will back, so we say it ourselves
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with self._wire_clock.timeout(GOODBYE_S):
                await self._publish_status(client, None)

    # ---- loss and return -------------------------------------------------------------------------------

    def _fall_back(self, error: Exception) -> bool:
        if self._protocol != "5" or not mqtt_client.is_unsupported_protocol(error):
            return False
        self._protocol = "3.1.1"
        log.info("mqtt broker does not speak MQTT 5, going on with 3.1.1", host=self._settings.host)
        return True

    def _tell_loss(self, error: Exception) -> None:
        if self._up_since_s is not None and self._wire_clock.monotonic() - self._up_since_s >= STABLE_S:
            self._backoff.reset()
        self._up_since_s = None
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning(
                "mqtt link lost", host=self._settings.host, port=self._settings.port, error=str(error)
            )

    def _tell_return(self) -> None:
        self.connections += 1
        self._up_since_s = self._wire_clock.monotonic()
        if self._told_of_loss or self.connections == 1:
            self._told_of_loss = False
            log.info("mqtt link up", host=self._settings.host, port=self._settings.port)


def _topic(build: Callable[[str, str], str], feeder: str, name: str) -> str:
    try:
        return build(feeder, name)
    except ValueError as error:
        raise CommandRejected(str(error)) from None
