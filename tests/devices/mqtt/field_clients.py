"""Everybody who may come to a field's broker, each with a certificate: aiomqtt without our code."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiomqtt

from devices.mqtt.settings import Protocol
from tests.devices.live import WITHIN_S
from tests.devices.mqtt.certificates import Authority, Issued

VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}


def client_tls(authority: Path, issued: Issued | None = None) -> ssl.SSLContext:
    """Trusts this authority; shows this certificate."""
    context = ssl.create_default_context(cafile=str(authority))
    if issued is not None:
        context.load_cert_chain(issued.certificate, issued.key)
    return context


class Member:
    """One client: what it heard, as (topic, payload)."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: set[tuple[str, str]] = set()

    async def listen(self) -> None:
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            self.heard.add((message.topic.value, message.payload.decode()))

    async def wait_for(self, topic: str, payload: str) -> None:
        """Until it heard this, or for ever."""
        while (topic, payload) not in self.heard:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def member(
    port: int,
    authority: Path,
    issued: Issued | None,
    protocol: Protocol = "5",
    *filters: str,
    **options: object,
) -> AsyncIterator[Member]:
    """Connected and subscribed."""
    client = aiomqtt.Client(
        "127.0.0.1",
        port,
        protocol=VERSIONS[protocol],
        tls_context=client_tls(authority, issued),
        timeout=WITHIN_S,
        **options,  # type: ignore[arg-type]
    )
    async with client:
        one = Member(client)
        for topic in filters:
            await client.subscribe(topic, qos=1)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


def authority_of_a_field(folder: Path) -> Authority:
    """The files that a field's broker asks for, in this folder."""
    authority = Authority(folder, "field-ca")
    broker = authority.issue("broker", server=True)
    broker.certificate.rename(folder / "broker.pem")
    broker.key.rename(folder / "broker.key")
    return authority
