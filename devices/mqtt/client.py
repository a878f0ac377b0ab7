"""The link's client: sessions, will, TLS and message properties in both versions of MQTT.

Messages and acknowledgements we take from paho, the client below aiomqtt, by paho's own public callbacks:
aiomqtt does not pass the reason of an acknowledgement on, and puts each message through a queue whose rule
for when it is full is not ours.

Knows the two versions' differences so that `driver.py` need not. No I/O before the client is entered.
"""

import asyncio
import math
import socket
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import aiomqtt
import msgspec
import paho.mqtt.client as paho
from paho.mqtt import properties as paho_properties
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.mqtt.codec import MAX_BATCH_BYTES
from devices.mqtt.settings import LinkSettings, Protocol
from devices.mqtt.watched_client import WatchedClient
from devices.wire import JSON

MAX_PACKET_BYTES = 2 * MAX_BATCH_BYTES
"""What is larger the broker does not even send us (MQTT 5); up to it the codec refuses and counts."""
MAX_EXPIRY_S = 0xFFFFFFFF
FILTERS_A_PACKET = 200
"""So many subscriptions are asked for at once: a site may have thousands of feeders."""
IN_FLIGHT = 19
"""So many of our messages wait for the broker's acknowledgement at a time; paho sends 20, the twentieth is
our own status. Of more paho would keep some back and send them when it can, however late that is."""
SUCCESS, NO_MATCHING_SUBSCRIBERS = 0x00, 0x10
FIRST_FAILURE = 0x80
"""Reason codes from here on are failures, in both versions of MQTT."""
NEVER_AGAIN = frozenset({0x87, 0x90, 0x99})
"""Not authorised, topic name invalid, payload format invalid: the same again would end the same."""
_UNSUPPORTED_PROTOCOL = (1, 0x84)
"""CONNACK codes of 3.1.1 and of 5."""
_MALFORMED_PACKET = 0x82
_TAKEN_OVER = 0x8E

Take = Callable[[str, bytes, str | None], None]
"""Takes one message: topic, payload, content type (MQTT 5). Never raises."""


def _read_text(buffer: bytes, most: int) -> tuple[str, int]:
    """A text in the properties of MQTT 5, and the bytes it takes, whatever characters are in it.

    paho's own reader ends the connection at a character that it does not like, U+FEFF above all, which
    brokers pass on and a sender may use [MQTT-1.5.4-3]. The message would come again with each connection:
    one meter could cut us off for good.
    """
    if most < 2:
        raise MalformedPacket("no room for the length of a text")
    length = int.from_bytes(buffer[:2], "big")
    if length > most - 2:
        raise MalformedPacket("a text is longer than its packet")
    return bytes(buffer[2 : 2 + length]).decode("utf-8", "replace"), length + 2


paho_properties.readUTF = _read_text


class LinkClient(WatchedClient):
    """Hands every message to `take` at once, on the loop's thread; keeps its session for `session_expiry_s`.

    The controller's own link leaves "offline" as its will; one that only reads has none.
    """

    def __init__(self, settings: LinkSettings, protocol: Protocol, take: Take) -> None:
        five = protocol == "5"
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else settings.kept_s == 0,
            # 3.1.1 has no clean start, and paho takes nothing but its own default then
            clean_start=settings.kept_s == 0 if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=_session_properties(settings) if five else None,
            will=_will(settings),
            tls_context=settings.tls,
            keepalive=settings.keepalive_s,
            connect_deadline_s=settings.connect_deadline_s,
            heard=self._pass_on,
            # a command is one small packet: it does not wait until the one before is acknowledged (Nagle)
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        self._protocol, self._take = protocol, take
        self._unacknowledged: dict[int, asyncio.Future[int]] = {}
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._told_aiomqtt = self._client.on_publish
        self._client.on_publish = self._was_acknowledged

    def _was_lost(self, losing: asyncio.Task[None]) -> None:
        super()._was_lost(losing)
        waiting, self._unacknowledged = self._unacknowledged, {}
        for acknowledged in waiting.values():
            self._slots.release()
            if not acknowledged.done():
                acknowledged.set_exception(_lost())
                acknowledged.exception()

    async def subscribe_all(self, filters: Iterable[str]) -> None:
        """Subscribe with QoS 1; MqttError when the broker will not have one of them."""
        wanted = list(filters)
        for first in range(0, len(wanted), FILTERS_A_PACKET):
            asked = wanted[first : first + FILTERS_A_PACKET]
            if self._protocol == "5":
                granted = await self.subscribe([(topic, _options(topic)) for topic in asked])
            else:
                granted = await self.subscribe([(topic, 1) for topic in asked])
            for topic, code in zip(asked, granted, strict=True):
                if _value(code) >= FIRST_FAILURE:
                    raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic} ({code})")

    async def hand_over(
        self, topic: str, payload: bytes, *, expires_in_s: float | None = None, retain: bool = False
    ) -> int:
        """Publish with QoS 1; the reason code of the broker's acknowledgement.

        Waits its turn when `IN_FLIGHT` messages are without an acknowledgement: whoever gives up before has
        sent nothing. MQTT 3.1.1 acknowledges without a reason: always success there. MqttError without a
        link, and as soon as it is lost.
        """
        await self._slots.acquire()
        try:
            acknowledged = self._publish(topic, payload, expires_in_s, retain)
        except BaseException:
            self._slots.release()
            raise
        # given up here it keeps its slot: the broker still has it, and may still acknowledge
        return await acknowledged

    def _publish(
        self, topic: str, payload: bytes, expires_in_s: float | None, retain: bool
    ) -> asyncio.Future[int]:
        if self._losing is None or self._losing.done():
            raise _lost()
        properties = _message_properties(_whole(expires_in_s)) if self._protocol == "5" else None
        published = self._client.publish(topic, payload, 1, retain, properties)
        if published.rc != paho.MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(published.rc, "could not publish")
        acknowledged = self._unacknowledged[published.mid] = asyncio.get_running_loop().create_future()
        return acknowledged

    def _was_acknowledged(
        self, client: paho.Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties
    ) -> None:
        acknowledged = self._unacknowledged.pop(mid, None)
        if acknowledged is None:
            assert self._told_aiomqtt is not None
            self._told_aiomqtt(client, userdata, mid, reason, properties)  # type: ignore[call-arg]
            return
        self._slots.release()
        if not acknowledged.done():
            acknowledged.set_result(reason.value)

    def _pass_on(self, topic: str, message: paho.MQTTMessage) -> None:
        content_type: str | None = getattr(message.properties, "ContentType", None)
        self._take(topic, bytes(message.payload), content_type)


def status_payload(online_at: datetime | None) -> bytes:
    """What `ROOT/controller/status` says: online since, or (None, the will) offline."""
    return msgspec.json.encode({"online": online_at is not None, "at": online_at})


def is_unsupported_protocol(error: Exception) -> bool:
    """Did the broker turn us away because it does not speak this version?"""
    return isinstance(error, aiomqtt.MqttCodeError) and _value(error.rc) in _UNSUPPORTED_PROTOCOL


def is_malformed_packet(error: Exception) -> bool:
    """Was the link lost because the client could not read what the broker sent?"""
    return any(
        isinstance(one, aiomqtt.MqttCodeError) and _value(one.rc) == _MALFORMED_PACKET
        for one in (error, error.__cause__)
    )


def is_taken_over(error: Exception) -> bool:
    """Did the broker end the link because another client came with our client id? MQTT 5 tells, and not all
    brokers do.
    """
    return any(
        isinstance(one, aiomqtt.MqttCodeError) and _value(one.rc) == _TAKEN_OVER
        for one in (error, error.__cause__)
    )


def reason_text(code: int) -> str:
    """The standard's name of an acknowledgement's reason code."""
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=code))
    except KeyError:
        return f"reason code {code:#04x}"


def _lost() -> aiomqtt.MqttError:
    return aiomqtt.MqttError("the link was lost before the broker acknowledged")


def _value(code: object) -> int:
    """-1 when there is none."""
    if isinstance(code, ReasonCode):
        return code.value
    return code if isinstance(code, int) else -1


def _will(settings: LinkSettings) -> aiomqtt.Will | None:
    if settings.reads == "readings":
        return None
    return aiomqtt.Will(settings.topics.controller_status, status_payload(None), qos=1, retain=True)


def _options(topic: str) -> SubscribeOptions:
    # a shared subscription with "no local" is a protocol error [MQTT-3.8.3-4]
    return SubscribeOptions(qos=1, noLocal=not topic.startswith("$share/"))


def _whole(expires_in_s: float | None) -> int | None:
    return None if expires_in_s is None else min(MAX_EXPIRY_S, max(1, math.ceil(expires_in_s)))


@lru_cache(maxsize=64)
def _message_properties(expires_in_s: int | None) -> Properties:
    """What the payload is, and when the broker may forget it (a request is void after its end).

    Kept, as they are slow to make and thousands of commands of one moment end together.
    """
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = JSON
    if expires_in_s is not None:
        properties.MessageExpiryInterval = expires_in_s
    return properties


def _session_properties(settings: LinkSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.kept_s
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    return properties
