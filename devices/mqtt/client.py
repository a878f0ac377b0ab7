"""One aiomqtt client as we want it: sessions, will, TLS and message properties in both versions of MQTT.

Knows the two versions' differences so that `driver.py` need not. No I/O before the client is entered.
"""

import logging
import math
import socket
from datetime import datetime
from typing import Self, cast

import aiomqtt
import msgspec
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.mqtt.codec import MAX_BATCH_BYTES
from devices.mqtt.inbox import Inbox
from devices.mqtt.settings import LinkSettings, Protocol
from devices.wire import JSON

MAX_PACKET_BYTES = 2 * MAX_BATCH_BYTES
"""What is larger the broker does not even send us (MQTT 5); up to it the codec refuses and counts."""
MAX_EXPIRY_S = 0xFFFFFFFF
_UNSUPPORTED_PROTOCOL = (1, 0x84)
"""CONNACK codes of 3.1.1 and of 5."""
_FIRST_FAILURE = 0x80

# the client logs every pending publish and each reconnect; the link tells its own story, once
_quiet = logging.getLogger(f"{__name__}.paho")
_quiet.setLevel(logging.CRITICAL)


class _Client(aiomqtt.Client):
    """aiomqtt's client, but an attempt to connect that is given up leaves nothing behind.

    aiomqtt keeps the socket, and a broker that answers late would let a ghost take over our client id.
    """

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except BaseException:
            self._client.on_disconnect = None
            self._client.disconnect()
            raise


def new_client(settings: LinkSettings, protocol: Protocol, inbox: Inbox) -> aiomqtt.Client:
    """A client that fills `inbox`, keeps its session for `session_expiry_s`, and leaves "offline" as its
    will."""
    five = protocol == "5"
    return _Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password,
        identifier=settings.client_id,
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        clean_session=None if five else settings.session_expiry_s == 0,
        # 3.1.1 has no clean start, and paho takes nothing but its own default then
        clean_start=settings.session_expiry_s == 0 if five else MQTT_CLEAN_START_FIRST_ONLY,
        properties=_session_properties(settings) if five else None,
        will=aiomqtt.Will(settings.topics.controller_status, status_payload(None), qos=1, retain=True),
        tls_context=settings.tls,
        keepalive=settings.keepalive_s,
        timeout=settings.connect_deadline_s,
        # aiomqtt only calls this with the bound, and our inbox has its own rule for when it is full
        queue_type=cast("type[Inbox]", lambda maxsize: inbox),
        max_queued_incoming_messages=settings.queue_bound,
        # a command is one small packet: it does not wait for the acknowledgement of the one before (Nagle)
        socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        logger=_quiet,
    )


def status_payload(online_at: datetime | None) -> bytes:
    """What `ROOT/controller/status` says: online since, or (None, the will) offline."""
    return msgspec.json.encode({"online": online_at is not None, "at": online_at})


async def subscribe(client: aiomqtt.Client, topic: str, protocol: Protocol) -> None:
    """Subscribe with QoS 1; MqttError when the broker will not have it, which aiomqtt does not look at."""
    if protocol == "5":
        granted = await client.subscribe(topic, options=SubscribeOptions(qos=1, noLocal=True))
    else:
        granted = await client.subscribe(topic, qos=1)
    for code in granted:
        value = code if isinstance(code, int) else code.value
        if value >= _FIRST_FAILURE:
            raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic} ({code})")


def message_properties(protocol: Protocol, expires_in_s: float) -> Properties | None:
    """MQTT 5: what the payload is, and when the broker may forget it (a request is void after its end)."""
    if protocol != "5":
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = JSON
    properties.MessageExpiryInterval = min(MAX_EXPIRY_S, max(1, math.ceil(expires_in_s)))
    return properties


def is_unsupported_protocol(error: Exception) -> bool:
    """Did the broker turn us away because it does not speak this version?"""
    if not isinstance(error, aiomqtt.MqttCodeError):
        return False
    return (
        error.rc if isinstance(error.rc, int) else getattr(error.rc, "value", None)
    ) in _UNSUPPORTED_PROTOCOL


def _session_properties(settings: LinkSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    return properties
