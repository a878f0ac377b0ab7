"""Tells of every change in the VTN by MQTT [6], for VENs behind NAT that no webhook reaches (OpenADR 3.1).

Each message is the document's `notification` object, QoS 1, never retained: a VEN that connects asks the
VTN how things are (`GET /events`), and what an old retained event says must not look new. A message that
the broker has not acknowledged is published again, so a VEN may get it twice; it never gets an older one
after a newer one of the same connection.

The queue has a bound. When it is full the oldest change is dropped and counted: its object has most likely
changed again, and VENs poll besides. Knows nothing of requests and limits.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import aiomqtt
import msgspec
import numpy as np
import structlog

from devices.backoff import Backoff
from devices.cancellation import go_on_unless_cancelled
from devices.errors import DeviceError, ProfileRejected
from devices.mqtt.watched_client import WatchedClient
from devices.openadr.changes import Change, Operation
from devices.openadr.notifier_audience import Audience
from devices.openadr.notifier_topics import NotifierTopics
from devices.openadr.ports import Body, BusinessLogic, ObjectKind
from devices.ports import Clock, Deliver

Protocol = Literal["3.1.1", "5"]
_VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}
STABLE_S = 10.0
"""A link that held this long was a good one: the next failure is a first one again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """The broker as we reach it, and as VENs are told of it."""

    host: str
    port: int
    uris: tuple[str, ...]
    """where VENs find the broker, for example `mqtts://broker.example:8883`"""
    authentication: dict[str, str] = field(default_factory=lambda: {"method": "ANONYMOUS"})
    """one of the document's mqttNotifierAuthentication objects, told to VENs"""
    topics: NotifierTopics = field(default_factory=NotifierTopics)
    protocol: Protocol = "5"
    client_id: str = "gridward-vtn"
    """with a few random characters behind it: nothing of ours is kept at the broker between two links"""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    keepalive_s: int = 20
    connect_deadline_s: float = 10.0
    publish_deadline_s: float = 10.0
    queue_bound: int = 10_000
    queue_bytes: int = 64 * 2**20
    """of all changes that wait"""
    max_message_bytes: int = 262_144
    """what is larger is not published, for a broker may cut the link for it: VENs ask the VTN besides"""
    attempts: int = 3
    """so many links in a row that end over the same message; then it is given up"""
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0

    def response(self) -> dict[str, Any]:
        """What `GET /notifiers` answers (`notifiersResponse`)."""
        binding = {"URIS": list(self.uris), "serialization": "JSON", "authentication": self.authentication}
        return {"WEBHOOK": True, "MQTT": binding}


_NEEDED = {
    "ANONYMOUS": (),
    "OAUTH2_BEARER_TOKEN": ("username",),
    "CERTIFICATE": ("caCert", "clientCert", "clientKey"),
}


def check_notifier_settings(settings: NotifierSettings) -> None:
    """ProfileRejected when VENs could not make anything of what they are told."""
    method = settings.authentication.get("method", "")
    if method not in _NEEDED:
        raise ProfileRejected(
            f"notifier: `authentication` has method {method!r}, expected one of {', '.join(_NEEDED)}"
        )
    missing = [name for name in _NEEDED[method] if name not in settings.authentication]
    if missing:
        raise ProfileRejected(f"notifier: `authentication` {method} lacks {', '.join(missing)}")
    if not settings.uris or any("://" not in uri for uri in settings.uris):
        raise ProfileRejected(f"notifier: `uris` are {settings.uris}, expected such as mqtts://HOST:8883")


class MqttNotifier:
    """`Repository.listen(notifier.changed)`, and `run()` in a TaskGroup."""

    def __init__(
        self, settings: NotifierSettings, vtn: BusinessLogic, wire_clock: Clock, rng: np.random.Generator
    ) -> None:
        """Raises ProfileRejected when the settings tell VENs nothing sensible."""
        check_notifier_settings(settings)
        self.published = 0
        """messages that the broker has acknowledged"""
        self.dropped = 0
        """changes that were given up because the queue was full"""
        self.too_large = 0
        """messages that were not published because of `max_message_bytes`"""
        self.given_up = 0
        """messages that the broker did not take in `attempts` links"""
        self._settings, self._vtn, self._clock = settings, vtn, wire_clock
        self._identifier = f"{settings.client_id}-{rng.bytes(4).hex()}"
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._audience = Audience()
        self._queue: deque[Change] = deque()
        self._next: Iterator[tuple[str, bytes]] | None = None
        """what is left of the change that is being published"""
        self._unacknowledged: tuple[str, bytes] | None = None
        self._attempts = 0
        """links over which it was published"""
        self._queued_bytes = 0
        self._news = asyncio.Event()
        self._connected = False
        self._told_of_loss = False

    @property
    def connected(self) -> bool:
        """True while the broker answers."""
        return self._connected

    @property
    def queued(self) -> int:
        """Changes that wait to be published."""
        return len(self._queue)

    def changed(self, change: Change) -> None:
        """Publish this change soon; never blocks or raises."""
        settings = self._settings
        while self._queue and (
            len(self._queue) >= settings.queue_bound
            or self._queued_bytes + change.size > settings.queue_bytes
        ):
            self._audience.learn(self._taken())  # what is not published is true all the same
            self.dropped += 1
        self._queue.append(change)
        self._queued_bytes += change.size
        self._news.set()

    def _taken(self) -> Change:
        change = self._queue.popleft()
        self._queued_bytes -= change.size
        return change

    async def run(self, deliver: Deliver | None = None) -> None:
        """Publish until cancelled; lost links come back by themselves. Delivers nothing."""
        await self._meet_the_vens()
        while True:
            since_s = self._clock.monotonic()
            try:
                await self._serve()
            except (aiomqtt.MqttError, OSError) as error:
                self._tell_loss(error)
            finally:
                self._connected = False
            if self._clock.monotonic() - since_s >= STABLE_S:
                self._backoff.reset()
            await self._clock.sleep(self._backoff.next_wait_s())

    async def _meet_the_vens(self) -> None:
        while True:
            try:
                self._audience.seed(await self._vtn.find("ven", {}), await self._vtn.find("resource", {}))
            except DeviceError as error:
                log.warning("notifier does not know the vens yet", error=str(error))
                await self._clock.sleep(self._backoff.next_wait_s())
            else:
                self._backoff.reset()
                return

    async def _serve(self) -> None:
        async with self._new_client() as client:
            self._connected = True
            self._tell_return()
            # a publish that waits for its acknowledgement does not notice that the link is gone
            await client.unless_lost(self._publish(client))

    async def _publish(self, client: WatchedClient) -> None:
        while True:
            self._news.clear()
            while (message := self._message()) is not None:
                topic, payload = message
                self._attempts += 1
                await client.publish(topic, payload, qos=1, timeout=self._settings.publish_deadline_s)
                self._done_with_it()
                self.published += 1
                go_on_unless_cancelled()
            await self._news.wait()

    def _done_with_it(self) -> None:
        self._unacknowledged, self._attempts = None, 0

    def _message(self) -> tuple[str, bytes] | None:
        """The next one to publish; it stays the next one until it is acknowledged, or given up."""
        if self._unacknowledged is not None and self._attempts >= self._settings.attempts:
            log.warning("broker does not take a notification", topic=self._unacknowledged[0])
            self.given_up += 1
            self._done_with_it()
        while self._unacknowledged is None:
            if self._next is None:
                if not self._queue:
                    return None
                self._next = self._messages(self._taken())
            self._unacknowledged = next(self._next, None)
            if self._unacknowledged is None:
                self._next = None
            elif len(self._unacknowledged[1]) > self._settings.max_message_bytes:
                self.too_large += 1
                self._unacknowledged = None
        return self._unacknowledged

    def _messages(self, change: Change) -> Iterator[tuple[str, bytes]]:
        """Made one after the other: a change for everybody may have thousands."""
        if change.operation != "DELETE":
            self._audience.learn(change)
        whole: bytes | None = None
        for addressed in self._settings.topics.addressed(change, self._audience.everybody):
            body, ven_id = addressed.body, addressed.ven_id
            shown = body if ven_id is None else self._audience.shown_to(ven_id, body)
            if shown is change.body and addressed.operation == change.operation:
                whole = whole or _payload(change.kind, change.operation, shown)
                yield addressed.topic, whole
            else:
                yield addressed.topic, _payload(change.kind, addressed.operation, shown)
        if change.operation == "DELETE":
            self._audience.learn(change)

    def _new_client(self) -> WatchedClient:
        settings = self._settings
        return WatchedClient(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=self._identifier,
            protocol=_VERSIONS[settings.protocol],
            tls_context=settings.tls,
            keepalive=settings.keepalive_s,
            connect_deadline_s=settings.connect_deadline_s,
        )

    def _tell_loss(self, error: Exception) -> None:
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning("notifier lost its broker", host=self._settings.host, error=str(error))

    def _tell_return(self) -> None:
        if self._told_of_loss:
            self._told_of_loss = False
            log.info("notifier has its broker back", host=self._settings.host)


def _payload(kind: ObjectKind, operation: Operation, body: Body) -> bytes:
    """The document's `notification` object."""
    return msgspec.json.encode({"objectType": kind.upper(), "operation": operation, "object": body})
