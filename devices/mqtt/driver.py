"""The link to the broker: telemetry in [1], commands and notices out [6]. The codec knows what they mean.

Loss of the link is normal: it comes back by itself, with back-off and jitter, logged once on loss and once on
return. A command is handed over when the broker has acknowledged it (PUBACK); while there is no link it is
Unreachable at once, and whoever sent it decides whether to try again. Nothing is queued here for later: a
limit that goes out minutes late is worse than one that does not.

What comes in is decoded and delivered at once, message by message, with other tasks in between: there is no
queue here, so none can be full. Whoever takes the messages bounds them; a daemon that is too slow leaves them
in the connection, and then with the broker.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

import aiomqtt
import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice, Failsafe, Heartbeat, LimitCommand
from devices.mqtt import client as mqtt_client
from devices.mqtt import codec
from devices.mqtt.client import LinkClient
from devices.mqtt.settings import LinkSettings, Protocol
from devices.ports import Clock, Deliver

GOODBYE_S = 0.5
MALFORMED_IN_A_ROW = 2
STABLE_S = 10.0
"""A link that held this long was a good one: the next failure is a first one again."""
SHORT_IN_A_ROW = 3
"""So many links that did not hold for long: it may be that two controllers end each other's."""

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
        self.failed = 0
        """messages that could not be delivered by a fault of ours"""
        self.sent = 0
        """commands and notices that the broker has acknowledged"""
        self.unheard = 0
        """commands and notices that nobody was subscribed to (MQTT 5 tells)"""
        self.connections = 0
        """successful connections since the start"""
        self._settings = settings
        self._clock = clock
        self._wire_clock = wire_clock or clock
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._protocol: Protocol = settings.protocol
        self._client: LinkClient | None = None
        self._malformed = 0
        """losses in a row by packets of MQTT 5 that the client cannot read"""
        self._told_of_loss = False
        self._short = 0
        """links in a row that ended soon after they were up"""
        self._asked = False
        """whether the log has asked for another controller since a link held"""
        self._up_since_s: float | None = None

    @property
    def connected(self) -> bool:
        """True while we are subscribed and the broker answers."""
        return self._client is not None

    @property
    def reconnects(self) -> int:
        """How often the link came back."""
        return max(0, self.connections - 1)

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
        async with LinkClient(self._settings, self._protocol, partial(self._take, deliver)) as client:
            try:
                await client.unless_lost(client.subscribe_all(self._settings.filters))
                await client.unless_lost(self._publish_status(client, self._clock.now()))
                self._client = client
                self._tell_return()
                await client.until_lost()
            except asyncio.CancelledError:
                # also when only the word that we are there has gone out: it is retained
                await self._say_goodbye(client)
                raise
            finally:
                self._client = None

    def _take(self, deliver: Deliver, topic: str, payload: bytes, content_type: str | None) -> None:
        self.received += 1
        try:
            deliver(codec.decode(topic, payload, content_type, topics=self._settings.topics))
        except Exception:
            # a message that breaks a promise of ours must not end the link: the broker would send it again
            self.failed += 1
            if _is_told(self.failed):
                log.exception("mqtt message failed", topic=topic, count=self.failed)

    # ---- out -------------------------------------------------------------------------------------------

    async def send(self, command: LimitCommand) -> None:
        """Hand a command to the broker; see `devices.ports.CommandChannel.send`.

        A broker that speaks MQTT 5 tells when no device listens: then it is Unreachable, as nobody keeps it.
        """
        payload = codec.encode_command(command)
        topic = _topic(self._settings.topics.request, command.feeder, command.device)
        if not await self._request(topic, payload, command.start, command.end):
            raise Unreachable(f"{topic}: no device listens there")

    async def notify(self, notice: CustomerNotice) -> None:
        """Hand a notice to the broker; see `devices.ports.NoticeChannel.notify`.

        That no app listens is no fault: a person reads it on other ways as well.
        """
        payload = codec.encode_notice(notice)
        topic = _topic(self._settings.topics.notice, notice.feeder, notice.customer)
        await self._request(topic, payload, notice.start, notice.end)

    async def arm(self, failsafe: Failsafe) -> None:
        """Leave it with the broker; see `devices.ports.FailsafeChannel.arm`."""
        payload = codec.encode_failsafe(failsafe)
        topic = _topic(self._settings.topics.failsafe, failsafe.feeder, failsafe.device)
        self._refuse_if_failed(topic, await self._hand_over(topic, payload, None, retain=True))

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Tell whoever listens now; see `devices.ports.HeartbeatChannel.beat`."""
        topic = self._settings.topics.heartbeat
        if self._client is None:
            raise Unreachable(f"{topic}: no link to the broker")
        try:
            await self._client.publish(topic, codec.encode_heartbeat(heartbeat), qos=0)
        except aiomqtt.MqttError as error:
            raise Unreachable(f"{topic}: {error}") from error

    async def _request(self, topic: str, payload: bytes, start: datetime, end: datetime) -> bool:
        """Hand over what is void after its end: whether somebody listens, as far as the broker tells."""
        remaining_s = (end - self._clock.now()).total_seconds()
        if end <= start and remaining_s > 0:
            raise CommandRejected(f"{topic}: ends ({end}) before it starts ({start}) and is no release")
        # a release is over already, but must still arrive: it may wait as long as a session does
        expiry_s = remaining_s if remaining_s > 0 else self._settings.session_expiry_s
        return self._is_heard(topic, await self._hand_over(topic, payload, expiry_s))

    async def _hand_over(
        self, topic: str, payload: bytes, expiry_s: float | None, *, retain: bool = False
    ) -> int:
        if self._client is None:
            raise Unreachable(f"{topic}: no link to the broker")
        deadline_s = self._settings.publish_deadline_s
        try:
            async with self._wire_clock.timeout(deadline_s):
                return await self._client.hand_over(topic, payload, expires_in_s=expiry_s, retain=retain)
        except TimeoutError:
            raise Unreachable(f"{topic}: the broker has not acknowledged within {deadline_s} s") from None
        except aiomqtt.MqttError as error:
            raise Unreachable(f"{topic}: {error}") from error

    def _is_heard(self, topic: str, reason: int) -> bool:
        self._refuse_if_failed(topic, reason)
        heard = reason != mqtt_client.NO_MATCHING_SUBSCRIBERS
        self.sent += 1
        self.unheard += not heard
        if not heard and _is_told(self.unheard):
            log.warning("mqtt nobody listens", topic=topic, count=self.unheard)
        return heard

    def _refuse_if_failed(self, topic: str, reason: int) -> None:
        if reason >= mqtt_client.FIRST_FAILURE:
            refused = f"{topic}: the broker refuses it: {mqtt_client.reason_text(reason)}"
            raise (CommandRejected if reason in mqtt_client.NEVER_AGAIN else Unreachable)(refused)

    async def _publish_status(self, client: LinkClient, online_at: datetime | None) -> None:
        if self._settings.reads == "readings":
            return
        topic = self._settings.topics.controller_status
        await client.publish(topic, mqtt_client.status_payload(online_at), qos=1, retain=True)

    async def _say_goodbye(self, client: LinkClient) -> None:
        # a clean disconnect keeps the will back, so we say it ourselves
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with self._wire_clock.timeout(GOODBYE_S):
                await self._publish_status(client, None)

    # ---- loss and return -------------------------------------------------------------------------------

    def _fall_back(self, error: Exception) -> bool:
        if self._protocol != "5":
            return False
        if mqtt_client.is_unsupported_protocol(error):
            why = "mqtt broker does not speak MQTT 5, going on with 3.1.1"
        elif self._is_malformed_again(error):
            # such a message comes again with each connection; 3.1.1 has no properties to be malformed
            why = "mqtt broker sends what no MQTT 5 client can read, going on with 3.1.1"
        else:
            return False
        self._protocol = "3.1.1"
        log.info(why, host=self._settings.host)
        return True

    def _is_malformed_again(self, error: Exception) -> bool:
        held = self._has_held()
        if not mqtt_client.is_malformed_packet(error):
            self._malformed = 0
            return False
        self._malformed = 1 if held else self._malformed + 1
        return self._malformed >= MALFORMED_IN_A_ROW

    def _has_held(self) -> bool:
        """Whether the link that was lost now had been up for long."""
        up_since_s = self._up_since_s
        return up_since_s is not None and self._wire_clock.monotonic() - up_since_s >= STABLE_S

    def _ask_for_another(self, error: Exception, *, was_up: bool, held: bool) -> None:
        """A broker ends the link of whoever had a client id before, and few say that this was why."""
        if not was_up:
            return
        self._short = 0 if held else self._short + 1
        self._asked = self._asked and not held
        if not self._asked and (self._short >= SHORT_IN_A_ROW or mqtt_client.is_taken_over(error)):
            self._asked = True
            client_id = self._settings.client_id
            log.warning(
                f"is another controller using client_id {client_id!r}? each needs one of its own on a broker",
                host=self._settings.host,
                port=self._settings.port,
                losses=self._short,
            )

    def _tell_loss(self, error: Exception) -> None:
        was_up, held = self._up_since_s is not None, self._has_held()
        self._up_since_s = None
        if held:
            self._backoff.reset()
        self._ask_for_another(error, was_up=was_up, held=held)
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning(
                "mqtt link lost",
                host=self._settings.host,
                port=self._settings.port,
                error=str(error.__cause__ or error),
            )

    def _tell_return(self) -> None:
        self.connections += 1
        self._up_since_s = self._wire_clock.monotonic()
        if self._told_of_loss or self.connections == 1:
            self._told_of_loss = False
            log.info("mqtt link up", host=self._settings.host, port=self._settings.port)


def _is_told(count: int) -> bool:
    """The first, the tenth, the hundredth: a log says that it goes on, and is not flooded."""
    return str(count).rstrip("0") == "1"


def _topic(build: Callable[[str, str], str], feeder: str, name: str) -> str:
    try:
        return build(feeder, name)
    except ValueError as error:
        raise CommandRejected(str(error)) from None
